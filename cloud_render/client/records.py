# SPDX-License-Identifier: GPL-3.0-or-later
"""What the bucket says of one job: job.json, its submissions, its end, the frames that are there. S3 is the truth."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cloud_render.client import objects
from cloud_render.client.farm import Farm
from cloud_render.client.objects import Entry, Listing
from cloud_render.contract import keys
from cloud_render.contract.errors import NotThere
from cloud_render.contract.job import RenderJob, Submission
from cloud_render.contract.report import End


@dataclass(frozen=True)
class Record:
    """One look at a job's objects, frames and outputs excepted."""

    job_id: str
    job: RenderJob | None
    """None while it is being uploaded."""
    end: End | None
    latest: Submission | None
    """The submission with the highest number."""
    video: str
    """The video's name below the job's prefix; empty if there is none."""
    begun: datetime
    """When the oldest of its objects was written."""
    age_of_job: timedelta
    """Since job.json was written, by the server's clock."""
    age_of_latest: timedelta


def record(farm: Farm, job_id: str, known: RenderJob | None = None) -> Record:
    """One look. `known` saves reading a job.json that was read before, as it never changes.

    Raises NotThere, BadArguments or BadJob.
    """
    prefix = keys.Prefix.of_job(job_id)
    top = objects.list_below(farm, prefix.root, deep=False)
    if not top.entries and not top.prefixes:
        raise NotThere(f"There is no job {job_id}.", "See `cloud-render jobs` for those there are.")
    entry = top.find(prefix.job)
    job = (known or RenderJob.from_json(objects.read(farm, prefix.job))) if entry else None
    latest, age_of_latest = _latest(farm, prefix) if prefix.submissions in top.prefixes else (None, timedelta(0))
    return Record(
        job_id=job_id,
        job=job,
        end=End.from_json(objects.read(farm, prefix.end)) if top.find(prefix.end) else None,
        latest=latest,
        video=_video(top, job, prefix),
        begun=min((entry.modified for entry in top.entries), default=datetime.now(UTC)),
        age_of_job=top.now - entry.modified if entry else timedelta(0),
        age_of_latest=age_of_latest,
    )


def no_job(found: Record) -> NotThere:
    """What to say of a job without job.json."""
    if found.end is not None and found.end.problem:
        return NotThere(found.end.problem, found.end.advice)
    return NotThere(f"The upload of {found.job_id} has not ended.", "Submit the same scene again: it goes on there.")


def frames_there(job: RenderJob, entries: Iterable[Entry]) -> dict[int, Entry]:
    """The job's frames among `entries` of its frames folder. Files of another format or name are none of them."""
    wanted = {keys.Prefix.of_job(job.id).frame(frame, job.image.extension): frame for frame in job.frame_list}
    return {wanted[entry.key]: entry for entry in entries if entry.key in wanted}


def missing_frames(farm: Farm, job: RenderJob) -> tuple[int, ...]:
    """In their order; asks S3 anew."""
    listing = objects.list_below(farm, keys.Prefix.of_job(job.id).frames)
    there = frames_there(job, listing.entries)
    return tuple(frame for frame in job.frame_list if frame not in there)


def _latest(farm: Farm, prefix: keys.Prefix) -> tuple[Submission | None, timedelta]:
    listing = objects.list_below(farm, prefix.submissions)
    numbered = {_number(entry.key): entry for entry in listing.entries}
    numbered.pop(-1, None)
    if not numbered:
        return None, timedelta(0)
    entry = numbered[max(numbered)]
    return Submission.from_json(objects.read(farm, entry.key)), listing.now - entry.modified


def _number(key: str) -> int:
    """Of `jobs/<id>/batch/<number>.json`; -1 for anything else."""
    stem = key.rpartition("/")[2].removesuffix(".json")
    return int(stem) if stem.isdecimal() else -1


def _video(top: Listing, job: RenderJob | None, prefix: keys.Prefix) -> str:
    if job is None or job.video is None:
        return ""
    key = prefix.video(job.video.container)
    return key.removeprefix(prefix.root) if top.find(key) else ""
