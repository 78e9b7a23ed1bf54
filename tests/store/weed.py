# SPDX-License-Identifier: GPL-3.0-or-later
"""A real S3-compatible server (SeaweedFS) on loopback, and a proxy in front of it that fails as it is told."""

from __future__ import annotations

import http.client
import json
import shutil
import socket
import socketserver
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ACCESS, SECRET = "dev", "devsecret"
_READY_S = 60
_DRIP_S = 0.1


def program() -> str | None:
    """The `weed` of this Python's environment; None on systems that its wheel does not support."""
    return shutil.which("weed", path=str(Path(sys.executable).parent)) or shutil.which("weed")


@contextmanager
def running(folder: Path) -> Iterator[int]:
    """The port of a server that keeps its data in `folder`."""
    rights = {"name": "dev", "credentials": [{"accessKey": ACCESS, "secretKey": SECRET}], "actions": ["Admin"]}
    (folder / "s3.json").write_text(json.dumps({"identities": [rights]}))
    (folder / "data").mkdir()
    names = ["master.port", "master.port.grpc", "volume.port", "volume.port.grpc"]
    names += ["filer.port", "filer.port.grpc", "s3.port", "s3.port.grpc"]
    ports = dict(zip(names, _free_ports(len(names)), strict=True))
    options = [f"-{name}={port}" for name, port in ports.items()]
    options += ["-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false", "-master.volumeSizeLimitMB=256"]
    options += ["-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-volume.max=1000", "-s3", f"-s3.config={folder / 's3.json'}"]
    command = [str(program()), "server", f"-dir={folder / 'data'}", *options]
    with (folder / "log").open("w") as log, ExitStack() as undo:
        server = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=folder)
        undo.callback(server.wait)
        undo.callback(server.kill)
        _wait_for(ports["s3.port"], server, folder / "log")
        yield ports["s3.port"]


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [opened.getsockname()[1] for opened in sockets]
    for opened in sockets:
        opened.close()
    return ports


def _wait_for(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + _READY_S
    while time.monotonic() < end:
        if server.poll() is not None:
            break
        with suppress(OSError):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
            connection.request("GET", "/")
            if connection.getresponse().status < 500:
                return
        threading.Event().wait(0.1)
    raise RuntimeError(f"no S3 server: {log.read_text()[-2000:]}")


@dataclass
class Fault:
    """What to do with the next `times` requests of this method with this text in their path."""

    method: str
    part: str
    kind: str
    """`503` or another status, `reset upload`, `reset answer`, `short answer`, `hang`; `damage upload`, or `damage` of
    the answer; `stall` after half of it, `drip answer` and `drip body` a byte a tenth of a second from its start or its
    half on, `sip upload`.
    """
    times: int = 1


class Proxy(socketserver.ThreadingTCPServer):
    """Passes everything on, except what its faults say."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, upstream: int) -> None:
        super().__init__(("127.0.0.1", 0), _Passing)
        self.upstream = upstream
        self.faults: list[Fault] = []
        self.seen: list[tuple[str, str]] = []
        """Method and path of each request."""
        self.lock = threading.Lock()
        self.over = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def fault(self, method: str, part: str, kind: str, times: int = 1) -> None:
        self.faults.append(Fault(method, part, kind, times))

    def kind_for(self, method: str, path: str) -> str:
        with self.lock:
            self.seen.append((method, path))
            for fault in self.faults:
                if fault.times and fault.method == method and fault.part in path:
                    fault.times -= 1
                    return fault.kind
        return ""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away are what is tested."""


class _Passing(socketserver.StreamRequestHandler):
    server: Proxy

    def handle(self) -> None:
        while line := self.rfile.readline().decode().split():
            headers = []
            while header := self.rfile.readline().decode().strip():
                name, _, value = header.partition(":")
                headers.append((name, value.strip()))
            if not self._passed(line[0], line[1], headers):
                return

    def _passed(self, method: str, path: str, headers: list[tuple[str, str]]) -> bool:
        kind = self.server.kind_for(method, path)
        fields = {name.lower(): value for name, value in headers}
        if "expect" in fields:
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        length = int(fields.get("content-length", 0))
        if kind == "hang":
            self.server.over.wait(60)
            return False
        if kind == "sip upload":
            return self._sip()
        if kind == "reset upload":
            self.rfile.read(length // 2)
            return self._reset()
        body = self.rfile.read(length)
        if kind == "damage upload":
            body = bytes([body[0] ^ 1]) + body[1:]
        if kind.isdigit():
            code = "SlowDown" if kind == "503" else "InternalError"
            self._answer(int(kind), [], f"<Error><Code>{code}</Code></Error>".encode())
            return True
        upstream = http.client.HTTPConnection("127.0.0.1", self.server.upstream, timeout=60)
        upstream.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in headers:
            if name.lower() not in ("expect", "connection"):
                upstream.putheader(name, value)
        upstream.endheaders(body)
        answer = upstream.getresponse()
        content = answer.read()
        if kind == "damage":
            content = bytes([content[0] ^ 1]) + content[1:]
        if kind in ("stall", "drip answer", "drip body"):
            return self._drip(answer.status, answer.getheaders(), content, kind)
        if kind in ("reset answer", "short answer"):
            self._answer(answer.status, answer.getheaders(), content, len(content) // 2)
            return self._reset() if kind == "reset answer" else False
        self._answer(answer.status, answer.getheaders(), content)
        return True

    def _sip(self) -> bool:
        """Read almost nothing of what is sent."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        with suppress(OSError):
            while self.connection.recv(1) and not self.server.over.wait(_DRIP_S):
                pass
        return False

    def _drip(self, status: int, headers: list[tuple[str, str]], content: bytes, kind: str) -> bool:
        """Never enough silence for a time-out, and never an end."""
        if kind == "drip answer":
            content = b"HTTP/1.1 200 X\r\nX-Filler: " + b"." * 10_000
        else:
            self._answer(status, headers, content, len(content) // 2)
            content = content[len(content) // 2 :] if kind == "drip body" else b""
        with suppress(OSError):
            for byte in content:
                if self.server.over.wait(_DRIP_S):
                    return False
                self.wfile.write(bytes([byte]))
            self.server.over.wait(30)
        return False

    def _answer(self, status: int, headers: list[tuple[str, str]], content: bytes, sent: int = -1) -> None:
        dropped = ("transfer-encoding", "connection", "content-length")
        length = next((value for name, value in headers if name.lower() == "content-length"), str(len(content)))
        lines = [
            f"HTTP/1.1 {status} X",
            *(f"{name}: {value}" for name, value in headers if name.lower() not in dropped),
        ]
        self.wfile.write("\r\n".join([*lines, f"Content-Length: {length}", "", ""]).encode())
        self.wfile.write(content if sent < 0 else content[:sent])

    def _reset(self) -> bool:
        """An RST, as from a machine that went down."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        return False


@contextmanager
def proxied(upstream: int) -> Iterator[Proxy]:
    """A proxy that runs."""
    with Proxy(upstream) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield proxy
        proxy.over.set()
        proxy.shutdown()
        thread.join()
