# SPDX-License-Identifier: GPL-3.0-or-later
"""What the bytes of an image file say without decoding it: its size in pixels, and whether it is all there.

The formats are those that FFmpeg shows as they are (`ImageKind.needs_display` is false). Damage inside the compressed
pixels is found by the decoder, not here.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Collection
from dataclasses import dataclass


class Damaged(Exception):
    """The file is not a whole image of its kind; the text says in what way."""


@dataclass(frozen=True)
class Size:
    """In pixels."""

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


@dataclass(frozen=True)
class Format:
    """A row of the table of formats."""

    decoder: str
    """FFmpeg's name for it."""
    size: Callable[[bytes], Size]
    """Of a file's content; raises Damaged."""
    has_alpha: bool
    """Whether its images may have an alpha channel."""
    is_deep: Callable[[bytes], bool] = lambda _: False
    """Whether a file has more than 8 bits a channel."""
    strict: bool = True
    """Whether the decoder may be told that anything odd is damage."""


def size(content: bytes, extension: str) -> Size:
    """Of an image file with `extension` (without the dot, a key of FORMATS). Raises Damaged."""
    if not content:
        raise Damaged("it is empty")
    try:
        found = FORMATS[extension].size(content)
    except (struct.error, IndexError) as error:
        raise Damaged("it ends early") from error
    if not (found.width and found.height):
        raise Damaged("it has no pixels")
    return found


def _png(content: bytes) -> Size:
    _must_start(content, b"\x89PNG\r\n\x1a\n", "PNG")
    width, height = struct.unpack_from(">II", content, 16)
    position = 8
    while content[position + 4 : position + 8] != b"IEND":
        (length,) = struct.unpack_from(">I", content, position)
        position += 12 + length
    if position + 12 > len(content):
        raise Damaged("it ends early")
    return Size(width, height)


_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Start-of-frame markers: all of C0-CF but the tables (C4, CC) and a reserved one."""


def _jpeg(content: bytes) -> Size:
    _must_start(content, b"\xff\xd8", "JPEG")
    if b"\xff\xd9" not in content[-64:]:  # some writers pad after the end marker
        raise Damaged("it ends early")
    position = 2
    while content[position + 1] not in _JPEG_FRAMES:
        if content[position] != 0xFF:
            raise Damaged("its JPEG markers are broken")
        (length,) = struct.unpack_from(">H", content, position + 2)
        position += 2 + length
    height, width = struct.unpack_from(">HH", content, position + 5)
    return Size(width, height)


def _webp(content: bytes) -> Size:
    _must_start(content, b"RIFF", "WebP")
    (length,) = struct.unpack_from("<I", content, 4)
    if length + 8 > len(content):
        raise Damaged("it ends early")
    kind = content[8:16]
    if kind == b"WEBPVP8X":
        width, height = (int.from_bytes(content[at : at + 3], "little") + 1 for at in (24, 27))
        return Size(width, height)
    if kind == b"WEBPVP8L":
        (bits,) = struct.unpack_from("<I", content, 21)
        return Size((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if kind == b"WEBPVP8 ":
        width, height = struct.unpack_from("<HH", content, 26)
        return Size(width & 0x3FFF, height & 0x3FFF)
    raise Damaged("it is not a WebP image")


def _deep_png(content: bytes) -> bool:
    return content[24] > 8


def _tiff(content: bytes) -> Size:
    values = _tiff_values(content, (256, 257))
    return Size(values.get(256, 0), values.get(257, 0))


def _deep_tiff(content: bytes) -> bool:
    return _tiff_values(content, (258,)).get(258, 8) > 8


def _tiff_values(content: bytes, tags: Collection[int]) -> dict[int, int]:
    """The first value of each of these tags of the first image."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(content[:4])
    if order is None:
        raise Damaged("it is not a TIFF image")
    (position,) = struct.unpack_from(order + "I", content, 4)
    (count,) = struct.unpack_from(order + "H", content, position)
    found = {}
    for entry in range(position + 2, position + 2 + 12 * count, 12):
        tag, kind, number = struct.unpack_from(order + "HHI", content, entry)
        if tag in tags:
            width = 2 if kind == 3 else 4
            # Values that don't fit into four bytes lie elsewhere, and the entry says where.
            place = entry + 8 if width * number <= 4 else struct.unpack_from(order + "I", content, entry + 8)[0]
            (found[tag],) = struct.unpack_from(order + ("H" if kind == 3 else "I"), content, place)
    return found


def _bmp(content: bytes) -> Size:
    _must_start(content, b"BM", "BMP")
    length, _, _, _, width, height = struct.unpack_from("<IIIIii", content, 2)
    if length > len(content):
        raise Damaged("it ends early")
    return Size(width, abs(height))


def _targa(content: bytes) -> Size:
    width, height = struct.unpack_from("<HH", content, 12)
    return Size(width, height)


def _must_start(content: bytes, start: bytes, name: str) -> None:
    if not content.startswith(start):
        raise Damaged(f"it is not a {name} image")


FORMATS = {
    "png": Format("png", _png, has_alpha=True, is_deep=_deep_png),
    "jpg": Format("mjpeg", _jpeg, has_alpha=False),
    "webp": Format("webp", _webp, has_alpha=True),
    # Strictly, FFmpeg 9 refuses every TIFF with alpha; one that ends early it refuses in any case.
    "tif": Format("tiff", _tiff, has_alpha=True, is_deep=_deep_tiff, strict=False),
    "bmp": Format("bmp", _bmp, has_alpha=False),
    "tga": Format("targa", _targa, has_alpha=True),
}
"""By the extension that Blender writes."""
