# SPDX-License-Identifier: GPL-3.0-or-later
"""Which phase a job is in, and how long it will take: worked out from what S3 and Batch said. Asks no one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from cloud_render.client.batch import BatchJob
from cloud_render.contract import keys

Phase = Literal["uploading", "submitted", "queued", "rendering", "mending", "stitching", "done", "failed", "cancelled"]
"""uploading: job.json isn't there yet · submitted: Batch hasn't all of it yet · queued: no machine works on it yet ·
mending: the stack works out by itself what can be tried once more."""

ENDED: frozenset[Phase] = frozenset({"done", "failed", "cancelled"})


@dataclass(frozen=True)
class Facts:
    """What was seen of a job whose job.json is there."""

    submitted: bool
    """Whether the newest submission's claim stands at all."""
    renders: bool
    """Whether that submission has an array, or only a stitch."""
    stitches: bool
    render_id: str
    stitch_id: str
    render: BatchJob | None
    """None while there is no id, and when Batch has forgotten it."""
    stitch: BatchJob | None
    frames_complete: bool
    video_there: bool
    mends: bool = False
    """Whether the stack's mender may still have to say what comes next."""

    @property
    def all_there(self) -> bool:
        return self.frames_complete and (self.video_there or not self.stitches)


def phase_of(facts: Facts) -> Phase:
    """What S3 has counts more than what Batch remembers: it forgets jobs some days after their end."""
    if not facts.submitted or (facts.renders and not facts.render_id):
        return "submitted"
    if facts.renders and facts.render and not facts.render.ended:
        return "rendering" if has_begun(facts.render) else "queued"
    if facts.renders and facts.render and facts.render.status == "FAILED":
        return "mending" if facts.mends else "failed"
    if facts.stitches and facts.stitch and not facts.stitch.ended:
        return "stitching"
    if facts.stitches and not facts.stitch_id:
        return "submitted"
    if facts.stitches and facts.stitch and facts.stitch.status == "FAILED":
        return "mending" if facts.mends else "failed"
    if facts.stitches and facts.stitch and facts.video_there:
        return "done"
    return "done" if facts.all_there else "failed"


def has_begun(render: BatchJob) -> bool:
    """Whether a machine works, or has worked, on it. The parent of an array is PENDING until its end."""
    if render.children:
        return any(render.children.get(state) for state in ("RUNNING", "SUCCEEDED", "FAILED"))
    return render.status == "RUNNING"


def installation(render: BatchJob, known: Mapping[str, BatchJob]) -> BatchJob | None:
    """That of a Blender for which it waits; `known` are the jobs of `render.after`, by id."""
    awaited = (known[batch_id] for batch_id in render.after if batch_id in known)
    return next((job for job in awaited if not job.ended and keys.version_of_name(job.name)), None)


def running(render: BatchJob | None) -> int:
    """How many machines work on it now."""
    if render is None:
        return 0
    return render.children.get("RUNNING", 0) if render.children else int(render.status == "RUNNING")


def seconds_left(arrived: Sequence[datetime], remaining: int, at_once: int, now: datetime) -> float | None:
    """From the times at which frames arrived. None while too few have.

    `at_once` machines deliver their first frames together; the pace is measured from the last of those on, or a job
    would look almost done as soon as it began.
    """
    if remaining == 0:
        return 0.0
    times = sorted(arrived)[-_PACE_OVER:]
    baseline = max(at_once, 1) - 1
    if len(times) <= baseline + 1:
        return None
    span_s = (times[-1] - times[baseline]).total_seconds()
    if span_s <= 0:
        return None
    pace_s = span_s / (len(times) - 1 - baseline)
    since_last_s = max((now - times[-1]).total_seconds(), 0.0)
    return max(pace_s * remaining - since_last_s, pace_s)


_PACE_OVER = 200
"""The newest frames that count: enough to smooth over children that deliver together."""


def counted(render: BatchJob | None) -> Mapping[str, int]:
    """How many children are in which state; a plain job counts as its only child."""
    if render is None:
        return {}
    return dict(render.children) or {render.status: 1}
