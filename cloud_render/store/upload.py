# SPDX-License-Identifier: GPL-3.0-or-later
"""One upload: chunks that are there are pointed to, the others put into packs and sent, while files are still read."""

from __future__ import annotations

import time
from collections.abc import Sequence

from cloud_render.contract.contents import Contents, Run, StoredFile
from cloud_render.store import index
from cloud_render.store.catalogue import Catalogue
from cloud_render.store.holdings import Holdings
from cloud_render.store.memory import Remembered
from cloud_render.store.progress import Progress
from cloud_render.store.reading import Piece
from cloud_render.store.sending import Pack, Sending
from cloud_render.store.source import Chunk, SourceFile, State

_PUBLISH_AFTER_S = 5.0
"""Other computers learn of the first packs this soon, and of more each time it took twice as long."""


class _Placed:
    """A chunk's or a run's place: in a pack that has a name, or in one that will."""

    __slots__ = ("length", "offset", "pack")

    def __init__(self, pack: Pack | str, offset: int, length: int) -> None:
        self.pack = pack
        self.offset = offset
        self.length = length

    def run(self) -> Run:
        return Run(self.pack if isinstance(self.pack, str) else self.pack.name, self.offset, self.length)


class _File:
    """A file on its way: what is known of it so far."""

    def __init__(self) -> None:
        self.digest = b""
        self.runs: list[_Placed] = []

    def add(self, placed: _Placed) -> None:
        """Neighbours in one pack become one run."""
        last = self.runs[-1] if self.runs else None
        if last and last.pack == placed.pack and last.offset + last.length == placed.offset:
            last.length += placed.length
        else:
            self.runs.append(_Placed(placed.pack, placed.offset, placed.length))


class Upload:
    """One upload under way. Everything here happens in the thread that asked for it."""

    def __init__(
        self,
        sources: Sequence[SourceFile],
        states: Sequence[State],
        upload_id: str,
        catalogue: Catalogue,
        holdings: Holdings,
        sending: Sending,
        progress: Progress,
    ) -> None:
        self._sources = sources
        self._states = states
        self._upload_id = upload_id
        self._catalogue = catalogue
        self._holdings = holdings
        self._sending = sending
        self._progress = progress
        self._files = [_File() for _ in sources]
        self._placed: dict[bytes, _Placed] = {}
        self._filling = Pack()
        self._publish_at = time.monotonic() + _PUBLISH_AFTER_S
        self._publish_every = _PUBLISH_AFTER_S

    def contents(self) -> Contents:
        remembered = self._catalogue.remembered()
        for number in range(len(self._sources)):
            if number not in remembered:
                self._catalogue.read(number)
        self._catalogue.start()  # the disk is busy while the bucket is asked
        self._holdings.learn()
        for number in self._not_settled(remembered):
            self._catalogue.read(number)
        for batch in self._catalogue.batches(self._sending.look):
            self._take_batch(batch)
        self._send()
        self._sending.finish()
        self._publish(last=True)
        return Contents(tuple(map(self._stored, self._sources, self._states, self._files)))

    def _stored(self, source: SourceFile, state: State, file: _File) -> StoredFile:
        runs = tuple(placed.run() for placed in file.runs)
        return StoredFile(source.scene_path, file.digest.hex(), state.size, runs)

    # -- files that were read before -----------------------------------------------------------------------------------

    def _not_settled(self, remembered: dict[int, Remembered]) -> list[int]:
        """Those whose content is not all in the bucket; they have to be read, the others are done."""
        for known in remembered.values():
            self._holdings.prepare(digest for digest, _ in index.CHUNK.iter_unpack(known.chunks))
        return [number for number, known in remembered.items() if not self._settled(number, known)]

    def _settled(self, number: int, known: Remembered) -> bool:
        file = _File()
        file.digest = known.digest
        for digest, _ in index.CHUNK.iter_unpack(known.chunks):
            placed = self._present(digest)
            if not placed:
                return False
            file.add(placed)
        self._files[number] = file
        self._progress.hashed(self._states[number].size)
        self._progress.present(self._states[number].size)
        return True

    # -- files that are read -------------------------------------------------------------------------------------------

    def _take_batch(self, batch: Sequence[Piece]) -> None:
        self._holdings.prepare(
            chunk.digest for piece in batch for chunk in piece.chunks if chunk.digest not in self._placed
        )
        for piece in batch:
            self._take(piece)
            self._sending.look()
        self._publish(last=False)

    def _take(self, piece: Piece) -> None:
        file = self._files[piece.file]
        for chunk in piece.chunks:
            file.add(self._brought(chunk))
        self._progress.hashed(sum(len(chunk.content) for chunk in piece.chunks))
        if piece.digest:
            file.digest = piece.digest

    def _brought(self, chunk: Chunk) -> _Placed:
        placed = self._present(chunk.digest)
        if placed:
            self._progress.present(len(chunk.content))
            return placed
        if not self._filling.fits(chunk):
            self._send()
        placed = _Placed(self._filling, self._filling.add(chunk), len(chunk.content))
        self._placed[chunk.digest] = placed
        return placed

    def _present(self, digest: bytes) -> _Placed | None:
        placed = self._placed.get(digest)
        place = None if placed else self._holdings.place(digest)
        if place:
            placed = self._placed[digest] = _Placed(place.pack, place.offset, place.length)
        return placed

    def _send(self) -> None:
        if self._filling.size:
            self._sending.send(self._filling)
            self._filling = Pack()

    def note_arrived(self) -> None:
        for pack in self._sending.arrived():
            self._holdings.arrived(pack)

    def _publish(self, last: bool) -> None:
        self.note_arrived()
        if last or time.monotonic() > self._publish_at:
            self._holdings.publish(self._upload_id, last)
            self._publish_every *= 2
            self._publish_at = time.monotonic() + self._publish_every
