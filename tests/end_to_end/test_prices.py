# SPDX-License-Identifier: GPL-3.0-or-later
"""Test frames, quote, render and bill in a row, with real Blender."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from pathlib import Path

import pytest

_MAKE = """
import bpy, sys
scene = bpy.context.scene
scene.render.engine = "CYCLES"
scene.cycles.samples, scene.cycles.use_denoising = 1, False
scene.render.resolution_x, scene.render.resolution_y = 64, 36
scene.frame_start, scene.frame_end = 1, 6
for number in range(int(sys.argv[-1])):
    bpy.ops.mesh.primitive_uv_sphere_add(location=(number, 0, 0))
bpy.ops.wm.save_as_mainfile(filepath=sys.argv[-2])
"""


def make(path: Path, spheres: int) -> str:
    pytest.importorskip("bpy")
    subprocess.run([sys.executable, "-c", _MAKE, str(path), str(spheres)], check=True, capture_output=True)
    return str(path)


@pytest.fixture(scope="module")
def tested(cloud, tmp_path_factory):
    """A scene, and what `test` said of it."""
    folder = tmp_path_factory.mktemp("priced")
    blend = make(folder / "priced.blend", 1)
    assert cloud.cli("quote", blend).returncode == 2
    return blend, cloud.document("test", blend, "--to", str(folder / "frames"))


def test_test_frames_come_back_with_their_seconds_and_a_price(tested):
    """First, middle and last are here; the quote rests on them."""
    found = tested[1]
    assert [row["frame"] for row in found["frames"]] == [1, 3, 6]
    assert all(Path(row["path"]).is_file() and row["seconds"] > 0 for row in found["frames"])
    assert found["peak_memory"] > 0
    assert (found["quote"]["basis"], found["quote"]["measured_frames"]) == ("probes", 3)


def test_a_quote_is_itemised_and_adds_up(cloud, tested):
    """In JSON and in words; an impossible deadline ends with 1."""
    found = cloud.document("quote", tested[0])
    offer = found["offers"][0]
    assert offer["usd"]["likely"] == pytest.approx(sum(item["usd"]["likely"] for item in offer["items"]))
    assert offer["usd"]["low"] < offer["usd"]["likely"] < offer["on_demand_usd"]
    assert "AWS" in found["prices"]
    said = cloud.cli("quote", tested[0])
    assert "Public IPv4" in said.stdout
    assert "without tax" in said.stderr
    assert cloud.cli("quote", tested[0], "--deadline", "1s").returncode == 1
    assert cloud.cli("quote", tested[0], "--deadline", "soon").returncode == 2


def test_a_submit_keeps_the_test_frames(cloud, tested):
    """Only the three others are rendered; the costs tell so, job by job and as CSV."""
    done = cloud.document("submit", tested[0], "--wait")
    assert (done["phase"], done["frames_done"], done["submission"]) == ("done", 6, 1)
    (bill,) = cloud.document("costs", done["job"])["bills"]
    assert (bill["frames"], bill["running"]) == (3, 0)
    rows = list(csv.DictReader(io.StringIO(cloud.cli("costs", "--by", "job", "--csv").stdout)))
    assert {"name": done["job"], "jobs": "1", "frames": "3"}.items() <= rows[0].items()
    assert sum(row["frames"] for row in cloud.document("costs", "--by", "month")["sums"]) >= 6


def test_a_changed_scene_keeps_nothing(cloud, tested):
    """Its quote rests on the earlier state, with a wider range, and all six frames are rendered."""
    before = cloud.document("quote", tested[0])
    make(Path(tested[0]), 3)
    after = cloud.document("quote", tested[0])
    assert (before["basis"], after["basis"]) == ("probes", "history")
    spreads = [found["offers"][0]["items"][0]["usd"] for found in (before, after)]
    assert spreads[0]["high"] / spreads[0]["likely"] < spreads[1]["high"] / spreads[1]["likely"]
    done = cloud.document("submit", tested[0], "--wait")
    assert (done["phase"], done["frames_done"], done["submission"]) == ("done", 6, 0)


def test_no_job_costs_nothing(cloud):
    """A job that is not there is a wrong argument; two forms at once are too."""
    assert cloud.cli("costs", "20260101-000000-nothing-abcd").returncode == 2
    assert cloud.cli("costs", "--csv", "--json").returncode == 2
