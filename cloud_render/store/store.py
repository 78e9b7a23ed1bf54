# SPDX-License-Identifier: GPL-3.0-or-later
"""One bucket's content: files in, files out, each content stored once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from cloud_render.contract.contents import Contents, Run, StoredFile
from cloud_render.store import index, pace
from cloud_render.store.fetching import Fetching
from cloud_render.store.holdings import Holdings
from cloud_render.store.memory import Memory, Remembered
from cloud_render.store.pace import Pace
from cloud_render.store.progress import NEVER, SILENT, Progress
from cloud_render.store.reading import Piece, ReadAhead
from cloud_render.store.sending import Pack, Sending
from cloud_render.store.source import Chunk, SourceFile, State, state_of

LIFETIME = timedelta(days=60)
"""How long a pack is counted on after its creation. The bucket's own rule must not expire packs earlier."""

NEEDED_FOR = timedelta(days=15)
"""How long a job may still read its packs after its submission: AWS Batch's own limits on a run, retries included."""

_PUBLISH_AFTER_S = 5.0
"""Other computers learn of the first packs this soon, and of more each time it took twice as long."""


class Store:
    """What one bucket holds. `s3` is a boto3 client; its retries and time-outs are its maker's choice.

    `lifetime` is how long the bucket keeps a pack after it was written. `cache` is the folder for what this computer
    remembers between uploads (default: CLOUD_RENDER_STORE_CACHE, or the user's cache folder). `rate` limits uploads,
    in bytes a second (default: `max_bandwidth` of the AWS profile's `s3` section).
    """

    def __init__(
        self, s3: Any, bucket: str, lifetime: timedelta = LIFETIME, cache: Path | None = None, rate: int = 0
    ) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._lifetime = lifetime
        self._cache = cache
        self._rate = rate

    def upload(
        self,
        files: Sequence[SourceFile],
        upload_id: str,
        progress: Progress = SILENT,
        cancelled: Callable[[], bool] = NEVER,
    ) -> Contents:
        """Bring the content of `files` to the bucket, what is there already excepted.

        Stopped half-way, the same call goes on where it stopped. Raises FileChanged, MissingFiles, BadArguments,
        StorageUnavailable, NoCredentials or Cancelled; what has arrived stays known to later uploads.
        """
        states = [state_of(file.path) for file in files]
        progress.total(sum(state.size for state in states))
        limit = Pace(self._rate or pace.of_client(self._s3))
        with (
            Sending(self._s3, self._bucket, upload_id, limit, progress, cancelled) as sending,
            Memory(self._cache) as memory,
            Holdings(self._s3, self._bucket, memory, NEEDED_FOR, self._lifetime, sending.look) as holdings,
            ReadAhead() as reading,
        ):
            upload = _Upload(files, states, upload_id, progress, sending, memory, holdings, reading)
            try:
                return upload.contents()
            finally:
                upload.note_arrived()  # a next try finds them, however this one ended

    def fetch(self, file: StoredFile, target: Path) -> None:
        """Put `file` at `target`, in one step and verified by its SHA-256.

        Raises StorageUnavailable, NotThere (its packs expired), DiskFull or BadArguments; `target` is untouched then.
        """
        self.fetch_all([file], lambda _: target)

    def fetch_all(
        self,
        files: Iterable[StoredFile],
        target_of: Callable[[StoredFile], Path],
        progress: Progress = SILENT,
        cancelled: Callable[[], bool] = NEVER,
    ) -> None:
        """Put many files at their targets, each in one step and verified by its SHA-256, in as few requests as pay.

        Files of one target are fetched once. Stopped half-way, those that landed stay. They are not flushed to the
        disk one by one: after a power failure look at their hashes. Raises as `fetch`, and Cancelled.
        """
        Fetching(self._s3, self._bucket, {target_of(file): file for file in files}, progress, cancelled).run()


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
        self.chunks: list[bytes] = []
        self.runs: list[_Placed] = []

    def add(self, placed: _Placed) -> None:
        """Neighbours in one pack become one run."""
        last = self.runs[-1] if self.runs else None
        if last and last.pack == placed.pack and last.offset + last.length == placed.offset:
            last.length += placed.length
        else:
            self.runs.append(_Placed(placed.pack, placed.offset, placed.length))


class _Upload:
    """One upload under way. Everything here happens in the thread that asked for it."""

    def __init__(
        self,
        sources: Sequence[SourceFile],
        states: Sequence[State],
        upload_id: str,
        progress: Progress,
        sending: Sending,
        memory: Memory,
        holdings: Holdings,
        reading: ReadAhead,
    ) -> None:
        self._sources = sources
        self._states = states
        self._upload_id = upload_id
        self._progress = progress
        self._sending = sending
        self._memory = memory
        self._holdings = holdings
        self._reading = reading
        self._files = [_File() for _ in sources]
        self._placed: dict[bytes, _Placed] = {}
        self._filling = Pack()
        self._began_ns = time.time_ns()
        self._publish_at = time.monotonic() + _PUBLISH_AFTER_S
        self._publish_every = _PUBLISH_AFTER_S

    def contents(self) -> Contents:
        remembered = self._remembered()
        for number in range(len(self._sources)):
            if number not in remembered:
                self._read(number)
        self._reading.start()  # the disk is busy while the bucket is asked
        self._holdings.learn()
        for number in self._not_settled(remembered):
            self._read(number)
        for batch in self._reading.batches(lambda: self._sending.look()):
            self._take_batch(batch)
        self._send()
        self._sending.finish()
        self._publish(last=True)
        return Contents(tuple(map(self._stored, self._sources, self._states, self._files)))

    def _read(self, number: int) -> None:
        self._reading.add(number, self._sources[number], self._states[number])

    def _stored(self, source: SourceFile, state: State, file: _File) -> StoredFile:
        runs = tuple(placed.run() for placed in file.runs)
        return StoredFile(source.scene_path, file.digest.hex(), state.size, runs)

    # -- files that were read before -----------------------------------------------------------------------------------

    def _remembered(self) -> dict[int, Remembered]:
        found = {
            number: self._memory.file(source.path, state)
            for number, (source, state) in enumerate(zip(self._sources, self._states, strict=True))
        }
        return {number: remembered for number, remembered in found.items() if remembered}

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
        self._memory.commit()

    def _take(self, piece: Piece) -> None:
        file = self._files[piece.file]
        for chunk in piece.chunks:
            file.chunks.append(index.CHUNK.pack(chunk.digest, len(chunk.content)))
            file.add(self._brought(chunk))
        self._progress.hashed(sum(len(chunk.content) for chunk in piece.chunks))
        if piece.digest:
            file.digest = piece.digest
            known = Remembered(piece.digest, b"".join(file.chunks))
            self._memory.add_file(self._sources[piece.file].path, self._states[piece.file], self._began_ns, known)

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
