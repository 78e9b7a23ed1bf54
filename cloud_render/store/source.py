# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of this computer, read once in chunks, and caught when they change meanwhile."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from cloud_render.contract.errors import BadArguments, FileChanged, MissingFiles

CHUNK_BYTES = 16 * 1024 * 1024
"""Largest chunk, and about the size of a pack: four on their way and one being filled are 80 MiB of memory."""


@dataclass(frozen=True)
class SourceFile:
    """A file on this computer, and where it will lie below the job's root."""

    path: Path
    scene_path: str


@dataclass(frozen=True)
class Chunk:
    """A piece of a file."""

    sha256: str
    content: bytes


@dataclass(frozen=True)
class _State:
    """What shows that a file is still the same; the time alone would miss a rewrite within one tick of the clock."""

    size: int
    modified_ns: int
    inode: int

    @classmethod
    def of(cls, status: os.stat_result) -> _State:
        return cls(status.st_size, status.st_mtime_ns, status.st_ino)


class Reading:
    """One pass over a file: iterate over its chunks, then ask for the hash of the whole."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self._whole = hashlib.sha256()

    @property
    def sha256(self) -> str:
        return self._whole.hexdigest()

    def chunks(self) -> Iterator[Chunk]:
        """Raises FileChanged after the last one if the file is not what it was before the first."""
        try:
            with self.path.open("rb") as file:
                before = _State.of(os.fstat(file.fileno()))
                yield from self._read(file)
                after = _State.of(os.fstat(file.fileno()))
            # Asked by name too: a program that saves by renaming leaves the open file as it was.
            named = _State.of(self.path.stat())
        except OSError as error:
            raise _of_os_error(self.path, error) from error
        if not before == after == named or self.size != before.size:
            raise FileChanged(self.path)

    def _read(self, file: BinaryIO) -> Iterator[Chunk]:
        while content := file.read(CHUNK_BYTES):
            self.size += len(content)
            self._whole.update(content)
            yield Chunk(hashlib.sha256(content).hexdigest(), content)


def size_of(path: Path) -> int:
    """In bytes. Raises MissingFiles or BadArguments."""
    try:
        if not path.is_file():
            raise FileNotFoundError(path) if not path.exists() else IsADirectoryError(path)
        return path.stat().st_size
    except OSError as error:
        raise _of_os_error(path, error) from error


def _of_os_error(path: Path, error: OSError) -> MissingFiles | BadArguments:
    if isinstance(error, FileNotFoundError):
        return MissingFiles([str(path)], "Put the file back, or take it out of the scene.")
    reason = "it is not a plain file" if isinstance(error, IsADirectoryError) else error.strerror or str(error)
    return BadArguments(f"{path} can't be read: {reason}.", "Check the file and its rights.")
