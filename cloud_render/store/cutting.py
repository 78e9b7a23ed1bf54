# SPDX-License-Identifier: GPL-3.0-or-later
"""Where files are cut into chunks: scenes and caches by their content, others at fixed sizes. Arithmetic on bytes.

A cut by content lies where the 32 bytes before it have a rare hash, so the same content is cut alike wherever it moved
to; and around each large block of an uncompressed .blend. So a file saved again shares most of its chunks with the one
before. Changing anything here makes every .blend new.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from cloud_render.contract.errors import CloudRenderError
from cloud_render.store.blocks import Blocks

VERSION = 1
"""Of the way to cut; chunks that another version cut are remembered in vain."""

FIXED_BYTES = 8 * 1024 * 1024
"""Length of a chunk where files are cut at fixed sizes; the last may be shorter."""

SMALLEST = 4 * 1024
AVERAGE = 16 * 1024
LARGEST = 64 * 1024
"""Lengths in bytes of chunks cut by content. Measured with benchmarks/delta.py: as large blocks have cuts of their own,
8 KiB would save a tenth of what is new and double the index, at 36 bytes a chunk."""

_BY_CONTENT = {".blend", ".abc", ".usd", ".usda", ".usdc", ".usdz", ".mdd", ".pc2"}
"""Endings of files that are written again with a part of them changed. Of Alembic with one object moved 8 % are
new so, of USD 1 %, at fixed sizes all (benchmarks/delta.py). Pictures, movies and volumes change wholly or not at all,
and fixed sizes cost a third of the processor time."""

_BY_CONTENT_ABOVE = 256 * 1024
"""Smaller ones travel whole: nothing to win."""

_WORDS = 8
"""Words of four bytes that a cut looks back on."""

_PIECE = 1 << 15
"""Words worked on at once, so that the arrays stay in the processor's cache: 530 MB/s with 2^15, 210 with 2^12.

The fastcdc package is as fast where its compiled part has a wheel, and makes 10 MB/s elsewhere."""


def by_content(path: Path, size: int) -> bool:
    """Whether the file is cut by its content."""
    return size > _BY_CONTENT_ABOVE and path.suffix.lower() in _BY_CONTENT


class Cutter:
    """Cuts one file, which comes in consecutive contents from its start."""

    def __init__(self) -> None:
        self._blocks = Blocks()
        self._start = 0

    def lengths(self, content: Any, final: bool) -> list[int]:
        """The lengths of the chunks that `content` (bytes-like) begins with.

        What is left behind the last one (at most LARGEST) has to be put before the next content, unless this is the
        `final` one. The cuts do not depend on how a file was divided into contents.
        """
        cuts = [0]
        edges = set(self._blocks.edges(content, self._start))
        for place in sorted(edges.union(_places(content))):
            _cut_long(cuts, place)
            if place - cuts[-1] >= SMALLEST or (place in edges and place > cuts[-1]):
                cuts.append(place)
        _cut_long(cuts, len(content))
        if final and len(content) > cuts[-1]:
            cuts.append(len(content))
        self._start += cuts[-1]
        return [end - start for start, end in pairwise(cuts)]


def _cut_long(cuts: list[int], place: int) -> None:
    while place - cuts[-1] > LARGEST:
        cuts.append(cuts[-1] + LARGEST)


def _places(content: Any) -> Sequence[int]:
    """All ends of windows whose hash is rare, in order.

    At every byte: what Blender 5 writes does not move by multiples of four.
    """
    if len(content) < SMALLEST:
        return []
    np = _numpy()
    # At the upper end, because zeros have the hash 0, and lie in long rows.
    rare = np.uint32((1 << 32) - (1 << 32) // (AVERAGE - SMALLEST))
    scratch = np.empty((2, _PIECE), np.uint32)
    found = []
    for phase in range(4):
        words = np.frombuffer(content, "<u4", count=max(0, len(content) - phase) // 4, offset=phase)
        for start in range(0, len(words) - _WORDS + 1, _PIECE - _WORDS + 1):
            ends = np.flatnonzero(_hashes(words[start : start + _PIECE], scratch) > rare)
            found.append((ends + (start + _WORDS)) * 4 + phase)
    places: list[int] = np.sort(np.concatenate(found)).tolist() if found else []
    return places


def _numpy() -> Any:
    """0.1 s, that a worker which only fetches need not pay. Raises CloudRenderError where there is none."""
    try:
        import numpy
    except ModuleNotFoundError as error:
        raise CloudRenderError(
            "This Python has no NumPy, which cutting large files needs.",
            "Blender's own releases have it; for Debian's Blender install python3-numpy.",
        ) from error
    return numpy


_ODD = 0x9E3779B1
_BASE = 0x85EBCA77


def _hashes(words: Any, scratch: Any) -> Any:
    """For each window (by its first word) a hash: a polynomial of its eight words, each mixed first."""
    np = _numpy()

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
