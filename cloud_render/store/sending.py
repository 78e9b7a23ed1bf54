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
from cloud_render.contract.errors import Cancelled
from cloud_render.store import index
from cloud_render.store.holdings import server_time
from cloud_render.store.index import PackEntry
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
"""Bytes handed over at once. 256 KiB cost a GiB 0.5 s of processor more, http.client's own 16 KiB as much again."""


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
        self.position = 0

    def read(self, size: int = -1, /) -> Any:
        """Larger slices than asked for, except the last: http.client sends what it gets, whatever it asked for."""
        wanted = max(size, _SLICE) if size and size > 0 else self._size
        if self._part == len(self._parts):
            return b""
        part = self._parts[self._part]
        content = part[self._offset : self._offset + wanted]
        if self._stopped.wait(self._pace.wait_for(len(content))):
            raise Cancelled("The upload")
        self._offset += len(content)
        self.position += len(content)
        if self._offset == len(part):
            self._part, self._offset = self._part + 1, 0
        return content

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        self.position = {io.SEEK_SET: 0, io.SEEK_CUR: self.position, io.SEEK_END: self._size}[whence] + offset
        self._part, self._offset = 0, self.position
        while self._part < len(self._parts) and self._offset >= len(self._parts[self._part]):
            self._offset -= len(self._parts[self._part])
            self._part += 1
        return self.position


class Sending:
    """Sends packs in threads of its own. Use as a context manager: leaving it early stops what is on its way.

    The threads are daemons, so that one stuck in a dead connection doesn't hold the program back.
    """

    def __init__(
        self, s3: Any, bucket: str, upload_id: str, pace: Pace, progress: Progress, cancelled: Callable[[], bool]
    ) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._group = index.group_of_upload(upload_id)
        self._pace = pace
        self._progress = progress
        self._cancelled = cancelled
        self._stopped = threading.Event()
        self._under_way: dict[Future[PackEntry], tuple[Pack, _Body]] = {}
        self._told: dict[Future[PackEntry], int] = {}
        self._arrived: list[PackEntry] = []

    def __enter__(self) -> Sending:
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()

    def send(self, pack: Pack) -> None:
        """Waits while IN_FLIGHT others are on their way."""
        while len(self._under_way) >= IN_FLIGHT:
            self.look(LOOK_S)
        body = _Body(pack.parts, pack.size, self._pace, self._stopped)
        future: Future[PackEntry] = Future()
        self._under_way[future] = (pack, body)
        self._told[future] = 0
        threading.Thread(target=self._put, args=(future, pack, body), daemon=True, name="pack").start()

    def finish(self) -> None:
        """Wait for all. Raises what went wrong with the first that failed."""
        while self._under_way:
            self.look(LOOK_S)

    def look(self, wait_s: float = 0.0) -> None:
        """Tell the progress and take in what ended. Raises Cancelled, or the error of a pack that did not arrive."""
        if wait_s:
            futures.wait(self._under_way, wait_s, futures.FIRST_COMPLETED)
        for future, (pack, body) in list(self._under_way.items()):
            if not future.done():
                self._tell(future, min(body.position, pack.size))
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

    def _take(self, future: Future[PackEntry]) -> None:
        pack, _ = self._under_way.pop(future)
        self._tell(future, pack.size)
        self._arrived.append(future.result())
        pack.parts = []  # its memory; its name is all that is needed from now on

    def _tell(self, future: Future[PackEntry], position: int) -> None:
        if position != self._told[future]:
            self._progress.sent(position - self._told[future])
            self._told[future] = position

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
