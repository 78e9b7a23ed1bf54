# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs that outlive the local cloud."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from local_cloud.engine import Engine, NotKept
from local_cloud.jobs import Dependency, Job, Outcome, Spec, State
from local_cloud.journal import KEPT_MS, JournalTooNew, SqliteJournal
from local_cloud.retry import Rule

if TYPE_CHECKING:
    from conftest import Rig

Restart = Callable[[], Engine]


@pytest.fixture
def restarted(rig: Rig, tmp_path: Path) -> Iterator[Restart]:
    """Puts a journal into the rig's engine; calling it gives the engine that a restart would find, with no slots."""
    journals = [SqliteJournal(tmp_path / "jobs.sqlite")]
    rig.engine._journal = journals[0]

    def restart() -> Engine:
        journals.append(SqliteJournal(tmp_path / "jobs.sqlite"))
        engine = Engine(rig.runner, slots=0, journal=journals[-1])
        engine.restore(journals[-1].load(now_ms=0))
        return engine

    yield restart
    rig.engine.close()
    for journal in journals:
        journal.close()


def _found(engine: Engine, job: Job) -> Job:
    found = engine.job(job.id)
    assert found is not None
    return found


def test_what_had_ended_stays_so_and_the_rest_goes_on(rig: Rig, restarted: Restart) -> None:
    """An ended child keeps its end, a running and a waiting one are RUNNABLE again, and the stitch still waits."""
    array = rig.submit(array_size=4)
    stitch = rig.submit(name="stitch", depends_on=(Dependency(array.id, ""),))
    ended = rig.end_next()
    rig.runner.next(), rig.runner.next()
    engine = restarted()
    again = _found(engine, array)
    assert again.counts == {State.SUCCEEDED: 1, State.RUNNABLE: 3, State.SUBMITTED: 0}
    assert _found(engine, ended).attempts == ended.attempts
    assert _found(engine, stitch).state is State.PENDING
    assert again.spec == array.spec


def test_a_failed_attempt_still_counts(rig: Rig, restarted: Restart) -> None:
    """So a scene that kills its machine is not tried for ever."""
    job = rig.submit(attempts=3, rules=(Rule("RETRY", on_exit_code="75"),))
    rig.end_next(75)
    again = _found(restarted(), job)
    assert (again.state, [attempt.exit_code for attempt in again.attempts]) == (State.RUNNABLE, [75])


def test_a_wish_to_end_a_job_survives(rig: Rig, restarted: Restart) -> None:
    """Terminated while it ran, it does not start again."""
    job = rig.submit(array_size=2)
    both = rig.runner.next(), rig.runner.next()
    for started in both:
        started.deaf = True
    rig.engine.terminate(job, "enough")
    again = _found(restarted(), job)
    assert (again.state, again.children[0].status_reason) == (State.FAILED, "enough")
    for started in both:
        started.exits(143)


def test_jobs_submitted_after_a_restart_come_after_the_old_ones(
    rig: Rig, restarted: Restart, spec: Callable[..., Spec]
) -> None:
    """The order of submission goes on."""
    before = rig.submit()
    engine = restarted()
    after = engine.submit(spec())
    assert (before.number, after.number) == (1, 2)
    assert [job.id for job in restarted().jobs()] == [before.id, after.id]


def test_what_ended_a_week_ago_is_forgotten(rig: Rig, tmp_path: Path, restarted: Restart) -> None:
    """As on AWS; what has not ended is kept however old it is."""
    ended = rig.submit()
    rig.end_next()
    waiting = rig.submit()
    journal = SqliteJournal(tmp_path / "jobs.sqlite")
    assert [job.id for job in journal.load((ended.stopped_at or 0) + KEPT_MS + 1)] == [waiting.id]
    journal.close()


def test_ten_thousand_children_are_one_row(rig: Rig, tmp_path: Path, restarted: Restart) -> None:
    """A submission costs the same however large its array is."""
    rig.engine.set_capacity(rig.submit().spec.queue_arn, "CAPACITY:NONE")
    rig.submit(array_size=10_000)
    database = sqlite3.connect(tmp_path / "jobs.sqlite")
    assert database.execute("SELECT count(*) FROM submissions").fetchone() == (2,)
    assert database.execute("SELECT count(*) FROM states").fetchone() == (0,)
    database.close()


def test_a_journal_of_another_version_is_refused(tmp_path: Path) -> None:
    """Rather than read wrongly."""
    database = sqlite3.connect(tmp_path / "jobs.sqlite")
    database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(JournalTooNew):
        SqliteJournal(tmp_path / "jobs.sqlite")


def test_on_a_full_disk_jobs_end_and_are_kept_later(rig: Rig, restarted: Restart) -> None:
    """What could not be written is written with the next change that can; a new job is refused."""
    rig.submit(), rig.submit()
    database = rig.engine._journal._database  # type: ignore[attr-defined]
    (pages,) = database.execute("PRAGMA page_count").fetchone()
    database.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(NotKept, match="full"):
        rig.submit(container={"image": "x" * 100_000})
    assert len(rig.engine.jobs()) == 2
    started = rig.runner.next()
    started.outcome.put(Outcome(0, "x" * 100_000))
    rig.until(lambda: started.job.ended)
    first = started.job
    assert _found(restarted(), first).state is not State.SUCCEEDED
    database.execute("PRAGMA max_page_count = 100000")
    second = rig.end_next()
    engine = restarted()
    assert [_found(engine, job).state for job in (first, second)] == [State.SUCCEEDED] * 2
