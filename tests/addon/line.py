# SPDX-License-Identifier: GPL-3.0-or-later
"""The line between Blender and the local cloud, which can be cut, held and made to refuse.

A check inside Blender speaks to it over HTTP (inside/line.py): POST /-/rules replaces the rules, GET /-/seen tells the
requests so far. Everything else goes to the cloud, unless a rule says otherwise.
"""

from __future__ import annotations

import http.client
import json
import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from local_cloud.aws_errors import error
from local_cloud.http_types import Answer, Environ, StartResponse
from local_cloud.server import Server

HOLD_MOST_S = 120.0
"""After that a held request is cut: a test that forgot it ends."""


@dataclass(frozen=True)
class Rule:
    """What happens to the requests whose "METHOD /path?query" `pattern` is found in."""

    pattern: str
    do: Literal["hold", "cut", "refuse"]
    code: str = ""
    """AWS's word for a refusal."""


@dataclass
class Line:
    """A WSGI application: `target` is the cloud's host and port."""

    target: str
    rules: tuple[Rule, ...] = ()
    seen: list[str] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        return self._answer(environ).send(start_response)

    def obey(self, rules: Iterable[Rule]) -> None:
        """From now on, also for requests that are held."""
        with self.changed:
            self.rules, self.seen = tuple(rules), []
            self.changed.notify_all()

    def _answer(self, environ: Environ) -> Answer:
        body = environ["wsgi.input"].read()
        asked = f"{environ['REQUEST_METHOD']} {environ['RAW_URI']}"
        if asked == "POST /-/rules":
            self.obey(Rule(**each) for each in json.loads(body))
            return Answer(200)
        if asked == "GET /-/seen":
            return Answer(200, body=json.dumps(self.seen).encode())
        rule = self._judged(asked)
        if rule is None:
            return self._passed_on(environ, body)
        if rule.do == "refuse":
            return error(_service(environ), rule.code, f"The test says {rule.code}.", 403)
        raise ConnectionResetError(f"cut by {rule}")

    def _judged(self, asked: str) -> Rule | None:
        """The rule that decides; a request that is held waits here for other rules."""
        with self.changed:
            self.seen.append(asked)
            held = self.changed.wait_for(lambda: (rule := self._rule(asked)) is None or rule.do != "hold", HOLD_MOST_S)
            return self._rule(asked) if held else Rule(asked, "cut")

    def _rule(self, asked: str) -> Rule | None:
        return next((rule for rule in self.rules if re.search(rule.pattern, asked)), None)

    def _passed_on(self, environ: Environ, body: bytes) -> Answer:
        names = [name for name in environ if name.startswith("HTTP_") and name != "HTTP_EXPECT"]
        headers = {name.removeprefix("HTTP_").replace("_", "-"): environ[name] for name in names}
        headers |= {"Content-Type": environ["CONTENT_TYPE"]} if "CONTENT_TYPE" in environ else {}
        headers |= {"Content-Length": str(len(body))}
        connection = http.client.HTTPConnection(self.target, timeout=60)
        try:
            connection.request(environ["REQUEST_METHOD"], environ["RAW_URI"], body, headers)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        kept = [(name, value) for name, value in answer.getheaders() if name.lower() not in _OF_THE_CONNECTION]
        return Answer(answer.status, kept, content)


_OF_THE_CONNECTION = {"connection", "transfer-encoding", "date", "server"}


def _service(environ: Environ) -> str:
    signed = re.search(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/", environ.get("HTTP_AUTHORIZATION", ""))
    return signed[1] if signed else "s3"


@contextmanager
def line_to(endpoint_url: str) -> Iterator[tuple[Line, str]]:
    """A line to the cloud at `endpoint_url`, and the URL of its near end."""
    line = Line(urlsplit(endpoint_url).netloc)
    server = Server(0)
    server.application = line
    thread = threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True)
    thread.start()
    try:
        yield line, f"http://127.0.0.1:{server.port}"
    finally:
        line.obey([Rule("", "cut")])  # lets go what is held
        server.shutdown()
        server.server_close()
        thread.join()
