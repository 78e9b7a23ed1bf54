# SPDX-License-Identifier: GPL-3.0-or-later
"""Which frames this child renders: values in, values out. Raises before anything is rendered when they don't fit."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from cloud_render.contract import frames
from cloud_render.contract.errors import BadArguments
from cloud_render.contract.job import RenderJob, Submission
from cloud_render.contract.keys import Prefix, frame_of_name
from worker.attempt import Attempt


def slice_of(all_frames: Sequence[int], frames_per_job: int, attempt: Attempt) -> tuple[int, ...]:
    """The frames of this child; outside of an array those of child 0.

    Raises BadArguments where the array has another number of children than these frames make: some frame would then be
    rendered by nobody, or twice.
    """
    children = frames.children(len(all_frames), frames_per_job)
    if attempt.size is not None and attempt.size != children:
        raise BadArguments(
            f"{len(all_frames)} frames by {frames_per_job} make {children} children, and the array has {attempt.size}.",
            "Submit the job again.",
        )
    return tuple(frames.slice_of(all_frames, attempt.index, frames_per_job))


def frames_of(job: RenderJob, submission: Submission | None, total: int | None) -> tuple[int, ...]:
    """The frame list of this submission. Raises BadArguments where `-t` says another number."""
    found = submission.frame_list if submission else job.frame_list
    if total is not None and total != len(found):
        raise BadArguments(
            f"-t says {total} frames, and the job has {len(found)}.", "Leave -t out, or submit the job again."
        )
    return found


def missing(wanted: Sequence[int], names: Collection[str], prefix: Prefix, extension: str) -> tuple[int, ...]:
    """Those of `wanted` that have no image in S3; `names` are the keys below frames/."""
    there = {
        frame_of_name(key.removeprefix(prefix.frames))
        for key in names
        if key.startswith(prefix.frames) and key.endswith(f".{extension}")
    }
    return tuple(frame for frame in wanted if frame not in there)
