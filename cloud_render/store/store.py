# SPDX-License-Identifier: GPL-3.0-or-later
"""One bucket's content: files in, files out, each content stored once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

from cloud_render.contract.contents import Contents, StoredFile
from cloud_render.contract.errors import Cancelled
from cloud_render.store import index, pace, packs, ranges
from cloud_render.store.catalogue import Catalogue
from cloud_render.store.fetching import Fetching
from cloud_render.store.holdings import Holdings
from cloud_render.store.memory import Memory
from cloud_render.store.novelty import Novelty, Survey
from cloud_render.store.pace import Pace
from cloud_render.store.progress import NEVER, SILENT, Progress
from cloud_render.store.reading import ReadAhead
from cloud_render.store.sending import Sending
from cloud_render.store.source import SourceFile, state_of
from cloud_render.store.upload import Upload

LIFETIME = timedelta(days=60)
"""How long a pack is counted on after its creation. The bucket's own rule must not expire packs earlier."""

NEEDED_FOR = timedelta(days=15)
"""How long a job may still read its packs after its submission: AWS Batch's own limits on a run, retries included."""

RETRIED_WITHIN = timedelta(days=7)
"""After an upload; so long its content is good for one more submission of the job."""

_GROUPS_AT_ONCE = 12


class Store:
    """What one bucket holds. `s3` is a boto3 client; its retries and time-outs are its maker's choice.

    `lifetime` is how long the bucket keeps a pack after it was written. `cache` is the folder for what this computer
    remembers between uploads (default: CLOUD_RENDER_STORE_CACHE, or the user's cache folder). `rate` limits uploads,
    in bytes a second (default: `max_bandwidth` of the AWS profile's `s3` section). `stall_s`: after so many seconds
    without progress an answer is left behind and asked for anew, an upload after ten times as many.
    """

    def __init__(
        self,
        s3: Any,
        bucket: str,
        lifetime: timedelta = LIFETIME,
        cache: Path | None = None,
        rate: int = 0,
        stall_s: float = ranges.STALL_S,
    ) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._lifetime = lifetime
        self._cache = cache
        self._rate = rate
        self._stall_s = stall_s

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
            Sending(self._s3, self._bucket, upload_id, limit, progress, cancelled, self._stall_s) as sending,
            Memory(self._cache) as memory,
            self._holdings(memory, sending.look) as holdings,
            ReadAhead() as reading,
        ):
            catalogue = Catalogue(files, states, memory, reading)
            upload = Upload(files, states, upload_id, catalogue, holdings, sending, progress)
            try:
                return upload.contents()
            finally:
                upload.note_arrived()  # a next try finds them, however this one ended

    def novelty(
        self,
        files: Sequence[SourceFile],
        progress: Progress = SILENT,
        cancelled: Callable[[], bool] = NEVER,
    ) -> Novelty:
        """What an upload of `files` would send now. Nothing is sent, and what is read here the upload need not read.

        Raises as `upload`.
        """
        states = [state_of(file.path) for file in files]
        progress.total(sum(state.size for state in states))

        def look() -> None:
            if cancelled():
                raise Cancelled("The comparison")

        with (
            Memory(self._cache) as memory,
            self._holdings(memory, look) as holdings,
            ReadAhead() as reading,
        ):
            catalogue = Catalogue(files, states, memory, reading)
            return Survey(files, states, catalogue, holdings, progress, look).novelty()

    def expiring(self, files: Iterable[StoredFile]) -> tuple[StoredFile, ...]:
        """Those whose content is no longer there, or could expire before a job submitted now has ended.

        One listing for each upload that brought a part of it. Raises StorageUnavailable or NoCredentials.
        """
        wanted = tuple(files)
        # Where the bucket keeps content for less than a job may last, half of that has to do.
        needed_for = min(NEEDED_FOR, self._lifetime / 2)

        def there(group: str) -> dict[str, int]:
            return packs.there(self._s3, self._bucket, group, needed_for, self._lifetime)

        groups = sorted({index.group(run.pack) for file in wanted for run in file.runs})
        with ThreadPoolExecutor(_GROUPS_AT_ONCE) as pool:
            sizes = {name: size for found in pool.map(there, groups) for name, size in found.items()}
        return tuple(
            file for file in wanted if any(sizes.get(run.pack, 0) < run.offset + run.length for run in file.runs)
        )

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
        targets = {target_of(file): file for file in files}
        Fetching(self._s3, self._bucket, targets, progress, cancelled, self._stall_s).run()

    def _holdings(self, memory: Memory, look: Callable[[], None]) -> Holdings:
        needed_for = NEEDED_FOR + RETRIED_WITHIN
        return Holdings(self._s3, self._bucket, memory, needed_for, self._lifetime, look, self._stall_s)
