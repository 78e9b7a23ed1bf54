# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender is closed, or dies, in the middle of things; the next one goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

INSIDE = Path(__file__).with_name("inside")
PACKS = "PUT .*/store/packs/"

_BEGIN = """
import json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import blender, bpy
blender.FOLDER = Path(sys.argv[2])
bpy.context.preferences.system.use_online_access = True
blender.preferences().downloads = str(blender.FOLDER / "downloads")
import pressing, scenes
from blender import model, part, until
ops = bpy.ops.cloud_render
def say(**values):
    print("SAID", json.dumps(values), flush=True)
"""

UPLOAD = """
scenes.scene("shot", new_bytes=scenes.DULL)
pressing.press()
pressing.until_stage("ready")
ops.send()
say(stage=pressing.stage())
pressing.until_over()
say(job=model().active)
"""

LOOK_AROUND = """
part("submission").find_interrupted()
say(interrupted=model().interrupted)
"""

RESUME = """
until(lambda: model().interrupted, "the offer to resume")
assert ops.resume(name=model().interrupted[0], pressed=True) == {"FINISHED"}
pressing.until_over()
until(lambda: pressing.selected_phase() == "done", "the end of the job")
until(lambda: model().active in pressing.rows(), "the job in the list")
say(job=model().active, jobs=pressing.rows(), interrupted=model().interrupted)
"""

SUBMIT = "say(job=scenes.submitted('shot'))"

COME_BACK = """
until(lambda: model().videos and pressing.rows(), "the list and the results")
(job_id,) = model().videos
say(job=job_id, listed=pressing.rows(), video=str(model().videos[job_id]))
"""


@pytest.fixture
def another(installed, line, tmp_path):
    """Starts one Blender after another, all with the same user folder and the same cloud."""
    blender = installed.copied(tmp_path / "user")
    begun: list[subprocess.Popen[str]] = []

    def start(code: str) -> subprocess.Popen[str]:
        process = blender.start(_BEGIN + code, str(INSIDE), str(tmp_path), stderr=subprocess.STDOUT, **line.environment)
        begun.append(process)
        return process

    yield start
    line.line.obey([])
    for process in begun:
        with process:
            process.kill()


def said(process: subprocess.Popen[str]) -> dict[str, object]:
    """What a Blender tells next."""
    printed = []
    assert process.stdout is not None
    for text in process.stdout:
        if text.startswith("SAID "):
            return dict(json.loads(text.removeprefix("SAID ")))
        printed.append(text)
    raise AssertionError("".join(printed[-40:]))


def wait_for(line, pattern: str) -> None:
    """Until such a request is on the line."""
    ends = time.monotonic() + 60
    while not any(pattern in asked for asked in line.line.seen):
        assert time.monotonic() < ends, line.line.seen
        time.sleep(0.05)


def marks(tmp_path: Path) -> list[Path]:
    return list(tmp_path.glob("user/extensions/.user/*/cloud_render/pending/*/alive"))


@pytest.fixture
def killed_in_mid_upload(another, line, tmp_path):
    """Nothing is tidied up: a crash, a power cut."""
    line.line.obey([line.rule(PACKS, "hold")])
    first = another(UPLOAD)
    said(first)
    wait_for(line, "/store/packs/")
    first.send_signal(signal.SIGKILL)
    first.wait()
    line.line.obey([])


def test_an_upload_that_blender_did_not_survive_goes_on_in_the_next(another, killed_in_mid_upload, tmp_path):
    """It is offered once its mark has grown old, becomes one job, and is rendered to its end."""
    (mark,) = marks(tmp_path)
    os.utime(mark, (0, 0))  # as if a while ago
    found = said(another(RESUME))
    assert str(found["job"]).split("-")[2] == "shot"
    assert sum("-shot-" in job and job == found["job"] for job in found["jobs"]) == 1
    assert found["interrupted"] == []
    assert marks(tmp_path) == []


def test_an_upload_that_goes_on_in_another_blender_is_left_to_it(another, line):
    """Two open Blenders: the second offers nothing while the first is at it."""
    line.line.obey([line.rule(PACKS, "hold")])
    first = another(UPLOAD)
    said(first)
    wait_for(line, "/store/packs/")
    assert said(another(LOOK_AROUND)) == {"interrupted": []}
    line.line.obey([])
    assert "shot" in str(said(first)["job"])


def test_a_job_of_a_closed_blender_comes_home_to_the_next(another):
    """The list is there without a press, and so are the results that were wanted."""
    first = another(SUBMIT)
    job = said(first)["job"]
    assert first.wait(60) == 0
    found = said(another(COME_BACK))
    assert found["job"] == job
    assert job in found["listed"]
    assert Path(str(found["video"])).read_text() == "video of 3 frames"
