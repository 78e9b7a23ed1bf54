# SPDX-License-Identifier: GPL-3.0-or-later
"""`demo` and `local`: a cloud of their own, with real Blender and FFmpeg, that is gone afterwards."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = [pytest.mark.timeout(300), pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")]


def processes_of(mark: str) -> list[str]:
    """The command lines of all processes with `mark` in their environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (folder / "environ").read_bytes():
                found.append((folder / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue  # it has just ended, or is someone else's
    return found


@pytest.fixture
def environment(tmp_path):
    """This process's own, marked so that every process that comes of it can be found; without any cloud."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {**kept, "CLOUD_RENDER_STATE": str(tmp_path / "state"), "CLI_TEST_MARK": tmp_path.as_posix()}


def test_demo_brings_frames_and_video_and_leaves_nothing_running(cloud_render, blend, tmp_path):
    """The README's first command, with a scene of two tiny frames."""
    done = cloud_render("demo", blend, "--frames", "1-2", "--json")
    assert done.returncode == 0, (done.stdout, done.stderr)
    answer = json.loads(done.stdout)
    folder = tmp_path / "cloud-render-demo"
    assert sorted(path.name for path in (folder / "frames").iterdir()) == ["0001.png", "0002.png"]
    assert Path(answer["video"]) == folder / "video.mp4"
    assert (folder / "video.mp4").stat().st_size > 1_000
    assert processes_of(str(tmp_path)) == []


def test_demo_never_writes_into_a_folder_with_something_in_it(cloud_render, blend, tmp_path):
    """What lies there already, of whomever it is, stays as it is."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "video.mp4").write_text("mine")
    refused = cloud_render("demo", blend, "--to", "mine")
    assert refused.returncode == 2
    assert "not empty" in refused.stderr
    assert (tmp_path / "mine" / "video.mp4").read_text() == "mine"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_demo_that_is_stopped_leaves_nothing_running(started, blend, tmp_path, number):
    """Ctrl-C, kill, and even kill -9 end the cloud, its workers and their Blenders."""
    demo = started("demo", blend, "--frames", "1-100")
    for line in demo.stderr:
        if "Uploaded" in line:
            break
    demo.send_signal(number)
    demo.wait(60)
    if number != signal.SIGKILL:
        assert demo.returncode == 3
        assert not (tmp_path / "cloud-render-demo").exists()
    until = time.monotonic() + 30  # after kill -9 nobody waits for them: they end by themselves
    while processes_of(str(tmp_path)) and time.monotonic() < until:
        time.sleep(0.1)
    assert processes_of(str(tmp_path)) == []


def test_local_prints_what_leads_the_other_commands_to_it(started, environment, tmp_path):
    """The lines can be pasted into a shell; from then on `cloud-render jobs` works there; Ctrl-C ends it with 0."""
    local = started("local", "--slots", "1")
    exports = []
    for line in local.stdout:
        if line.startswith(("export ", "unset ")):
            exports.append(line.strip())
        if "Ctrl-C" in line:
            break
    listed = subprocess.run(
        ["sh", "-c", "; ".join([*exports, '"$@"']), "sh", *local.args[:3], "jobs", "--json"],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert (listed.returncode, json.loads(listed.stdout)) == (0, {"jobs": []})
    local.send_signal(signal.SIGINT)
    assert local.wait(60) == 0
    assert processes_of(str(tmp_path)) == []


def test_a_port_in_use_is_said_in_one_line(cloud_render, started):
    """Code 2, and no traceback of someone else's."""
    first = started("local", "--slots", "1", "--json")
    port = json.loads("".join(iter(first.stdout.readline, "}\n")) + "}")["AWS_ENDPOINT_URL"].rpartition(":")[2]
    refused = cloud_render("local", "--port", port)
    assert refused.returncode == 2
    assert port in refused.stderr
    assert "Traceback" not in refused.stderr
