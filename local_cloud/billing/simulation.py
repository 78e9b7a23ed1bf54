# SPDX-License-Identifier: GPL-3.0-or-later
"""Batch, EC2 and our worker on a virtual clock: children wait, machines come, render, are taken back, and go.

The worker here does what worker/ does, as far as it costs time: load once a child, skip what S3 has, finish the frame
in progress under a Spot notice if it fits, ask the cost limit before it starts and between frames.
"""

from __future__ import annotations

import collections
import math
import random
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cloud_render.contract import spending
from cloud_render.contract.report import ChildReport, FrameReport, Machine
from cloud_render.contract.spending import HourPrice, Pulse, Stay
from local_cloud.billing.clock import Clock
from local_cloud.billing.fleet import Fleet, Offer, Span
from local_cloud.billing.scenes import Scene

BEGIN = datetime(2026, 1, 15, 12, tzinfo=UTC)
"""The wall clock at second 0."""

NOTICE_S = 120.0
"""From a Spot notice to the end of the machine."""

_LEAVE_S = 20.0
"""The worker wants so much of it for the last upload."""

_ATTEMPTS = 10
_SYSTEM_GIB = 1.5
"""Of a machine's memory that no job gets."""

UTILITY = Offer("m6i.xlarge", 4, 16, 0, 1.0, spot=0.080, on_demand=0.192)
_STITCH_S, _STITCH_FRAME_S = 8.0, 0.06


@dataclass(frozen=True)
class CostLimit:
    """What the job may cost, and the prices that its workers know."""

    usd: float
    hour_price: HourPrice


@dataclass(frozen=True)
class Trouble:
    """What goes wrong beside Spot."""

    crashes: float = 0.0
    """Share of frames on which Blender crashes once; it starts anew and renders the frame again."""
    cancel_s: float = math.inf
    """When the artist cancels the job, from its submission."""


@dataclass(frozen=True)
class MachineLife:
    """A machine from its first paid second to its last."""

    id: str
    offer: Offer
    on_demand: bool
    started: float
    ended: float
    """Seconds from the submission."""


@dataclass(frozen=True)
class Run:
    """What happened."""

    scene: Scene
    fleet: Fleet
    machines: tuple[MachineLife, ...]
    reports: tuple[ChildReport, ...]
    """Of every attempt that lived to write one."""
    frames: frozenset[int]
    """That lie in S3 at the end."""
    pulses: int
    """Small objects written while attempts ran."""
    wall_s: float
    """From the submission to the end of the last child or the video."""
    lost: int
    """Attempts that ended without a report."""


def simulate(
    scene: Scene,
    fleet: Fleet,
    frames_per_job: int,
    seed: int,
    frames: Sequence[int] = (),
    limit: CostLimit | None = None,
    trouble: Trouble = Trouble(),
    video: bool = True,
) -> Run:
    """One job; all frames of the scene unless some are named. The same seed gives the same run."""
    wanted = tuple(frames or scene.frames)
    slices = [wanted[start : start + frames_per_job] for start in range(0, len(wanted), frames_per_job)]
    return _Cloud(scene, fleet, slices, random.Random(seed), limit, trouble).run(video)


@dataclass
class _Machine:
    id: str
    offer: Offer
    on_demand: bool
    started: float = 0.0
    ended: float = math.inf
    pulled: bool = False
    fetched: bool = False
    attempt: _Attempt | None = None
    doomed: bool = False
    idle_since: float = -1.0

    @property
    def free(self) -> bool:
        return self.attempt is None and not self.doomed and self.idle_since >= 0


@dataclass
class _Attempt:
    index: int
    number: int
    machine: _Machine
    started: float
    work: Generator[float, None, int] | None = None
    frames: list[FrameReport] = field(default_factory=list)
    skipped: tuple[int, ...] = ()
    load_s: float = 0.0
    frame_ends: float = math.inf
    """When the frame in progress will be in S3."""
    deadline: float = math.inf
    ended: float = math.inf
    seen_at: float = -math.inf
    """When it last listed the job's pulses."""
    seen: list[tuple[_Attempt, float]] = field(default_factory=list)


class _Cloud:
    def __init__(
        self,
        scene: Scene,
        fleet: Fleet,
        slices: Sequence[Sequence[int]],
        draw: random.Random,
        limit: CostLimit | None,
        trouble: Trouble,
    ) -> None:
        self.scene, self.fleet, self.slices, self.limit, self.trouble = scene, fleet, slices, limit, trouble
        self.clock = Clock()
        self.draw = draw
        self.waiting: collections.deque[tuple[int, int]] = collections.deque((n, 1) for n in range(len(slices)))
        self.machines: list[_Machine] = []
        self.coming = 0
        self.attempts: list[_Attempt] = []
        self.reports: list[ChildReport] = []
        self.done: set[int] = set()
        self.last = 0.0
        self.lost = 0

    def run(self, video: bool) -> Run:
        if self.trouble.cancel_s < math.inf:
            self.clock.after(self.trouble.cancel_s, self._cancel)
        self._scale()
        self.clock.run()
        wanted = sum(map(len, self.slices))
        if video and wanted > 1 and len(self.done) == wanted:
            self._stitch()
        lives = [
            MachineLife(machine.id, machine.offer, machine.on_demand, machine.started, machine.ended)
            for machine in self.machines
        ]
        pulses = sum(2 + int((each.ended - each.started) // spending.PULSE_EVERY_S) for each in self.attempts)
        return Run(
            self.scene,
            self.fleet,
            tuple(lives),
            tuple(self.reports),
            frozenset(self.done),
            pulses,
            self.last,
            self.lost,
        )

    # ---- Machines ---------------------------------------------------------------------------------------------------
    def _scale(self) -> None:
        """As Batch does: a machine for every waiting job that has none, up to what is allowed."""
        free = sum(machine.free for machine in self.machines)
        for _ in range(len(self.waiting) - free - self.coming):
            chosen = self._next_machine()
            if chosen is None:
                return
            self.machines.append(chosen)
            self.coming += 1
            self.clock.after(self._between(self.fleet.launch_s), lambda machine=chosen: self._start(machine))  # type: ignore[misc]

    def _next_machine(self) -> _Machine | None:
        fleet = self.fleet
        offer = self.draw.choices(fleet.offers, [offer.share for offer in fleet.offers])[0]
        spot = self._vcpus(on_demand=False) + offer.vcpus
        if spot <= min(fleet.most_vcpus, fleet.spot_vcpus):
            return _Machine(f"i-{len(self.machines):017x}", offer, on_demand=False)
        if self._vcpus(on_demand=True) + offer.vcpus <= fleet.on_demand_vcpus:
            return _Machine(f"i-{len(self.machines):017x}", offer, on_demand=True)
        return None

    def _vcpus(self, on_demand: bool) -> int:
        return sum(
            machine.offer.vcpus
            for machine in self.machines
            if machine.on_demand == on_demand and machine.ended == math.inf
        )

    def _start(self, machine: _Machine) -> None:
        machine.started = self.clock.now
        ready_s = self._between(self.fleet.boot_s)
        if not machine.on_demand and self.fleet.reclaims_per_hour:
            self.clock.after(self.draw.expovariate(self.fleet.reclaims_per_hour / 3600), lambda: self._reclaim(machine))
        self.clock.after(ready_s, lambda: self._ready(machine))

    def _ready(self, machine: _Machine) -> None:
        self.coming -= 1
        if machine.ended == math.inf and not machine.doomed:
            self._free(machine)
        else:
            self._place_waiting()

    def _free(self, machine: _Machine) -> None:
        machine.attempt = None
        machine.idle_since = since = self.clock.now
        if self.waiting:
            self._place(machine)
            return
        self.clock.after(self._between(self.fleet.idle_s), lambda: self._take_down(machine, since))

    def _take_down(self, machine: _Machine, idle_since: float) -> None:
        if machine.free and machine.idle_since == idle_since and machine.ended == math.inf:
            machine.ended = self.clock.now

    def _reclaim(self, machine: _Machine) -> None:
        if machine.ended < math.inf:
            return
        machine.doomed = True
        if self.draw.random() < self.fleet.silent_losses:
            self._lose(machine)
            return
        if machine.attempt:
            self._notice(machine.attempt)
        self.clock.after(NOTICE_S, lambda: self._lose(machine))

    def _lose(self, machine: _Machine) -> None:
        if machine.ended < math.inf:
            return
        machine.ended = self.clock.now
        attempt = machine.attempt
        if attempt:
            self.lost += 1
            self._close(attempt)
            self._again(attempt)
        self._place_waiting()

    # ---- Children ---------------------------------------------------------------------------------------------------
    def _place(self, machine: _Machine) -> None:
        index, number = self.waiting.popleft()
        wait_s = self.fleet.place_s + (0.0 if machine.pulled else self._between(self.fleet.pull_s))
        machine.pulled = True
        attempt = _Attempt(index, number, machine, self.clock.now + wait_s)
        attempt.work = self._work(attempt)
        machine.attempt = attempt
        self.attempts.append(attempt)
        self.clock.after(wait_s, lambda: self._go_on(attempt))

    def _go_on(self, attempt: _Attempt) -> None:
        if attempt.work is None:
            return
        try:
            seconds = next(attempt.work)
        except StopIteration as end:
            self._end(attempt, end.value)
            return
        self.clock.after(seconds, lambda: self._go_on(attempt))

    def _work(self, attempt: _Attempt) -> Generator[float, None, int]:
        """One worker's life: yields the seconds each step takes, answers the exit code."""
        scene, machine = self.scene, attempt.machine
        mine = self.slices[attempt.index]
        attempt.skipped = tuple(frame for frame in mine if frame in self.done)
        missing = [frame for frame in mine if frame not in self.done]
        if not missing:
            return 0
        if not self._may_go_on(attempt, self._seconds(missing[0], machine)):
            return 72
        load_s = (scene.load_s + (0.0 if machine.fetched else scene.fetch_s)) * self.draw.uniform(0.9, 1.1)
        yield load_s
        attempt.load_s = load_s
        machine.fetched = True
        if not self._fits(machine.offer):
            return 71
        last_s = 0.0
        for frame in missing:
            if attempt.deadline < math.inf:
                return 75
            if not self._may_go_on(attempt, last_s or self._seconds(frame, machine)):
                return 72
            last_s = self._seconds(frame, machine) * self.draw.lognormvariate(0, 0.03)
            if self.draw.random() < self.trouble.crashes:
                yield last_s * self.draw.random() + scene.load_s
            attempt.frame_ends = self.clock.now + last_s + scene.upload_s
            yield last_s
            self._keep(attempt, frame, last_s)
        yield scene.upload_s
        return 0

    def _keep(self, attempt: _Attempt, frame: int, seconds: float) -> None:
        self.done.add(frame)
        attempt.frame_ends = math.inf
        attempt.frames.append(FrameReport(frame, seconds, self.scene.upload_s, self.scene.frame_bytes))

    def _seconds(self, frame: int, machine: _Machine) -> float:
        return self.scene.frame_s[frame - 1] / machine.offer.speed

    def _fits(self, offer: Offer) -> bool:
        return self.scene.memory_gib <= offer.memory_gib - _SYSTEM_GIB and (
            not offer.vram_gb or self.scene.vram_gb <= offer.vram_gb
        )

    def _notice(self, attempt: _Attempt) -> None:
        attempt.deadline = self.clock.now + NOTICE_S
        if attempt.started > self.clock.now or attempt.frame_ends + _LEAVE_S > attempt.deadline:
            self._end(attempt, 75)

    def _end(self, attempt: _Attempt, exit_code: int) -> None:
        """It has left in order: with a report."""
        self._close(attempt)
        self._report(attempt, exit_code)
        if exit_code == 75:
            self._again(attempt)
        if not attempt.machine.doomed:
            self._free(attempt.machine)

    def _close(self, attempt: _Attempt) -> None:
        if attempt.work:
            attempt.work = None
        attempt.ended = max(self.clock.now, attempt.started)
        attempt.machine.attempt = None
        self.last = max(self.last, attempt.ended)

    def _again(self, attempt: _Attempt) -> None:
        if attempt.number < _ATTEMPTS and self.clock.now < self.trouble.cancel_s:
            self.waiting.append((attempt.index, attempt.number + 1))
            self._place_waiting()

    def _place_waiting(self) -> None:
        for machine in self.machines:
            if self.waiting and machine.free and machine.ended == math.inf:
                self._place(machine)
        self._scale()

    def _cancel(self) -> None:
        self.waiting.clear()
        for machine in self.machines:
            if machine.attempt:
                self._end(machine.attempt, 75)

    # ---- The limit --------------------------------------------------------------------------------------------------
    def _may_go_on(self, attempt: _Attempt, frame_s: float) -> bool:
        if self.limit is None:
            return True
        offer, market = attempt.machine.offer, _market(attempt.machine)
        so_far = spending.spent(self._stays(attempt), self.limit.hour_price)
        return spending.allows(self.limit.usd, so_far, frame_s, self.limit.hour_price(offer.name, market))

    def _stays(self, attempt: _Attempt) -> list[Stay]:
        """As this worker knows them: the job's pulses, listed once a minute."""
        now = self.clock.now
        if now - attempt.seen_at >= spending.PULSE_EVERY_S:
            attempt.seen_at = now
            attempt.seen = [(each, _last_pulse(each, now)) for each in self.attempts if each.started <= now]
        return [spending.stay_of_pulse(_pulse(each), seen, now) for each, seen in attempt.seen]

    # ---- What is left -----------------------------------------------------------------------------------------------
    def _stitch(self) -> None:
        machine = _Machine(f"i-{len(self.machines):017x}", UTILITY, on_demand=False)
        machine.started = self.last + self._between(self.fleet.launch_s)
        self.clock.now = machine.started
        begun = machine.started + self._between(self.fleet.boot_s) + self._between(self.fleet.pull_s)
        ended = begun + _STITCH_S + _STITCH_FRAME_S * len(self.done)
        machine.ended = ended + self._between(self.fleet.idle_s)
        self.machines.append(machine)
        self.last = ended
        self.reports.append(
            ChildReport("stitch", 0, 0, 1, 0, iso(begun), iso(ended), machine=Machine(machine.id, UTILITY.name))
        )

    def _report(self, attempt: _Attempt, exit_code: int) -> None:
        machine = attempt.machine
        self.reports.append(
            ChildReport(
                action="render",
                submission=0,
                index=attempt.index,
                attempt=attempt.number,
                exit_code=exit_code,
                started=iso(attempt.started),
                ended=iso(attempt.ended),
                frames=tuple(attempt.frames),
                skipped=attempt.skipped,
                load_s=attempt.load_s,
                peak_memory=round(self.scene.memory_gib * 2**30),
                machine=Machine(machine.id, machine.offer.name, "", machine.offer.vcpus),
            )
        )

    def _between(self, span: Span) -> float:
        return self.draw.uniform(*span)


def iso(seconds: float) -> str:
    """The wall clock then, as reports write it."""
    return datetime.fromtimestamp(BEGIN.timestamp() + seconds, UTC).isoformat(timespec="seconds")


def _market(machine: _Machine) -> spending.Market:
    return "on-demand" if machine.on_demand else "spot"


def _pulse(attempt: _Attempt) -> Pulse:
    machine = attempt.machine
    return Pulse(
        0, attempt.index, attempt.number, round(attempt.started), machine.id, machine.offer.name, _market(machine)
    )


def _last_pulse(attempt: _Attempt, now: float) -> float:
    """When it was last written: each minute, and at the end unless the machine was lost."""
    alive = min(now, attempt.ended) - attempt.started
    if attempt.ended <= now and attempt.machine.ended != attempt.ended:
        return attempt.ended
    return attempt.started + alive // spending.PULSE_EVERY_S * spending.PULSE_EVERY_S
