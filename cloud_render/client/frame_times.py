# SPDX-License-Identifier: GPL-3.0-or-later
"""From a few measured frames to all frames of an animation. Pure arithmetic: reads no reports, knows no prices."""

from __future__ import annotations

import statistics
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from cloud_render.contract import prices
from cloud_render.contract.report import ChildReport

Basis = Literal["probes", "history"]
"""probes: frames of this very scene. history: frames of an earlier state of it, or with other settings."""

_MANY = 8
"""Measured frames from which on their curve is believed as it is."""

_LEAST_SPREAD = 0.10
_SPREAD_OF_ONE = 0.5
_SPREAD_OF_HISTORY = 0.30
_LOAD_AGAIN = 0.35
"""Of the first start on a machine, what a later one takes: Blender and the scene lie on its disk then."""

DEFAULT_LOAD_S = 45.0


@dataclass(frozen=True)
class FrameFact:
    """What one rendered frame took."""

    frame: int
    seconds: float
    """On that machine."""
    instance_type: str
    bytes: int
    """Of all that was uploaded for it."""


@dataclass(frozen=True)
class Measured:
    """What is known of a scene from frames that were rendered."""

    basis: Basis
    facts: tuple[FrameFact, ...]
    load_s: float
    """From a worker's start to its first frame, on a fresh machine."""
    peak_memory: int
    """In bytes; 0 if not known."""
    device: str
    """What rendered: OPTIX, CPU …; empty if not known."""
    peak_vram: int = 0
    """In bytes, on one GPU; 0 if not known."""

    @property
    def cpu(self) -> bool:
        return self.device.upper() == "CPU"


def measured(reports: Iterable[ChildReport], basis: Basis) -> Measured | None:
    """None where no report tells of a frame. The fastest counts where a frame was rendered twice."""
    reports = [report for report in reports if report.action == "render" and report.frames]
    facts: dict[int, FrameFact] = {}
    for report in reports:
        for row in report.frames:
            fact = FrameFact(row.frame, max(row.render_s, 0.001), report.machine.instance_type, row.bytes)
            if row.frame not in facts or fact.seconds < facts[row.frame].seconds:
                facts[row.frame] = fact
    if not facts:
        return None
    loads = [report.load_s for report in reports if report.load_s > 0]
    return Measured(
        basis,
        tuple(facts[frame] for frame in sorted(facts)),
        max(loads, default=DEFAULT_LOAD_S),
        max((report.peak_memory for report in reports), default=0),
        next((report.device for report in reports if report.device), ""),
        max((report.peak_vram for report in reports), default=0),
    )


@dataclass(frozen=True)
class FrameTimes:
    """What all frames will take on a machine of speed 1."""

    seconds: tuple[float, ...]
    """Of each frame, in their order."""
    load_s: float
    load_again_s: float
    spread: float
    """How far the sum may lie off, as a share."""
    bytes: int
    """Of one frame."""

    @property
    def total_s(self) -> float:
        return sum(self.seconds)


def estimate(known: Measured, frames: Sequence[int]) -> FrameTimes:
    """For `frames`, which need not be those measured."""
    points = [(fact.frame, fact.seconds * prices.speed(fact.instance_type)) for fact in known.facts]
    curve = [_between(points, frame) for frame in frames]
    mean = statistics.fmean(curve)
    share = _typical([seconds for _, seconds in points]) / mean if len(points) < _MANY else 1.0
    return FrameTimes(
        tuple(seconds * share for seconds in curve),
        known.load_s,
        known.load_s * _LOAD_AGAIN,
        _spread(known, [seconds for _, seconds in points]),
        round(statistics.fmean(fact.bytes for fact in known.facts)),
    )


def _typical(seconds: Sequence[float]) -> float:
    """Half-way between mean and median: of three probes one may have met a heavy stretch, which is seldom as long as
    the third of the animation that the mean would make of it, and seldom as short as the median would.
    """
    return (statistics.fmean(seconds) + statistics.median(seconds)) / 2


def _spread(known: Measured, seconds: Sequence[float]) -> float:
    if len(seconds) == 1:
        spread = _SPREAD_OF_ONE
    else:
        relative = statistics.stdev(seconds) / statistics.fmean(seconds)
        spread = max(_LEAST_SPREAD, relative / len(seconds) ** 0.5)
    return spread + (_SPREAD_OF_HISTORY if known.basis == "history" else 0.0)


def _between(points: Sequence[tuple[int, float]], frame: int) -> float:
    """On the line between the measured neighbours; beyond the ends, the end."""
    at = bisect_left(points, (frame, 0.0))
    if at == 0:
        return points[0][1]
    if at == len(points):
        return points[-1][1]
    (left, before), (right, after) = points[at - 1], points[at]
    return before + (after - before) * (frame - left) / (right - left)
