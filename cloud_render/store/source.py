# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of this computer: read once, cut, hashed, and caught when they change meanwhile."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from cloud_render.contract.errors import BadArguments, FileChanged, MissingFiles
from cloud_render.store import cutting

CHUNK_BYTES = cutting.FIXED_BYTES
"""Largest chunk; larger files are read in segments of this size."""

_READ_BYTES = 1024 * 1024
"""Read at once: 8 KiB reads cost as much as the hashing."""


@dataclass(frozen=True)
class SourceFile:
    """A file on this computer, and where it will lie below the job's root."""

    path: Path
    scene_path: str


@dataclass(frozen=True)
class Chunk:
    """A piece of a file."""

    digest: bytes
    """SHA-256."""
    content: memoryview


@dataclass(frozen=True)
class State:
    """What shows that a file is still the same; the time alone would miss a rewrite within one tick of the clock."""

    size: int
    modified_ns: int
    inode: int

    @classmethod
    def of(cls, status: os.stat_result) -> State:
        return cls(status.st_size, status.st_mtime_ns, status.st_ino)


@dataclass(frozen=True)
class Segment:
    """Consecutive content of one file, and the lengths of the chunks it is cut into."""

    content: memoryview
    lengths: tuple[int, ...]
    fresh: memoryview
    """The part of the content that no segment before held: what is left behind the last chunk comes again."""
    last: bool

    def chunks(self) -> list[Chunk]:
        chunks, start = [], 0
        for length in self.lengths:
            part = self.content[start : start + length]
            chunks.append(Chunk(hashlib.sha256(part).digest(), part))
            start += length
        return chunks


class Reading:
    """One pass over a file, segment by segment; `state` is how it was found.

    `next` is called `segments` times and raises FileChanged when the file is not what it was, with the last one at
    the latest. `digest_with` is called for each in the same order, from another thread if that suits.
    """

    def __init__(self, path: Path, state: State) -> None:
        self.path = path
        self._before = state
        self._cutter = cutting.Cutter() if cutting.by_content(path, state.size) else None
        self._left = state.size
        self.segments = max(1, -(-state.size // CHUNK_BYTES))
        self._whole = hashlib.sha256()
        self._rest: bytes | memoryview = b""
        self._file: BinaryIO | None = None

    def next(self) -> Segment:
        try:
            if self._file is None:
                self._file = self.path.open("rb", buffering=0)
                self._check(os.fstat(self._file.fileno()))
            segment = self._segment(self._file)
            if segment.last:
                self._check(os.fstat(self._file.fileno()))
                # Asked by name too: a program that saves by renaming leaves the open file as it was.
                self._check(self.path.stat())
                self._file.close()
            return segment
        except OSError as error:
            raise of_os_error(self.path, error) from error

    def _check(self, status: os.stat_result) -> None:
        if State.of(status) != self._before:
            raise FileChanged(self.path)

    def digest_with(self, segment: Segment) -> bytes:
        """SHA-256 of the whole file with its last segment; empty before."""
        self._whole.update(segment.fresh)
        return self._whole.digest() if segment.last else b""

    def _segment(self, file: BinaryIO) -> Segment:
        size = min(CHUNK_BYTES, self._left)
        self._left -= size
        content = memoryview(bytearray(len(self._rest) + size))
        content[: len(self._rest)] = self._rest
        fresh = content[len(self._rest) :]
        self._fill(file, fresh)
        last = not self._left
        lengths = self._lengths(content, last)
        self._rest = content[sum(lengths) :]
        return Segment(content, tuple(lengths), fresh, last)

    def _lengths(self, content: memoryview, last: bool) -> Sequence[int]:
        if self._cutter:
            return self._cutter.lengths(content, last)
        return [len(content)] if content else []

    def _fill(self, file: BinaryIO, target: memoryview) -> None:
        filled = 0
        while filled < len(target):
            read = file.readinto(target[filled : filled + _READ_BYTES])  # type: ignore[attr-defined]
            if not read:
                raise FileChanged(self.path)
            filled += read


def state_of(path: Path) -> State:
    """Raises MissingFiles or BadArguments."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise IsADirectoryError(path)
    except OSError as error:
        raise of_os_error(path, error) from error
    return State.of(status)


def of_os_error(path: Path, error: OSError) -> MissingFiles | BadArguments:
    if isinstance(error, FileNotFoundError):
        return MissingFiles([str(path)], "Put the file back, or take it out of the scene.")
    reason = "it is not a plain file" if isinstance(error, IsADirectoryError) else error.strerror or str(error)
    return BadArguments(f"{path} can't be read: {reason}.", "Check the file and its rights.")
