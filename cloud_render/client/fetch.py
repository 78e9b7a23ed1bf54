# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects of the bucket to files here: in parallel, verified, each in one step, and only what isn't there yet.

Small ones are fetched many at a time, each with one request. A large one (a video, say) comes in parts, many at a time
too, and what arrived of it stays beside its place until it is whole, so that the next try goes on there.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent import futures
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import BinaryIO, TypeVar

from cloud_render.client import proof
from cloud_render.client.farm import Farm
from cloud_render.client.objects import Entry
from cloud_render.client.proof import Hashing, Proof
from cloud_render.contract.errors import Cancelled, StorageUnavailable
from cloud_render.store import NEVER, SILENT, Progress, pace
from cloud_render.store.crew import Crew
from cloud_render.store.landing import landing, resumed
from cloud_render.store.pace import Pace
from cloud_render.store.ranges import PART_BYTES, STALL_S, Reader
from cloud_render.store.reading import LOOK_S
from cloud_render.store.translate import translated

T = TypeVar("T")

_AT_ONCE = 8
"""Files, and parts of large ones; twice as many parts are in memory at worst."""

_TRIES = 2
"""Of content that arrives other than it was sent."""

_QUICKLY_HASHED = 1 << 20
"""Bytes. Smaller files are known by their content; of larger ones, thousands of frames say, the time is believed."""

_SAME_TIME_S = 2.0
"""Times of files on FAT differ by this much from what they were set to."""


@dataclass(frozen=True)
class Item:
    """An object, and the file it becomes."""

    entry: Entry
    target: Path


def fetch_all(
    farm: Farm,
    items: Sequence[Item],
    progress: Progress = SILENT,
    cancelled: Callable[[], bool] = NEVER,
    stall_s: float = STALL_S,
) -> list[Item]:
    """Those that travelled. The first error stops what has not begun; what has arrived stays.

    An answer without progress for `stall_s` is asked for anew. Raises NotThere, DiskFull, BadArguments,
    StorageUnavailable, NoCredentials or Cancelled.
    """
    progress.total(sum(item.entry.size for item in items))
    return _Fetch(farm, items, progress, cancelled, stall_s).run()


class _Fetch:
    """One call. `run` is for the thread that asked, the rest for those that fetch."""

    def __init__(
        self, farm: Farm, items: Sequence[Item], progress: Progress, cancelled: Callable[[], bool], stall_s: float
    ) -> None:
        self._farm = farm
        self._items = items
        self._progress = progress
        self._cancelled = cancelled
        self._sent: SimpleQueue[int] = SimpleQueue()
        self._present: SimpleQueue[int] = SimpleQueue()
        limit = Pace(farm.connection.max_download or pace.of_client(farm.s3))
        self._reader = Reader(farm.s3, farm.bucket, limit, stall_s, self._sent.put)
        self._files = Crew(_AT_ONCE, "fetch")
        self._parts = Crew(_AT_ONCE, "part")
        large = sum(item.entry.size > PART_BYTES for item in items)
        self._parts_ahead = max(1, _AT_ONCE // max(1, large))
        self._stopped = threading.Event()

    def run(self) -> list[Item]:
        waiting = {self._files.submit(self._fetch, item): item for item in self._items}
        fetched: list[Item] = []
        try:
            while waiting:
                done, _ = futures.wait(waiting, LOOK_S, futures.FIRST_COMPLETED)
                fetched += [waiting.pop(future) for future in done if future.result()]
                for future in done:
                    waiting.pop(future, None)
                self._tell()
                if self._cancelled():
                    raise Cancelled("The download")
        finally:
            self._stopped.set()
            self._files.dismiss()
            self._parts.dismiss()
            # Who wants to go on at once finds the parts of large files free.
            futures.wait([future for future in waiting if future.running()], 4 * LOOK_S)
        return fetched

    def _tell(self) -> None:
        for queue, tell in ((self._sent, self._progress.sent), (self._present, self._progress.present)):
            if size := _sum(queue):
                tell(size)

    # -- in threads ----------------------------------------------------------------------------------------------------

    def _fetch(self, item: Item) -> bool:
        """Whether it had to travel."""
        if _is_there(item):
            self._present.put(item.entry.size)
            return False
        if item.entry.size > PART_BYTES or proof.parts_of(item.entry.etag):
            self._fetch_in_parts(item)
        else:
            self._fetch_whole(item)
        return True

    def _fetch_whole(self, item: Item) -> None:
        for _ in range(_TRIES):
            content, said = self._reader.whole(item.entry.key, item.entry.size, _quoted(item.entry.etag))
            hashing = Hashing(proof.of_answer(said))
            hashing.update(content)
            if hashing.holds():
                break
            self._sent.put(-item.entry.size)
        else:
            raise _damaged(item)
        with landing(item.target) as temporary:
            temporary.write_bytes(content)
            _set_time(temporary, item.entry)

    def _fetch_in_parts(self, item: Item) -> None:
        wanted = self._proof(item.entry)
        with resumed(item.target, f"{item.entry.key} {item.entry.etag}") as file:
            for _ in range(_TRIES):
                if self._completed(file, item.entry, wanted):
                    break
                file.truncate(0)
            else:
                raise _damaged(item)
        _set_time(item.target, item.entry)

    def _completed(self, file: BinaryIO, entry: Entry, wanted: Proof) -> bool:
        """Appends what `file` lacks; whether it then is what it should be."""
        hashing = Hashing(wanted)
        there = _take_up(file, entry.size, hashing)
        self._present.put(there)
        for content in self._contents(entry, there):
            file.write(content)
            hashing.update(content)
        if hashing.holds():
            return True
        self._present.put(-there)
        self._sent.put(there - entry.size)
        return False

    def _contents(self, entry: Entry, start: int) -> Iterator[memoryview]:
        """From `start` on, in order, some of it read ahead; of one version, even if a new one is written meanwhile."""
        requests = (
            (entry.key, offset, min(PART_BYTES, entry.size - offset), _quoted(entry.etag))
            for offset in range(start, entry.size, PART_BYTES)
        )
        ahead = deque(
            self._parts.submit(self._reader.part, *request) for request in islice(requests, self._parts_ahead)
        )
        while ahead:
            yield self._awaited(ahead.popleft())
            ahead += [self._parts.submit(self._reader.part, *request) for request in islice(requests, 1)]

    def _awaited(self, future: Future[T]) -> T:
        while not future.done():
            futures.wait([future], LOOK_S)
            if self._stopped.is_set():
                raise Cancelled("The download")
        return future.result()

    def _proof(self, entry: Entry) -> Proof:
        which = {"Bucket": self._farm.bucket, "Key": entry.key, "IfMatch": _quoted(entry.etag)}
        with translated(f"look at {entry.key}"):
            said = self._farm.s3.head_object(**which, ChecksumMode="ENABLED")
            if not proof.parts_of(entry.etag):
                return proof.of_answer(said)
            first = self._farm.s3.head_object(Bucket=self._farm.bucket, Key=entry.key, PartNumber=1)
        knows_parts = first.get("PartsCount") == proof.parts_of(entry.etag)
        return proof.of_answer(said, int(first["ContentLength"]) if knows_parts else 0)


def _take_up(file: BinaryIO, size: int, hashing: Hashing) -> int:
    """How much of it an earlier try has left, hashed; its end is where writing goes on."""
    there = file.seek(0, os.SEEK_END)
    if there > size:
        file.truncate(0)
        return 0
    file.seek(0)
    while content := file.read(1 << 20):
        hashing.update(content)
    return there


def _is_there(item: Item) -> bool:
    """A file lands in one step, so one of the right size is whole; time or content says whether it is this one."""
    try:
        status = item.target.stat()
    except OSError:
        return False
    if status.st_size != item.entry.size:
        return False
    if status.st_size > _QUICKLY_HASHED and abs(status.st_mtime - item.entry.modified.timestamp()) < _SAME_TIME_S:
        return True
    if proof.parts_of(item.entry.etag):
        return False
    with item.target.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest() == item.entry.etag


def _set_time(path: Path, entry: Entry) -> None:
    stamp = entry.modified.timestamp()
    os.utime(path, (stamp, stamp))


def _damaged(item: Item) -> StorageUnavailable:
    return StorageUnavailable(f"{item.target.name} arrived damaged.", "Try again; nothing of it was kept.")


def _quoted(etag: str) -> str:
    return f'"{etag}"'


def _sum(queue: SimpleQueue[int]) -> int:
    size = 0
    while True:
        try:
            size += queue.get_nowait()
        except Empty:
            return size
