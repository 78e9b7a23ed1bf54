# SPDX-License-Identifier: GPL-3.0-or-later
"""An engine driven by hand, and job specs with as little in them as a test needs."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from local_cloud.engine import HOST_LOST, Engine
from local_cloud.jobs import Job, Outcome, Running, Spec

PATIENCE_S = 90.0


def until(holds: Callable[[], object]) -> None:
    """Wait for something that another thread or process is about to do."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.002)


def spec(**changes: Any) -> Spec:
    plain = Spec(
        name="job",
        region="us-east-1",
        queue_arn="arn:aws:batch:us-east-1:123456789012:job-queue/render",
        compute_environment="machines",
        definition_arn="arn:aws:batch:us-east-1:123456789012:job-definition/shell:1",
        parameters={},
        container={"image": "shell", "command": []},
        attempts=1,
        rules=(),
        timeout_s=None,
        depends_on=(),
        array_size=None,
        tags={},
        extras={},
    )
    return replace(plain, **changes)


@dataclass
class Started:
    """An attempt that waits for the test to end it; `terminate` and `take_host_away` end it as a process would."""

    job: Job
    attempt: int
    outcome: queue.Queue[Outcome] = field(default_factory=queue.Queue)
    deaf: bool = False
    """Does not react to `terminate`."""

    def exits(self, code: int) -> None:
        self.outcome.put(Outcome(code))

    def terminate(self) -> None:
        if not self.deaf:
            self.outcome.put(Outcome(143))

    def hurt(self, kind: str) -> bool:
        return False

    def take_host_away(self) -> None:
        self.outcome.put(Outcome(None, "", HOST_LOST.format("i-07")))


class ByHand:
    """A runner whose attempts end when the test says so."""

    def __init__(self) -> None:
        self._started: queue.Queue[Started] = queue.Queue()
        self._always: int | None = None

    def run(self, job: Job, attempt: int, started: Callable[[Running], None]) -> Outcome:
        mine = Started(job, attempt)
        started(mine)
        if self._always is not None:
            return Outcome(self._always)
        self._started.put(mine)
        return mine.outcome.get()

    def next(self) -> Started:
        """The attempt that started next."""
        return self._started.get(timeout=PATIENCE_S)

    def nothing_starts(self) -> bool:
        return self._started.empty()

    def from_now_on_exit(self, code: int) -> None:
        self._always = code


@dataclass
class Rig:
    engine: Engine
    runner: ByHand

    until = staticmethod(until)

    def submit(self, **changes: Any) -> Job:
        return self.engine.submit(spec(**changes))

    def end_next(self, code: int = 0) -> Job:
        started = self.runner.next()
        started.exits(code)
        until(lambda: len(started.job.attempts) >= started.attempt)
        with self.engine.reading():  # what follows from the end has happened, too
            return started.job


@pytest.fixture
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    """An engine with two slots, or as many as `@pytest.mark.parametrize("rig", [n], indirect=True)` says."""
    runner = ByHand()
    engine = Engine(runner, slots=getattr(request, "param", 2))
    engine.start()
    yield Rig(engine, runner)
    engine.close(patience_s=PATIENCE_S)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("slot-")]


@pytest.fixture(name="spec")
def spec_of() -> Callable[..., Spec]:
    """Makes a Spec from what a test cares about."""
    return spec


@pytest.fixture(name="until")
def wait_until() -> Callable[[Callable[[], object]], None]:
    return until
