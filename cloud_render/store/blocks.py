# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the large blocks of an uncompressed .blend begin and end. Knows the file format's frame, nothing inside.

A .blend is a header and then blocks: a head with the block's length and old address, then its content. Addresses
change from session to session, the arrays behind them don't: cut exactly there, they stay the same chunks.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

_OLD_HEADER = 12
"""Bytes of the header up to Blender 4.5: BLENDER, size of addresses, byte order, version."""

_OLD_HEAD = struct.Struct("<4siQii")
_HEAD = struct.Struct("<4siQqq")
"""Head of a block, from Blender 5.0 on: code, type, old address, length, count."""

LARGE = 2048
"""Bytes of content from which a block is worth cuts of its own; each costs 36 bytes of index and a run."""


class Blocks:
    """Walks over one file's blocks while it is read, from its start. What is no .blend as known has no edges."""

    def __init__(self) -> None:
        self._next = -1
        """Where the next head begins, in the file; -1 before the header was seen."""
        self._head = _HEAD
        self._length_at = 3

    def edges(self, content: Any, start: int) -> Iterator[int]:
        """Beginnings and ends of large blocks' content, counted from the start of `content`.

        `content` (bytes-like) lies at `start` in the file. Heads that it does not hold wholly are left for the next
        call, which must begin at or before the first of them.
        """
        if self._next < 0:
            self._next = self._after_header(bytes(content[:17]))
        while self._next >= start and self._next + self._head.size <= start + len(content):
            place = self._next - start
            fields = self._head.unpack_from(content, place)
            length = fields[self._length_at]
            if length < 0 or not fields[0].rstrip(b"\0").isalnum():
                self._next = 1 << 63  # not what we know: from here on the content alone decides
                return
            self._next += self._head.size + length
            if length >= LARGE:
                yield place
                yield place + self._head.size
                if place + self._head.size + length <= len(content):
                    yield place + self._head.size + length

    def _after_header(self, header: bytes) -> int:
        if header[:9] == b"BLENDER-v":  # addresses of 8 bytes, little-endian
            self._head, self._length_at = _OLD_HEAD, 1
            return _OLD_HEADER
        if header[:7] == b"BLENDER" and header[7:9].isdigit() and header[9:13] == b"-01v":
            return int(header[7:9])
        return 1 << 63
