# SPDX-License-Identifier: GPL-3.0-or-later
"""Log streams: what children print, kept in one file a stream, and read as CloudWatch Logs gives it out.

A file's line is `<milliseconds since 1970> <text>`. A position in a stream is a byte offset, so that following a long
log costs only what is new.
"""

from __future__ import annotations

import errno
import io
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from urllib.parse import quote, unquote

MAX_LINE = 16 * 1024
"""Bytes; Docker cuts longer lines in pieces of this size."""

PAGE_BYTES = 1 << 20
PAGE_EVENTS = 10_000
"""What one GetLogEvents answers at most."""


@dataclass(frozen=True)
class Event:
    """One line of a stream; time in milliseconds since 1970."""

    timestamp: int
    message: str


@dataclass(frozen=True)
class Page:
    """Events between two positions of a stream."""

    events: tuple[Event, ...]
    start: int
    end: int


@dataclass(frozen=True)
class Stream:
    name: str
    first_event: int | None
    last_event: int | None
    size: int
    """In bytes."""
    created: int


class LogFolder:
    """All groups and streams of one local cloud."""

    def __init__(self, root: Path, clock: Callable[[], float] = time.time) -> None:
        self._root = root
        self._clock = clock

    def writer(self, group: str, stream: str) -> LogWriter:
        path = self._path(group, stream)
        path.parent.mkdir(parents=True, exist_ok=True)
        return LogWriter(path.open("ab", buffering=0), self._clock)

    def has(self, group: str, stream: str) -> bool:
        return self._path(group, stream).is_file()

    def forwards(self, group: str, stream: str, start: int, limit: int) -> Page:
        """Whole lines from `start` on."""
        with self._path(group, stream).open("rb") as file:
            file.seek(start)
            block = file.read(PAGE_BYTES)
        lines = block[: block.rfind(b"\n") + 1].splitlines(keepends=True)[:limit]
        return Page(tuple(map(_event, lines)), start, start + sum(map(len, lines)))

    def backwards(self, group: str, stream: str, end: int | None, limit: int) -> Page:
        """The last whole lines before `end`; None is the end of the stream."""
        with self._path(group, stream).open("rb") as file:
            stop = file.seek(0, io.SEEK_END) if end is None else end
            begin = max(0, stop - PAGE_BYTES)
            file.seek(begin)
            block = file.read(stop - begin)
        block = block[: block.rfind(b"\n") + 1]
        stop = begin + len(block)
        if begin:
            block = block[block.find(b"\n") + 1 :]
        lines = block.splitlines(keepends=True)[-limit:]
        return Page(tuple(map(_event, lines)), stop - sum(map(len, lines)), stop)

    def streams(self, group: str, prefix: str = "") -> Iterator[Stream]:
        """The streams of a group, by name."""
        folder = self._root / quote(group, safe="")
        if not folder.is_dir():
            return
        for path in sorted(folder.iterdir(), key=lambda found: unquote(found.stem)):
            name = unquote(path.stem)
            if name.startswith(prefix):
                yield self._stream(group, name, path)

    def _stream(self, group: str, name: str, path: Path) -> Stream:
        status = path.stat()
        first = self.forwards(group, name, 0, 1).events
        last = self.backwards(group, name, None, 1).events
        return Stream(
            name,
            first[0].timestamp if first else None,
            last[0].timestamp if last else None,
            status.st_size,
            first[0].timestamp if first else int(status.st_mtime * 1000),
        )

    def _path(self, group: str, stream: str) -> Path:
        return self._root / quote(group, safe="") / (quote(stream, safe="") + ".log")


class LogWriter:
    """Appends what one child prints, line by line, each with its time. What a full disk has no room for is left out."""

    def __init__(self, file: io.FileIO, clock: Callable[[], float]) -> None:
        self._file = file
        self._clock = clock
        self._rest = b""
        self._left_out = 0

    def write(self, printed: bytes) -> None:
        *lines, self._rest = (self._rest + printed).split(b"\n")
        if len(self._rest) > MAX_LINE:
            lines, self._rest = [*lines, self._rest], b""
        if lines:
            self._put(lines)

    def __enter__(self) -> LogWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._rest or self._left_out:
            self._put([self._rest] if self._rest else [])
        self._file.close()

    def _put(self, lines: list[bytes]) -> None:
        stamp = b"%d " % int(self._clock() * 1000)
        # A carriage return inside a line would end it when it is read back; CloudWatch has no empty events.
        plain = (line.rstrip(b"\r").replace(b"\r", b" ") for line in lines)
        pieces = (line[start : start + MAX_LINE] for line in plain for start in range(0, len(line), MAX_LINE))
        gap = [b"(lines left out while the disk was full: %d)" % self._left_out] if self._left_out else []
        if self._append(b"".join(stamp + piece + b"\n" for piece in (*gap, *pieces))):
            self._left_out = 0
        else:
            self._left_out += len(lines)

    def _append(self, block: bytes) -> bool:
        """All of it, or nothing: half a line could not be read back."""
        end = self._file.seek(0, io.SEEK_END)
        try:
            if self._file.write(block) == len(block):
                return True
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
        self._file.truncate(end)
        return False


def _event(line: bytes) -> Event:
    stamp, _, text = line.rstrip(b"\n").partition(b" ")
    return Event(int(stamp), text.decode("utf-8", "replace"))
