# SPDX-License-Identifier: GPL-3.0-or-later
"""Watching, fed with states as the client would give them; no clock, no cloud."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cloud_render.cli import job_ids, watch
from cloud_render.cli.exit_codes import Exit
from cloud_render.cli.jobs import table
from cloud_render.cli.options import Settings
from cloud_render.cli.output import Output
from cloud_render.cli.stages import Stage, Stages
from cloud_render.client.expiry import Expiry
from cloud_render.client.monitor import JobState, JobSummary
from cloud_render.contract.errors import CloudUnreachable, NotThere

JOB = "20261121-120000-pottery-ab12"


def state(phase: str, done: int = 0, **more: object) -> JobState:
    return JobState(JOB, "pottery", phase, done, 48, **more)


def looking(*answers):
    remaining = iter(answers)

    def look():
        answer = next(remaining)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return look


@pytest.fixture
def stages():
    return Stages(Output(), clock=lambda: 0.0)


def test_a_watch_tells_each_part_once(stages, capsys):
    """Waiting, rendering and stitching end with one line each."""
    look = looking(
        state("queued"), state("rendering", 7), state("rendering", 48), state("stitching", 48), state("done", 48)
    )
    assert watch.follow(look, stages, sleep=lambda _s: None).phase == "done"
    said = capsys.readouterr().err
    assert [line[2:].split(" (")[0] for line in said.splitlines()] == [
        "A machine has started",
        "Rendered 48 frames",
        "Video made",
    ]


def test_the_installation_of_blender_is_a_part_of_its_own(stages, capsys):
    """Nobody wonders why a machine takes so long."""
    look = looking(state("queued", installs="5.0.1"), state("queued"), state("done", 48))
    watch.follow(look, stages, sleep=lambda _s: None)
    said = [line[2:].split(" (")[0] for line in capsys.readouterr().err.splitlines()]
    assert said == ["Blender 5.0.1 installed", "A machine has started"]
    assert watch.state_lines(state("queued", installs="5.0.1"))[1] == "Installing Blender 5.0.1: 0/48 frames"


@pytest.mark.parametrize("before", [state("queued", installs="5.0.1"), state("queued"), state("stitching", 48)])
def test_what_the_mender_looks_at_was_not_done(stages, capsys, before):
    """No "Video made" over a video that failed."""
    watch.follow(looking(before, state("mending"), state("failed")), stages, sleep=lambda _s: None)
    assert capsys.readouterr().err.startswith("✗")


def test_a_part_that_ends_in_failure_is_marked(stages, capsys):
    """Nobody reads "Rendered" over a job that failed."""
    watch.follow(looking(state("rendering", 7), state("failed", 7)), stages, sleep=lambda _s: None)
    assert capsys.readouterr().err.startswith("✗ Rendering")


def test_only_changes_are_heard(stages):
    """A script that reads JSON lines is not woken for nothing."""
    heard: list[JobState] = []
    look = looking(state("rendering", 7), state("rendering", 7), state("rendering", 8), state("done", 48))
    watch.follow(look, stages, heard.append, sleep=lambda _s: None)
    assert [one.frames_done for one in heard] == [7, 8, 48]


def test_looks_become_rare_while_nothing_moves(stages):
    """A job that waits an hour for a machine is not asked 3,600 times."""
    pauses: list[float] = []
    look = looking(*[state("queued")] * 30, state("done", 48))
    watch.follow(look, stages, sleep=pauses.append)
    assert pauses[0] == watch.FIRST_PAUSE_S
    assert pauses[-1] == watch.LONGEST_PAUSE_S


def test_a_lost_connection_does_not_end_the_watch(stages):
    """The job runs in the cloud; a laptop that slept for a minute goes on watching."""
    look = looking(state("rendering", 7), CloudUnreachable("No network."), state("done", 48))
    assert watch.follow(look, stages, sleep=lambda _s: None).phase == "done"


def test_a_connection_that_stays_lost_ends_it(stages):
    """After ten minutes the person hears what is wrong."""
    look = looking(state("rendering", 7), *[CloudUnreachable("No network.")] * 1_000)
    with pytest.raises(CloudUnreachable):
        watch.follow(look, stages, sleep=lambda _s: None)


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ([state("rendering", 7)], "The job goes on"),
        ([state("rendering", 7), state("rendering", 8)], "The job goes on"),
        ([state("rendering", 7), CloudUnreachable("No network.")], "is not known"),
    ],
)
def test_ctrl_c_promises_no_more_than_is_known(stages, capsys, answers, said):
    """Where the cloud has just answered, the job goes on; where it does not answer, who knows. Neither is a failure."""
    pauses = iter(range(len(answers) - 1))

    def pause(_seconds: float) -> None:
        if next(pauses, None) is None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as stop:
        watch.follow(looking(*answers), stages, sleep=pause)
    assert watch.say_left_running(Settings(), JOB, stop.value) == Exit.CANCELLED
    shown = capsys.readouterr().err
    assert said in shown
    assert shown.startswith(("– Rendering", "- Rendering"))


def test_the_bar_shows_frames_and_time_left():
    """What the person wants to know stands beside the bar."""
    stage = Stage("Rendering", "Rendered", lambda: 0.0)
    watch.show(stage, state("rendering", 31, seconds_left=72.0, children={"RUNNING": 2, "RUNNABLE": 6}))
    assert stage.note == "31/48 frames, 1 min 12 s left"
    assert stage.below == ("2 running, 6 waiting for a machine",)


def test_the_reason_for_waiting_is_shown():
    """Zero per cent for minutes has a reason, and AWS tells it."""
    assert watch.below(state("queued", waiting_because="CAPACITY:NONE")) == ["AWS says: CAPACITY:NONE"]


def test_output_without_a_terminal_has_no_control_characters(stages, capsys):
    """A log file of a nightly render can be read."""
    watch.follow(looking(state("rendering", 7), state("done", 48)), stages, sleep=lambda _s: None)
    assert "\x1b" not in capsys.readouterr().err


IDS = ["20261120-090000-pottery-ab12", "20261121-120000-car-cd34", "20261121-130000-pottery-ef56"]


@pytest.mark.parametrize(
    ("typed", "index"),
    [("last", 2), (IDS[0], 0), ("20261120", 0), ("cd34", 1), ("pottery-ef56", 2), ("20261121-12", 1)],
)
def test_a_job_is_found_by_any_unique_end_of_its_id(typed, index):
    """Nobody types forty characters."""
    assert job_ids.resolve(typed, IDS) == IDS[index]


@pytest.mark.parametrize(
    ("typed", "word"), [("20261121", "fits 2 jobs"), ("nothing", "no job 'nothing'"), ("", "no job")]
)
def test_an_unclear_job_is_refused(typed, word):
    """Two that fit, or none, are never guessed at."""
    with pytest.raises(NotThere, match=word):
        job_ids.resolve(typed, IDS)


def test_last_without_jobs_says_so():
    """The first thing a newcomer may type."""
    with pytest.raises(NotThere, match="no jobs yet"):
        job_ids.resolve("last", [])


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (5, "expires in 5 days, 12 of 24 frames not downloaded"),
        (1, "expires in 1 day, 12 of 24 frames not downloaded"),
        (0, "expires within a day, 12 of 24 frames not downloaded"),
    ],
)
def test_frames_that_nobody_has_are_told_before_they_go(days, said):
    """Behind the job's row, before what went wrong with it."""
    expiry = Expiry("2026-05-31T00:00:00+00:00", days, 12, 24)
    rows = [JobSummary(JOB, "failed", 24, 48, "2026-03-01", problem="Its video failed.", expiry=expiry)]
    assert watch.expiry_words(expiry) == said
    assert table(rows, datetime(2026, 5, 26, tzinfo=UTC))[1].endswith(f"{said}; Its video failed.")
