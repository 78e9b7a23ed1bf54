# SPDX-License-Identifier: GPL-3.0-or-later
"""Images as one AVI stream: FFmpeg sees where each begins, whatever its format, and at which exact rate they run.

Pictures simply put one after another would have to be told apart by their contents, which FFmpeg can't do for TIFF and
Targa, and where one damaged picture would swallow the next. AVI also counts time in frames of a rational rate, so
30000/1001 a second stays exact. The two sizes that would need the end of the stream are "unknown", and FFmpeg reads
on (tried with 8.7 GiB through a pipe).
"""

from __future__ import annotations

import struct
from fractions import Fraction

_UNKNOWN = 0xFFFF_FFFF
_FOURCC = b"IMGS"
"""No codec's own: the reader is told the decoder."""


def header(width: int, height: int, fps: Fraction) -> bytes:
    """What comes before the first picture; `fps` must have parts below 2**31."""
    microseconds = min(round(1_000_000 / fps), _UNKNOWN)
    main = struct.pack("<14I", microseconds, 0, 0, 0, 0, 0, 1, 0, width, height, 0, 0, 0, 0)
    rate = (fps.denominator, fps.numerator)
    stream = b"vids" + _FOURCC + struct.pack("<IHH8I4h", 0, 0, 0, 0, *rate, 0, 0, 0, _UNKNOWN, 0, 0, 0, 0, 0)
    bitmap = struct.pack("<IiiHH4s5I", 40, width, height, 1, 32, _FOURCC, 0, 0, 0, 0, 0)
    lists = _list(b"hdrl", _chunk(b"avih", main) + _list(b"strl", _chunk(b"strh", stream) + _chunk(b"strf", bitmap)))
    return b"RIFF" + struct.pack("<I", _UNKNOWN) + b"AVI " + lists + b"LIST" + struct.pack("<I", _UNKNOWN) + b"movi"


def picture(content: bytes) -> tuple[bytes, bytes, bytes]:
    """The pieces to write for one picture, in order; `content` itself is not copied."""
    return b"00dc" + struct.pack("<I", len(content)), content, b"\0" * (len(content) % 2)


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def _list(name: bytes, body: bytes) -> bytes:
    return _chunk(b"LIST", name + body)
