# SPDX-License-Identifier: GPL-3.0-or-later
"""The Batch scheduler: takes jobs from SUBMITTED to their end, on N slots. Knows neither HTTP nor processes.

A slot is a thread that runs one attempt at a time. All state changes happen under one lock, inside `_changes()`,
which also writes them to the journal and wakes the slots.
"""

from __future__ import annotations

import itertools
import logging
import secrets
import threading
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Protocol

from local_cloud.jobs import ENDED, ON_A_MACHINE, Attempt, Job, Outcome, Running, Spec, State
from local_cloud.retry import wants_retry

log = logging.getLogger(__name__)

HOST_LOST = "Host EC2 (instance {}) terminated."


class Runner(Protocol):
    """Runs one attempt somewhere."""

    def run(self, job: Job, attempt: int, started: Callable[[Running], None]) -> Outcome:
        """Run attempt number `attempt` (from 1) to its end; calls `started` as soon as it can be touched."""


class NotKept(Exception):
    """A journal could not be written."""


class Journal(Protocol):
    """Remembers jobs over a restart. Raises NotKept."""

    def submitted(self, job: Job) -> None: ...

    def changed(self, jobs: Iterable[Job]) -> None: ...

    def load(self, now_ms: int) -> list[Job]: ...


class Forgetful:
    """The journal of a local cloud without a data folder."""

    def submitted(self, job: Job) -> None:
        pass

    def changed(self, jobs: Iterable[Job]) -> None:
        pass

    def load(self, now_ms: int) -> list[Job]:  # noqa: ARG002
        return []


class Engine:
    """Jobs, and the threads that run them. `close()` stops what runs."""

    def __init__(
        self,
        runner: Runner,
        slots: int,
        journal: Journal | None = None,
        clock: Callable[[], float] = time.time,
        watch: Callable[[Job], None] = lambda _job: None,
    ) -> None:
        """`watch` is told of each new state of a plain job or parent, while the job holds still; it must not wait."""
        self._runner = runner
        self._journal: Journal = journal or Forgetful()
        self._clock = clock
        self._watch = watch
        self._lock = threading.RLock()
        self._wake = threading.Condition(self._lock)
        self._jobs: dict[str, Job] = {}
        self._numbers = itertools.count(1)
        self._ready: dict[str, deque[Job]] = {}
        self._busy: Counter[str] = Counter()
        self._turns: Counter[str] = Counter()
        self._turn = itertools.count(1)
        self._without_capacity: dict[str, str] = {}
        self._changed: dict[str, Job] = {}
        self._closing = False
        self._life = 0
        """Counts restarts: what an attempt of an earlier life brings is of no interest any more."""
        self._threads = [threading.Thread(target=self._slot, name=f"slot-{n}", daemon=True) for n in range(slots)]

    # ---- what others may ask -------------------------------------------------------------------------------------

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Jobs hold still while this is open."""
        with self._lock:
            yield

    def job(self, job_id: str) -> Job | None:
        """A job, a parent, or `<parent>:<index>`."""
        found = self._jobs.get(job_id)
        if found is not None or ":" not in job_id:
            return found
        parent_id, _, index = job_id.rpartition(":")
        parent = self._jobs.get(parent_id)
        if parent is None or not index.isdecimal() or int(index) >= len(parent.children):
            return None
        return parent.children[int(index)]

    def jobs(self) -> Sequence[Job]:
        """Plain jobs and parents, as they were submitted."""
        return list(self._jobs.values())

    def submit(self, spec: Spec) -> Job:
        """Take a job in. Its dependencies must exist. Raises NotKept."""
        with self._changes():
            job = new_job(spec, str(uuid.uuid4()), next(self._numbers), self._now())
            self._journal.submitted(job)
            self._jobs[job.id] = job
            self._count_children(job)
            self._place(job)
            return job

    def restore(self, jobs: Sequence[Job]) -> None:
        """Take in what a journal held, oldest first: what had ended stays so, everything else goes on."""
        with self._changes():
            for job in jobs:
                self._jobs[job.id] = job
                self._count_children(job)
            for job in jobs:
                if not job.ended:
                    self._place(job)
            self._numbers = itertools.count(1 + max((job.number for job in jobs), default=0))

    def cancel(self, job: Job, reason: str) -> None:
        """End what has not started. What is STARTING or RUNNING goes on, as on AWS."""
        with self._changes():
            if job.state in ON_A_MACHINE:
                return
            self._ask_to_end(job, "cancel", reason)
            if not job.is_array and job.state is State.PENDING:
                return  # Cancelled when its dependencies are done (Batch User Guide, CancelJob).
            for one in job.children or [job]:
                if one.ended or one.state in ON_A_MACHINE:
                    continue
                self._finish(one, State.FAILED, reason)

    def terminate(self, job: Job, reason: str) -> None:
        """End it whatever it does; an array with all its children."""
        with self._changes():
            self._ask_to_end(job, "terminate", reason)
            for one in job.children or [job]:
                if one.ended:
                    continue
                self._ask_to_end(one, "terminate", reason)
                if one.state not in ON_A_MACHINE:
                    self._finish(one, State.FAILED, reason)
                elif one.running is not None:
                    one.running.terminate()

    def take_host_away(self, job: Job) -> bool:
        """End a running attempt as a reclaimed Spot machine does. False where it does not run."""
        with self._lock:
            if job.running is None:
                return False
            job.running.take_host_away()
            return True

    def hurt(self, job: Job, kind: str) -> bool:
        """Let a fault happen to a running attempt. False where it does not run, or the fault can't happen."""
        with self._lock:
            return job.running is not None and job.running.hurt(kind)

    def restart(self) -> None:
        """Be killed and start again: what ran is gone without a trace, and only the journal's jobs are known."""
        with self._changes():
            kept = self._journal.load(self._now())
            self._life += 1
            for job in self._jobs.values():
                for one in job.children or [job]:
                    if one.running is not None:
                        one.running.take_host_away()
            self._jobs, self._ready, self._changed = {}, {}, {}
            self.restore(kept)

    def set_capacity(self, queue_arn: str, missing: str) -> None:
        """Stop (with Batch's word for why) or, with an empty reason, resume starting jobs of a queue."""
        with self._changes():
            if missing:
                self._without_capacity[queue_arn] = missing
            else:
                self._without_capacity.pop(queue_arn, None)
            for job in self._ready.get(queue_arn, ()):
                if job.state is State.RUNNABLE:
                    job.status_reason = missing

    def close(self, patience_s: float = 40.0) -> None:
        """Start nothing more, end what runs, and wait for it. The journal keeps what was interrupted as unfinished."""
        with self._wake:
            self._closing = True
            for job in self._jobs.values():
                for one in job.children or [job]:
                    if one.running is not None:
                        one.running.terminate()
            self._wake.notify_all()
        deadline = time.monotonic() + patience_s
        for thread in self._threads:
            if thread.is_alive():
                thread.join(max(0.0, deadline - time.monotonic()))

    # ---- making and placing --------------------------------------------------------------------------------------

    def _count_children(self, job: Job) -> None:
        if job.is_array:
            job.counts = dict(Counter(child.state for child in job.children))

    def _place(self, job: Job) -> None:
        """Work out what a job waits for, and let it go where that is nothing."""
        for dependency in job.spec.depends_on:
            if dependency.kind == "SEQUENTIAL":
                for before, child in itertools.pairwise(job.children):
                    self._wait_for(child, before)
            elif dependency.kind == "N_TO_N":
                for theirs, child in zip(self._children_of(dependency.job_id), job.children, strict=False):
                    self._wait_for(child, theirs)
            elif (other := self._jobs.get(dependency.job_id)) is not None:  # A journal forgets what ended long ago.
                self._wait_for(job, other)
        failed = [child for child in job.children or [job] if self._has_failed_dependency(child)]
        if job.is_array and not job.ended:
            self._set(job, State.PENDING)
            if self._has_failed_dependency(job):
                failed = list(job.children)
        for one in failed:
            if not one.ended:
                self._finish(one, State.FAILED, "Dependent Job failed")
        for one in job.children or [job]:
            self._settle(one)
        self._finish_parent(job)

    def _children_of(self, job_id: str) -> Sequence[Job]:
        parent = self._jobs.get(job_id)
        return parent.children if parent else ()

    def _wait_for(self, job: Job, other: Job) -> None:
        if job.ended or other.state is State.SUCCEEDED:
            return
        job.waiting.add(other.id)
        other.dependents.append(job)

    def _has_failed_dependency(self, job: Job) -> bool:
        return any(self._state_of(job_id) is State.FAILED for job_id in job.waiting)

    def _state_of(self, job_id: str) -> State | None:
        job = self.job(job_id)
        return None if job is None else job.state

    def _settle(self, job: Job) -> None:
        if job.ended or job.state in ON_A_MACHINE:
            return
        gate = job.parent.waiting if job.parent else ()
        if job.waiting or gate:
            self._set(job, State.PENDING)
        elif job.ended_by:
            self._finish(job, State.FAILED, job.end_reason)
        else:
            self._make_ready(job)

    def _make_ready(self, job: Job) -> None:
        queue = job.spec.queue_arn
        self._set(job, State.RUNNABLE)
        job.status_reason = self._without_capacity.get(queue, "")
        self._ready.setdefault(queue, deque()).append(job)

    # ---- ending --------------------------------------------------------------------------------------------------

    def _ask_to_end(self, job: Job, by: str, reason: str) -> None:
        if not job.ended:
            job.ended_by, job.end_reason = by, reason
            self._changed[job.id] = job

    def _finish(self, job: Job, state: State, reason: str) -> None:
        """End a job, and whatever ends or starts because of it. A list, not recursion: chains are 10,000 long."""
        todo = deque([(job, state, reason)])
        while todo:
            one, end, why = todo.popleft()
            if one.ended:
                continue
            one.status_reason = why
            one.stopped_at = self._now()
            self._set(one, end)
            for dependent in one.dependents:
                dependent.waiting.discard(one.id)
                if end is State.FAILED:
                    todo.extend(
                        (each, State.FAILED, "Dependent Job failed") for each in dependent.children or [dependent]
                    )
                else:
                    for each in dependent.children or [dependent]:
                        self._settle(each)
            one.dependents = []
            parent = one.parent
            if parent is not None and (parent_end := self._end_of_parent(parent)):
                todo.append((parent, *parent_end))

    def _finish_parent(self, job: Job) -> None:
        if job.is_array and not job.ended and (end := self._end_of_parent(job)):
            self._finish(job, *end)

    def _end_of_parent(self, parent: Job) -> tuple[State, str] | None:
        """State and reason once the last child has ended; None before."""
        succeeded = parent.counts.get(State.SUCCEEDED, 0)
        failed = parent.counts.get(State.FAILED, 0)
        if succeeded + failed < len(parent.children):
            return None
        if failed:
            return State.FAILED, parent.end_reason or "Array Child Job failed"
        return State.SUCCEEDED, ""

    def _set(self, job: Job, state: State) -> None:
        if job.state is state:
            return
        if job.parent is not None:
            counts = job.parent.counts
            counts[job.state] -= 1
            counts[state] = counts.get(state, 0) + 1
        job.state = state
        if job.parent is None:
            self._watch(job)
        if state in ENDED or (state is State.RUNNABLE and job.attempts):
            self._changed[job.id] = job

    # ---- running -------------------------------------------------------------------------------------------------

    def _slot(self) -> None:
        while True:
            with self._wake:
                while not self._closing and (job := self._next_ready()) is None:
                    self._wake.wait()
                if self._closing:
                    return
                assert job is not None
                self._begin(job)
                life = self._life
            try:
                outcome = self._runner.run(job, len(job.attempts) + 1, partial(self._is_running, job, life))
            except Exception as problem:  # Whatever a runner meets, its slot must live on and the job must end.
                log.exception("attempt of %s could not be run", job.id)
                outcome = Outcome(None, f"CannotStartContainerError: {problem}", "Task failed to start")
            with self._changes():
                self._busy[job.spec.queue_arn] -= 1
                if life == self._life:
                    self._attempt_ended(job, outcome)

    def _next_ready(self) -> Job | None:
        """The oldest job of the queue that runs least, in turn where several do: each queue has machines of its own on
        AWS, so that a stitch never waits behind another job's thousand children."""
        open_queues = [queue for queue, ready in self._ready.items() if ready and queue not in self._without_capacity]
        for queue in sorted(open_queues, key=lambda name: (self._busy[name], self._turns[name])):
            ready = self._ready[queue]
            while ready:
                job = ready.popleft()
                if job.state is State.RUNNABLE:
                    self._busy[queue] += 1
                    self._turns[queue] = next(self._turn)
                    return job
        return None

    def _begin(self, job: Job) -> None:
        self._set(job, State.STARTING)
        job.status_reason = ""
        job.log_stream = f"{job.spec.log_prefix}/default/{secrets.token_hex(16)}"
        job.started_at = None

    def _is_running(self, job: Job, life: int, running: Running) -> None:
        with self._lock:
            if life != self._life:
                running.take_host_away()
                return
            job.running = running
            job.started_at = self._now()
            self._set(job, State.RUNNING)
            if job.ended_by == "terminate" or self._closing:
                running.terminate()

    def _attempt_ended(self, job: Job, outcome: Outcome) -> None:
        job.running = None
        if self._closing and outcome.exit_code != 0 and job.ended_by != "terminate":
            return  # Interrupted by us: it counts as never tried, and goes on after a restart.
        now = self._now()
        job.attempts += (
            Attempt(
                job.started_at or now,
                now,
                outcome.exit_code,
                outcome.reason,
                outcome.status_reason,
                job.log_stream,
                outcome.instance,
            ),
        )
        if job.ended_by == "terminate":
            self._finish(job, State.FAILED, job.end_reason)
        elif outcome.timed_out:
            self._finish(job, State.FAILED, outcome.status_reason)
        elif outcome.exit_code == 0:
            self._finish(job, State.SUCCEEDED, outcome.status_reason)
        elif len(job.attempts) < job.spec.attempts and wants_retry(
            job.spec.rules, outcome.exit_code, outcome.reason, outcome.status_reason
        ):
            self._make_ready(job)
        else:
            self._finish(job, State.FAILED, outcome.status_reason)

    # ---- the rest ------------------------------------------------------------------------------------------------

    @contextmanager
    def _changes(self) -> Iterator[None]:
        with self._wake:
            yield
            self._keep_changed()
            self._wake.notify_all()

    def _keep_changed(self) -> None:
        """What can't be written is held until it can: on a full disk the jobs go on, or end with a reason."""
        if not self._changed:
            return
        try:
            self._journal.changed(self._changed.values())
        except NotKept as problem:
            log.warning("a restart would forget the last changes of %d jobs: %s", len(self._changed), problem)
        else:
            self._changed = {}

    def _now(self) -> int:
        return int(self._clock() * 1000)


def new_job(spec: Spec, job_id: str, number: int, created_at: int) -> Job:
    """A job as it is submitted; an array with all its children."""
    job = Job(spec, job_id, number, created_at)
    job.children = [
        Job(spec, f"{job_id}:{index}", number, created_at, job, index) for index in range(spec.array_size or 0)
    ]
    return job
