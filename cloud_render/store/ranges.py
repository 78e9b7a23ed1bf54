# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of objects, read to their last byte whatever the line does in between.

Botocore repeats requests that get no answer. It does not repeat answers that break off in the middle, and none of its
time-outs ends one that comes byte by byte: each byte starts them anew. This does both.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from botocore import exceptions as aws

from cloud_render.contract.errors import StorageUnavailable
from cloud_render.store.pace import Pace
from cloud_render.store.translate import BROKEN_LINE, translated

PART_BYTES = 8 * 1024 * 1024
"""Largest part asked for at once; it is held in memory."""

STALL_S = 30.0
"""An answer of which _PIECE_BYTES don't come in this time is left behind: 1 kB/s, a hundredth of the slowest lines."""

_PIECE_BYTES = 32 * 1024
_LARGEST_PIECE = 256 * 1024
"""Where a line is quick: 32 KiB alone cost a GiB 1.1 s of processor more."""

_QUICK_S = 0.5
_BEGIN_S = 120.0
"""For an answer to begin: botocore repeats what is refused or gets no answer, with pauses, all in one call."""

_ATTEMPTS = 5
"""That bring nothing, in a row: one that brought something is gone on from there."""


def _unheard(_size: int) -> None:
    pass


class Reader:
    """Reads one bucket's objects, no faster than `limit`; from any thread. `came` hears of the bytes as they come.

    An answer that makes no progress for `stall_s` is left behind. Its methods raise StorageUnavailable or NotThere.
    """

    def __init__(
        self,
        s3: Any,
        bucket: str,
        limit: Pace | None = None,
        stall_s: float = STALL_S,
        came: Callable[[int], None] = _unheard,
    ) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._limit = limit or Pace(0)
        self._stall_s = stall_s
        self._came = came

    def part(self, key: str, offset: int, length: int, if_match: str = "") -> memoryview:
        """`length` bytes of the object from `offset` on; of the version with the ETag `if_match`, if given."""
        if not length:
            return memoryview(b"")
        content, _ = self._read(key, offset, length, if_match, {})
        return content

    def whole(self, key: str, size: int, if_match: str = "") -> tuple[memoryview, Mapping[str, Any]]:
        """All `size` bytes of the object, and what S3 says of it: its checksum, which it tells of no part."""
        return self._read(key, 0, size, if_match, {"ChecksumMode": "ENABLED"})

    def _read(
        self, key: str, offset: int, length: int, if_match: str, first: Mapping[str, str]
    ) -> tuple[memoryview, Mapping[str, Any]]:
        content = memoryview(bytearray(length))
        said: Mapping[str, Any] = {}
        got = failed = 0
        problem: Exception | None = None
        with translated(f"read {key}"):
            while failed < _ATTEMPTS and (got < length or not said):
                span = {"Range": f"bytes={offset + got}-{offset + length - 1}"} if got or not first else first
                match = {"IfMatch": if_match} if if_match else {}
                ask = partial(self._s3.get_object, Bucket=self._bucket, Key=key, **match, **span)
                answer = _Answer(ask, content[got:], self._limit, self._stall_s, self._came)
                try:
                    answer.wait()
                except BROKEN_LINE as error:
                    problem = error
                said = said or answer.said
                failed = 0 if answer.got >= _PIECE_BYTES else failed + 1
                got += answer.got
                if got < length and failed < _ATTEMPTS:
                    time.sleep(0.2 * 2**failed)
            if problem and (got < length or not said):
                raise problem
        if got < length:
            raise StorageUnavailable(f"{key} came back shorter than it is stored.", "Try again in a minute.")
        return content, said


class _Answer:
    """One request's answer, read into `content` in a thread of its own, so that it can be left behind."""

    def __init__(
        self,
        ask: Callable[[], Mapping[str, Any]],
        content: memoryview,
        limit: Pace,
        stall_s: float,
        came: Callable[[int], None],
    ) -> None:
        self.got = 0
        """Bytes that came; those of an answer that was left behind no longer change."""
        self.said: Mapping[str, Any] = {}
        """What the answer begins with."""
        self._ask = ask
        self._content = content
        self._limit = limit
        self._stall_s = stall_s
        self._came = came
        self._look_s = min(1.0, stall_s / 2)
        self._piece_bytes = _PIECE_BYTES
        self._body: Any = None
        self._due = time.monotonic() + max(_BEGIN_S, stall_s)
        self._left_behind = threading.Event()
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._error: BaseException | None = None
        threading.Thread(target=self._run, daemon=True, name="range").start()

    def wait(self) -> None:
        """Until all has come, or the answer has ended. Raises what ended it, or ReadTimeoutError."""
        while not self._ended.wait(self._look_s):  # not until it is due: that comes nearer once the answer begins
            if time.monotonic() >= self._due:
                self._leave_behind()
                raise aws.ReadTimeoutError(endpoint_url="the storage", error="it answers too slowly")
        if self._error:
            raise self._error

    def _leave_behind(self) -> None:
        with self._lock:
            self._left_behind.set()
        # Where botocore and urllib3 allow it, the thread ends now; else with the connection.
        shutdown = getattr(getattr(self._body, "_raw_stream", None), "shutdown", None)
        if shutdown:
            try:
                shutdown()
            except (OSError, ValueError, RuntimeError):
                return  # it ended by itself just now

    def _run(self) -> None:
        try:
            said = self._ask()
            self._body, self.said = said["Body"], said
            self._due = time.monotonic() + self._stall_s
            while self.got < len(self._content) and self._take():
                pass
        except BaseException as error:  # noqa: BLE001 - handed on: wait() raises it
            self._error = error
        finally:
            self._ended.set()

    def _take(self) -> bool:
        """A piece more; whether there may be another one."""
        began = time.monotonic()
        piece = self._body.read(min(self._piece_bytes, len(self._content) - self.got))
        came = len(piece)
        with self._lock:
            # Not into the content itself: who was left behind must not write there, when others have verified it.
            if self._left_behind.is_set():
                return False
            self._content[self.got : self.got + came] = piece
            self.got += came
        self._came(came)
        quick = time.monotonic() - began < _QUICK_S
        self._piece_bytes = min(2 * self._piece_bytes, _LARGEST_PIECE) if quick else _PIECE_BYTES
        pause = self._limit.wait_for(came)
        self._due = time.monotonic() + pause + self._stall_s
        return came > 0 and not self._left_behind.wait(pause)
