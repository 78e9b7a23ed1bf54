# SPDX-License-Identifier: GPL-3.0-or-later
"""What earlier jobs tell of a scene: test frames of it as it is, else frames of an earlier state of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cloud_render.client import objects, reports
from cloud_render.client.farm import Farm
from cloud_render.client.frame_times import Measured, measured
from cloud_render.client.plan import SubmitPlan
from cloud_render.contract import keys
from cloud_render.contract.errors import BadJob
from cloud_render.contract.job import RenderJob
from cloud_render.contract.report import ChildReport

_JOBS = 8
"""Earlier jobs of a scene that are looked at, the newest first."""

_REPORTS = 200
"""Of one job: so many tell enough."""


@dataclass(frozen=True)
class Past:
    """An earlier job of a scene."""

    job: RenderJob
    same: bool
    """Whether it rendered the scene as it is now, as far as the sizes of its files tell, in the way it will be."""


def past_jobs(farm: Farm, plan: SubmitPlan) -> list[Past]:
    """Of the same name and scene, the newest first. Raises StorageUnavailable or NoCredentials."""
    listing = objects.list_below(farm, keys.JOBS, deep=False)
    ids = [prefix.removeprefix(keys.JOBS).rstrip("/") for prefix in listing.prefixes]
    slug = keys.slug(plan.name)
    own = [job_id for job_id in ids if keys.is_job_id(job_id) and job_id[16:-5] == slug]
    jobs = [_job(farm, job_id) for job_id in sorted(own, reverse=True)[:_JOBS]]
    return [
        Past(job, same_look(farm, plan, job) and _same_files(plan, job))
        for job in jobs
        if job and _like(farm, plan, job)
    ]


def known(farm: Farm, plan: SubmitPlan) -> Measured | None:
    """What frames of this scene take: by those of the scene as it is, else by the newest job that was another state of
    it, else None. Raises StorageUnavailable or NoCredentials.
    """
    past = past_jobs(farm, plan)
    same = [found for each in past if each.same for found in _reports(farm, each.job)]
    if probes := measured(same, "probes"):
        return probes
    for each in past:
        if not each.same and (found := measured(_reports(farm, each.job), "history")):
            return found
    return None


def same_look(farm: Farm, plan: SubmitPlan, job: RenderJob) -> bool:
    """Whether a frame of the job looks like one of the plan, if their files are the same."""
    return (
        job.scene == plan.scene
        and job.blend == plan.blend
        and job.view_layers == plan.view_layers
        and job.camera == plan.camera
        and job.overrides == plan.overrides
        and job.file_format == plan.file_format
        and job.blender == plan.blender
        and job.device == (plan.device or farm.default_device)
        and job.use_scripts == plan.use_scripts
        and job.hooks == plan.hooks
        and job.missing == plan.missing
    )


def _like(farm: Farm, plan: SubmitPlan, job: RenderJob) -> bool:
    """Whether its frame times say anything of the plan's: the same scene at the same size and quality, and device."""
    device = plan.device or farm.default_device
    return job.scene == plan.scene and job.overrides == plan.overrides and job.device == device


def _same_files(plan: SubmitPlan, job: RenderJob) -> bool:
    return {file.path: file.size for file in job.files} == {file.scene_path: file.size for file in plan.files}


def _job(farm: Farm, job_id: str) -> RenderJob | None:
    """None while it is being uploaded, or where another version of Cloud Render wrote it."""
    content = objects.read_if_there(farm, keys.Prefix.of_job(job_id).job)
    try:
        return RenderJob.from_json(content) if content else None
    except BadJob:
        return None


def _reports(farm: Farm, job: RenderJob) -> Sequence[ChildReport]:
    return reports.reports(farm, job.id, _REPORTS)
