# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan of faults does to requests: refused, late, broken off in the middle, or done without an answer."""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from local_cloud.aws_errors import error
from local_cloud.engine import Engine
from local_cloud.fault_log import FaultLog
from local_cloud.faults import NOBODY, REQUEST_KINDS, Plan, Who
from local_cloud.http_types import Answer, BrokenOff, Environ, Reset, header

REFUSALS = {
    "s3-500": ("InternalError", "We encountered an internal error. Please try again.", 500),
    "s3-slow-down": ("SlowDown", "Please reduce your request rate.", 503),
    "s3-expired-token": ("ExpiredToken", "The provided token has expired.", 400),
    "clock-jump": (
        "RequestTimeTooSkewed",
        "The difference between the request time and the current time is too large.",
        403,
    ),
    "batch-throttled": ("TooManyRequestsException", "Too Many Requests", 429),
}
"""Kind → code, message and status of the answer; the request is not carried out."""

WRITES = frozenset({"PUT", "POST", "DELETE"})
METHODS: Mapping[str, frozenset[str]] = {"s3-truncated": frozenset({"GET"}), "s3-lost-answer": WRITES}
"""Kinds that make sense for some methods alone."""

_SENDER = re.compile(r"\bapp/attempt_(\d+)_(\d*)_(\d+)")
_RANDOM = re.compile(r"\d{8}-\d{6}-[^/]*|[0-9a-f]{32,}|[0-9a-f]{8}-[0-9a-f-]{27}")
"""Parts of a key that differ in each run: ids of jobs, names of packs and uploads."""

_BLOCK = 64 * 1024


@dataclass(frozen=True)
class _Request:
    environ: Environ
    ask: Callable[[], Answer]
    stall: Callable[[], None]


class BadLine:
    """Stands between the front and its services. `wait` is what a stall does."""

    def __init__(
        self, plan: Plan, log: FaultLog, names: Callable[[int], str], wait: Callable[[float], None] = time.sleep
    ) -> None:
        self._plan = plan
        self._log = log
        self._names = names
        """Name of the n-th submitted job."""
        self._stall = lambda: wait(plan.stall_s)
        kinds = [kind for kind in REQUEST_KINDS if kind in plan.faults]
        self._kinds = {
            "s3": [kind for kind in kinds if not kind.startswith("batch-")],
            "batch": [kind for kind in kinds if kind.startswith("batch-")],
        }
        self._lock = threading.Lock()
        self._asked: Counter[tuple[Who, str]] = Counter()

    def answer(self, service: str, environ: Environ, ask: Callable[[], Answer]) -> Answer:
        """The answer of `ask`, or what a fault makes of it. Raises BrokenOff where the connection breaks."""
        method = environ["REQUEST_METHOD"]
        kinds = [kind for kind in self._kinds.get(service, ()) if method in METHODS.get(kind, (method,))]
        if not kinds:
            return ask()
        request = f"{method} {environ['PATH_INFO']}"
        who = self._sender(environ)
        drawn = self._plan.of_request(kinds, who, request, self._number(who, environ))
        if drawn is None or not self._log.take(drawn.kind, drawn.limit):
            return ask()
        self._log.note(drawn.kind, who, request=request)
        if drawn.kind in REFUSALS:
            return error(service, *REFUSALS[drawn.kind])
        return _WAYS[drawn.kind](_Request(environ, ask, self._stall))

    def _sender(self, environ: Environ) -> Who:
        found = _SENDER.search(header(environ, "User-Agent") or "")
        if found is None:
            return NOBODY
        submission, child, attempt = found.groups()
        return Who(int(submission), int(child) if child else None, int(attempt), self._names(int(submission)))

    def _number(self, who: Who, environ: Environ) -> int:
        """How often this sender has asked for this by now."""
        known = _RANDOM.sub("*", f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}")
        with self._lock:
            self._asked[who, known] += 1
            return self._asked[who, known]


def names_of(engine: Engine) -> Callable[[int], str]:
    """Names of jobs by the number of their submission."""

    def name(number: int) -> str:
        return next((job.spec.name for job in engine.jobs() if job.number == number), "")

    return name


# ---- ways to break a request -----------------------------------------------------------------------------------------


def _reset(request: _Request) -> Answer:
    """In the middle of the request's body, or of the answer's where the request has none."""
    size = int(header(request.environ, "Content-Length") or 0)
    if size:
        request.environ["wsgi.input"].read(size // 2)
        raise Reset
    return _cut(request.ask(), Reset)


def _truncated(request: _Request) -> Answer:
    return _cut(request.ask(), BrokenOff)


def _lost_answer(request: _Request) -> Answer:
    answer = request.ask()
    for _ in answer.body if not isinstance(answer.body, bytes) else ():
        pass  # so that the server behind is done with it
    raise BrokenOff


def _stalled(request: _Request) -> Answer:
    answer = request.ask()
    if isinstance(answer.body, bytes) and len(answer.body) < 2:
        request.stall()
        return answer
    whole, half = _in_blocks(answer), _size(answer) // 2

    def parts() -> Iterator[bytes]:
        sent = 0
        waited = False
        for block in whole:
            if not waited and sent + len(block) > half:
                waited = True
                yield block[: half - sent]
                request.stall()
                block = block[half - sent :]
                sent = half
            sent += len(block)
            yield block

    return replace(answer, headers=_with_length(answer), body=parts())


def _cut(answer: Answer, how: type[BrokenOff]) -> Answer:
    """Half of the answer's body, and then the end of the connection."""
    whole, half = _in_blocks(answer), _size(answer) // 2

    def parts() -> Iterator[bytes]:
        left = half
        for block in whole:
            if left <= 0:
                break
            yield block[:left]
            left -= len(block)
        raise how

    return replace(answer, headers=_with_length(answer), body=parts())


def _in_blocks(answer: Answer) -> Iterator[bytes]:
    if not isinstance(answer.body, bytes):
        yield from answer.body
        return
    for start in range(0, len(answer.body), _BLOCK):
        yield answer.body[start : start + _BLOCK]


def _size(answer: Answer) -> int:
    """In bytes; 0 where the answer does not say."""
    said = next((value for name, value in answer.headers if name.lower() == "content-length"), "0")
    return len(answer.body) if isinstance(answer.body, bytes) else int(said)


def _with_length(answer: Answer) -> list[tuple[str, str]]:
    others = [(name, value) for name, value in answer.headers if name.lower() != "content-length"]
    return [*others, ("Content-Length", str(_size(answer)))]


_WAYS: Mapping[str, Callable[[_Request], Answer]] = {
    "s3-reset": _reset,
    "s3-lost-answer": _lost_answer,
    "s3-stall": _stalled,
    "s3-truncated": _truncated,
}
assert set(_WAYS) | set(REFUSALS) == set(REQUEST_KINDS)
