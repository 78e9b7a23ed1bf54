# SPDX-License-Identifier: GPL-3.0-or-later
"""What a .blend says of itself, and what is said of files that are none."""

from __future__ import annotations

import shutil
from fractions import Fraction

import pytest

from cloud_render import blender as blender_door
from cloud_render.contract.errors import BadArguments, BadInput, UnreadableBlend


def test_a_scene_says_its_range_size_rate_and_engine(examine, blend):
    """29.97 and its kind are exact fractions, not the float that Blender keeps."""
    settings = examine(blend("plain")).settings()
    assert (settings.frame_start, settings.frame_end, settings.frame_step) == (1, 5, 1)
    assert settings.fps == Fraction(24000, 1001)
    assert (settings.width, settings.height, settings.percentage) == (64, 36, 100)
    assert (settings.engine, settings.samples, settings.file_format) == ("CYCLES", 1, "PNG")
    assert (settings.camera, settings.has_sound, settings.movie) == ("Camera", False, None)


def test_all_scenes_and_the_active_one_are_named(examine, blend):
    """Each with its own settings."""
    examination = examine(blend("two_scenes"))
    assert examination.scene == "Other"
    assert {settings.name for settings in examination.scenes} == {"Scene", "Other"}


def test_layers_that_are_switched_off_are_told_apart(examine, blend):
    """All layers, and those that render."""
    settings = examine(blend("layers")).settings()
    assert settings.view_layers == ("First", "Second", "Off")
    assert settings.active_view_layers == ("First", "Second")


def test_a_movie_output_keeps_the_artist_s_container_and_codec(examine, blend):
    """The frames will be PNG, the video as the artist set it."""
    settings = examine(blend("movie_output")).settings()
    assert settings.file_format == "PNG"
    assert settings.movie is not None
    assert (settings.movie.container, settings.movie.codec) == ("MKV", "FFV1")


def test_cameras_are_listed(examine, blend):
    """For the one who wants to choose."""
    assert examine(blend("cameras")).settings().cameras == ("Camera", "Left", "Right")


def test_versions_are_those_of_the_file_and_of_the_blender(examine, blend, blender):
    """Both as numbers, so that they can be compared."""
    examination = examine(blend("plain"))
    assert examination.blender == blender.version
    assert examination.saved_by == blender.release


def test_python_that_needs_leave_is_named(examine, blend):
    """So that the artist can decide whether it may run."""
    assert any("turn_green.py" in script for script in examine(blend("scripted")).scripts)
    assert examine(blend("plain")).scripts == ()


def test_looking_at_a_file_leaves_it_alone(examine, blend):
    """Neither its bytes nor its time change, and nothing appears beside it."""
    path = blend("plain")
    before = (path.read_bytes(), path.stat().st_mtime_ns, sorted(path.parent.iterdir()))
    examine(path)
    assert (path.read_bytes(), path.stat().st_mtime_ns, sorted(path.parent.iterdir())) == before


def test_a_file_that_is_not_there_is_a_wrong_argument(examine, tmp_path):
    """Not a damaged .blend."""
    with pytest.raises(BadArguments, match="There is no file"):
        examine(tmp_path / "nothing.blend")


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_blend_is_said_to_be_none(examine, tmp_path, content):
    """Whatever its name says."""
    path = tmp_path / "fake.blend"
    path.write_bytes(content)
    with pytest.raises(UnreadableBlend, match=r"fake\.blend is not a \.blend file"):
        examine(path)


def test_a_blend_that_is_cut_short_can_t_be_read(examine, blend, tmp_path):
    """As after an upload or a sync that never ended."""
    path = tmp_path / "cut.blend"
    content = blend("plain").read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(UnreadableBlend, match=r"cut\.blend"):
        examine(path)


@pytest.mark.parametrize("header", [b"BLENDER-v999", b"BLENDER17-01v0999"])
def test_a_blend_of_a_newer_blender_names_both_versions(examine, blend, tmp_path, header):
    """Older Blenders would lose a part of it, or say it were no .blend at all."""
    path = tmp_path / "newer.blend"
    content = blend("plain").read_bytes()
    path.write_bytes(header + content[len(header) :])
    with pytest.raises(UnreadableBlend, match=r"saved by Blender 9\.99"):
        examine(path)


def test_frames_that_can_t_be_read_are_refused(examine, blend):
    """With the words of the frame parser."""
    with pytest.raises(BadInput, match="Can't read the frames"):
        examine(blend("plain"), frames="ten")


def test_names_may_have_any_letters(examine, blend, tmp_path):
    """Blanks, umlauts, quotes and emoji in a path change nothing."""
    path = tmp_path / "a 'b' \"ä\" ☕" / "sch{ö}n #1.blend"
    path.parent.mkdir()
    shutil.copy(blend("plain"), path)
    assert examine(path).blend.path == str(path)


def test_a_request_that_is_too_long_for_an_argument_arrives(blender, blend):
    """It travels in a file."""
    request = {"action": "examine", "blend": str(blend("plain")), "frames": None, "padding": "x" * 300_000}
    assert blender_door.ask(blender, request)["event"] == "examined"
