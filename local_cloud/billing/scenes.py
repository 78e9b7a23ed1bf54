# SPDX-License-Identifier: GPL-3.0-or-later
"""What is rendered in a simulation: how long each frame takes on a machine of speed 1, and how large things are."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass

from cloud_render.contract.report import ChildReport

MB = 10**6


@dataclass(frozen=True)
class Scene:
    """An animation. Frame numbers begin at 1."""

    name: str
    frame_s: tuple[float, ...]
    """Of each frame, in order, on a machine of speed 1."""
    load_s: float = 12.0
    """From the worker's start to the first frame, where scene and Blender lie on the machine's disk."""
    fetch_s: float = 30.0
    """More on a machine's first child: Blender and the scene come from S3."""
    upload_s: float = 1.0
    frame_bytes: int = 8 * MB
    memory_gib: float = 6.0
    vram_gb: float = 5.0

    @property
    def frames(self) -> range:
        return range(1, len(self.frame_s) + 1)


def constant(count: int, seconds: float, **more: float) -> Scene:
    """Every frame the same: a turntable."""
    return Scene("constant", (seconds,) * count, **more)  # type: ignore[arg-type]


def growing(count: int, first: float, last: float) -> Scene:
    """More and more to see: a crowd that fills up."""
    step = (last - first) / max(1, count - 1)
    return Scene("growing", tuple(first + step * number for number in range(count)))


def heavy_stretch(count: int, seconds: float, times: float, start: float, share: float) -> Scene:
    """A part from `start` (0..1) on that takes `times` as long: smoke fills the picture for a while."""
    first, last = round(start * count), round((start + share) * count)
    return Scene(
        "one heavy stretch",
        tuple(seconds * (times if first <= number < last else 1.0) for number in range(count)),
    )


def noisy(count: int, seconds: float, sigma: float, seed: int) -> Scene:
    """Each frame for itself: cuts, motion blur, particles. `sigma` is that of the logarithm."""
    draw = random.Random(seed)
    return Scene("noisy", tuple(seconds * draw.lognormvariate(-sigma * sigma / 2, sigma) for _ in range(count)))


def short(count: int, seconds: float) -> Scene:
    """Frames that take seconds: EEVEE, or a draft."""
    return Scene("very short frames", (seconds,) * count, load_s=10.0, upload_s=0.4, frame_bytes=2 * MB)


def recorded(name: str, reports: Iterable[ChildReport]) -> Scene:
    """A real render again: the frame times that its reports tell, as if their machine were the reference."""
    reports = [report for report in reports if report.action == "render"]
    found = {row.frame: row for report in reports for row in report.frames}
    rows = [found[frame] for frame in sorted(found)]
    loads = sorted(report.load_s for report in reports if report.load_s)
    return Scene(
        name,
        tuple(row.render_s for row in rows),
        load_s=loads[0] if loads else 0.0,
        fetch_s=(loads[-1] - loads[0]) if loads else 0.0,
        upload_s=sum(row.upload_s for row in rows) / max(1, len(rows)),
        frame_bytes=round(sum(row.bytes for row in rows) / max(1, len(rows))),
        memory_gib=max((report.peak_memory for report in reports), default=0) / 2**30,
    )
