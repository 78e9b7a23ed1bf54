# SPDX-License-Identifier: GPL-3.0-or-later
"""Packs on their way to the bucket: a few at a time, with their progress, and left behind at once when cancelled."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Callable
from concurrent import futures
from concurrent.futures import Future
from typing import Any

from cloud_render.contract import keys
from cloud_render.contract.contents import Run
from cloud_render.contract.errors import Cancelled
from cloud_render.store.index import PackEntry, base64_of
from cloud_render.store.progress import Progress
from cloud_render.store.source import CHUNK_BYTES, Chunk
from cloud_render.store.translate import translated

PACK_BYTES = CHUNK_BYTES
"""A pack is sent when it holds this much or when the next chunk would make it larger."""

IN_FLIGHT = 4
"""Packs being sent at once: fills a line of 100 Mbit/s at 200 ms, and bounds the memory."""

LOOK_S = 0.05
"""How often the cancel question is asked while nothing else happens; far below the second that is promised."""


class Pack:
    """Chunks being put together; `runs` may be asked once it is closed."""

    def __init__(self) -> None:
        self._parts: list[Chunk] = []
        self.size = 0

    def fits(self, chunk: Chunk) -> bool:
        return not self._parts or self.size + len(chunk.content) <= PACK_BYTES

    def add(self, chunk: Chunk) -> None:
        self._parts.append(chunk)
        self.size += len(chunk.content)

    def closed(self) -> tuple[PackEntry, bytes]:
        content = b"".join(part.content for part in self._parts)
        chunks = tuple(f"{part.sha256} {len(part.content)}" for part in self._parts)
        return PackEntry(hashlib.sha256(content).hexdigest(), chunks), content


class _Body(io.BytesIO):
    """What botocore reads from. A cancelled one raises: ending early would pass for a broken line and be retried."""

    cancelled = False

    def read(self, size: int | None = -1, /) -> bytes:
        if self.cancelled:
            raise Cancelled("The upload")
        return super().read(size)


class Sending:
    """Sends packs in threads of its own. Use as a context manager: leaving it early stops what is on its way.

    The threads are daemons, so that one stuck in a dead connection doesn't hold the program back.
    """

    def __init__(self, s3: Any, bucket: str, progress: Progress, cancelled: Callable[[], bool]) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._progress = progress
        self._cancelled = cancelled
        self._under_way: dict[Future[None], tuple[PackEntry, _Body, int]] = {}
        self._told: dict[Future[None], int] = {}
        self.arrived: list[PackEntry] = []

    def __enter__(self) -> Sending:
        return self

    def __exit__(self, *_: object) -> None:
        for _entry, body, _size in self._under_way.values():
            body.cancelled = True

    def send(self, pack: Pack) -> dict[str, Run]:
        """Where the pack's chunks will lie. Waits while IN_FLIGHT others are on their way."""
        while len(self._under_way) >= IN_FLIGHT:
            self.look(LOOK_S)
        entry, content = pack.closed()
        body = _Body(content)
        future: Future[None] = Future()
        self._under_way[future] = (entry, body, len(content))
        self._told[future] = 0
        threading.Thread(target=self._put, args=(future, entry, body), daemon=True, name="pack").start()
        return entry.runs()

    def finish(self) -> None:
        """Wait for all. Raises what went wrong with the first that failed."""
        while self._under_way:
            self.look(LOOK_S)

    def look(self, wait_s: float = 0.0) -> None:
        """Tell the progress and take in what ended. Raises Cancelled, or the error of a pack that did not arrive."""
        futures.wait(self._under_way, wait_s, futures.FIRST_COMPLETED)
        for future, (entry, body, size) in list(self._under_way.items()):
            done = future.done()
            self._tell(future, size if done and not future.exception() else min(body.tell(), size))
            if done:
                del self._under_way[future]
                future.result()
                self.arrived.append(entry)
        if self._cancelled():
            raise Cancelled("The upload")

    def _tell(self, future: Future[None], position: int) -> None:
        if position != self._told[future]:
            self._progress.sent(position - self._told[future])
            self._told[future] = position

    def _put(self, future: Future[None], entry: PackEntry, body: _Body) -> None:
        try:
            with translated("send a pack of files"):
                self._s3.put_object(
                    Bucket=self._bucket, Key=keys.pack(entry.sha256), Body=body, ChecksumSHA256=base64_of(entry.sha256)
                )
        except BaseException as error:  # noqa: BLE001 - handed on: look() raises it in the thread that waits
            future.set_exception(error)
        else:
            future.set_result(None)
