# SPDX-License-Identifier: GPL-3.0-or-later
"""An S3 server for measurements: in memory, cheap in processor time, every answer late by a fixed time, and it counts.

It checks nothing (tests/store does that against a real server): what is measured should be the clients. As a program it
prints its URL and serves until it is stopped; `POST /-/reset` empties and `GET /-/counts` tells the requests as JSON.
"""

from __future__ import annotations

import argparse
import json
import re
import socketserver
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape


@dataclass
class Stored:
    """One object."""

    content: bytes
    etag: str
    modified: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass
class Shelf:
    """All objects, by bucket/key, and what was asked."""

    latency_s: float
    objects: dict[str, Stored] = field(default_factory=dict)
    parts: dict[str, dict[int, bytes]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    received: int = 0
    """Bytes of content."""
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    """bucket/key, without the leading slash."""
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    status: int = 200
    body: bytes | memoryview = b""
    headers: tuple[tuple[str, str], ...] = ()
    length: int = -1
    """What Content-Length says where it is not the body's (HEAD)."""


_NOT_FOUND = Answer(404, b"<Error><Code>NoSuchKey</Code><Message>not there</Message></Error>")
_ETAGS = iter(range(1, 1 << 62))


def put(shelf: Shelf, request: Request) -> Answer:
    etag = f'"{next(_ETAGS):032x}"'
    if "partNumber" in request.query:
        shelf.parts[request.query["uploadId"]][int(request.query["partNumber"])] = request.body
    else:
        shelf.objects[request.path] = Stored(request.body, etag)
    return Answer(headers=(("ETag", etag),))


def get(shelf: Shelf, request: Request) -> Answer:
    if "list-type" in request.query:
        return listing(shelf, request)
    found = shelf.objects.get(request.path)
    if not found:
        return _NOT_FOUND
    headers = (("ETag", found.etag), ("Last-Modified", formatdate(found.modified.timestamp(), usegmt=True)))
    asked = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("range", ""))
    if request.method == "HEAD":
        return Answer(headers=headers, length=len(found.content))
    if not asked:
        return Answer(body=found.content, headers=headers)
    start, end = int(asked[1]), min(int(asked[2] or len(found.content)), len(found.content) - 1)
    span = ("Content-Range", f"bytes {start}-{end}/{len(found.content)}")
    return Answer(206, memoryview(found.content)[start : end + 1], (*headers, span))


def head(shelf: Shelf, request: Request) -> Answer:
    return get(shelf, request) if "/" in request.path.strip("/") else Answer()


def listing(shelf: Shelf, request: Request) -> Answer:
    bucket = request.path.split("/")[0] + "/"
    prefix = bucket + request.query.get("prefix", "")
    after = bucket + request.query.get("continuation-token", request.query.get("start-after", ""))
    found = sorted(key for key in shelf.objects if key.startswith(prefix) and key > after)
    page = found[: int(request.query.get("max-keys", 1000))]
    entries = "".join(
        f"<Contents><Key>{escape(key.removeprefix(bucket))}</Key><Size>{len(shelf.objects[key].content)}</Size>"
        f"<ETag>{escape(shelf.objects[key].etag)}</ETag>"
        f"<LastModified>{shelf.objects[key].modified:%Y-%m-%dT%H:%M:%S.000Z}</LastModified></Contents>"
        for key in page
    )
    more = len(page) < len(found)
    token = f"<NextContinuationToken>{escape(page[-1].removeprefix(bucket))}</NextContinuationToken>" if more else ""
    return Answer(
        body=f"<ListBucketResult><IsTruncated>{str(more).lower()}</IsTruncated>{token}{entries}"
        "</ListBucketResult>".encode()
    )


def post(shelf: Shelf, request: Request) -> Answer:
    if "uploads" in request.query:
        name = f"upload{next(_ETAGS)}"
        shelf.parts[name] = {}
        return Answer(body=f"<R><UploadId>{name}</UploadId></R>".encode())
    if "uploadId" in request.query:
        parts = shelf.parts.pop(request.query["uploadId"])
        etag = f'"{next(_ETAGS):032x}"'
        shelf.objects[request.path] = Stored(b"".join(parts[number] for number in sorted(parts)), etag)
        return Answer(body=f"<R><ETag>{escape(etag)}</ETag></R>".encode())
    if "delete" in request.query:
        for key in re.findall(r"<Key>(.*?)</Key>", request.body.decode()):
            shelf.objects.pop(f"{request.path.strip('/')}/{key}", None)
        return Answer(body=b"<DeleteResult/>")
    if b"GetCallerIdentity" in request.body:
        return Answer(
            body=b"<GetCallerIdentityResponse><GetCallerIdentityResult><Account>123456789012</Account>"
            b"</GetCallerIdentityResult></GetCallerIdentityResponse>"
        )
    return Answer(501)


def delete(shelf: Shelf, request: Request) -> Answer:
    shelf.objects.pop(request.path, None)
    return Answer(204)


_ACTIONS: dict[str, Callable[[Shelf, Request], Answer]] = {
    "PUT": put,
    "GET": get,
    "HEAD": head,
    "POST": post,
    "DELETE": delete,
}


def manage(shelf: Shelf, request: Request) -> Answer:
    """What is not S3."""
    if request.path == "-/reset":
        shelf.objects.clear()
    counts = json.dumps({"requests": sum(shelf.counts.values()), "by": shelf.counts, "received": shelf.received})
    shelf.counts, shelf.received = Counter(), 0
    return Answer(body=counts.encode())


class Handler(socketserver.StreamRequestHandler):
    """One connection."""

    rbufsize = 1 << 20
    disable_nagle_algorithm = True

    def handle(self) -> None:
        with suppress(ConnectionError):
            while request := self._request():
                self._answer(request)

    def _request(self) -> Request | None:
        line = self.rfile.readline().split()
        if len(line) < 3:
            return None
        headers = {}
        while (header := self.rfile.readline().strip()) != b"":
            name, _, value = header.partition(b":")
            headers[name.decode().lower()] = value.strip().decode()
        if headers.get("expect"):
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        url = urlsplit(line[1].decode())
        query = {name: values[0] for name, values in parse_qs(url.query, keep_blank_values=True).items()}
        body = self.rfile.read(int(headers.get("content-length", 0)))
        if "aws-chunked" in headers.get("content-encoding", ""):
            body = _unchunked(body)
        return Request(line[0].decode(), unquote(url.path).lstrip("/"), query, headers, body)

    def _answer(self, request: Request) -> None:
        shelf: Shelf = self.server.shelf  # type: ignore[attr-defined]
        if request.path.startswith("-/"):
            answer = manage(shelf, request)
        else:
            with shelf.lock:
                shelf.counts[request.method] += 1
                shelf.received += len(request.body)
                answer = _ACTIONS[request.method](shelf, request)
            time.sleep(shelf.latency_s)
        length = len(answer.body) if answer.length < 0 else answer.length
        lines = [f"HTTP/1.1 {answer.status} X", f"Date: {formatdate(usegmt=True)}", f"Content-Length: {length}"]
        lines += [f"{name}: {value}" for name, value in answer.headers]
        self.wfile.write("\r\n".join([*lines, "", ""]).encode())
        if request.method != "HEAD":
            self.wfile.write(answer.body)


def _unchunked(body: bytes) -> bytes:
    parts, position = [], 0
    while True:
        end = body.index(b"\r\n", position)
        size = int(body[position:end].split(b";")[0], 16)
        if not size:
            return b"".join(parts)
        parts.append(body[end + 2 : end + 2 + size])
        position = end + 2 + size + 2


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, latency_s: float) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.shelf = Shelf(latency_s)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no error of ours; anything else shows."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--latency-ms", type=float, default=30.0)
    server = Server(parser.parse_args().latency_ms / 1000)
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
