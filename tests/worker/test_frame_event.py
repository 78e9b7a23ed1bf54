# SPDX-License-Identifier: GPL-3.0-or-later
"""What a scene's script may say in Blender's name, and what comes of it."""

from __future__ import annotations

import pytest

from cloud_render.contract.errors import BlenderFailed
from worker.frame_event import rendered_frame


@pytest.fixture
def event(tmp_path):
    """Of a frame whose files are all there, below `out`; what is given replaces a part of it."""
    out = tmp_path / "out"
    (out / "0001").mkdir(parents=True)
    for name in ("0001.png", "depth.exr"):
        (out / "0001" / name).write_bytes(b"x")
    (tmp_path / "secret").write_text("a key")
    (out / "0001" / "link.png").symlink_to(tmp_path / "secret")

    def make(**changes):
        told = {"frame": 1, "seconds": 0.5, "primary": str(out / "0001" / "0001.png"), "display": None}
        told["outputs"] = [{"name": "depth/0001.exr", "path": str(out / "0001" / "depth.exr")}]
        return told | changes, out

    return make


def test_a_frame_is_taken_with_its_outputs(event):
    """Files below the folder that Blender was given are what it made."""
    rendered = rendered_frame(*event())
    assert (rendered.frame, rendered.primary.name, [name for name, _ in rendered.outputs]) == (
        1, "0001.png", ["depth/0001.exr"]
    )  # fmt: skip


@pytest.mark.parametrize("place", ["secret", "out/0001/link.png", "out/../secret", "out/0001/../../secret"])
def test_no_file_of_the_machine_leaves_it_as_a_frame(event, tmp_path, place):
    """Neither by its path, nor through a link, nor through dots."""
    for changes in ({"primary": str(tmp_path / place)}, {"display": str(tmp_path / place)}):
        with pytest.raises(BlenderFailed, match="none of its own files"):
            rendered_frame(*event(**changes))


@pytest.mark.parametrize("name", ["../0002.png", "/etc/passwd", "a//b", "", "display/0002.png"])
def test_no_output_is_stored_outside_its_place(event, tmp_path, name):
    """Its name becomes a part of a key."""
    given = [{"name": name, "path": str(tmp_path / "out" / "0001" / "depth.exr")}]
    with pytest.raises(BlenderFailed, match="can't be stored"):
        rendered_frame(*event(outputs=given))


def test_what_blender_says_in_another_form_fails_the_frame_in_words(rig):
    """No traceback: a word that can't be read is tried again in a fresh process, then told."""
    rig.job(frames="1-2")
    rig.fake(nonsense={"1": 9})
    ended = rig.render()
    assert ended.code == 70
    assert "Blender's events can't be read" in ended.last_line
    assert "Traceback" not in ended.log
