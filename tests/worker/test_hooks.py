# SPDX-License-Identifier: GPL-3.0-or-later
"""The artist's own scripts around a render."""

from __future__ import annotations

import pytest

from cloud_render.contract.job import Hooks


@pytest.fixture
def hooked(rig):
    """Puts a job with the given hooks into the bucket."""

    def put(pre: bytes = b"", post: bytes = b"", **fields):
        folder = "home/ann/film/"
        scripts = {name: text for name, text in (("pre_render", pre), ("post_render", post)) if text}
        files = [rig.file(f"{folder}{name}.sh", text) for name, text in scripts.items()]
        hooks = Hooks(**{name: f"{folder}{name}.sh" for name in scripts})
        return rig.job(rig.file(folder + "scene.blend"), *files, hooks=hooks, **fields)

    return put


def test_a_pre_render_hook_runs_in_the_folder_of_the_blend(hooked, rig):
    """With the job's id, frames and places in its environment."""
    hooked(pre=b'pwd\necho "$CLOUD_RENDER_JOB_ID frames $CLOUD_RENDER_FRAMES"\n', frames="1-3")
    ended = rig.render()
    assert ended.code == 0, ended.log
    assert "/root/home/ann/film\n" in ended.log
    assert "20261121-101500-scene-ab12 frames 1-3" in ended.log


def test_what_a_post_render_hook_leaves_is_uploaded(hooked, rig):
    """Files in $CLOUD_RENDER_OUTPUT come back under outputs/, folders kept; they can be made of the frames."""
    post = b'cd "$CLOUD_RENDER_OUTPUT" && mkdir sheet && ls "$CLOUD_RENDER_FRAMES_FOLDER/frames" > sheet/list.txt'
    hooked(post=post, frames="1-2")
    ended = rig.render()
    assert ended.code == 0, ended.log
    assert b"0001.png" in rig.get(rig.prefix.output("sheet/list.txt"))


def test_a_post_render_hook_that_did_not_run_runs_in_the_next_attempt(hooked, rig):
    """All frames being there does not mean that the hook was."""
    hooked(post=b'echo ok > "$CLOUD_RENDER_OUTPUT/ok"\n', frames="1-1", video=None)
    rig.put(rig.prefix.frame(1, "png"), b"rendered before")
    assert rig.render().code == 0
    assert rig.get(rig.prefix.output("ok")) == b"ok\n"


def test_a_hook_written_on_windows_runs(hooked, rig):
    """Its line ends are put right first."""
    hooked(pre=b"if true\r\nthen\r\necho windows works\r\nfi\r\n", frames="1-1", video=None)
    ended = rig.render()
    assert ended.code == 0, ended.log
    assert "windows works" in ended.log


def test_a_failing_hook_fails_the_job_before_it_renders(hooked, rig):
    """The last line names the hook and its exit code; nothing is rendered."""
    hooked(pre=b"echo no licence\nexit 3\n", frames="1-2")
    ended = rig.render()
    assert ended.code == 70
    assert ended.last_line.startswith("error: The hook pre_render failed with exit code 3.")
    assert rig.keys("frames/") == []


def test_a_link_that_a_hook_leaves_brings_no_other_file_into_the_bucket(hooked, rig):
    """Only plain files below the output folder are uploaded."""
    hooked(post=b'ln -s /etc/passwd "$CLOUD_RENDER_OUTPUT/passwd"\n', frames="1-1", video=None)
    ended = rig.render()
    assert ended.code == 0, ended.log
    assert rig.keys("outputs/") == []


def test_a_hook_that_writes_to_the_scenes_files_leaves_the_cache_as_it_is(hooked, rig):
    """Jobs with hooks get their own copies, so that no other job sees what a hook changed."""
    hooked(pre=b"echo more >> scene.blend\n", frames="1-1", video=None)
    assert rig.render().code == 0
    cached = [path.read_bytes() for path in (rig.folder / "cache" / "files").iterdir()]
    assert b"BLENDER-v405" in cached


def test_a_hook_can_not_put_pictures_into_the_video(hooked, rig):
    """Below outputs/display/ lies what the stitch shows of scene-linear frames, those of other children too."""
    hooked(post=b'mkdir "$CLOUD_RENDER_OUTPUT/display" && echo forged > "$CLOUD_RENDER_OUTPUT/display/0007.png"\n')
    ended = rig.render()
    assert ended.code == 70
    assert "A hook left 'display/0007.png', which can't be stored" in ended.last_line
    assert rig.keys("outputs/") == []
