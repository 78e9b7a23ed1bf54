# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects of the bucket to files here: in parallel, verified, each in one step, and only what isn't there yet."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent import futures
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from cloud_render.client.farm import Farm
from cloud_render.client.objects import Entry
from cloud_render.contract.errors import Cancelled, StorageUnavailable
from cloud_render.store import NEVER, SILENT, Progress, ranges
from cloud_render.store.landing import landing

_AT_ONCE = 8
_LOOK_S = 0.1


@dataclass(frozen=True)
class Item:
    """An object, and the file it becomes."""

    entry: Entry
    target: Path


def fetch_all(
    farm: Farm, items: Sequence[Item], progress: Progress = SILENT, cancelled: Callable[[], bool] = NEVER
) -> list[Item]:
    """Those that travelled. The first error stops what has not begun; what has arrived stays.

    Raises NotThere, DiskFull, BadArguments, StorageUnavailable, NoCredentials or Cancelled.
    """
    progress.total(sum(item.entry.size for item in items))
    fetched: list[Item] = []
    pool = ThreadPoolExecutor(max_workers=_AT_ONCE)
    try:
        travelled: SimpleQueue[int] = SimpleQueue()
        waiting = {pool.submit(_fetch, farm, item, travelled.put): item for item in items}
        while waiting:
            done, _ = futures.wait(waiting, _LOOK_S, futures.FIRST_COMPLETED)
            while not travelled.empty():
                progress.sent(travelled.get())
            for future in done:
                item = waiting.pop(future)
                if future.result():
                    fetched.append(item)
                else:
                    progress.present(item.entry.size)
            if cancelled():
                raise Cancelled("The download")
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    return fetched


def _fetch(farm: Farm, item: Item, travelled: Callable[[int], None]) -> bool:
    """Whether it had to travel."""
    if _is_there(item):
        return False
    digest = hashlib.md5(usedforsecurity=False)
    with landing(item.target) as temporary:
        with temporary.open("wb") as file:
            for content in _parts(farm, item.entry):
                digest.update(content)
                file.write(content)
                travelled(len(content))
        if _is_md5(item.entry.etag) and digest.hexdigest() != item.entry.etag:
            raise StorageUnavailable(f"{item.target.name} arrived damaged.", "Try again; nothing of it was kept.")
        stamp = item.entry.modified.timestamp()
        os.utime(temporary, (stamp, stamp))
    return True


def _parts(farm: Farm, entry: Entry) -> Iterator[bytes | memoryview]:
    """All of one version, even if a new one is written meanwhile."""
    for offset in range(0, entry.size, ranges.PART_BYTES):
        length = min(ranges.PART_BYTES, entry.size - offset)
        yield ranges.read(farm.s3, farm.bucket, entry.key, offset, length, if_match=f'"{entry.etag}"')


def _is_there(item: Item) -> bool:
    """A file lands in one step, so one of the right size is whole; content or time says whether it is this one."""
    try:
        status = item.target.stat()
    except OSError:
        return False
    if status.st_size != item.entry.size:
        return False
    if not _is_md5(item.entry.etag):
        return int(status.st_mtime) == int(item.entry.modified.timestamp())
    with item.target.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest() == item.entry.etag


def _is_md5(etag: str) -> bool:
    """Objects that came in one request have their MD5 as ETag; those of many parts, `<hash>-<parts>`, have not."""
    return len(etag) == 32 and all(character in "0123456789abcdef" for character in etag)
