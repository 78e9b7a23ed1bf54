# SPDX-License-Identifier: GPL-3.0-or-later
"""How jobs go from submission to their end, attempt by attempt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from local_cloud.jobs import Dependency, Job, Outcome, State
from local_cloud.retry import Rule

if TYPE_CHECKING:
    from conftest import Rig

OUR_RULES = (Rule("RETRY", on_status_reason="Host EC2*"), Rule("RETRY", on_exit_code="75"), Rule("EXIT", on_reason="*"))
"""The template's own."""


def after(job: Job, kind: str = "") -> tuple[Dependency, ...]:
    return (Dependency(job.id, kind),)


def test_an_array_succeeds_when_its_last_child_has(rig: Rig) -> None:
    """The parent counts its children by state and ends with the last of them."""
    array = rig.submit(array_size=3)
    assert array.state is State.PENDING
    rig.end_next()
    rig.end_next()
    assert (array.state, array.counts[State.SUCCEEDED]) == (State.PENDING, 2)
    rig.end_next()
    assert (array.state, array.counts[State.SUCCEEDED]) == (State.SUCCEEDED, 3)


def test_a_failed_child_fails_the_array_after_the_others_have_ended(rig: Rig) -> None:
    """One failure stops nobody, and shows at the parent once all have ended."""
    array = rig.submit(array_size=3)
    rig.end_next(1)
    rig.end_next()
    assert array.state is State.PENDING
    rig.end_next()
    assert (array.state, array.counts[State.FAILED], array.counts[State.SUCCEEDED]) == (State.FAILED, 1, 2)


def test_a_job_waits_for_the_whole_array_it_depends_on(rig: Rig) -> None:
    """A plain dependency on an array lets the job go only after its last child."""
    array = rig.submit(array_size=2)
    stitch = rig.submit(name="stitch", depends_on=after(array))
    rig.end_next()
    assert stitch.state is State.PENDING
    rig.end_next()
    assert rig.end_next() is stitch
    assert stitch.state is State.SUCCEEDED


def test_a_job_whose_dependency_fails_never_runs(rig: Rig) -> None:
    """It fails with Batch's own words, and so does what depends on it in turn."""
    render = rig.submit()
    stitch = rig.submit(depends_on=after(render))
    mail = rig.submit(array_size=2, depends_on=after(stitch))
    rig.end_next(1)
    assert (stitch.state, stitch.status_reason, stitch.attempts) == (State.FAILED, "Dependent Job failed", ())
    assert (mail.state, mail.counts[State.FAILED]) == (State.FAILED, 2)


def test_a_dependency_that_had_ended_before_counts_too(rig: Rig) -> None:
    """Whether a job is submitted before or after the end of what it waits for makes no difference."""
    good, bad = rig.submit(), rig.submit()
    for started in (rig.runner.next(), rig.runner.next()):
        started.exits(0 if started.job is good else 1)
    rig.until(lambda: good.ended and bad.ended)
    assert rig.submit(depends_on=after(bad)).state is State.FAILED
    ready = rig.submit(depends_on=after(good))
    assert rig.end_next() is ready


def test_sequential_children_run_one_after_the_other(rig: Rig) -> None:
    """With two slots free, child 1 still waits for child 0; after a failure the rest never runs."""
    array = rig.submit(array_size=3, depends_on=(Dependency("", "SEQUENTIAL"),))
    assert rig.end_next() is array.children[0]
    started = rig.runner.next()
    assert array.children[2].state is State.PENDING
    assert rig.runner.nothing_starts()
    started.exits(1)
    rig.until(lambda: array.ended)
    assert [child.state for child in array.children] == [State.SUCCEEDED, State.FAILED, State.FAILED]


def test_n_to_n_children_wait_for_their_own_counterpart(rig: Rig) -> None:
    """Child 1 of the second array starts when child 1 of the first has ended, whatever child 0 does."""
    first = rig.submit(array_size=2)
    second = rig.submit(array_size=2, depends_on=after(first, "N_TO_N"))
    slow, quick = sorted((rig.runner.next(), rig.runner.next()), key=lambda started: started.job.index or 0)
    quick.exits(0)
    assert rig.end_next() is second.children[1]
    assert second.children[0].state is State.PENDING
    slow.exits(1)
    rig.until(lambda: second.ended)
    assert second.children[0].state is State.FAILED


@pytest.mark.parametrize("rig", [0], indirect=True)
def test_a_chain_of_ten_thousand_children_fails_without_a_deep_stack(rig: Rig) -> None:
    """The end of a job is passed on in a loop, so the length of a chain does not matter."""
    array = rig.submit(array_size=10_000, depends_on=(Dependency("", "SEQUENTIAL"),))
    rig.engine.cancel(array.children[0], "no more")
    assert array.counts[State.FAILED] == 10_000
    assert array.state is State.FAILED


@pytest.mark.parametrize("rig", [1], indirect=True)
def test_a_stitch_does_not_wait_behind_another_jobs_children(rig: Rig) -> None:
    """Queues have machines of their own on AWS; here the queue that runs least comes first."""
    rig.submit(array_size=50)
    first = rig.runner.next()
    stitch = rig.submit(queue_arn="arn:aws:batch:us-east-1:123456789012:job-queue/utility")
    first.exits(0)
    started = [rig.end_next() for _ in range(2)]
    assert stitch in started


# ---- attempts -------------------------------------------------------------------------------------------------------


def test_exit_code_75_is_tried_again_until_the_attempts_are_used_up(rig: Rig) -> None:
    """Each attempt is kept with its exit code; the attempt number grows."""
    job = rig.submit(attempts=3, rules=OUR_RULES)
    numbers = []
    for _ in range(3):
        started = rig.runner.next()
        numbers.append(started.attempt)
        started.exits(75)
    rig.until(lambda: job.ended)
    assert (numbers, job.state) == ([1, 2, 3], State.FAILED)
    assert [attempt.exit_code for attempt in job.attempts] == [75, 75, 75]


def test_any_other_failure_is_final(rig: Rig) -> None:
    """The template's last rule is EXIT."""
    job = rig.submit(attempts=3, rules=OUR_RULES)
    rig.end_next(70)
    assert (job.state, len(job.attempts)) == (State.FAILED, 1)


def test_without_rules_every_failure_is_tried_again(rig: Rig) -> None:
    """That is Batch's default, and why the template's rules end in EXIT."""
    job = rig.submit(attempts=2)
    rig.end_next(70)
    rig.end_next(0)
    assert (job.state, len(job.attempts)) == (State.SUCCEEDED, 2)


def test_a_lost_host_is_tried_again(rig: Rig) -> None:
    """The attempt has no exit code, and Batch's text for a machine that was taken back."""
    job = rig.submit(attempts=2, rules=OUR_RULES)
    rig.runner.next()
    assert rig.engine.take_host_away(job)
    rig.end_next(0)
    assert job.state is State.SUCCEEDED
    assert job.attempts[0].exit_code is None
    assert job.attempts[0].status_reason.startswith("Host EC2 (instance i-")


def test_what_is_timed_out_is_not_tried_again(rig: Rig) -> None:
    """Whatever the rules say: Batch never retries a timeout."""
    job = rig.submit(attempts=3)
    rig.runner.next().outcome.put(Outcome(137, "", "Job attempt duration exceeded timeout", timed_out=True))
    rig.until(lambda: job.ended)
    assert (job.status_reason, len(job.attempts)) == ("Job attempt duration exceeded timeout", 1)


def test_a_runner_that_breaks_fails_the_job_and_keeps_its_slot(rig: Rig) -> None:
    """An error of our own must not leave a job RUNNING for ever, nor cost a slot."""
    original = rig.runner.run

    def broken(*_: object) -> Outcome:
        raise RuntimeError("no disk")

    rig.runner.run = broken  # type: ignore[method-assign,assignment]
    job = rig.submit()
    rig.until(lambda: job.ended)
    assert "no disk" in job.attempts[0].reason
    rig.runner.run = original  # type: ignore[method-assign]
    both = rig.submit(), rig.submit()
    assert {rig.end_next(), rig.end_next()} == set(both)


# ---- cancel and terminate -------------------------------------------------------------------------------------------


def test_terminating_an_array_ends_running_and_waiting_children(rig: Rig) -> None:
    """Every child fails with the caller's reason, and the stitch that waits for them too, without a retry."""
    array = rig.submit(array_size=5, attempts=3)
    stitch = rig.submit(depends_on=after(array))
    rig.runner.next(), rig.runner.next()
    rig.engine.terminate(array, "enough")
    rig.until(lambda: array.ended)
    assert {child.status_reason for child in array.children} == {"enough"}
    assert sum(len(child.attempts) for child in array.children) == 2
    assert (array.state, stitch.state) == (State.FAILED, State.FAILED)


def test_cancelling_an_array_lets_running_children_finish(rig: Rig) -> None:
    """CancelJob ends only what has not started."""
    array = rig.submit(array_size=4)
    running = rig.runner.next(), rig.runner.next()
    rig.engine.cancel(array, "changed my mind")
    for started in running:
        started.exits(0)
    rig.until(lambda: array.ended)
    assert (array.counts[State.SUCCEEDED], array.counts[State.FAILED]) == (2, 2)


def test_cancelling_a_running_job_does_nothing(rig: Rig) -> None:
    """As on AWS, where it still answers 200."""
    job = rig.submit()
    started = rig.runner.next()
    rig.engine.cancel(job, "too late")
    started.exits(0)
    rig.until(lambda: job.ended)
    assert (job.state, job.ended_by) == (State.SUCCEEDED, "")


def test_a_cancelled_job_that_waits_is_ended_after_its_dependency(rig: Rig) -> None:
    """CancelJob on a PENDING job takes effect when what it waits for is done."""
    render = rig.submit()
    stitch = rig.submit(depends_on=after(render))
    rig.engine.cancel(stitch, "not needed")
    assert stitch.state is State.PENDING
    rig.end_next()
    assert (render.state, stitch.state, stitch.status_reason) == (State.SUCCEEDED, State.FAILED, "not needed")


def test_a_queue_without_capacity_says_why_its_jobs_wait(rig: Rig) -> None:
    """Jobs stay RUNNABLE with Batch's reason, and run once there is capacity."""
    rig.engine.set_capacity(rig.submit().spec.queue_arn, "")
    rig.end_next()
    queue = "arn:aws:batch:us-east-1:123456789012:job-queue/render"
    rig.engine.set_capacity(queue, "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY")
    job = rig.submit()
    assert (job.state, job.status_reason) == (State.RUNNABLE, "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY")
    rig.engine.set_capacity(queue, "")
    rig.end_next()
    assert job.state is State.SUCCEEDED
