# SPDX-License-Identifier: GPL-3.0-or-later
"""Where files are cut into chunks: .blend files by their content, others at fixed sizes. Pure arithmetic on bytes.

A cut by content lies where the 32 bytes before it have a rare hash, so the same content is cut alike wherever it moved
to, and a file saved again shares most of its chunks with the one before. Changing anything here makes every .blend new.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

VERSION = 1
"""Of the way to cut; chunks that another version cut are remembered in vain."""

FIXED_BYTES = 8 * 1024 * 1024
"""Length of a chunk where files are cut at fixed sizes; the last may be shorter."""

SMALLEST = 4 * 1024
AVERAGE = 16 * 1024
LARGEST = 64 * 1024
"""Lengths in bytes of chunks cut by content. benchmarks/delta.py measures other averages: 16 KiB chunks sent about half
of what 64 KiB chunks did, and cost 36 bytes of index for each."""

_BY_CONTENT_ABOVE = 256 * 1024
"""Smaller .blend files travel whole: nothing to win."""

_WORDS = 8
"""Words of four bytes that a cut looks back on."""

_PIECE = 1 << 15
"""Words worked on at once, so that the arrays stay in the processor's cache: 2.3 GB/s with 2^15, 0.8 with 2^12."""


def by_content(path: Path, size: int) -> bool:
    """Whether the file is cut by its content."""
    return size > _BY_CONTENT_ABOVE and path.suffix.lower() == ".blend"


def fixed(size: int) -> list[int]:
    """The lengths of the chunks of `size` bytes."""
    whole, rest = divmod(size, FIXED_BYTES)
    return [FIXED_BYTES] * whole + [rest] * bool(rest)


def step_of(head: bytes) -> int:
    """How many bytes lie between places where a cut may be, by the first bytes of the file.

    Blender pads all it writes to four bytes, so content of an uncompressed file moves by multiples of four and a
    quarter of the work is enough. Compressed files move by any amount.
    """
    return 4 if head.startswith(b"BLENDER") else 1


def lengths(content: Any, step: int, final: bool) -> list[int]:
    """The lengths of the chunks that `content` (bytes-like) begins with.

    What is left behind the last one (less than LARGEST) has to be put before the next content, unless this is the
    `final` one. The cuts do not depend on how a file was divided into contents.
    """
    cuts = [0]
    for place in _places(content, step):
        _cut_long(cuts, place)
        if place - cuts[-1] >= SMALLEST:
            cuts.append(place)
    _cut_long(cuts, len(content))
    if final and len(content) > cuts[-1]:
        cuts.append(len(content))
    return [end - start for start, end in pairwise(cuts)]


def _cut_long(cuts: list[int], place: int) -> None:
    while place - cuts[-1] > LARGEST:
        cuts.append(cuts[-1] + LARGEST)


def _places(content: Any, step: int) -> Sequence[int]:
    """All ends of windows whose hash is rare, in order."""
    import numpy as np  # 0.1 s, that a worker which only fetches need not pay

    rare = np.uint32((1 << 32) * step // (AVERAGE - SMALLEST))
    scratch = np.empty((2, _PIECE), np.uint32)
    found = []
    for phase in range(0, 4, step):
        words = np.frombuffer(content, "<u4", count=max(0, len(content) - phase) // 4, offset=phase)
        for start in range(0, len(words) - _WORDS + 1, _PIECE - _WORDS + 1):
            ends = np.flatnonzero(_hashes(words[start : start + _PIECE], scratch) < rare)
            found.append((ends + (start + _WORDS)) * 4 + phase)
    places: list[int] = np.sort(np.concatenate(found)).tolist() if found else []
    return places


_ODD = 0x9E3779B1
_BASE = 0x85EBCA77


def _hashes(words: Any, scratch: Any) -> Any:
    """For each window (by its first word) a hash: a polynomial of its eight words, each mixed first."""
    import numpy as np

    mixed, other = scratch[:, : len(words)]
    np.right_shift(words, 15, out=other)
    np.bitwise_xor(words, other, out=mixed)
    mixed *= np.uint32(_ODD)
    for back in (1, 2, 4):  # windows of 2, 4 and 8 words, each made of two of the half size
        older = other[: len(mixed) - back]
        np.multiply(mixed[:-back], np.uint32(pow(_BASE, back, 1 << 32)), out=older)
        mixed = mixed[back:]
        mixed += older
    return mixed
