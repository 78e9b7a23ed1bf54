# SPDX-License-Identifier: GPL-3.0-or-later
"""All kinds of faults at once, as a short run of the benchmark; and once with Blender itself."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from cloud_render import blender as door

PROGRAM = Path(__file__).parents[2] / "benchmarks" / "faults.py"

SCENE = """
import sys
import bpy
scene = bpy.context.scene
scene.render.engine = "CYCLES"
scene.cycles.samples, scene.cycles.use_denoising = 1, False
scene.render.resolution_x, scene.render.resolution_y = 32, 18
cube = bpy.data.objects["Cube"]
for frame, x in ((1, -3), (200, 3)):
    cube.location.x = x
    cube.keyframe_insert("location", frame=frame)
bpy.ops.wm.save_as_mainfile(filepath=sys.argv[sys.argv.index("--") + 1])
"""


def measured(*arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, str(PROGRAM), "--json", *arguments], stdout=subprocess.PIPE, text=True, check=False
    )
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["wrong"] == []
    assert done.returncode == 0
    return found


def test_under_many_faults_no_frame_is_lost_and_no_video_wrong() -> None:
    """Forty and more, of many kinds, in jobs that equal the undisturbed one."""
    found = measured("--seed", "5", "--faults", "40", "--frames", "40", "--frames-per-job", "5", "--seconds", "0.2")
    kinds = Counter(fault["kind"] for job in found["jobs"] for fault in job["injected"])
    assert kinds.total() >= 40
    assert len(kinds) >= 6
    assert max(job["most_lost"] for job in found["jobs"]) <= 2


@pytest.fixture
def moving_cube(tmp_path: Path) -> Path:
    """200 frames, each a little different."""
    script, blend = tmp_path / "scene.py", tmp_path / "cube.blend"
    script.write_text(SCENE)
    command = [part if part != str(door.BOOT) else str(script) for part in door.find().command]
    subprocess.run([*command, "--", str(blend)], check=True, stdout=subprocess.DEVNULL)
    return blend


def test_two_hundred_frames_of_blender_under_faults_equal_the_undisturbed_ones(moving_cube: Path) -> None:
    """Pixels and video; and no frame is in two reports."""
    found = measured("--scene", str(moving_cube), "--faults", "1", "--frames", "200", "--frames-per-job", "20")
    (job,) = found["jobs"]
    hit = {(fault["submission"], fault["child"]) for fault in job["injected"] if fault["child"] is not None}
    assert hit
    assert len(job["frames"]) == len(job["video"]) == 200
    reported = Counter(entry["frame"] for report in job["reports"] for entry in report["frames"])
    assert max(reported.values()) == 1
