# SPDX-License-Identifier: GPL-3.0-or-later
"""One bucket's content: files in, files out, each content stored once."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from cloud_render.contract import keys
from cloud_render.contract.contents import Contents, Run, StoredFile
from cloud_render.contract.errors import CloudRenderError, NotThere, StorageUnavailable
from cloud_render.store import index, ranges
from cloud_render.store.index import PackEntry
from cloud_render.store.landing import landing
from cloud_render.store.progress import NEVER, SILENT, Progress
from cloud_render.store.sending import Pack, Sending
from cloud_render.store.source import Chunk, Reading, SourceFile, size_of

log = logging.getLogger(__name__)

LIFETIME = timedelta(days=60)
"""How long a pack is counted on after its creation. The bucket's own rule must not expire packs earlier."""

NEEDED_FOR = timedelta(days=15)
"""How long a job may still read its packs after its submission: AWS Batch's own limits on a run, retries included."""

_READERS = 4
_INDEX_EVERY_S = 5.0
"""A killed upload loses what the index doesn't tell yet."""


class Store:
    """What one bucket holds. `s3` is a boto3 client; its retries and time-outs are its maker's choice.

    `lifetime` is how long the bucket keeps a pack after it was written.
    """

    def __init__(self, s3: Any, bucket: str, lifetime: timedelta = LIFETIME) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._lifetime = lifetime

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
        progress.total(sum(size_of(file.path) for file in files))
        known = index.known(self._s3, self._bucket, upload_id, NEEDED_FOR, self._lifetime)
        with (
            Sending(self._s3, self._bucket, progress, cancelled) as sending,
            _index_kept(self._s3, self._bucket, upload_id, known.own, sending.arrived) as keep,
        ):
            upload = _Upload(dict(known.runs), sending, progress, keep)
            stored = [upload.file(file) for file in files]
            upload.finish()
        return Contents(tuple(file() for file in stored))

    def fetch(self, file: StoredFile, target: Path) -> None:
        """Put `file` at `target`, in one step and verified by its SHA-256.

        Raises StorageUnavailable, NotThere (its packs expired), DiskFull or BadArguments; `target` is untouched then.
        """
        with landing(target) as temporary:
            temporary.touch()
            if file.size:
                self._fill(file, temporary)
            if _sha256_of(temporary) != file.sha256:
                raise StorageUnavailable(f"{file.path} arrived damaged.", "Try again; nothing of it was kept.")

    def _fill(self, file: StoredFile, temporary: Path) -> None:
        parts = list(_parts(file.runs))
        with ThreadPoolExecutor(max_workers=min(_READERS, len(parts))) as pool:
            for _ in pool.map(partial(self._fill_part, file, temporary), parts):
                pass

    def _fill_part(self, file: StoredFile, temporary: Path, part: tuple[int, Run]) -> None:
        position, run = part
        try:
            content = ranges.read(self._s3, self._bucket, keys.pack(run.pack), run.offset, run.length)
        except NotThere as error:
            raise NotThere(
                f"The content of {file.path} is no longer in the bucket.", "Submit the scene again."
            ) from error
        with temporary.open("rb+") as target:
            target.seek(position)
            target.write(content)


class _Upload:
    """One upload under way: which chunks are where, and the pack being filled."""

    def __init__(self, runs: dict[str, Run], sending: Sending, progress: Progress, keep: Callable[[], None]) -> None:
        self._runs = runs
        self._sending = sending
        self._progress = progress
        self._keep = keep
        self._filling = Pack()
        self._waiting: set[str] = set()

    def file(self, source: SourceFile) -> Callable[[], StoredFile]:
        """Read it, send what is new; the answer gives the stored file once all packs have left."""
        reading = Reading(source.path)
        chunks = []
        for chunk in reading.chunks():
            self._progress.hashed(len(chunk.content))
            chunks.append(chunk.sha256)
            self._take(chunk)
            self._sending.look()
            self._keep()
        return lambda: StoredFile(
            source.scene_path, reading.sha256, reading.size, _joined(self._runs[sha256] for sha256 in chunks)
        )

    def finish(self) -> None:
        self._send()
        self._sending.finish()

    def _take(self, chunk: Chunk) -> None:
        if chunk.sha256 in self._runs or chunk.sha256 in self._waiting:
            self._progress.present(len(chunk.content))
            return
        if not self._filling.fits(chunk):
            self._send()
        self._filling.add(chunk)
        self._waiting.add(chunk.sha256)

    def _send(self) -> None:
        if self._filling.size:
            self._runs.update(self._sending.send(self._filling))
            self._filling = Pack()
            self._waiting.clear()


@contextmanager
def _index_kept(
    s3: Any, bucket: str, upload_id: str, own: tuple[PackEntry, ...], arrived: list[PackEntry]
) -> Iterator[Callable[[], None]]:
    """Writes the index of what has arrived: now and then when asked, and at the end, good or bad."""
    written = 0
    last = time.monotonic()

    def write() -> None:
        nonlocal written, last
        written, last = len(arrived), time.monotonic()
        packs = {pack.sha256: pack for pack in (*own, *arrived)}
        index.write(s3, bucket, upload_id, packs.values())

    def keep() -> None:
        if len(arrived) > written and time.monotonic() - last > _INDEX_EVERY_S:
            write()

    try:
        yield keep
    except BaseException:
        if len(arrived) > written:
            _try_within(0.5, write)
        raise
    if len(arrived) > written:
        write()


def _try_within(wait_s: float, act: Callable[[], None]) -> None:
    """Best effort on the way out: a dead line must neither hold the person up nor hide the first error."""

    def attempt() -> None:
        try:
            act()
        except CloudRenderError as error:
            log.info("the index stayed behind: %s", error)

    thread = threading.Thread(target=attempt, daemon=True, name="index")
    thread.start()
    thread.join(wait_s)


def _joined(runs: Iterator[Run]) -> tuple[Run, ...]:
    """Neighbours in one pack as one run."""
    joined: list[Run] = []
    for run in runs:
        last = joined[-1] if joined else None
        if last and last.pack == run.pack and last.offset + last.length == run.offset:
            joined[-1] = Run(run.pack, last.offset, last.length + run.length)
        else:
            joined.append(run)
    return tuple(joined)


def _parts(runs: Sequence[Run]) -> Iterator[tuple[int, Run]]:
    """The position in the file and the piece of a pack for each request; none is larger than PART_BYTES."""
    position = 0
    for run in runs:
        for start in range(0, run.length, ranges.PART_BYTES):
            length = min(ranges.PART_BYTES, run.length - start)
            yield position, Run(run.pack, run.offset + start, length)
            position += length


def _sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
