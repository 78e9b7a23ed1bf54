# SPDX-License-Identifier: GPL-3.0-or-later
"""Frame ranges and slices."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_render.contract import frames
from cloud_render.contract.errors import BadArguments, BadFrames

FRAME_SETS = st.sets(st.integers(-frames.MAX_FRAMES, frames.MAX_FRAMES), min_size=1, max_size=60)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("7", (7,)),
        ("1-5", (1, 2, 3, 4, 5)),
        ("1-9x4", (1, 5, 9)),
        ("1-3,5..6,9", (1, 2, 3, 5, 6, 9)),
        ("-5..-3", (-5, -4, -3)),
        ("-2-1", (-2, -1, 0, 1)),
        ("-3--1", (-3, -2, -1)),
        (" 1 - 3 x 2 , 2 ", (1, 2, 3)),
        ("3,1,2,2,1-2", (1, 2, 3)),
        ("1-10x100", (1,)),
    ],
)
def test_frame_text_names_the_frames_a_person_means(text: str, expected: tuple[int, ...]) -> None:
    """Ranges, steps, lists, negative frames and blanks; overlaps count once, in order."""
    assert frames.parse(text) == expected


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("1-10,frog,3", "frog"),
        ("1-10,5-2", "5-2"),
        ("1-10x0", "1-10x0"),
        ("5x2", "5x2"),
        ("1.5", "1.5"),
        ("1-10,,3", ""),
        ("", ""),
        ("١-٣", "١-٣"),
        ("1-99999999999999999999", "1-99999999999999999999"),
        ("1;rm -rf", "1;rm -rf"),
    ],
)
def test_bad_frame_text_shows_the_wrong_part_and_an_example(text: str, part: str) -> None:
    """The error names the piece that is wrong, not the whole text, and how to write it."""
    with pytest.raises(BadFrames) as caught:
        frames.parse(text)
    assert caught.value.part == part
    assert "1-250x2" in str(caught.value)


@given(FRAME_SETS)
def test_frames_survive_the_way_through_text(wanted: set[int]) -> None:
    """parse(text_of(f)) is f."""
    assert frames.parse(frames.text_of(wanted)) == tuple(sorted(wanted))


@given(st.text(max_size=40))
def test_any_text_is_frames_or_a_clear_error(text: str) -> None:
    """Nothing but BadFrames ever comes out of bad text."""
    try:
        found = frames.parse(text)
    except BadFrames:
        return
    assert list(found) == sorted(set(found))


@given(
    start=st.sampled_from([-5, 0, 1, 101]),
    length=st.integers(1, 50),
    step=st.integers(1, 5),
    per_job=st.integers(1, 60),
)
def test_slices_cover_every_frame_once_on_the_scenes_own_grid(start: int, length: int, step: int, per_job: int) -> None:
    """The union of all slices is Blender's own range, without overlap, overrun or a step that starts anew."""
    wanted = frames.of_scene(start, start + length - 1, step)
    slices = [frames.slice_of(wanted, child, per_job) for child in range(frames.children(len(wanted), per_job))]
    assert [frame for piece in slices for frame in piece] == list(range(start, start + length, step))
    assert all(1 <= len(piece) <= per_job for piece in slices)


def test_a_child_beyond_the_last_is_refused() -> None:
    """An index outside the array is an error, never an empty slice."""
    with pytest.raises(BadArguments):
        frames.slice_of((1, 2, 3), 2, 2)


@given(st.integers(1, 200_000), st.integers(1, 300_000))
def test_an_array_never_has_more_children_than_batch_takes(count: int, wanted: int) -> None:
    """More than 10,000 slices mean more frames a child, never an error."""
    per_job = frames.fitted_frames_per_job(count, wanted)
    assert 1 <= per_job <= count
    assert frames.children(count, per_job) <= frames.MAX_CHILDREN


def test_25_000_frames_become_8_334_children_of_3() -> None:
    """The smallest raise that fits is taken."""
    assert frames.fitted_frames_per_job(25_000, 1) == 3
    assert frames.children(25_000, 3) == 8_334


@given(st.integers(1, 50_000))
def test_the_automatic_slice_keeps_short_animations_parallel(count: int) -> None:
    """Never more than a slice of frames that would leave fewer than half of the square root of them in children."""
    per_job = frames.automatic_frames_per_job(count)
    assert frames.children(count, per_job) >= min(count, count**0.5 / 2)


def test_step_is_told_only_where_there_is_one() -> None:
    """None for uneven frames, 1 for a single one."""
    assert frames.step_of((1, 4, 7)) == 3
    assert frames.step_of((5,)) == 1
    assert frames.step_of((1, 2, 5)) is None
