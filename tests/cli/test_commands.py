# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands as a person or a script runs them, against a local cloud."""

from __future__ import annotations

import itertools
import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest


def test_a_job_from_submit_to_delete(asked, blend, tmp_path):
    """Everything the README shows works in a row, by JSON alone: submit, jobs, status, logs, download, delete."""
    sent = asked("submit", blend, "--frames", "1-5", "-k", "2", "--wait")
    assert (sent["phase"], sent["frames_done"], sent["frames_total"]) == ("done", 5, 5)
    job = sent["job"]
    assert job in [row["job"] for row in asked("jobs")["jobs"]]
    assert asked("status", "last")["job"] == job
    fetched = asked("download", job, "--to", tmp_path / "result")
    assert [Path(name).name for name in fetched["frames"]] == [f"{frame:04d}.png" for frame in range(1, 6)]
    assert Path(fetched["video"]).is_file()
    assert asked("delete", job, "--yes")["deleted"] > 5
    assert job not in [row["job"] for row in asked("jobs")["jobs"]]


def test_a_failed_job_says_why_and_retry_mends_it(asked, cloud_render, blend):
    """Status ends with 1 and the worker's reason; retry renders only what is missing."""
    job = asked("submit", blend, "--name", "fail=3 once", "-k", "2", "--wait", code=1)["job"]
    looked = cloud_render("status", job)
    assert looked.returncode == 1
    assert "Problem: " in looked.stderr
    again = asked("retry", job, "--wait")
    assert (again["phase"], again["frames_done"]) == ("done", 6)
    refused = cloud_render("retry", job)
    assert refused.returncode == 2
    assert "missing" in refused.stderr


def test_some_frames_again_make_a_job_of_all(asked, cloud_render, blend):
    """The others come from the first job; frames it never had are refused, and no frames are no wish."""
    first = asked("submit", blend, "-k", "2", "--wait")["job"]
    done = asked("again", first, blend, "--frames", "2-3", "--wait")
    assert (done["phase"], done["frames_done"], done["submission"]) == ("done", 6, 1)
    assert done["job"] != first
    said = cloud_render("again", first, blend, "--frames", "2-3")
    assert f"2 frames of {first} again, 4 kept." in said.stdout
    for frames in ("6-8", ""):
        assert cloud_render("again", first, blend, "--frames", frames).returncode == 2


def test_what_is_sent_leaves_out_the_kept_test_frames(asked, cloud_render, blend):
    """Who pays for five frames is not told six; a price says that it is one of all."""
    name = ("--name", "kept")
    asked("test", blend, *name, "--at", "3")
    assert "1 of 6 frames were rendered in the test" in cloud_render("quote", blend, *name).stderr
    said = cloud_render("submit", blend, *name, "--frames-per-job", "2").stdout
    assert "5 of 6 frames, in 3 pieces of up to 2 frames; 1 kept from the test." in said
    assert "6 frames, in 2 pieces of up to 5 frames." in cloud_render("submit", blend, "-n", "none", "-k", "5").stdout


def test_cancel_ends_a_job_and_status_says_so(asked, blend):
    """A cancelled job ends with 3, in status as in watching."""
    job = asked("submit", blend, "--name", "hold")["job"]
    assert asked("cancel", job)["state"] == "cancelled"
    assert asked("status", job, code=3)["phase"] == "cancelled"


def test_cancelling_an_unfinished_upload_promises_no_frames(cloud_render, cloud):
    """Nothing of it was rendered, and `retry` could not go on with it."""
    s3, job = cloud.client("s3"), "20261121-090000-cut-off-0a1b"
    (bucket,) = [row["Name"] for row in s3.list_buckets()["Buckets"] if "cloud-render" in row["Name"]]
    s3.put_object(Bucket=bucket, Key=f"jobs/{job}/contents.json.gz", Body=b"")
    done = cloud_render("cancel", job)
    assert (done.returncode, done.stdout) == (0, f"{job} is cancelled; its upload had not ended.\n")
    assert "retry" not in done.stderr


def test_watch_writes_a_json_line_a_change(asked, cloud_render, blend):
    """A script follows a job line by line; the last line tells the end."""
    job = asked("submit", blend)["job"]
    watched = cloud_render("status", job, "--watch", "--json")
    lines = [json.loads(line) for line in watched.stdout.splitlines()]
    assert (watched.returncode, lines[-1]["phase"]) == (0, "done")
    assert all(before != after for before, after in itertools.pairwise(lines))


def test_ctrl_c_while_watching_leaves_the_job_running(asked, started, blend):
    """It ends with 3; the job does not notice."""
    job = asked("submit", blend, "--name", "hold")["job"]
    watching = started("status", job, "--watch", "--json")
    watching.stdout.readline()
    watching.send_signal(signal.SIGINT)
    assert watching.wait(30) == 3
    assert asked("status", job)["phase"] in ("submitted", "queued", "rendering")
    asked("cancel", job)


def test_ctrl_c_while_waiting_says_how_to_come_back(asked, started, blend):
    """The person who pressed it reads the commands to watch again and to stop the job."""
    waiting = started("submit", blend, "--name", "hold", "--wait")
    job = waiting.stdout.readline().split(":")[0].removeprefix("Job ")  # it is submitted, the watch begins
    waiting.send_signal(signal.SIGINT)
    _, said = waiting.communicate(timeout=30)
    assert waiting.returncode == 3
    assert f"cloud-render status {job} --watch" in said
    assert "Traceback" not in said
    asked("cancel", job)


@pytest.mark.parametrize("command", [["submit", "--download"], ["test", "--to"]])
def test_a_folder_that_takes_no_frames_is_refused_before_the_render(command, cloud_render, asked, blend):
    """No one pays for frames to learn that they have nowhere to go."""
    name, option = command
    before = asked("jobs")
    done = cloud_render(name, blend, option, blend / "frames")
    assert done.returncode == 2
    assert "can't be written" in done.stderr
    assert asked("jobs") == before


def test_a_download_that_fails_after_the_render_names_the_way_to_the_frames(cloud_render, blend, tmp_path):
    """The same submit again would render again."""
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "frames").write_text("in the way")
    done = cloud_render("submit", blend, "--frames", "1", "--download", "there")
    assert done.returncode != 0
    assert re.search(r"All of it is in the cloud: cloud-render download \S+ --to there$", done.stderr.strip())


def test_dry_run_needs_no_cloud(cloud_render, blend):
    """The plan can be seen before there is an account, and where nothing answers."""
    shown = cloud_render("submit", blend, "--dry-run", "--json", AWS_ENDPOINT_URL="http://127.0.0.1:9")
    assert shown.returncode == 0
    assert json.loads(shown.stdout)["plan"]["frame_count"] == 6


def test_an_unreachable_cloud_ends_with_4(cloud_render):
    """Scripts can tell "try later" from "it failed"."""
    shown = cloud_render("jobs", "--stack", "no-such-stack")
    assert shown.returncode == 4
    assert shown.stderr.startswith("Problem: There is no stack 'no-such-stack'")


def test_the_doctor_tells_line_by_line_what_works(cloud, cloud_render, asked):
    """Ends with 0 where all is well and with 4 where the stack is missing; --json has the remedies."""
    cloud.deploy("well", WorkerImage="cloud-render-worker", BlenderFrom="bucket")
    shown = cloud_render("doctor", "--stack", "well")
    assert shown.returncode == 0
    lines = shown.stdout.splitlines()
    assert all(line.startswith("OK  ") for line in lines)
    assert lines[0].split()[1] == "Credentials:"
    answer = asked("doctor", "--stack", "no-such-stack", code=4)
    (stack,) = (finding for finding in answer["findings"] if finding["subject"] == "Stack")
    assert (answer["good"], stack["good"], stack["remedy"]) == (False, False, "setup")
    (blender,) = (
        row
        for row in asked("doctor", "--stack", "well", "--blender", "4.2.9")["findings"]
        if row["subject"] == "Blender"
    )
    assert (blender["good"], blender["remedy"]) == (True, "install-blender")
    assert cloud_render("doctor", "--blender", "newest").returncode == 2


def test_bad_choices_are_named_before_anything_is_sent(cloud_render, asked, blend):
    """A camera that does not exist, a codec that does not fit, -x without -y: code 2 and what would fit."""
    for options in (["--camera", "Nobody"], ["--codec", "vp9", "--container", "mov"], ["-x", "100"]):
        refused = cloud_render("submit", blend, *options)
        assert refused.returncode == 2, options
        assert "What to do: " in refused.stderr
        assert "Traceback" not in refused.stderr


def test_deleting_without_a_terminal_must_be_meant(cloud_render, asked, blend):
    """A script that deletes says --yes; nothing is lost by accident."""
    asked("submit", blend, "--wait")
    refused = cloud_render("delete", "last")
    assert refused.returncode == 2
    assert "--yes" in refused.stderr


def test_missing_files_end_check_with_1_and_are_listed(asked, tmp_path):
    """A scene whose texture is gone is known before anything is sent."""
    make = (
        "import bpy, sys\nfolder = sys.argv[-1]\n"
        "image = bpy.data.images.new('wood', 8, 8); image.filepath_raw = folder + '/wood.png'\n"
        "image.file_format = 'PNG'\n"
        "image.save(); image.source = 'FILE'; image.use_fake_user = True\n"
        "material = bpy.data.materials[0]; material.use_nodes = True\n"
        "node = material.node_tree.nodes.new('ShaderNodeTexImage'); node.image = image\n"
        "bpy.ops.wm.save_as_mainfile(filepath=folder + '/wood.blend')\n"
    )
    subprocess.run([sys.executable, "-c", make, str(tmp_path)], check=True, capture_output=True)
    (tmp_path / "wood.png").unlink()
    answer = asked("check", tmp_path / "wood.blend", code=1)
    assert [Path(missing["path"]).name for missing in answer["missing"]] == ["wood.png"]


def test_check_tells_what_is_new_to_the_cloud(asked, cloud_render, cloud, blend):
    """All of it before the first submit, nothing after it; in words and as JSON."""
    cloud.deploy("empty")  # other tests have sent the same scene to the other stack
    empty = ("--stack", "empty")
    before = asked("check", blend, *empty)
    assert before["new"]["bytes"] == before["total_size"] == blend.stat().st_size
    assert [row["path"] for row in before["new"]["files"]] == [str(blend)]
    asked("submit", blend, "--wait", *empty)
    assert asked("check", blend, *empty)["new"] == {"bytes": 0, "there": blend.stat().st_size, "files": []}
    assert "Nothing is new to the cloud" in cloud_render("check", blend, *empty).stdout


def test_check_without_a_cloud_says_all_but_what_is_new(cloud_render, blend):
    """Offline, without a stack or without an account it shows the scene and why it can't compare; it does not fail."""
    for changes in (
        {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"},
        {"AWS_REGION": "", "AWS_DEFAULT_REGION": ""},
        {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""},
    ):
        shown = cloud_render("check", blend, **changes)
        assert shown.returncode == 0, shown.stderr
        assert "What is new to the cloud is not known" in shown.stdout
        assert "Nothing is missing." in shown.stdout
    as_json = cloud_render("--json", "check", blend, "--stack", "no-such-stack")
    assert (as_json.returncode, as_json.stderr) == (0, "")
    assert "no stack" in json.loads(as_json.stdout)["new"]["unknown"]


def test_check_need_not_compare(cloud_render, blend):
    """Who only wants to know what is missing neither waits for a cloud nor for the disk."""
    shown = cloud_render("--json", "check", blend, "--no-compare")
    assert "new" not in json.loads(shown.stdout)
