# SPDX-License-Identifier: GPL-3.0-or-later
"""A frame rendered by a Blender that its job brought into the cloud, from a download site to the picture."""

from __future__ import annotations

import hashlib
import io
import sys
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from cloud_render import blender as door
from cloud_render.contract.versions import release
from local_cloud.testing import running

WORKER = Path(__file__).with_name("worker_without_blender.py")
LIMIT_S = 300
PARAMETERS = {"BlenderFrom": "bucket", "DropAFile": "on", "DefaultDevice": "cpu"}


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a download site on loopback. Its one archive holds a program that is this Python with its bpy."""
    version, folder = door.find().version, tmp_path_factory.mktemp("site")
    name = f"blender-{version}-linux-x64"
    text = f"""#!/bin/sh\nexec '{sys.executable}' "$@"\n""".encode()
    with tarfile.open(folder / f"{name}.tar.xz", "w:xz") as packed:
        entry = tarfile.TarInfo(f"{name}/blender")
        entry.size, entry.mode = len(text), 0o755
        packed.addfile(entry, io.BytesIO(text))
    digest = hashlib.sha256((folder / f"{name}.tar.xz").read_bytes()).hexdigest()
    (folder / f"blender-{version}.sha256").write_text(f"{digest}  {name}.tar.xz\n")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture
def cloud_without(cloud: Any, tmp_path: Path) -> Iterator[Callable[[str], Any]]:
    """Starts a cloud whose machines have no Blender, and whose download site has that address."""
    started = []

    def start(address: str) -> Any:
        template = address + "blender-{version}-linux-x64.tar.xz"
        environment = {"CLOUD_RENDER_BLENDER_URL": template, "CLOUD_RENDER_BLENDER": ""}
        one = running(slots=2, images={"*": [sys.executable, str(WORKER)]}, environment=environment)
        started.append(one)
        local = one.__enter__()
        return replace(cloud, local=local, outputs=local.deploy(**PARAMETERS), state=tmp_path / "state")

    yield start
    for one in started:
        one.__exit__(None, None, None)


def test_the_first_job_brings_its_blender(
    cloud_without: Callable[[str], Any], site: str, scenes: Path, tmp_path: Path
) -> None:
    """Fetched, checked against its published hash, unpacked, and rendered with, without a word from the artist."""
    cloud, version = cloud_without(site), door.find().version
    blend = scenes / "exr" / "exr.blend"
    done = cloud.document(
        "submit", str(blend), "--frames", "1", "--device", "cpu", "--download", str(tmp_path / "back")
    )
    assert done["job"]
    assert [path.stem for path in (tmp_path / "back" / "frames").iterdir()] == ["0001"]
    assert cloud.document("blender", "list") == {"there": [version], "from": "bucket"}


def _dropped(cloud: Any, blend: Path) -> dict[str, Any]:
    """How the execution ended that came of it."""
    bucket, steps = cloud.outputs["BucketName"], cloud.local.client("stepfunctions")
    cloud.local.client("s3").upload_file(str(blend), bucket, f"inbox/{blend.name}")
    ends = time.monotonic() + LIMIT_S
    while time.monotonic() < ends:
        for row in steps.list_executions(stateMachineArn=cloud.outputs["DropMachine"])["executions"]:
            if row["status"] != "RUNNING":
                found: dict[str, Any] = steps.describe_execution(executionArn=row["executionArn"])
                return found
        threading.Event().wait(0.2)
    raise AssertionError("the execution did not end")


def test_a_dropped_file_brings_its_blender(cloud_without: Callable[[str], Any], site: str, scenes: Path) -> None:
    """The newest patch of the release that has saved it."""
    cloud, version = cloud_without(site), door.find().version
    ended = _dropped(cloud, scenes / "one" / "one.blend")
    assert ended["status"] == "SUCCEEDED", ended
    (job,) = cloud.document("jobs")["jobs"]
    assert job["phase"] == "done"
    assert cloud.document("blender", "list")["there"] == [version]


def test_a_dropped_file_without_a_blender_says_which(cloud_without: Callable[[str], Any], scenes: Path) -> None:
    """Where it could not be installed either."""
    cloud = cloud_without("http://127.0.0.1:9/nothing/")
    assert _dropped(cloud, scenes / "one" / "one.blend")["status"] == "FAILED"
    (job,) = cloud.document("jobs")["jobs"]
    assert job["phase"] == "failed"
    assert f"There is no Blender {release(door.find().version)} here" in job["problem"]


def test_a_cloud_that_can_not_reach_the_site_says_so(cloud_without: Callable[[str], Any]) -> None:
    """The address and what is wrong with it."""
    done = cloud_without("http://127.0.0.1:9/nothing/").cli("blender", "install")
    assert done.returncode == 1
    assert "could not be installed in the cloud: http://127.0.0.1:9/nothing/" in done.stderr
    assert "can't be reached" in done.stderr
