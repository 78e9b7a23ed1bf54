# SPDX-License-Identifier: GPL-3.0-or-later
"""A threaded WSGI server on loopback. Knows HTTP, nothing of AWS.

werkzeug's own server closes the connection after each request and buffers none of its answers; a client that asks for
thousands of small objects spends its time on handshakes there. This one keeps connections open and asks for a
request's body (`100 Continue`) only when the application reads it.
"""

from __future__ import annotations

import io
import logging
import os
import socket
import struct
import sys
import threading
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

from local_cloud.http_types import Application, Environ, Headers, Reset

log = logging.getLogger(__name__)

DRAIN_BYTES = 1 << 20
"""How much of an unread request body is read away to keep the connection; beyond that it is closed."""


class Server(ThreadingHTTPServer):
    """Serves `application` on 127.0.0.1; port 0 takes a free one. Raises OSError where the port is in use."""

    daemon_threads = True
    request_queue_size = 256
    # A second local cloud on the same port must fail, and a restart on it must not wait for old connections.
    allow_reuse_address = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.application: Application | None = None
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), name="server", daemon=True)

    def begin(self) -> None:
        """Serve in a thread."""
        self._thread.start()

    def end(self) -> None:
        """Take no more requests. Harmless where it never began."""
        if self._thread.ident is not None:  # shutdown() would wait for the end of what never began.
            self.shutdown()
        self.server_close()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def server_bind(self) -> None:
        # HTTPServer's own would look up the host's name, which can take seconds without a network.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        if isinstance(sys.exception(), ConnectionError | TimeoutError):
            return  # The client went away: nothing of ours.
        log.exception("a request from %s failed", client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 64 * 1024
    server: Server

    def serve(self) -> None:
        body = _Body(self)
        try:
            self._answer(self._environ(body))
            self.close_connection = self.close_connection or not body.drained()
        except Reset:
            self.close_connection = True
            self._reset()
        except ConnectionError:
            self.close_connection = True

    def _reset(self) -> None:
        self.wfile.flush()
        # With no time to linger, closing the socket sends RST. It is closed here, as socketserver would end the
        # connection in order first.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_PATCH = do_OPTIONS = serve  # noqa: N815

    def handle_expect_100(self) -> bool:
        return True  # Said by _Body, once the application wants the body.

    def _environ(self, body: _Body) -> Environ:
        path, _, query = self.path.partition("?")
        environ: Environ = {
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BufferedReader(body, 256 * 1024),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            "REQUEST_METHOD": self.command,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote(path, "latin-1"),
            "QUERY_STRING": query,
            "RAW_URI": self.path,
            "REQUEST_URI": self.path,
            "REMOTE_ADDR": self.client_address[0],
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": str(self.server.port),
            "SERVER_PROTOCOL": self.request_version,
        }
        for name, value in self.headers.items():
            key = name.upper().replace("-", "_")
            if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
                key = "HTTP_" + key
            environ[key] = f"{environ[key]},{value}" if key in environ else value
        if body.chunked:
            environ["wsgi.input_terminated"] = True
        return environ

    def _answer(self, environ: Environ) -> None:
        begun: list[tuple[str, Headers]] = []

        def start_response(status: str, headers: Headers, exc_info: Any = None) -> Any:
            if exc_info and not begun:
                log.error("an application error became %s", status, exc_info=exc_info)
            begun[:] = [(status, headers)]
            return self.wfile.write

        assert self.server.application is not None
        chunks = self.server.application(environ, start_response)
        try:
            self._send(begun, chunks)
        finally:
            if hasattr(chunks, "close"):
                chunks.close()

    def _send(self, begun: list[tuple[str, Headers]], chunks: Iterable[bytes]) -> None:
        parts = iter(chunks)
        first = next(parts, b"")  # A generator calls start_response only now.
        status, headers = begun[0]
        code, _, phrase = status.partition(" ")
        bodiless = self.command == "HEAD" or code in ("204", "304")
        known = any(name.lower() == "content-length" for name, _ in headers)
        self.send_response_only(int(code), phrase)
        for name, value in headers:
            if name.lower() not in ("connection", "transfer-encoding"):
                self.send_header(name, value)
        chunked = not known and not bodiless
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if not bodiless:
            self._send_part(first, chunked)
            for part in parts:
                self._send_part(part, chunked)
            if chunked:
                self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()

    def _send_part(self, part: bytes, chunked: bool) -> None:
        if not part:
            return
        if chunked:
            self.wfile.write(f"{len(part):x}\r\n".encode())
        self.wfile.write(part)
        if chunked:
            self.wfile.write(b"\r\n")

    def log_message(self, format: str, *args: Any) -> None:
        log.debug(format, *args)


class _Body(io.RawIOBase):
    """The request's body: ends where Content-Length or the last chunk says, and never reads into the next request."""

    def __init__(self, handler: _Handler) -> None:
        self._handler = handler
        self._left = int(handler.headers.get("Content-Length") or 0)
        self.chunked = "chunked" in (handler.headers.get("Transfer-Encoding") or "").lower()
        self._more_chunks = self.chunked
        self._asked = "100-continue" not in (handler.headers.get("Expect") or "").lower()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._left == 0 and self._more_chunks:
            self._ask()
            self._next_chunk()
        if self._left == 0:
            return 0
        self._ask()
        view = memoryview(buffer)[: self._left]
        got: int = self._handler.rfile.readinto(view)
        if not got:
            raise ConnectionError("the request's body ended early")
        self._left -= got
        if self._left == 0 and self.chunked:
            self._handler.rfile.readline()
        return got

    def drained(self) -> bool:
        """Read away what the application left unread; False where that is too much or was never sent."""
        if self._left == 0 and not self._more_chunks:
            return True
        if not self._asked or self._left > DRAIN_BYTES:
            return False
        while self.read(64 * 1024):
            pass
        return True

    def _ask(self) -> None:
        if not self._asked:
            self._asked = True
            self._handler.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self._handler.wfile.flush()

    def _next_chunk(self) -> None:
        size = self._handler.rfile.readline(64).split(b";")[0].strip()
        self._left = int(size or b"0", 16)
        if self._left == 0:
            self._more_chunks = False
            while self._handler.rfile.readline(8192).strip():
                pass  # trailers
