# SPDX-License-Identifier: GPL-3.0-or-later
"""What an upload would send, found out without sending anything. The files are read as by an upload, and remembered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cloud_render.store import index
from cloud_render.store.catalogue import Catalogue
from cloud_render.store.holdings import Holdings
from cloud_render.store.progress import Progress
from cloud_render.store.source import SourceFile, State


@dataclass(frozen=True)
class FileNovelty:
    """What of one file would travel."""

    scene_path: str
    size: int
    """In bytes."""
    new: int
    """Bytes of it that neither the bucket nor a file before it has."""


@dataclass(frozen=True)
class Novelty:
    """What of the files would travel, in the order in which they were given."""

    files: tuple[FileNovelty, ...]

    @property
    def size(self) -> int:
        """Of all files, in bytes."""
        return sum(file.size for file in self.files)

    @property
    def new(self) -> int:
        """Bytes to send."""
        return sum(file.new for file in self.files)

    @property
    def there(self) -> int:
        """Bytes that need no transfer."""
        return self.size - self.new

    @property
    def new_files(self) -> tuple[FileNovelty, ...]:
        """Those of which something would travel."""
        return tuple(file for file in self.files if file.new)


class Survey:
    """One comparison of files with the bucket. Everything here happens in the thread that asked for it."""

    def __init__(
        self,
        sources: Sequence[SourceFile],
        states: Sequence[State],
        catalogue: Catalogue,
        holdings: Holdings,
        progress: Progress,
        look: Callable[[], None],
    ) -> None:
        self._sources = sources
        self._states = states
        self._catalogue = catalogue
        self._holdings = holdings
        self._progress = progress
        self._look = look
        self._new = [0] * len(sources)
        self._seen: set[bytes] = set()

    def novelty(self) -> Novelty:
        remembered = self._catalogue.remembered()
        for number in range(len(self._sources)):
            if number not in remembered:
                self._catalogue.read(number)
        self._catalogue.start()  # the disk is busy while the bucket is asked
        self._holdings.learn()
        chunks = {number: list(index.CHUNK.iter_unpack(known.chunks)) for number, known in remembered.items()}
        for its in chunks.values():
            self._holdings.prepare(digest for digest, _ in its)
        for number, its in chunks.items():
            self._count(number, its)
            self._look()
        for batch in self._catalogue.batches(self._look):
            digests = (chunk.digest for piece in batch for chunk in piece.chunks)
            self._holdings.prepare(digest for digest in digests if digest not in self._seen)
            for piece in batch:
                self._count(piece.file, [(chunk.digest, len(chunk.content)) for chunk in piece.chunks])
        return Novelty(tuple(map(_of_file, self._sources, self._states, self._new)))

    def _count(self, number: int, chunks: Sequence[tuple[bytes, int]]) -> None:
        """Digests and lengths of chunks of one file; a chunk that comes again travels once."""
        new = 0
        for digest, length in chunks:
            if digest not in self._seen:
                self._seen.add(digest)
                new += 0 if self._holdings.place(digest) else length
        size = sum(length for _, length in chunks)
        self._new[number] += new
        self._progress.hashed(size)
        self._progress.present(size - new)


def _of_file(source: SourceFile, state: State, new: int) -> FileNovelty:
    return FileNovelty(source.scene_path, state.size, new)
