# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs in a SQLite file, so that they survive the local cloud. Stores and reads; decides nothing.

A submission is one row however large its array. A child gets a row when something about it must outlive a restart:
its end, a failed attempt, a wish to end it. A child without a row has not been tried yet.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from local_cloud.engine import NotKept, new_job
from local_cloud.jobs import ENDED, Attempt, Job, Spec, State

VERSION = 1

KEPT_MS = 7 * 24 * 3600 * 1000
"""How long ended jobs are remembered, as on AWS."""

_TABLES = """
CREATE TABLE IF NOT EXISTS submissions (number INTEGER PRIMARY KEY, id TEXT NOT NULL, created_at INTEGER NOT NULL, spec TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS states (number INTEGER NOT NULL, child INTEGER NOT NULL, state TEXT NOT NULL, PRIMARY KEY (number, child));
"""  # noqa: E501

_ITSELF = -1
"""In the column `child`: the plain job or the parent, not a child of it."""


class JournalTooNew(Exception):
    """The file was written by another version."""


class SqliteJournal:
    """Called under the engine's lock, from many threads."""

    def __init__(self, path: Path) -> None:
        """Raises JournalTooNew, or sqlite3.DatabaseError for a file that is no journal."""
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        # In this mode a commit survives the end of the process; the last ones may not survive a power cut, after which
        # a child runs once more and finds its frames done.
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")
        (version,) = self._database.execute("PRAGMA user_version").fetchone()
        if version not in (0, VERSION):
            raise JournalTooNew(f"it has version {version}, this local cloud reads {VERSION}")
        self._database.executescript(_TABLES)
        self._database.execute(f"PRAGMA user_version = {VERSION}")

    def close(self) -> None:
        self._database.close()

    def submitted(self, job: Job) -> None:
        row = (job.number, job.id, job.created_at, json.dumps(job.spec.to_json()))
        self._write("INSERT INTO submissions VALUES (?, ?, ?, ?)", [row])

    def changed(self, jobs: Iterable[Job]) -> None:
        rows = [(job.number, _ITSELF if job.index is None else job.index, json.dumps(_state(job))) for job in jobs]
        self._write("INSERT OR REPLACE INTO states VALUES (?, ?, ?)", rows)

    def _write(self, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """All of the rows, or none and NotKept."""
        try:
            with self._database:
                self._database.execute("BEGIN")
                self._database.executemany(statement, rows)
        except sqlite3.OperationalError as error:
            raise NotKept(str(error)) from error

    def load(self, now_ms: int) -> list[Job]:
        """All jobs, oldest first, after forgetting what ended long ago. What has not ended is SUBMITTED again."""
        jobs = {}
        for number, job_id, created_at, spec in self._database.execute("SELECT * FROM submissions ORDER BY number"):
            jobs[number] = new_job(Spec.from_json(json.loads(spec)), job_id, number, created_at)
        for number, child, state in self._database.execute("SELECT * FROM states"):
            job = jobs[number]
            _restore(job if child == _ITSELF else job.children[child], json.loads(state))
        old = [job.number for job in jobs.values() if job.ended and (job.stopped_at or 0) < now_ms - KEPT_MS]
        for number in old:
            self._database.execute("DELETE FROM states WHERE number = ?", (number,))
            self._database.execute("DELETE FROM submissions WHERE number = ?", (number,))
            del jobs[number]
        return list(jobs.values())


def _state(job: Job) -> dict[str, Any]:
    return {
        "state": job.state if job.ended else State.SUBMITTED,
        "status_reason": job.status_reason,
        "started_at": job.started_at,
        "stopped_at": job.stopped_at,
        "log_stream": job.log_stream,
        "ended_by": job.ended_by,
        "end_reason": job.end_reason,
        "attempts": [asdict(attempt) for attempt in job.attempts],
    }


def _restore(job: Job, values: dict[str, Any]) -> None:
    job.state = State(values["state"])
    job.attempts = tuple(Attempt(**attempt) for attempt in values["attempts"])
    job.ended_by, job.end_reason = values["ended_by"], values["end_reason"]
    job.log_stream = values["log_stream"]
    if job.state in ENDED:
        job.status_reason = values["status_reason"]
        job.started_at, job.stopped_at = values["started_at"], values["stopped_at"]
