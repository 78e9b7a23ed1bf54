# SPDX-License-Identifier: GPL-3.0-or-later
"""Files read ahead of their use: many small ones at once, a large one in a row, chunks hashed beside; in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent import futures
from concurrent.futures import Future
from dataclasses import dataclass

from cloud_render.store.crew import Crew
from cloud_render.store.source import CHUNK_BYTES, Chunk, Reading, Segment, SourceFile, State

LOOK_S = 0.05
"""How often the cancel question is asked while nothing else happens; far below the second that is promised."""

_AHEAD_BYTES = 3 * CHUNK_BYTES
_AHEAD_FILES = 64


@dataclass(frozen=True)
class Piece:
    """What was read of one file in one go."""

    file: int
    """Its number."""
    chunks: list[Chunk]
    digest: bytes
    """SHA-256 of the whole file, with its last piece; empty before."""


@dataclass(frozen=True)
class _Ready:
    chunks: list[Chunk]
    digest: bytes


@dataclass(frozen=True)
class _Ahead:
    file: int
    size: int
    ready: Future[_Ready]


class ReadAhead:
    """Reads what was added, at most some megabytes ahead. A context manager: leaving it forgets what was not read."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[int, Reading, int]] = deque()
        self._ahead: deque[_Ahead] = deque()
        self._bytes_ahead = 0
        # A large file is read in one thread and hashed as a whole in another, in order, while two hash its chunks.
        # Small ones wait for the disk or the file server together.
        self._row = Crew(1, "read")
        self._whole = Crew(1, "hash")
        self._readers = Crew(4, "read")
        self._hashers = Crew(2, "hash")

    def __enter__(self) -> ReadAhead:
        return self

    def __exit__(self, *_: object) -> None:
        for pool in (self._row, self._whole, self._readers, self._hashers):
            pool.dismiss()

    def add(self, number: int, source: SourceFile, state: State) -> None:
        self._waiting.append((number, Reading(source.path, state), state.size))

    def start(self) -> None:
        """Let reading begin, though no one takes anything yet."""
        self._fill()

    def batches(self, look: Callable[[], None]) -> Iterator[list[Piece]]:
        """The pieces in order, all that are ready together. Calls `look` while waiting; it may raise.

        Raises FileChanged, MissingFiles or BadArguments.
        """
        self._fill()
        while self._ahead:
            futures.wait([self._ahead[0].ready], LOOK_S)
            look()
            batch = []
            while self._ahead and self._ahead[0].ready.done():
                batch.append(self._taken(self._ahead.popleft()))
            if batch:
                yield batch
            self._fill()

    def _taken(self, ahead: _Ahead) -> Piece:
        self._bytes_ahead -= ahead.size
        ready = ahead.ready.result()
        return Piece(ahead.file, ready.chunks, ready.digest)

    def _fill(self) -> None:
        while self._waiting and self._bytes_ahead < _AHEAD_BYTES and len(self._ahead) < _AHEAD_FILES:
            number, reading, size = self._waiting[0]
            self._submit(number, reading, min(size, CHUNK_BYTES))
            if size > CHUNK_BYTES:
                self._waiting[0] = (number, reading, size - CHUNK_BYTES)
            else:
                self._waiting.popleft()

    def _submit(self, number: int, reading: Reading, size: int) -> None:
        if reading.segments == 1:
            ready = self._readers.submit(_read_alone, reading)
        else:
            segment = self._row.submit(reading.next)
            ready = self._hashers.submit(_hashed, segment, self._whole.submit(_digest, reading, segment))
        self._ahead.append(_Ahead(number, size, ready))
        self._bytes_ahead += size


def _read_alone(reading: Reading) -> _Ready:
    segment = reading.next()
    digest = reading.digest_with(segment)
    if len(segment.lengths) == 1:  # the file is one chunk: no need to hash it twice
        return _Ready([Chunk(digest, segment.content)], digest)
    return _Ready(segment.chunks(), digest)


def _digest(reading: Reading, segment: Future[Segment]) -> bytes:
    return reading.digest_with(segment.result())


def _hashed(segment: Future[Segment], digest: Future[bytes]) -> _Ready:
    """Waits for its segment, and for the hash of the whole file, which goes on beside.

    Callbacks instead of waiting would hold the content in a cycle of references until the collector finds it.
    """
    return _Ready(segment.result().chunks(), digest.result())
