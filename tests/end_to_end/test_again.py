# SPDX-License-Identifier: GPL-3.0-or-later
"""A frame rendered again after the artist changed the scene, through the real command, Blender and FFmpeg."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from cloud_render import blender as door

MAKE_THE_MARKER_RED = """
import bpy, sys
bpy.ops.wm.open_mainfile(filepath=sys.argv[-1])
(light,) = (node for node in bpy.data.materials["White"].node_tree.nodes if node.type == "EMISSION")
light.inputs["Color"].default_value = (0.9, 0, 0, 1)
bpy.ops.wm.save_mainfile()
"""


def change(blend: Path, script: str) -> None:
    path = blend.with_suffix(".py")
    path.write_text(script)
    command = [part if part != str(door.BOOT) else str(path) for part in door.find().command]
    done = subprocess.run([*command, "--", str(blend)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]


def test_one_frame_of_three_shows_the_changed_scene(cloud, render, scenes, video, tmp_path):
    """The video has the old marker in frames 1 and 3 and the red one in frame 2, EXR through its display images."""
    blend = tmp_path / "shot.blend"
    shutil.copy(scenes / "exr" / "exr.blend", blend)
    old = render(blend, "--frames", "1-3", "--frames-per-job", "3")
    change(blend, MAKE_THE_MARKER_RED)
    folder = tmp_path / "again"
    new = cloud.document("again", old.job_id, str(blend), "--frames", "2", "--download", str(folder))
    assert new["job"] != old.job_id
    film = video.watch(folder / "video.mp4")
    colours = [tuple(film.pictures[place][4, 2 + 4 * place].astype(int)) for place in range(3)]
    assert [red > 150 for red, _, _ in colours] == [True, True, True]
    assert [green > 150 for _, green, _ in colours] == [True, False, True]
    for frame, same in ((1, True), (2, False), (3, True)):
        name = f"frames/{frame:04d}.exr"
        assert ((folder / name).read_bytes() == (old.folder / name).read_bytes()) is same
