# SPDX-License-Identifier: GPL-3.0-or-later
"""S3 kept by another server: requests and answers pass through as they are, signature included, as streams."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

from local_cloud.http_types import Answer, Environ, header

BLOCK = 256 * 1024
IDLE_S = 5.0
"""A connection that rested longer may be closed by the server, and a body can be sent only once: so take a new one."""
TIMEOUT_S = 300.0

_OURS_ALONE = frozenset({"CONNECTION", "EXPECT", "KEEP_ALIVE", "TRANSFER_ENCODING", "PROXY_CONNECTION"})
"""Headers that concern one connection, not the request."""


class Unreachable(Exception):
    """The S3 server does not answer."""


class ProxyS3:
    """The S3 server at `url`. It sees the Host header that the client signed, and so accepts the client's signature."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._address = (parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))
        self._local = threading.local()

    def answer(self, environ: Environ) -> Answer:
        """Raises Unreachable, or ConnectionError where it is the client that has gone."""
        connection = self._connection()
        try:
            self._send_head(connection, environ)
            self._send_body(connection, environ)
            response = connection.getresponse()
        except (_UpstreamFailed, http.client.HTTPException, TimeoutError) as problem:
            self._drop()
            raise Unreachable(
                f"the S3 server at {self._address[0]}:{self._address[1]} does not answer: {problem}"
            ) from problem
        except BaseException:
            self._drop()
            raise
        headers = [
            (name, value)
            for name, value in response.getheaders()
            if name.lower() not in ("connection", "transfer-encoding")
        ]
        return Answer(response.status, headers, self._stream(response))

    def _send_head(self, connection: http.client.HTTPConnection, environ: Environ) -> None:
        try:
            connection.putrequest(
                environ["REQUEST_METHOD"], environ["RAW_URI"], skip_host=True, skip_accept_encoding=True
            )
            for key, value in environ.items():
                name = key.removeprefix("HTTP_") if key.startswith("HTTP_") else key
                if (key != name or key in ("CONTENT_TYPE", "CONTENT_LENGTH")) and name not in _OURS_ALONE:
                    connection.putheader(name.replace("_", "-"), value)
            if header(environ, "Transfer-Encoding"):
                connection.putheader("Transfer-Encoding", "chunked")
            connection.endheaders()
        except OSError as problem:
            raise _UpstreamFailed(problem) from problem

    def _send_body(self, connection: http.client.HTTPConnection, environ: Environ) -> None:
        chunked = header(environ, "Transfer-Encoding") is not None
        while block := environ["wsgi.input"].read(BLOCK):
            try:
                connection.send(b"%x\r\n%b\r\n" % (len(block), block) if chunked else block)
            except OSError:
                return  # It may have refused the request half-way; its answer says why, or getresponse() fails.
        if chunked:
            connection.send(b"0\r\n\r\n")

    def _stream(self, response: http.client.HTTPResponse) -> Iterator[bytes]:
        whole = False
        try:
            while block := response.read(BLOCK):
                yield block
            whole = True
        finally:
            if not whole:
                self._drop()

    def _connection(self) -> http.client.HTTPConnection:
        """This thread's connection; a client's connection has one thread, so they live and die together."""
        connection: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        if connection is None or time.monotonic() - self._local.used > IDLE_S:
            self._drop()
            connection = self._local.connection = self._kind(*self._address, timeout=TIMEOUT_S)
        self._local.used = time.monotonic()
        return connection

    def _drop(self) -> None:
        connection = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
        self._local.connection = None


class _UpstreamFailed(Exception):
    """An OSError of the server's side, told apart from one of the client's."""
