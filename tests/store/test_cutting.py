# SPDX-License-Identifier: GPL-3.0-or-later
"""Cuts by content stay where the content is, whatever happens around it."""

from __future__ import annotations

import random
from itertools import accumulate, pairwise
from pathlib import Path

import pytest

from cloud_render.store import cutting

NOISE = random.Random(1).randbytes(2_000_000)


def chunks(content: bytes) -> list[bytes]:
    ends = [0, *accumulate(cutting.lengths(content, True))]
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
    found, rest = [], b""
    for start in range(0, len(NOISE), size):
        content = rest + NOISE[start : start + size]
        lengths = cutting.lengths(content, start + size >= len(NOISE))
        found += lengths
        rest = content[sum(lengths) :]
    assert found == cutting.lengths(NOISE, True)


def test_only_large_blend_files_are_cut_by_content() -> None:
    """Small ones travel whole, and other files are cut at fixed sizes."""
    assert cutting.by_content(Path("a.BLEND"), 1 << 20)
    assert not cutting.by_content(Path("a.blend"), 1 << 10)
    assert not cutting.by_content(Path("a.vdb"), 1 << 30)
