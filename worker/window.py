# SPDX-License-Identifier: GPL-3.0-or-later
"""Images out of the bucket in order, some of them fetched ahead: never more in memory than a fixed number of bytes."""

from __future__ import annotations

import collections
import contextlib
import logging
import queue
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future

from cloud_render.contract.errors import StorageUnavailable
from worker.footage import Image, Shown
from worker.s3 import Bucket

log = logging.getLogger(__name__)

AHEAD_BYTES = 256 << 20
"""Fetched and not yet encoded: some hundred 1080p PNGs, five at 8K and 16 bit."""

AT_ONCE = 8
"""Requests on their way together. S3 gives one of them some 80 MB/s, and a frame's first byte takes 20-100 ms."""

TRIES = 3
"""Of one image, where the connection breaks in the middle of it; requests as such are repeated by worker.s3."""

_Task = tuple[Image, "Future[bytes]"]


@contextlib.contextmanager
def contents(bucket: Bucket, shown: Sequence[Shown], ahead_bytes: int = AHEAD_BYTES) -> Iterator[Iterator[bytes]]:
    """Iterates over the content of each image of `shown`, in order; an image held over several frames comes each time.

    Raises NotThere for one that is gone, StorageUnavailable. At the end of the block nothing more is fetched.
    """
    tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
    stopped = threading.Event()
    # Daemons: a SIGTERM must not wait for a request that hangs.
    fetchers = [threading.Thread(target=_fetch, args=(bucket, tasks, stopped), daemon=True) for _ in range(AT_ONCE)]
    for fetcher in fetchers:
        fetcher.start()
    try:
        yield _in_order(shown, tasks, ahead_bytes)
    finally:
        stopped.set()
        for _ in fetchers:
            tasks.put(None)


def _in_order(shown: Sequence[Shown], tasks: queue.SimpleQueue[_Task | None], ahead_bytes: int) -> Iterator[bytes]:
    waiting: collections.deque[_Task] = collections.deque()
    held = 0
    position = 0
    while position < len(shown) or waiting:
        while position < len(shown):
            image = shown[position].image
            if waiting and waiting[-1][0] == image:
                waiting.append(waiting[-1])
            elif not waiting or held + image.size <= ahead_bytes:
                waiting.append((image, Future()))
                tasks.put(waiting[-1])
                held += image.size
            else:
                break
            position += 1
        image, content = waiting.popleft()
        yield content.result()
        if not waiting or waiting[0][0] != image:
            held -= image.size


def _fetch(bucket: Bucket, tasks: queue.SimpleQueue[_Task | None], stopped: threading.Event) -> None:
    while (task := tasks.get()) is not None:
        image, content = task
        if stopped.is_set():
            continue
        try:
            content.set_result(_get(bucket, image.key))
        except BaseException as error:  # noqa: BLE001 - it is raised again in the thread that asks for the image
            content.set_exception(error)


def _get(bucket: Bucket, key: str) -> bytes:
    for _ in range(TRIES - 1):
        try:
            return bucket.get(key)
        except StorageUnavailable as error:
            log.warning("warning: %s", error)
    return bucket.get(key)
