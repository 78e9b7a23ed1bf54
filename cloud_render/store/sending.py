# SPDX-License-Identifier: GPL-3.0-or-later
"""Packs on their way to the bucket: a few at a time, with their progress, and left behind at once when cancelled."""

from __future__ import annotations

import hashlib
import io
import threading
import time
from collections.abc import Callable
from concurrent import futures
from concurrent.futures import Future
from typing import Any

from cloud_render.contract import keys
from cloud_render.contract.errors import Cancelled, StorageUnavailable
from cloud_render.store import index
from cloud_render.store.index import PackEntry
from cloud_render.store.listing import server_time
from cloud_render.store.pace import Pace
from cloud_render.store.progress import Progress
from cloud_render.store.reading import LOOK_S
from cloud_render.store.source import CHUNK_BYTES, Chunk
from cloud_render.store.translate import translated

PACK_BYTES = CHUNK_BYTES
"""A pack is sent when it holds this much or when the next chunk would make it larger."""

IN_FLIGHT = 6
"""Packs being sent at once: fills a line of 1 Gbit/s at 300 ms, and bounds the memory."""

_SLICE = 1024 * 1024
"""Most bytes handed over at once. 256 KiB cost a GiB 0.5 s of processor more, http.client's 16 KiB as much again."""

_FIRST_SLICE = 64 * 1024
_QUICK_S = 0.5
"""A slice that took longer makes the next one half as large: the whole of it must go within the connection's time-out
(10 s), also on a slow line that six packs share."""

_SIGNING_BYTES = 1024 * 1024
"""Botocore reads in pieces of this size to sign a body that goes over plain http; http.client in smaller ones."""

_PATIENCE = 10
"""Times the stall that is borne before a pack is sent anew: botocore repeats requests, with pauses between them."""

_ATTEMPTS = 3


class Pack:
    """Chunks being put together; its name is known once its sending began."""

    def __init__(self) -> None:
        self.parts: list[Chunk] = []
        self.size = 0
        self.name = ""

    def fits(self, chunk: Chunk) -> bool:
        return not self.parts or self.size + len(chunk.content) <= PACK_BYTES

    def add(self, chunk: Chunk) -> int:
        """Answers the offset in the pack."""
        offset = self.size
        self.parts.append(chunk)
        self.size += len(chunk.content)
        return offset

    def sha256(self) -> str:
        if len(self.parts) == 1:
            return self.parts[0].digest.hex()
        whole = hashlib.sha256()
        for part in self.parts:
            whole.update(part.content)
        return whole.hexdigest()


class _Body(io.RawIOBase):
    """What botocore reads from: the chunks where they lie, without another copy.

    A cancelled one raises: ending early would pass for a broken line and be retried.
    """

    def __init__(self, parts: list[Chunk], size: int, pace: Pace, stopped: threading.Event) -> None:
        super().__init__()
        self._parts = [part.content for part in parts]
        self._size = size
        self._pace = pace
        self._stopped = stopped
        self._part = 0
        self._offset = 0
        self._slice = _FIRST_SLICE
        self._given_at = 0.0
        self._position = 0
        self.travelled = 0
        """Bytes that were handed to the line; fewer again when the request starts over."""

    def read(self, size: int = -1, /) -> Any:
        """Other slices than asked for, except the last: http.client sends what it gets, whatever it asked for."""
        if self._part == len(self._parts):
            return b""
        to_be_sent = 0 < size < _SIGNING_BYTES
        part = self._parts[self._part]
        content = part[self._offset : self._offset + (self._fitting_slice() if to_be_sent else _SLICE)]
        if self._stopped.wait(self._pace.wait_for(len(content)) if to_be_sent else 0):
            raise Cancelled("The upload")
        self._given_at = time.monotonic()
        self._offset += len(content)
        self._position += len(content)
        if to_be_sent:
            self.travelled = self._position
        if self._offset == len(part):
            self._part, self._offset = self._part + 1, 0
        return content

    def _fitting_slice(self) -> int:
        quick = time.monotonic() - self._given_at < _QUICK_S
        if self.travelled:
            self._slice = min(self._slice * 2, _SLICE) if quick else max(self._slice // 2, _FIRST_SLICE)
        return self._slice

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        self._position = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence] + offset
        self.travelled = min(self.travelled, self._position)
        self._part, self._offset = 0, self._position
        while self._part < len(self._parts) and self._offset >= len(self._parts[self._part]):
            self._offset -= len(self._parts[self._part])
            self._part += 1
        return self._position


class _Way:
    """A pack under way, and how far it is."""

    def __init__(self, pack: Pack, body: _Body, attempt: int) -> None:
        self.pack = pack
        self.body = body
        self.attempt = attempt
        self.told = 0
        """Bytes that the progress knows of; may become fewer when a request starts over."""
        self.moved_at = time.monotonic()


class Sending:
    """Sends packs in threads of its own. Use as a context manager: leaving it early stops what is on its way.

    The threads are daemons, so that one stuck in a dead connection doesn't hold the program back.
    """

    def __init__(
        self,
        s3: Any,
        bucket: str,
        upload_id: str,
        pace: Pace,
        progress: Progress,
        cancelled: Callable[[], bool],
        stall_s: float,
    ) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._group = index.group_of_upload(upload_id)
        self._pace = pace
        self._progress = progress
        self._cancelled = cancelled
        self._stuck_s = _PATIENCE * stall_s
        self._stopped = threading.Event()
        self._under_way: dict[Future[PackEntry], _Way] = {}
        self._arrived: list[PackEntry] = []

    def __enter__(self) -> Sending:
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()

    def send(self, pack: Pack) -> None:
        """Waits while IN_FLIGHT others are on their way."""
        while len(self._under_way) >= IN_FLIGHT:
            self.look(LOOK_S)
        self._begin(pack, 1)

    def _begin(self, pack: Pack, attempt: int) -> None:
        body = _Body(pack.parts, pack.size, self._pace, self._stopped)
        future: Future[PackEntry] = Future()
        self._under_way[future] = _Way(pack, body, attempt)
        threading.Thread(target=self._put, args=(future, pack, body), daemon=True, name="pack").start()

    def finish(self) -> None:
        """Wait for all. Raises what went wrong with the first that failed."""
        while self._under_way:
            self.look(LOOK_S)

    def look(self, wait_s: float = 0.0) -> None:
        """Tell the progress and take in what ended. Raises Cancelled, or the error of a pack that did not arrive."""
        if wait_s:
            futures.wait(self._under_way, wait_s, futures.FIRST_COMPLETED)
        for future, way in list(self._under_way.items()):
            if not future.done():
                self._tell(way, way.body.travelled)
                if time.monotonic() - way.moved_at > self._stuck_s:
                    self._begin_anew(future)
            elif error := future.exception():
                del self._under_way[future]
                raise error
            else:
                self._take(future)
        if self._cancelled():
            raise Cancelled("The upload")

    def arrived(self) -> list[PackEntry]:
        """Those that arrived since the last call; also when another one failed."""
        for future in [future for future in self._under_way if future.done() and not future.exception()]:
            self._take(future)
        arrived, self._arrived = self._arrived, []
        return arrived

    def _begin_anew(self, future: Future[PackEntry]) -> None:
        """Leaves behind what moves no more; if it arrives after all, it is the same pack."""
        way = self._under_way.pop(future)
        self._tell(way, 0)
        if way.attempt == _ATTEMPTS:
            raise StorageUnavailable("The storage takes nothing more.", "Check the network, then do the same again.")
        self._begin(way.pack, way.attempt + 1)

    def _take(self, future: Future[PackEntry]) -> None:
        way = self._under_way.pop(future)
        self._tell(way, way.pack.size)
        self._arrived.append(future.result())
        way.pack.parts = []  # its memory; its name is all that is needed from now on

    def _tell(self, way: _Way, position: int) -> None:
        if position != way.told:
            self._progress.sent(position - way.told)
            way.told = position
            way.moved_at = time.monotonic()

    def _put(self, future: Future[PackEntry], pack: Pack, body: _Body) -> None:
        try:
            sha256 = pack.sha256()
            pack.name = index.pack_name(self._group, sha256)
            chunks = b"".join(index.CHUNK.pack(part.digest, len(part.content)) for part in pack.parts)
            with translated("send a pack of files"):
                answer = self._s3.put_object(
                    Bucket=self._bucket,
                    Key=keys.pack(pack.name),
                    Body=body,
                    ContentLength=pack.size,
                    ChecksumSHA256=index.base64_of(sha256),
                )
            future.set_result(PackEntry(pack.name, int(server_time(answer).timestamp()), chunks))
        except BaseException as error:  # noqa: BLE001 - handed on: look() raises it in the thread that waits
            future.set_exception(error)
