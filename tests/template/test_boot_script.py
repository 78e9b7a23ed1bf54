# SPDX-License-Identifier: GPL-3.0-or-later
"""What a machine does when it boots, as far as that can be tried without one."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from cloud_render.client.sources import TEMPLATE
from worker.metadata import Metadata

TEXT = TEMPLATE.read_text("utf-8")
SCRIPT = textwrap.dedent(re.search(r"\n( +#!/bin/bash\n.*?) +--==CLOUDRENDER==--\n", TEXT, re.DOTALL)[1])  # type: ignore[index]
RELAY = re.search(r"<<'RELAY'\n(.*?)\nRELAY\n", SCRIPT, re.DOTALL)[1]  # type: ignore[index]


class _Service(BaseHTTPRequestHandler):
    """A metadata service that knows the machine's type, and its credentials, for whoever has a token."""

    KNOWN: ClassVar = {"instance-type": "g5.xlarge", "iam/security-credentials/machine": "secret"}

    def do_PUT(self) -> None:
        self._say(200 if self.headers["X-aws-ec2-metadata-token-ttl-seconds"] else 400, "token")

    def do_GET(self) -> None:
        text = self.KNOWN.get(self.path.removeprefix("/latest/meta-data/"), "")
        with_token = self.headers["X-aws-ec2-metadata-token"] == "token"
        self._say(401 if not with_token else 200 if text else 404, text)

    def _say(self, code: int, text: str) -> None:
        self.send_response(code)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[str]:
    """The relay's address; behind it a metadata service."""
    (tmp_path / "relay.py").write_text(RELAY)
    service = ThreadingHTTPServer(("127.0.0.1", 0), _Service)
    threading.Thread(target=service.serve_forever, args=(0.05,), daemon=True).start()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "SERVICE": f"http://127.0.0.1:{service.server_port}", "PORT": str(port)}
    process = subprocess.Popen([sys.executable, "-I", str(tmp_path / "relay.py")], env=environment)
    try:
        _wait_for(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()
        service.shutdown()
        service.server_close()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        with socket.socket() as line:
            line.settimeout(1)
            if line.connect_ex(("127.0.0.1", port)) == 0:
                return
        threading.Event().wait(0.02)
    raise AssertionError("the relay ended")


def test_the_worker_learns_its_machine_through_the_relay(relay: str) -> None:
    """And that no Spot notice is there, which is no missing service."""
    metadata = Metadata(relay)
    assert metadata.machine().instance_type == "g5.xlarge"
    assert metadata.notice() is None
    assert metadata.answers


def test_the_relay_keeps_the_machines_credentials(relay: str) -> None:
    """The service behind it would hand them out; a scene that asks gets nothing."""
    assert Metadata(relay)._get("iam/security-credentials/machine") == ""


@pytest.mark.skipif(not shutil.which("bash"), reason="needs bash")
def test_the_script_is_bash_and_ends_with_the_here_documents_it_began() -> None:
    """bash reads it to its end; a marker that is indented by mistake would swallow the rest."""
    answer = subprocess.run(["bash", "-n"], input=SCRIPT, text=True, capture_output=True, check=False)
    assert (answer.returncode, answer.stderr) == (0, "")
    for marker in re.findall(r"<<'(\w+)'", SCRIPT):
        assert f"\n{marker}\n" in SCRIPT


def test_the_user_data_fits() -> None:
    """EC2 takes 16 KiB; it is MIME, as Batch wants it."""
    assert len(SCRIPT.encode()) < 15_000
    assert "MIME-Version: 1.0" in TEXT
