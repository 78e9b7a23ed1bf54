# SPDX-License-Identifier: GPL-3.0-or-later
"""Some frames of a job once more, with the scene as it is now: a new job that has the other frames from the old one."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from cloud_render.client import batch, objects, reasons
from cloud_render.client.farm import Farm
from cloud_render.client.objects import Entry
from cloud_render.client.options import Options
from cloud_render.client.plan import SubmitPlan
from cloud_render.client.records import frames_there, record
from cloud_render.client.submit import Inherited, submit
from cloud_render.contract import frames, keys
from cloud_render.contract.errors import BadArguments, Cancelled, NotThere
from cloud_render.contract.job import RenderJob
from cloud_render.store import NEVER, SILENT, Progress

_AT_ONCE = 16
"""Copies under way; each is a request of some 50 ms and no bytes."""


def again(
    farm: Farm,
    plan: SubmitPlan,
    old_job_id: str,
    frames_text: str,
    progress: Progress = SILENT,
    cancelled: Callable[[], bool] = NEVER,
    memory: Path | None = None,
    sleep: batch.Sleep = time.sleep,
) -> str:
    """The id of a new job: `plan` with all the old job's frames, of which its array renders `frames_text` alone.

    The old job stays as it is. Its other frames, with their previews and outputs, are copied within the bucket. After a
    crash or a network error, the same call goes on with the same job. `progress` hears of the upload alone.

    Raises BadArguments for frames the old job has not, for a plan that doesn't fit it and where it lacks a frame that
    would be kept; BadFrames, NotThere, and what submit() raises.
    """
    old = old_job(farm, old_job_id)
    wanted = _wanted(old, frames_text)
    _check_plan(plan, old)
    kept = _Kept(farm, old, wanted, cancelled)
    kept.check()
    inherited = Inherited(f"/{old.id}/{frames.text_of(wanted)}", kept.copy_to)
    return submit(farm, plan, progress, cancelled, memory, sleep, inherited)


def old_job(farm: Farm, job_id: str) -> RenderJob:
    """The job as it was submitted. Raises NotThere, BadArguments or BadJob."""
    found = record(farm, job_id).job
    if found is None:
        raise NotThere(f"The upload of {job_id} has not ended.", "Submit the same scene again: it goes on there.")
    return found


def options_of(job: RenderJob) -> Options:
    """The choices that make a plan fit the old job. Extra files and hooks are not among them: job.json knows them only
    by their place in the cloud.
    """
    video = job.video
    size = (job.overrides.width, job.overrides.height)
    return Options(
        name=job.name,
        scene=job.scene,
        camera=job.camera,
        view_layers=job.view_layers,
        frames=job.frames,
        frames_per_job=job.frames_per_job,
        samples=job.overrides.samples,
        percentage=job.overrides.percentage,
        resolution=(size[0], size[1]) if size[0] and size[1] else None,
        engine=job.overrides.engine or "",
        device=job.device,
        machine=job.machine,
        format=job.file_format,
        container=video.container if video else "",
        codec=video.codec if video else "",
        quality=video.quality if video else "",
        fps=video.fps if video else None,
        sound=video.sound if video else True,
        video=video is not None,
        allow_missing=bool(job.missing),
        use_scripts=job.use_scripts,
        frame_limit_s=job.limits.frame_s,
        stall_limit_s=job.limits.stall_s,
        cost_limit_usd=job.limits.cost_usd,
    )


def _wanted(old: RenderJob, frames_text: str) -> frozenset[int]:
    wanted = frozenset(frames.parse(frames_text))
    strangers = sorted(wanted.difference(old.frame_list))
    if strangers:
        raise BadArguments(f"{old.id} has no {reasons.named(strangers)}.", f"Its frames are {old.frames}.")
    return wanted


def _check_plan(plan: SubmitPlan, old: RenderJob) -> None:
    if frames.parse(plan.frames) != old.frame_list:
        raise BadArguments(
            f"The frames of {old.id} are {old.frames}, those of the scene as planned {plan.frames}.",
            "Plan all frames of the old job, or submit the scene as a new job.",
        )
    if plan.file_format != old.file_format:
        raise BadArguments(
            f"The frames of {old.id} are {old.file_format}, those of the scene as planned {plan.file_format}.",
            f"Choose {old.file_format} again, or submit the scene as a new job.",
        )


@dataclass(frozen=True)
class _Kept:
    """What a new job has from the old one."""

    farm: Farm
    old: RenderJob
    wanted: frozenset[int]
    cancelled: Callable[[], bool]

    def check(self) -> None:
        """Raises BadArguments where a frame that would be kept is not there."""
        listing = objects.list_below(self.farm, keys.Prefix.of_job(self.old.id).frames)
        there = frames_there(self.old, listing.entries)
        lacking = [frame for frame in self.old.frame_list if frame not in there and frame not in self.wanted]
        if lacking:
            raise BadArguments(
                f"{self.old.id} lacks {reasons.named(lacking)}, which would be kept.",
                "Render them too, or first mend that job with `cloud-render retry`.",
            )

    def copy_to(self, job_id: str) -> None:
        """Stopped half-way, the same again copies the rest. Raises StorageUnavailable, NotThere or Cancelled."""
        before, after = keys.Prefix.of_job(self.old.id), keys.Prefix.of_job(job_id)
        there = {entry.key for entry in objects.list_below(self.farm, after.root).entries}
        pairs = [(entry, after.root + entry.key.removeprefix(before.root)) for entry in self._entries(before)]
        self._copy_all([(entry, key) for entry, key in pairs if key not in there])

    def _entries(self, prefix: keys.Prefix) -> list[Entry]:
        """Frames, previews and outputs, but those whose name is the number of a frame that is rendered again.

        Outputs of such a frame under other names are copied: if the scene still makes them, they are replaced.
        """
        places = (prefix.frames, prefix.previews, prefix.outputs)
        entries = [entry for place in places for entry in objects.list_below(self.farm, place).entries]
        return [entry for entry in entries if keys.frame_of_name(entry.key.rpartition("/")[2]) not in self.wanted]

    def _copy_all(self, pairs: Sequence[tuple[Entry, str]]) -> None:
        pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="copy-frames")
        try:
            for _ in pool.map(lambda pair: objects.copy(self.farm, *pair), pairs):
                if self.cancelled():
                    raise Cancelled("The submit")
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
