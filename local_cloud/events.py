# SPDX-License-Identifier: GPL-3.0-or-later
"""What EventBridge is told here: a Batch job that has come further, an object in an inbox, an execution's stop.

Events wait in a file until they are delivered, so that a restart loses none.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote

from local_cloud.batch_api import described
from local_cloud.http_types import Answer, Environ, header
from local_cloud.jobs import Job, State
from local_cloud.registry import ACCOUNT

TOLD = frozenset({State.RUNNING, State.SUCCEEDED, State.FAILED})

INBOX = "inbox/"
"""Nothing of ours listens for other keys, and a job brings thousands of them."""

KEPT = 10_000
"""Events that wait at most: without any rule, nobody ever fetches them."""

log = logging.getLogger(__name__)

Event = Mapping[str, Any]


class Outbox:
    """Events in the order in which they came, each until it is done with. Safe to use from many threads.

    On a full disk they are held in memory, where a restart would lose them, until they can be written.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.execute("CREATE TABLE IF NOT EXISTS events (number INTEGER PRIMARY KEY, event TEXT NOT NULL)")
        (self._last,) = self._database.execute("SELECT COALESCE(MAX(number), 0) FROM events").fetchone()
        self._done = 0
        """Number of the last event that was done with, as `_last` is of the last that came."""
        self._unwritten: list[tuple[int, str]] = []
        self.came = threading.Event()
        """Set when there may be something to deliver."""
        self.came.set()

    def close(self) -> None:
        self._database.close()

    def put(self, event: Event) -> None:
        with self._lock:
            self._last += 1
            self._unwritten.append((self._last, json.dumps(event)))
            self._write()
        self.came.set()

    def oldest(self) -> tuple[int, Event] | None:
        """Its number and the event; None where all is delivered."""
        with self._lock:
            written = "SELECT number, event FROM events WHERE number > ? ORDER BY number LIMIT 1"
            row = self._database.execute(written, (self._done,)).fetchone() or next(iter(self._unwritten), None)
        return (row[0], json.loads(row[1])) if row else None

    def done(self, number: int) -> None:
        with self._lock:
            self._done = number
            self._unwritten = [row for row in self._unwritten if row[0] > number]
            self._write()

    def _write(self) -> None:
        """What has come and gone since this was possible for the last time."""
        try:
            with self._database:
                self._database.execute("BEGIN")
                self._database.executemany("INSERT INTO events VALUES (?, ?)", self._unwritten)
                self._database.execute("DELETE FROM events WHERE number <= ?", (max(self._done, self._last - KEPT),))
        except sqlite3.OperationalError as problem:
            log.warning("a restart would not know the last events: %s", problem)
            del self._unwritten[:-KEPT]
        else:
            self._unwritten.clear()

    def execution_stopped(self, region: str, execution: Event) -> None:
        """To be told of each execution of a state machine that somebody stops."""
        kind = "Step Functions Execution Status Change"
        self.put(_event("aws.states", kind, region, [execution["executionArn"]], execution))

    def job_came_further(self, job: Job) -> None:
        """To be told of each state of each whole job, as soon as it is in it."""
        if job.state in TOLD:
            detail = described(job)
            self.put(_event("aws.batch", "Batch Job State Change", job.spec.region, [detail["jobArn"]], detail))


def _event(source: str, kind: str, region: str, resources: list[str], detail: Event) -> Event:
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": kind,
        "source": source,
        "account": ACCOUNT,
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": region,
        "resources": resources,
        "detail": detail,
    }


class ObjectStore(Protocol):
    def answer(self, environ: Environ) -> Answer: ...


class Announced:
    """An object store that tells of each object which has come into the inbox of a bucket that wants it told."""

    def __init__(
        self, objects: ObjectStore, wants: Callable[[str], bool], region: str, put: Callable[[Event], None]
    ) -> None:
        self._objects = objects
        self._wants = wants
        self._region = region
        self._put = put

    def answer(self, environ: Environ) -> Answer:
        answer = self._objects.answer(environ)
        bucket, _, key = unquote(environ["RAW_URI"].partition("?")[0]).lstrip("/").partition("/")
        reason = _reason(environ)
        if answer.status == 200 and reason and key.startswith(INBOX) and self._wants(bucket):
            detail = {
                "version": "0",
                "bucket": {"name": bucket},
                "object": {"key": key, "sequencer": uuid.uuid4().hex},
                "requester": ACCOUNT,
                "reason": reason,
            }
            self._put(_event("aws.s3", "Object Created", self._region, [f"arn:aws:s3:::{bucket}"], detail))
        return answer


def _reason(environ: Environ) -> str:
    """S3's word for how the request makes an object; empty for one that makes none."""
    query = set(parse_qs(environ["QUERY_STRING"], keep_blank_values=True)) - {"x-id"}
    if environ["REQUEST_METHOD"] == "POST" and query == {"uploadId"}:
        return "CompleteMultipartUpload"
    if environ["REQUEST_METHOD"] != "PUT" or query:
        return ""
    return "CopyObject" if header(environ, "x-amz-copy-source") else "PutObject"
