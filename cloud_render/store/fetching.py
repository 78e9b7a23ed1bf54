# SPDX-License-Identifier: GPL-3.0-or-later
"""Many files out of packs: what lies near together is asked for together, and each file lands in one step, verified."""

from __future__ import annotations

import contextlib
import hashlib
import queue
import secrets
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cloud_render.contract import keys
from cloud_render.contract.contents import StoredFile
from cloud_render.contract.errors import Cancelled, NotThere, StorageUnavailable
from cloud_render.store.landing import of_os_error
from cloud_render.store.progress import Progress
from cloud_render.store.ranges import PART_BYTES, Reader
from cloud_render.store.reading import LOOK_S

_READ_BYTES = PART_BYTES
_READERS = 8
"""Each holds a part in memory."""

_GAP_BYTES = 1024 * 1024
"""Bytes nobody needs that are read all the same, because another request would cost more: 30 ms at 300 Mbit/s."""


@dataclass(frozen=True)
class _Piece:
    """A part of a pack that belongs into a file."""

    file: _Landing
    position: int
    """In the file."""
    offset: int
    """In the pack."""
    length: int


@dataclass(frozen=True)
class _Read:
    """One request: a range of a pack, and the pieces in it."""

    pack: str
    offset: int
    length: int
    pieces: tuple[_Piece, ...]


class _Landing:
    """A file being put together beside its target."""

    def __init__(self, file: StoredFile, target: Path) -> None:
        self.file = file
        self.target = target
        # A short name of its own: the target's may already be as long as the file system allows.
        self.temporary = target.parent / f".{secrets.token_hex(8)}.part"
        self._missing = file.size
        self._lock = threading.Lock()

    def take(self, position: int, content: memoryview) -> None:
        """Raises StorageUnavailable for wrong content, DiskFull or BadArguments."""
        try:
            if len(content) == self.file.size:  # all of it: verified before it touches the disk
                self._verify(hashlib.sha256(content).hexdigest())
                self.temporary.write_bytes(content)
                self.temporary.replace(self.target)
                return
            with self._lock:
                if not self.temporary.exists():
                    self.temporary.touch()
            with self.temporary.open("rb+", buffering=0) as file:
                file.seek(position)
                _write(file, content)
            if self._is_last(len(content)):
                with self.temporary.open("rb") as file:
                    self._verify(hashlib.file_digest(file, "sha256").hexdigest())
                self.temporary.replace(self.target)
        except OSError as error:
            raise of_os_error(self.target, error) from error

    def _is_last(self, size: int) -> bool:
        with self._lock:
            self._missing -= size
            return not self._missing

    def _verify(self, sha256: str) -> None:
        if sha256 != self.file.sha256:
            raise StorageUnavailable(f"{self.file.path} arrived damaged.", "Try again; nothing of it was kept.")


class Fetching:
    """Brings `files` to the targets they are listed under; once."""

    def __init__(
        self,
        s3: Any,
        bucket: str,
        files: Mapping[Path, StoredFile],
        progress: Progress,
        cancelled: Callable[[], bool],
        stall_s: float,
    ) -> None:
        self._reader = Reader(s3, bucket, stall_s=stall_s)
        self._landings = [_Landing(file, target) for target, file in files.items()]
        self._progress = progress
        self._cancelled = cancelled
        self._reads: queue.SimpleQueue[_Read] = queue.SimpleQueue()
        self._ended: queue.SimpleQueue[int | BaseException] = queue.SimpleQueue()
        self._stopped = threading.Event()

    def run(self) -> None:
        self._progress.total(sum(landing.file.size for landing in self._landings))
        try:
            self._make_folders()
            self._read_all()
        finally:
            self._stopped.set()
            self._clean_up()

    def _make_folders(self) -> None:
        for landing in self._landings:
            try:
                landing.target.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise of_os_error(landing.target, error) from error
            if not landing.file.size:
                landing.take(0, memoryview(b""))

    def _read_all(self) -> None:
        reads = list(plan(self._landings))
        for read in reads:
            self._reads.put(read)
        readers = [threading.Thread(target=self._work, daemon=True, name="fetch") for _ in reads[:_READERS]]
        for reader in readers:
            reader.start()
        left = len(reads)
        while left:
            with contextlib.suppress(queue.Empty):
                ended = self._ended.get(timeout=LOOK_S)
                if isinstance(ended, BaseException):
                    raise ended
                self._progress.sent(ended)
                left -= 1
            if self._cancelled():
                raise Cancelled("The download")

    def _work(self) -> None:
        with contextlib.suppress(queue.Empty):
            while not self._stopped.is_set():
                read = self._reads.get_nowait()
                try:
                    self._ended.put(self._bring(read))
                except BaseException as error:  # noqa: BLE001 - handed on: raised in the thread that waits
                    self._ended.put(error)

    def _bring(self, read: _Read) -> int:
        try:
            content = self._reader.part(keys.pack(read.pack), read.offset, read.length)
        except NotThere as error:
            path = read.pieces[0].file.file.path
            raise NotThere(f"The content of {path} is no longer in the bucket.", "Submit the scene again.") from error
        for piece in read.pieces:
            if self._stopped.is_set():
                break
            start = piece.offset - read.offset
            piece.file.take(piece.position, content[start : start + piece.length])
        return sum(piece.length for piece in read.pieces)

    def _clean_up(self) -> None:
        for landing in self._landings:
            with contextlib.suppress(OSError):  # the first error matters more than a left-over
                landing.temporary.unlink(missing_ok=True)


def plan(landings: list[_Landing]) -> Iterator[_Read]:
    """The requests: pieces of one pack are read together, where what lies between them costs less than asking again."""
    pieces: dict[str, list[_Piece]] = defaultdict(list)
    for landing in landings:
        position = 0
        for run in landing.file.runs:
            for start in range(0, run.length, _READ_BYTES):
                length = min(_READ_BYTES, run.length - start)
                pieces[run.pack].append(_Piece(landing, position, run.offset + start, length))
                position += length
    for pack, its in pieces.items():
        yield from _together(pack, sorted(its, key=lambda piece: (piece.offset, piece.length)))


def _together(pack: str, pieces: list[_Piece]) -> Iterator[_Read]:
    batch: list[_Piece] = []
    start = end = 0
    for piece in pieces:
        new_end = max(end, piece.offset + piece.length)
        if batch and (piece.offset - end > _GAP_BYTES or new_end - start > _READ_BYTES):
            yield _Read(pack, start, end - start, tuple(batch))
            batch = []
        if not batch:
            start, new_end = piece.offset, piece.offset + piece.length
        batch.append(piece)
        end = new_end
    if batch:
        yield _Read(pack, start, end - start, tuple(batch))


def _write(file: Any, content: memoryview) -> None:
    while content:
        content = content[file.write(content) :]
