# SPDX-License-Identifier: GPL-3.0-or-later
"""How an animation is cut into children: what each way to cut it would take, and which one to choose. Pure arithmetic.

The number of machines follows from the cut: Batch starts one for each child, up to what stack and account allow.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from cloud_render.client.frame_times import FrameTimes
from cloud_render.contract import frames as ranges
from cloud_render.contract import prices
from cloud_render.contract.spending import IDLE_S, STARTING_S

MOST_STARTING = 0.25
"""Share of the paid time that machines may spend on starting: boot, image, Blender, scene."""

LAUNCH_S = 60.0
"""From the submission to a machine that boots; not paid. An estimate."""

RECLAIMS_PER_HOUR = 0.03
"""Of a Spot machine; each costs a new start and half a frame. An estimate."""

_UPLOAD_S = 2.0
"""Between two children on a machine: the last upload, and Batch's way to the next one."""

_CANDIDATES = 48
_SAME = 0.03
"""Relative differences below it are none: estimates are not that good."""

Goal = Literal["cheapest", "balanced", "fastest"]


@dataclass(frozen=True)
class Pool:
    """Machines of one class that a queue starts."""

    name: str
    """small, medium, large, as jobs name the class; or CPU."""
    types: tuple[str, ...]
    most_machines: int
    gpu: bool
    memory_gib: int
    vram_gb: int
    """The least of its types; 0 without a GPU."""
    spot: bool = True
    """False: On-Demand machines alone."""


@dataclass(frozen=True)
class Schedule:
    """What one way to cut an animation takes, on the machines of one class."""

    frames_per_job: int
    children: int
    machines: int
    wall_s: float
    """From the submission to the last frame."""
    paid_s: dict[str, float]
    """By type of machine."""
    starting_share: float
    """Of the paid time."""
    tail_s: float
    """Half a child's time on the slowest type: so much later it ends if the last child is half as heavy again."""

    @property
    def careful_s(self) -> float:
        """When it ends, with the tail: few measured frames say little of single children."""
        return self.wall_s + self.tail_s

    @property
    def machine_hours(self) -> float:
        return sum(self.paid_s.values()) / 3600


def schedule(times: FrameTimes, machines: Pool, frames_per_job: int) -> Schedule:
    """As Batch would run it, each machine taking the next child when it is free."""
    slices = [
        sum(times.seconds[start : start + frames_per_job]) for start in range(0, len(times.seconds), frames_per_job)
    ]
    used = max(1, min(len(slices), machines.most_machines))
    # Which types Spot gives is not known: few machines are tried with each type in the first place.
    turns = range(len(machines.types)) if used < 2 * len(machines.types) else range(1)
    runs = [_run(times, machines, slices, used, turn) for turn in turns]
    paid: dict[str, float] = {}
    for run in runs:
        for name, seconds in run.paid_s.items():
            paid[name] = paid.get(name, 0.0) + seconds / len(runs)
    return Schedule(
        frames_per_job,
        len(slices),
        used,
        sum(run.wall_s for run in runs) / len(runs),
        paid,
        sum(run.starting_s for run in runs) / len(runs) / sum(paid.values()),
        times.total_s / len(slices) / min(map(prices.speed, machines.types)) / 2,
    )


@dataclass(frozen=True)
class _Run:
    wall_s: float
    paid_s: dict[str, float]
    starting_s: float


def _run(times: FrameTimes, machines: Pool, slices: Sequence[float], used: int, turn: int) -> _Run:
    names = [machines.types[(number + turn) % len(machines.types)] for number in range(used)]
    speeds = [prices.speed(name) for name in names]
    busy = [times.load_s - times.load_again_s] * used
    free = [(seconds, number) for number, seconds in enumerate(busy)]
    for work in slices:
        at, number = heapq.heappop(free)
        busy[number] = at + times.load_again_s + work / speeds[number] + _UPLOAD_S
        heapq.heappush(free, (busy[number], number))
    paid: dict[str, float] = {}
    for name, seconds in zip(names, busy, strict=True):
        paid[name] = paid.get(name, 0.0) + STARTING_S + seconds + IDLE_S
    again = _interruptions(times, machines, sum(busy) / 3600, sum(times.seconds) / len(times.seconds))
    total = sum(paid.values())
    paid = {name: seconds * (1 + again / total) for name, seconds in paid.items()}
    first = times.load_s - times.load_again_s
    starting = used * (STARTING_S + first) + len(slices) * times.load_again_s
    return _Run(LAUNCH_S + STARTING_S + max(busy), paid, starting)


def _interruptions(times: FrameTimes, machines: Pool, hours: float, frame_s: float) -> float:
    """Paid seconds that reclaims are likely to cost."""
    if not machines.spot:
        return 0.0
    return RECLAIMS_PER_HOUR * hours * (STARTING_S + times.load_s + frame_s / 2)


def schedules(times: FrameTimes, machines: Pool) -> list[Schedule]:
    """All that are worth a look: from one frame a child to all of them on one machine."""
    return [schedule(times, machines, count) for count in _candidates(len(times.seconds), machines.most_machines)]


def within(found: Sequence[Schedule], limit_usd: float | None, machine_usd: float) -> list[Schedule]:
    """Those whose machines don't use up more than half of a cost limit by coming and going, at `machine_usd` each.

    A limit can stop machines from rendering, but not from having started. One machine is always allowed.
    """
    if limit_usd is None:
        return list(found)
    return [each for each in found if each.machines == 1 or each.machines * machine_usd <= limit_usd / 2]


def _candidates(frame_count: int, most_machines: int) -> list[int]:
    least = ranges.fitted_frames_per_job(frame_count, 1)
    steps = {max(least, round(frame_count ** (step / (_CANDIDATES - 1)))) for step in range(_CANDIDATES)}
    # Cuts in which every machine gets the same number of children waste no one's time at the end.
    even = {max(least, -(-frame_count // (most_machines * rounds))) for rounds in range(1, 9)}
    return sorted({min(count, frame_count) for count in steps | even})


@dataclass(frozen=True)
class Choice:
    """A schedule that was chosen, and why."""

    goal: Goal
    schedule: Schedule
    why: str
    """One line."""
    meets_deadline: bool = True


def choose(
    found: Sequence[Schedule], goal: Goal, cost: Callable[[Schedule], float], deadline_s: float | None = None
) -> Choice:
    """The best for the goal. Only `fastest`, or a deadline that can't be met otherwise, may start more machines than
    the rule of MOST_STARTING allows.
    """
    modest = [each for each in found if each.starting_share <= MOST_STARTING]
    rule = f"starting stays below {MOST_STARTING:.0%} of what is paid"
    if not modest:
        least = min(each.starting_share for each in found)
        modest = [each for each in found if each.starting_share <= least * (1 + _SAME)]
        rule = "the job is so short that starting weighs most in any case"
    if deadline_s is not None and goal != "fastest":
        return _in_time(found, modest, goal, cost, deadline_s, rule)
    if goal == "cheapest":
        best = _least(found, cost, _end)
        return Choice(goal, best, f"{_cut(best)}: nothing costs less")
    if goal == "fastest":
        best = _least(found, _end, cost)
        in_time = deadline_s is None or _end(best) <= deadline_s
        return Choice(goal, best, f"{_cut(best)}: nothing ends sooner", in_time)
    best = _least(modest, _end, cost)
    return Choice(goal, best, f"{_cut(best)}: the soonest end; {rule}")


def settled(each: Schedule, goal: Goal, deadline_s: float | None = None) -> Choice:
    """Where there is nothing to choose from."""
    return Choice(goal, each, f"{_cut(each)}: as you have it", deadline_s is None or _end(each) <= deadline_s)


def _in_time(
    found: Sequence[Schedule],
    modest: Sequence[Schedule],
    goal: Goal,
    cost: Callable[[Schedule], float],
    deadline_s: float,
    rule: str,
) -> Choice:
    for some, because in ((modest, rule), (found, "the deadline needs more machines than pay off")):
        fits = [each for each in some if _end(each) <= deadline_s]
        if fits:
            best = _least(fits, cost, _end)
            return Choice(goal, best, f"{_cut(best)}: the cheapest that meets the deadline; {because}")
    best = _least(found, _end, cost)
    return Choice(goal, best, f"{_cut(best)}: the deadline can't be met, nothing ends sooner", meets_deadline=False)


def _end(each: Schedule) -> float:
    return each.careful_s


def _least(
    found: Sequence[Schedule], first: Callable[[Schedule], float], then: Callable[[Schedule], float]
) -> Schedule:
    """The least by `first`; among those that are as good, by `then`."""
    least = min(map(first, found))
    return min((each for each in found if first(each) <= least * (1 + _SAME)), key=then)


def _cut(best: Schedule) -> str:
    machines = "1 machine" if best.machines == 1 else f"{best.machines} machines"
    frames = "1 frame" if best.frames_per_job == 1 else f"{best.frames_per_job} frames"
    return f"{machines}, {frames} at a time"
