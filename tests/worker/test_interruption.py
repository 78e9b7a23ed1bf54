# SPDX-License-Identifier: GPL-3.0-or-later
"""Being told to stop, by SIGTERM or by Spot: what is rendered gets to S3, nothing half-written does, exit 75."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from cloud_render.contract.errors import Interrupted
from cloud_render.contract.job import Hooks
from cloud_render.contract.report import ChildReport
from worker.interruption import listening


def alive(folder) -> list[int]:
    """The fake Blenders that still run."""
    found = []
    for text in (folder / "state" / "processes").read_text().splitlines():
        try:
            os.kill(int(text), 0)
            found.append(int(text))
        except ProcessLookupError:
            pass
    return found


def gone(process: int) -> bool:
    """Whether it has ended; one that its new parent, init, has not buried yet has."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_sigterm_stops_blender_and_asks_for_another_attempt(rig):
    """Finished frames are up, no image is half there, Blender is gone, exit 75 well below Batch's 30 s."""
    rig.job(frames="1-9", frames_per_job=9)
    rig.fake(slow_s=0.4)
    process = rig.start(*rig.render_arguments(9))
    rig.wait_for("frame 2: rendered", process)
    ended, seconds = rig.terminate(process)
    assert ended.code == 75
    assert seconds < 20
    assert ended.last_line.startswith("error: The worker was told to stop.")
    assert alive(rig.folder) == []
    frames = rig.keys("frames/")
    assert frames[:2] == ["frames/0001.png", "frames/0002.png"]
    assert len(frames) < 9
    assert all(rig.get(rig.prefix.root + key).endswith(b"IEND\xaeB`\x82") for key in frames)
    report = rig.report()
    assert (report.exit_code, len(report.frames)) == (75, len(frames))


def test_sigterm_while_blender_is_frozen_still_ends_the_worker(rig):
    """A Blender that hears nothing is killed."""
    rig.job(frames="1-2")
    rig.fake(silent={"1": 1})
    process = rig.start(*rig.render_arguments(2))
    rig.wait_for("ready:", process)
    ended, seconds = rig.terminate(process)
    assert ended.code == 75
    assert seconds < 20
    assert alive(rig.folder) == []


def test_sigterm_during_a_hook_ends_the_hook_too(rig):
    """Whatever a hook started is gone with it."""
    blend = rig.file("p/scene.blend")
    hook = rig.file("p/pre.sh", b"sleep 600 &\necho $! > $CLOUD_RENDER_ROOT/../../pid\necho in the hook\nwait\n")
    rig.job(blend, hook, frames="1-2", hooks=Hooks(pre_render="p/pre.sh"))
    process = rig.start(*rig.render_arguments(2))
    rig.wait_for("in the hook", process)
    ended, seconds = rig.terminate(process)
    assert ended.code == 75
    assert seconds < 20
    assert gone(int((rig.folder / "scratch" / "pid").read_text()))


STUCK = """
import threading
from worker import interruption
interruption.LEAVE_S = 0.3
with interruption.listening() as told, told.held():
    print("holding", flush=True)
    threading.Event().wait()
"""


def test_a_worker_that_is_stuck_ends_all_the_same(rig):
    """Whatever it waits for, such as an S3 that hangs, it leaves with 75 before SIGKILL would come."""
    process = subprocess.Popen(
        [sys.executable, "-c", STUCK], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    )
    rig.wait_for("holding", process)
    ended, _ = rig.terminate(process)
    assert ended.code == 75


class MetadataService(ThreadingHTTPServer):
    """EC2's metadata service on loopback: IMDSv2 only, a Spot notice when told."""

    notice: str = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Answers(BaseHTTPRequestHandler):
    server: MetadataService

    def do_PUT(self) -> None:
        self._say("a-token" if self.path == "/latest/api/token" else "")

    def do_GET(self) -> None:
        if self.headers.get("X-aws-ec2-metadata-token") != "a-token":
            self.send_error(401)
            return
        self._say(
            {
                "/latest/meta-data/instance-id": "i-0123456789abcdef0",
                "/latest/meta-data/instance-type": "g5.xlarge",
                "/latest/meta-data/placement/availability-zone": "eu-central-1b",
                "/latest/meta-data/spot/instance-action": self.server.notice,
            }.get(self.path, "")
        )

    def _say(self, text: str) -> None:
        if not text:
            self.send_error(404)
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def metadata() -> Iterator[MetadataService]:
    service = MetadataService(("127.0.0.1", 0), _Answers)
    thread = threading.Thread(target=service.serve_forever, daemon=True)
    thread.start()
    yield service
    service.shutdown()
    service.server_close()


def notice_in(seconds: float) -> str:
    when = datetime.now(UTC) + timedelta(seconds=seconds)
    return json.dumps({"action": "terminate", "time": when.strftime("%Y-%m-%dT%H:%M:%SZ")})


def test_the_report_names_the_machine(rig, metadata):
    """Instance, type and zone come from IMDSv2."""
    rig.job(frames="1-1", video=None)
    assert rig.render(1, CLOUD_RENDER_METADATA_URL=metadata.url).code == 0
    machine = rig.report().machine
    assert (machine.instance_id, machine.instance_type) == ("i-0123456789abcdef0", "g5.xlarge")
    assert machine.availability_zone == "eu-central-1b"
    assert machine.cpus > 0


def test_the_report_of_a_stitch_names_its_machine(rig, metadata):
    """Whatever comes of it: a bill asks what each attempt ran on."""
    rig.job(frames="1-2")
    place = f"s3://{rig.bucket}/{rig.prefix.root}"
    assert rig.worker("stitch", "-i", place, "-o", place, CLOUD_RENDER_METADATA_URL=metadata.url).code == 66
    machine = ChildReport.from_json(rig.get(rig.prefix.stitch_report(0, 1))).machine
    assert (machine.instance_id, machine.instance_type) == ("i-0123456789abcdef0", "g5.xlarge")


def test_after_a_spot_notice_the_frame_in_progress_is_finished(rig, metadata):
    """It fits into the two minutes, so it is not thrown away; the frame after it does not begin to count."""
    rig.job(frames="1-9", frames_per_job=9)
    rig.fake(slow_s=1.0)
    metadata.notice = notice_in(120)
    ended = rig.render(9, CLOUD_RENDER_METADATA_URL=metadata.url)
    assert ended.code == 75
    assert ended.last_line.startswith("error: Spot takes this machine back.")
    assert rig.keys("frames/") == ["frames/0001.png"]
    assert rig.report().exit_code == 75


def test_after_a_late_spot_notice_nothing_is_waited_for(rig, metadata):
    """What can't be rendered and uploaded in the time left is left to the next attempt."""
    rig.job(frames="1-9", frames_per_job=9)
    rig.fake(slow_s=60)
    metadata.notice = notice_in(3)
    ended = rig.render(9, CLOUD_RENDER_METADATA_URL=metadata.url)
    assert ended.code == 75
    assert rig.keys("frames/") == []


def test_a_silent_metadata_service_hinders_nothing(rig):
    """Off EC2 the worker renders all the same."""
    rig.job(frames="1-2")
    ended = rig.render(2, CLOUD_RENDER_METADATA_URL="http://127.0.0.1:9")
    assert ended.code == 0
    assert "Traceback" not in ended.log


class Signalling(logging.Handler):
    """Is told to stop in the middle of writing a line."""

    def emit(self, record):
        """As StreamHandler does: logging swallows what is raised in here."""
        try:
            signal.raise_signal(signal.SIGTERM)
        except Exception:  # noqa: BLE001 - it is what logging does
            self.handleError(record)


def log_a_line() -> None:
    logger = logging.Logger("test")
    logger.addHandler(Signalling())
    with listening():
        logger.warning("a line")
        signal.sigtimedwait([], 5)


def test_a_signal_in_the_middle_of_a_log_line_is_not_lost():
    """logging swallows errors; the signal is heard again right after it."""
    with pytest.raises(Interrupted):
        log_a_line()


def test_what_ended_in_order_is_not_ended_again():
    """The clock that ends a stuck worker stops with the work it guards; a process that goes on is left alone."""
    with pytest.raises(Interrupted), listening() as told:
        signal.raise_signal(signal.SIGTERM)
    told._leave.join(1)
    assert not told._leave.is_alive()
