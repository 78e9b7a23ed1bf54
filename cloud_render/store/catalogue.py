# SPDX-License-Identifier: GPL-3.0-or-later
"""Of which chunks files are made: remembered where a file is as it was, else read; what was read is remembered."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

from cloud_render.store import index
from cloud_render.store.memory import Memory, Remembered
from cloud_render.store.reading import Piece, ReadAhead
from cloud_render.store.source import SourceFile, State


class Catalogue:
    """Files by their number. Use it in one thread."""

    def __init__(
        self, sources: Sequence[SourceFile], states: Sequence[State], memory: Memory, reading: ReadAhead
    ) -> None:
        self._sources = sources
        self._states = states
        self._memory = memory
        self._reading = reading
        self._began_ns = time.time_ns()
        self._read_chunks: defaultdict[int, list[bytes]] = defaultdict(list)

    def remembered(self) -> dict[int, Remembered]:
        """The files that were read before and are as they were then."""
        found = {
            number: self._memory.file(source.path, state)
            for number, (source, state) in enumerate(zip(self._sources, self._states, strict=True))
        }
        return {number: known for number, known in found.items() if known}

    def read(self, number: int) -> None:
        """Add the file to those that `batches` brings."""
        self._reading.add(number, self._sources[number], self._states[number])

    def start(self) -> None:
        """Let reading begin, though no one takes anything yet."""
        self._reading.start()

    def batches(self, look: Callable[[], None]) -> Iterator[list[Piece]]:
        """As ReadAhead.batches; each batch is remembered once the next one is asked for."""
        for batch in self._reading.batches(look):
            for piece in batch:
                self._note(piece)
            yield batch
            self._memory.commit()

    def _note(self, piece: Piece) -> None:
        chunks = self._read_chunks[piece.file]
        chunks += [index.CHUNK.pack(chunk.digest, len(chunk.content)) for chunk in piece.chunks]
        if piece.digest:
            known = Remembered(piece.digest, b"".join(self._read_chunks.pop(piece.file)))
            self._memory.add_file(self._sources[piece.file].path, self._states[piece.file], self._began_ns, known)
