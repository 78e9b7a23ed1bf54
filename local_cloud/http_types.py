# SPDX-License-Identifier: GPL-3.0-or-later
"""Names for what passes between server, front and services: WSGI, plus a small answer of our own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

Environ = dict[str, Any]
Headers = list[tuple[str, str]]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]


class BrokenOff(ConnectionError):
    """The connection is to be closed here, whatever was promised."""


class Reset(BrokenOff):
    """The connection is to be reset here: the other side gets no orderly end."""


@dataclass(frozen=True)
class Answer:
    """A whole HTTP answer; `body` may be a stream where its length stands in the headers."""

    status: int
    headers: Headers = field(default_factory=list)
    body: bytes | Iterable[bytes] = b""

    def send(self, start_response: StartResponse) -> Iterable[bytes]:
        headers = list(self.headers)
        if isinstance(self.body, bytes) and not any(name.lower() == "content-length" for name, _ in headers):
            headers.append(("Content-Length", str(len(self.body))))
        start_response(status_line(self.status), headers)
        return [self.body] if isinstance(self.body, bytes) else self.body


def status_line(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"{status} Unknown"


def header(environ: Environ, name: str) -> str | None:
    """A request header by its usual name; None where it was not sent."""
    key = name.upper().replace("-", "_")
    value = environ.get(key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else "HTTP_" + key)
    return None if value is None else str(value)


def call(application: Application, environ: Environ) -> Answer:
    """A WSGI application's whole answer."""
    begun: list[tuple[str, Headers]] = []

    def start_response(status: str, headers: Headers, _exc_info: Any = None) -> Any:
        begun[:] = [(status, headers)]

    chunks = application(environ, start_response)
    body = b"".join(chunks)
    if hasattr(chunks, "close"):
        chunks.close()
    status, headers = begun[0]
    return Answer(int(status.split()[0]), headers, body)
