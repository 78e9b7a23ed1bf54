# SPDX-License-Identifier: GPL-3.0-or-later
"""How jobs are doing, at little cost whatever their size. Changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from cloud_render.client import batch, objects, phases, reasons
from cloud_render.client.batch import BatchJob
from cloud_render.client.expiry import Expiry, expiries, expiry
from cloud_render.client.farm import Farm
from cloud_render.client.objects import Entry
from cloud_render.client.phases import ENDED, Facts, Phase
from cloud_render.client.reasons import NO_REASON, Reason
from cloud_render.client.records import Record, frames_there, record
from cloud_render.contract import keys
from cloud_render.contract.errors import NotThere
from cloud_render.contract.job import RenderJob
from cloud_render.contract.report import End

MENDS_WITHIN = timedelta(minutes=15)
"""From the end of an array to the mender's word on it, at most: EventBridge takes seconds, a machine a few minutes.
After that it is taken as broken, and the job as failed."""

_NEWEST = 10
_READERS = 8


@dataclass(frozen=True)
class JobState:
    """One look at a job."""

    job_id: str
    name: str
    phase: Phase
    frames_done: int
    frames_total: int
    newest: tuple[int, ...] = ()
    """Frames that came last, the newest first."""
    children: Mapping[str, int] = field(default_factory=dict)
    """How many children are in which of Batch's states; of the newest submission."""
    seconds_left: float | None = None
    """Until the last frame; None while the pace is unknown."""
    problem: str = ""
    """Why it failed, or what stands in its way; also while the other children go on."""
    advice: str = ""
    waiting_because: str = ""
    """In Batch's own words, where it says why nothing starts."""
    installs: str = ""
    """While it is queued: the version of Blender whose installation in the cloud it waits for."""
    video: str = ""
    """Its key in the bucket; empty while there is none."""
    gaps: tuple[int, ...] = ()
    """Frames that the video holds from their neighbour."""
    submission: int = 0
    half_submitted: bool = False
    """A submit stopped half-way: submit.resume() mends it."""
    expiry: Expiry | None = None
    """Frames that nobody has downloaded, and that will soon be gone."""

    @property
    def ended(self) -> bool:
        return self.phase in ENDED

    @property
    def reason(self) -> str:
        """Problem and advice in one text."""
        return f"{self.problem} {self.advice}".strip()


@dataclass(frozen=True)
class JobSummary:
    """A job's row in the list of all."""

    job_id: str
    phase: Phase
    frames_done: int
    frames_total: int
    created: str
    """UTC, ISO 8601."""
    video: str = ""
    """Its key in the bucket."""
    problem: str = ""
    installs: str = ""
    """As in JobState."""
    expiry: Expiry | None = None
    """Frames that nobody has downloaded, and that will soon be gone."""


def snapshot(farm: Farm, job_id: str) -> JobState:
    """A single look. To look again and again, keep a Monitor: it asks for less."""
    return Monitor(farm, job_id).look()


class Monitor:
    """Watches one job. A look makes one DescribeJobs however large the array is, two while it is queued behind an
    installation of Blender, and lists the frames from the first
    missing one on; reports are read when the number of failed children changes.
    """

    def __init__(self, farm: Farm, job_id: str) -> None:
        self._farm = farm
        self._job_id = job_id
        self._prefix = keys.Prefix.of_job(job_id)
        self._job: RenderJob | None = None
        self._frame_keys: list[str] = []
        self._sure = 0  # so many of _frame_keys, from the start, are there
        self._there: dict[int, Entry] = {}
        self._reason_of: tuple[object, Reason] = (None, NO_REASON)

    def look(self) -> JobState:
        """Raises NotThere, BadJob, CloudUnreachable, StorageUnavailable or NoCredentials."""
        found = record(self._farm, self._job_id, self._job)
        if found.job is None:
            return self._without_job(found.end)
        self._job = found.job
        now = self._list_frames(found.job)
        if found.end is not None:
            state = self._of_end(found, found.job, found.end)
        else:
            state = self._of_batch(found, found.job, _described(self._farm, found), now)
        return replace(state, expiry=expiry(self._farm, self._job_id, state.frames_done, now))

    def _without_job(self, end: End | None) -> JobState:
        """While it is uploaded; or cancelled meanwhile, or made of a dropped file that can't be one."""
        if end is None:
            return JobState(self._job_id, self._job_id, "uploading", 0, 0)
        return JobState(self._job_id, self._job_id, end.state, 0, 0, problem=end.problem, advice=end.advice)

    def _list_frames(self, job: RenderJob) -> datetime:
        """Bring `_there` up to date; the server's time."""
        if not self._frame_keys:
            self._frame_keys = sorted(self._prefix.frame(frame, job.image.extension) for frame in job.frame_list)
        after = self._frame_keys[self._sure - 1] if self._sure else ""
        listing = objects.list_below(self._farm, self._prefix.frames, after=after)
        self._there.update(frames_there(job, listing.entries))
        keys_there = {entry.key for entry in self._there.values()}
        while self._sure < len(self._frame_keys) and self._frame_keys[self._sure] in keys_there:
            self._sure += 1
        return listing.now

    def _of_end(self, found: Record, job: RenderJob, end: End) -> JobState:
        return JobState(
            job_id=job.id,
            name=job.name,
            phase=end.state,
            frames_done=len(self._there),
            frames_total=len(job.frame_list),
            newest=self._newest(),
            problem=end.problem,
            advice=end.advice,
            video=self._prefix.root + found.video if found.video else "",
            gaps=end.gaps,
            submission=found.latest.number if found.latest else 0,
        )

    def _of_batch(self, found: Record, job: RenderJob, jobs: Mapping[str, BatchJob], now: datetime) -> JobState:
        render = jobs.get("render")
        phase = phases.phase_of(_facts(self._farm, found, jobs, len(self._there) == len(job.frame_list), now))
        install = self._installation(render) if phase == "queued" else None
        waiting = _waiting_because(jobs, install) if phase in ("queued", "rendering") else ""
        reason = self._reason(found, job, phase, jobs)
        return JobState(
            job_id=job.id,
            name=job.name,
            phase=phase,
            frames_done=len(self._there),
            frames_total=len(job.frame_list),
            newest=self._newest(),
            children=phases.counted(render),
            seconds_left=self._seconds_left(found, job, render, now) if phase == "rendering" else None,
            problem=reason.problem or reasons.of_waiting(waiting).problem,
            advice=reason.advice or reasons.of_waiting(waiting).advice,
            waiting_because=waiting,
            installs=keys.version_of_name(install.name) if install else "",
            video=self._prefix.root + found.video if found.video else "",
            submission=found.latest.number if found.latest else 0,
            half_submitted=phase == "submitted" and _claim_is_old(found),
        )

    def _installation(self, render: BatchJob | None) -> BatchJob | None:
        return phases.installation(render, batch.describe(self._farm, render.after)) if render else None

    def _reason(self, found: Record, job: RenderJob, phase: Phase, jobs: Mapping[str, BatchJob]) -> Reason:
        """Read once, and again when the number of failed children or the state of the stitch changes."""
        render, stitch = jobs.get("render"), jobs.get("stitch")
        failed = phases.counted(render).get("FAILED", 0)
        if phase != "failed" and not failed:
            return NO_REASON
        mark = (found.latest, failed, phase, stitch and stitch.status, len(self._there))
        if self._reason_of[0] != mark:
            missing = [frame for frame in job.frame_list if frame not in self._there]
            self._reason_of = (mark, self._new_reason(found, jobs, failed, missing))
        return self._reason_of[1]

    def _new_reason(self, found: Record, jobs: Mapping[str, BatchJob], failed: int, missing: Sequence[int]) -> Reason:
        render, stitch = jobs.get("render"), jobs.get("stitch")
        if render and failed:
            return reasons.of_render(self._farm, found, render)
        if stitch and stitch.status == "FAILED":
            return reasons.of_stitch(self._farm, found, stitch)
        if render and missing:
            return reasons.of_missing(found.job_id, missing)
        return reasons.of_forgotten(found.job_id, missing)

    def _newest(self) -> tuple[int, ...]:
        by_time = sorted(self._there, key=lambda frame: (self._there[frame].modified, frame), reverse=True)
        return tuple(by_time[:_NEWEST])

    def _seconds_left(self, found: Record, job: RenderJob, render: BatchJob | None, now: datetime) -> float | None:
        """From the frames of this submission alone: those of an earlier one tell of another time."""
        begun = now - found.age_of_latest
        arrived = [entry.modified for entry in self._there.values() if entry.modified >= begun]
        return phases.seconds_left(arrived, len(job.frame_list) - len(self._there), phases.running(render), now)


def jobs(farm: Farm, most: int = 50) -> list[JobSummary]:
    """The newest `most` jobs, newest first. An ended one costs a single small object; those that still run share one
    DescribeJobs. Raises CloudUnreachable, StorageUnavailable or NoCredentials.
    """
    listing = objects.list_below(farm, keys.JOBS, deep=False)
    ids = [prefix.removeprefix(keys.JOBS).rstrip("/") for prefix in listing.prefixes]
    newest = sorted(filter(keys.is_job_id, ids), reverse=True)[:most]
    with ThreadPoolExecutor(max_workers=_READERS) as pool:
        ends = dict(zip(newest, pool.map(partial(_end, farm), newest), strict=True))
        open_ids = [job_id for job_id, end in ends.items() if end is None]
        open_jobs = {seen.found.job_id: seen for seen in pool.map(partial(_open_job, farm), open_ids) if seen}
    wanted = [batch_id for seen in open_jobs.values() for batch_id in _batch_ids(seen.found).values()]
    described = batch.describe(farm, wanted)
    awaited = {after for each in described.values() if not phases.has_begun(each) for after in each.after}
    described |= batch.describe(farm, sorted(awaited.difference(described)))
    rows = []
    now = listing.now
    for job_id, end in ends.items():
        if end is not None:
            rows.append(_summary_of_end(job_id, end))
        elif job_id in open_jobs:
            rows.append(_summary_of_open(farm, open_jobs[job_id], described, now))
    expire = expiries(farm, {row.job_id: row.frames_done for row in rows}, now)
    return [replace(row, expiry=expire.get(row.job_id)) for row in rows]


@dataclass(frozen=True)
class _OpenJob:
    """A job without an end, as S3 has it."""

    found: Record
    frames_done: int


def _end(farm: Farm, job_id: str) -> End | None:
    content = objects.read_if_there(farm, keys.Prefix.of_job(job_id).end)
    return End.from_json(content) if content is not None else None


def _open_job(farm: Farm, job_id: str) -> _OpenJob | None:
    try:
        found = record(farm, job_id)
    except NotThere:
        return None  # deleted while we looked
    if found.job is None:
        return _OpenJob(found, 0)
    listing = objects.list_below(farm, keys.Prefix.of_job(job_id).frames)
    return _OpenJob(found, len(frames_there(found.job, listing.entries)))


def _summary_of_end(job_id: str, end: End) -> JobSummary:
    video = keys.Prefix.of_job(job_id).root + end.video if end.video else ""
    return JobSummary(job_id, end.state, end.frames, end.frames_total, _created(job_id), video, end.problem)


def _summary_of_open(farm: Farm, seen: _OpenJob, described: Mapping[str, BatchJob], now: datetime) -> JobSummary:
    found = seen.found
    if found.job is None:
        return JobSummary(found.job_id, "uploading", 0, 0, _created(found.job_id))
    jobs = {role: described[batch_id] for role, batch_id in _batch_ids(found).items() if batch_id in described}
    total = len(found.job.frame_list)
    phase = phases.phase_of(_facts(farm, found, jobs, seen.frames_done == total, now))
    video = keys.Prefix.of_job(found.job_id).root + found.video if found.video else ""
    render = jobs.get("render")
    install = phases.installation(render, described) if render and phase == "queued" else None
    installs = keys.version_of_name(install.name) if install else ""
    return JobSummary(found.job_id, phase, seen.frames_done, total, _created(found.job_id), video, installs=installs)


def _created(job_id: str) -> str:
    return keys.time_of_job(job_id).isoformat()


def _batch_ids(found: Record) -> dict[str, str]:
    latest = found.latest
    known = {"render": latest.render_id, "stitch": latest.stitch_id} if latest else {}
    return {role: batch_id for role, batch_id in known.items() if batch_id}


def _described(farm: Farm, found: Record) -> dict[str, BatchJob]:
    """The newest submission's jobs, as `render`, `stitch` and `first`; those that Batch has forgotten are absent.

    The array's first child tells more of what it waits for than its parent does.
    """
    ids = _batch_ids(found)
    latest = found.latest
    if latest and latest.render_id and len(latest.frame_list) > latest.frames_per_job:
        ids["first"] = f"{latest.render_id}:0"
    answer = batch.describe(farm, list(ids.values()))
    return {role: answer[batch_id] for role, batch_id in ids.items() if batch_id in answer}


def _facts(farm: Farm, found: Record, jobs: Mapping[str, BatchJob], frames_complete: bool, now: datetime) -> Facts:
    latest = found.latest
    stopped = max((job.stopped for job in jobs.values() if job.stopped), default=None)
    return Facts(
        submitted=latest is not None,
        renders=bool(latest and latest.frames),
        stitches=bool(latest and latest.stitches),
        render_id=latest.render_id if latest else "",
        stitch_id=latest.stitch_id if latest else "",
        render=jobs.get("render"),
        stitch=jobs.get("stitch"),
        frames_complete=frames_complete,
        video_there=bool(found.video),
        mends=bool(farm.mend_definition and found.end is None and stopped and now - stopped < MENDS_WITHIN),
    )


def _waiting_because(jobs: Mapping[str, BatchJob], install: BatchJob | None) -> str:
    """Batch's reason why nothing starts; empty while something runs or starts."""
    if install is not None:
        return "" if install.status in ("STARTING", "RUNNING") else install.status_reason
    render = jobs.get("render")
    if render is None or phases.running(render) or render.children.get("STARTING"):
        return ""
    first = jobs.get("first")
    return (first.status_reason if first and not first.ended else "") or render.status_reason


def _claim_is_old(found: Record) -> bool:
    age = found.age_of_latest if found.latest else found.age_of_job
    return age >= batch.CLAIM_LASTS
