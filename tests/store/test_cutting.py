# SPDX-License-Identifier: GPL-3.0-or-later
"""Cuts by content stay where the content is, whatever happens around it."""

from __future__ import annotations

import random
import struct
from itertools import accumulate, pairwise
from pathlib import Path

import pytest

from cloud_render.store import cutting

NOISE = random.Random(1).randbytes(2_000_000)


def chunks(content: bytes) -> list[bytes]:
    ends = [0, *accumulate(cutting.Cutter().lengths(content, True))]
    return [content[start:end] for start, end in pairwise(ends)]


@pytest.mark.parametrize("content", [NOISE, bytes(500_000), b"ab" * 300_000, b"x", b""], ids=len)
def test_the_chunks_are_the_content(content: bytes) -> None:
    """Put together again they make what was cut, and all but the last keep to the limits."""
    found = chunks(content)
    assert b"".join(found) == content
    assert all(cutting.SMALLEST <= len(chunk) <= cutting.LARGEST for chunk in found[:-1])


def test_chunks_have_about_the_average_length() -> None:
    """So that the size of an index can be foreseen."""
    assert 0.8 < len(NOISE) / len(chunks(NOISE)) / cutting.AVERAGE < 1.2


@pytest.mark.parametrize("inserted", [b"", b"one", bytes(4096)], ids=len)
def test_an_insertion_makes_only_its_own_place_new(inserted: bytes) -> None:
    """What lies before and behind is cut as it was, though it moved by any number of bytes."""
    edited = NOISE[:900_000] + inserted + NOISE[900_100:]
    known = set(chunks(NOISE))
    new = sum(len(chunk) for chunk in chunks(edited) if chunk not in known)
    assert new <= 3 * cutting.LARGEST + len(inserted)


@pytest.mark.parametrize("size", [33_000, 100_001, 1_000_000])
def test_reading_in_other_pieces_cuts_the_same(size: int) -> None:
    """The cuts depend on the content alone, not on how much was read at once."""
    cutter = cutting.Cutter()
    found, rest = [], b""
    for start in range(0, len(NOISE), size):
        content = rest + NOISE[start : start + size]
        lengths = cutter.lengths(content, start + size >= len(NOISE))
        found += lengths
        rest = content[sum(lengths) :]
    assert found == cutting.Cutter().lengths(NOISE, True)


def test_only_large_files_that_change_in_part_are_cut_by_content() -> None:
    """Scenes and caches; small ones travel whole, and other files are cut at fixed sizes."""
    assert cutting.by_content(Path("a.BLEND"), 1 << 20)
    assert cutting.by_content(Path("cloth.abc"), 1 << 30)
    assert cutting.by_content(Path("set.usdc"), 1 << 30)
    assert not cutting.by_content(Path("a.blend"), 1 << 10)
    assert not cutting.by_content(Path("a.vdb"), 1 << 30)
    assert not cutting.by_content(Path("a.mp4"), 1 << 30)


HEADERS = {
    "4.2": (b"BLENDER-v402", struct.Struct("<4siQii"), lambda code, old, size: (code, size, old, 0, 1)),
    "5.0": (b"BLENDER17-01v0500", struct.Struct("<4siQqq"), lambda code, old, size: (code, 0, old, size, 1)),
}


@pytest.mark.parametrize("version", HEADERS)
def test_new_addresses_of_blocks_leave_their_content_as_it_was(version: str) -> None:
    """Each session writes others; only the heads of the blocks are new chunks."""
    header, head, fields = HEADERS[version]

    def saved(session: int) -> bytes:
        contents = [NOISE[place : place + 30_000 + place % 7] for place in range(0, 1_500_000, 40_000)]
        heads = [head.pack(*fields(b"DATA", session + place, len(it))) for place, it in enumerate(contents)]
        return header + b"".join(map(bytes.__add__, heads, contents))

    known = set(chunks(saved(0x7F00_0000)))
    new = [chunk for chunk in chunks(saved(0x7FFF_0000)) if chunk not in known]
    assert sum(map(len, new)) < 3000


@pytest.mark.parametrize("start", [b"BLENDER-v402", b"BLENDER17-01v0500", b"BLENDER17-09v0999", b"BLENDER", b"("])
def test_what_is_no_blend_is_cut_all_the_same(start: bytes) -> None:
    """Damaged, compressed and future files are only content."""
    content = start + NOISE[:500_000]
    assert b"".join(chunks(content)) == content
