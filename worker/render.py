# SPDX-License-Identifier: GPL-3.0-or-later
"""Action `render`: the frames of one child, from job.json or a plain .blend to images in S3.

Steps: read the job, leave out what S3 has, lay out the files, pre_render, render and upload, post_render. Success is
every frame of the slice in S3, and nothing else.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cloud_render import blender as door
from cloud_render.blender import Blender, Running
from cloud_render.contract import frames as ranges
from cloud_render.contract import values
from cloud_render.contract.day_prices import price_of
from cloud_render.contract.errors import BadArguments, BlenderFailed, DiskFull
from cloud_render.contract.job import RenderJob, Submission
from cloud_render.contract.keys import Prefix
from cloud_render.contract.report import End
from cloud_render.contract.spending import typical_price
from worker import builds, failures, hooks, layout, plain, plan, vram
from worker.attempt import Attempt, Draft, now, reporting, scratch
from worker.cache import Cache, is_full
from worker.child import Folders, blender_environment
from worker.disk import LARGER
from worker.interruption import Interruption, listening
from worker.metadata import Metadata, SpotWatch, address
from worker.month import MonthlyLimit
from worker.quiet_log import QuietLog
from worker.s3 import Bucket, bucket_and_key
from worker.session import Session
from worker.spending import Account, pulse_of
from worker.uploads import Uploads, content_type

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Work:
    """What is to be done: a job, this child's slice of it, and where results go."""

    job: RenderJob
    frames: tuple[int, ...]
    """The slice."""
    missing: tuple[int, ...]
    """Those of it that S3 does not have."""
    submission: int
    bucket: Bucket
    prefix: Prefix
    """The output."""

    @property
    def nothing_left(self) -> bool:
        """Whether this child has nothing to do. A post_render hook may not have run yet, so it always runs."""
        return not self.missing and not self.job.hooks.post_render


@dataclass(frozen=True)
class Call:
    """The command line and what Batch says, read."""

    source: Bucket
    key: str
    """Of job.json or the .blend."""
    bucket: Bucket
    prefix: Prefix
    """The output."""
    frames_per_job: int
    total_frames: int | None
    submission: int
    attempt: Attempt

    @classmethod
    def of(cls, arguments: argparse.Namespace) -> Call:
        source, key = bucket_and_key(arguments.input)
        if not key.endswith((".json", ".blend")):
            raise BadArguments(f"{arguments.input!r} is neither a job.json nor a .blend.", "Give -i one of the two.")
        bucket, place = bucket_and_key(arguments.output)
        return cls(
            source,
            key,
            bucket,
            Prefix.of_key(place),
            arguments.frames_per_job,
            arguments.total_frames,
            arguments.submission,
            Attempt.of_environment(),
        )


def run(arguments: argparse.Namespace) -> str:
    """Renders; answers what was done. Raises CloudRenderError; the report in S3 says the same."""
    started = time.monotonic()
    call = Call.of(arguments)
    attempt = call.attempt
    log.info("child %d (attempt %d) of %s", attempt.index, attempt.number, attempt.job_id or "no Batch job")
    with (
        listening() as interruption,
        reporting("render", call.bucket, call.prefix, call.submission, attempt) as draft,
        scratch() as parent,
    ):
        metadata = Metadata(address())
        draft.add(machine=metadata.machine())
        child = Child(Folders.below(parent), Cache.of_environment(parent), draft, interruption, metadata, started)
        return _render_job(child, call) if call.key.endswith(".json") else _render_plain(child, call)


@dataclass(frozen=True)
class Child:
    """This process: its folders, its report, and what may stop it."""

    folders: Folders
    cache: Cache
    draft: Draft
    interruption: Interruption
    metadata: Metadata
    started: float
    """time.monotonic() of the worker's start."""

    def account(self, call: Call, job: RenderJob, limit_usd: float | None) -> Account:
        """Of the whole job's costs, this process's among them."""
        begun = time.time() - (time.monotonic() - self.started)
        pulse = pulse_of(call.submission, call.attempt, self.draft.report.machine, begun)
        price = price_of(job.prices, typical_price(call.bucket.client.meta.region_name or ""))
        month = MonthlyLimit.of_environment(call.bucket, job.id)
        return Account(call.bucket, call.prefix, pulse, limit_usd, price, month=month)


def _render_job(child: Child, call: Call) -> str:
    source = call.source
    job = RenderJob.from_json(source.get(call.key))
    home = Prefix.of_key(call.key.rpartition("/")[0])
    number = call.submission
    submission = Submission.from_json(source.get(home.submission(number))) if number else None
    work = _work(call, job, plan.frames_of(job, submission, call.total_frames))
    child.draft.add(skipped=tuple(frame for frame in work.frames if frame not in set(work.missing)))
    if (call.bucket.name, call.prefix) != (source.name, home):
        call.bucket.put_if_absent(call.prefix.job, job.to_json().encode(), "application/json")  # the stitch looks there
    if not work.nothing_left:
        _render_missing(child, call, work, submission, home)
    _end_if_last(call, work)
    return _words(work)


def _render_missing(child: Child, call: Call, work: Work, submission: Submission | None, home: Prefix) -> None:
    """With the scene fetched and a Blender for it."""
    source, job = call.source, work.job
    limit = submission.cost_limit(job) if submission else job.limits.cost_usd
    with child.account(call, job, limit) as account:
        account.check(0.0)  # before anything is fetched
        blend = layout.lay_out(source, home, job, child.folders.root, child.cache)
        with builds.chosen(source, child.cache, job.blender, child.draft.warn) as blender:
            _render(child, work, blender, blend, account)


def _end_if_last(call: Call, work: Work) -> None:
    """A plain job that no stitch follows is the last of its job with all frames there: it tells the end."""
    if work.job.video is not None or call.attempt.size is not None:
        return
    total = len(work.job.frame_list)
    there = [item.key for item in call.bucket.list(call.prefix.frames)]
    if not plan.missing(work.job.frame_list, there, call.prefix, work.job.image.extension):
        end = End("done", total, total, now())
        call.bucket.put_if_absent(call.prefix.end, end.to_json().encode(), "application/json")


def _render_plain(child: Child, call: Call) -> str:
    blend = plain.fetch(call.source, call.key, child.folders.root, child.cache)
    with builds.chosen(call.source, child.cache, "", child.draft.warn) as blender:
        answer = door.ask(
            blender, plain.request(blend), env=blender_environment(child.folders, child.cache), log=QuietLog()
        )
        moment = datetime.now(UTC)
        examination = plain.examination_of(answer)
        job = plain.job_of(examination, blend, call.total_frames, call.frames_per_job, plain.device(), moment)
        job = plain.claim(call.bucket, call.prefix, job)
        log.info("frames %s of scene %s; a plain .blend's video has no sound", job.frames, job.scene)
        work = _work(call, job, job.frame_list)
        child.draft.add(skipped=tuple(frame for frame in work.frames if frame not in set(work.missing)))
        if not work.nothing_left:
            with child.account(call, job, None) as account:
                _render(child, work, blender, blend, account)
    return _words(work)


def _work(call: Call, job: RenderJob, frames: Sequence[int]) -> Work:
    wanted = plan.slice_of(frames, call.frames_per_job, call.attempt)
    there = [item.key for item in call.bucket.list(call.prefix.frames)]
    missing = plan.missing(wanted, there, call.prefix, job.image.extension)
    if missing and call.attempt.size:
        failures.check(call.bucket, call.prefix, call.submission, call.attempt.size)
    log.info("frames %s; %d of %d are in S3 already", ranges.text_of(wanted), len(wanted) - len(missing), len(wanted))
    return Work(job, wanted, missing, call.submission, call.bucket, call.prefix)


def _words(work: Work) -> str:
    return f"frames {ranges.text_of(work.frames)} are in {work.bucket.uri(work.prefix.frames)}"


def _render(child: Child, work: Work, blender: Blender, blend: Path, account: Account) -> None:
    """Hooks and frames. The scene's files lie below the root already."""
    child.draft.add(blender=blender.version)
    environment = _hook_environment(child.folders, work, blend)
    hooks.run("pre_render", work.job, child.folders.root, environment)
    if work.missing:
        _frames(child, work, blender, blend, account)
    hooks.run("post_render", work.job, child.folders.root, environment)
    for name, path in hooks.left_in(child.folders.output):
        work.bucket.put_file(work.prefix.output(name), path, content_type(path))


def _frames(child: Child, work: Work, blender: Blender, blend: Path, account: Account) -> None:
    quiet = QuietLog()
    request = {
        "action": "render",
        "job": values.to_plain(work.job),
        "blend": str(blend),
        "root": str(child.folders.root),
        "out": str(child.folders.out),
    }
    start = _starter(child, blender, request, quiet)
    session = Session(start, work.job.limits, child.interruption, child.draft, quiet, account.check, child.folders.out)
    keep = bool(work.job.hooks.post_render)  # which may want to look at the frames
    extension = work.job.image.extension
    session.uploads = Uploads(work.bucket, work.prefix, extension, session.wake, child.draft.warn, keep)
    with _spot_watched(child.metadata, session), vram.measured() as taken:
        try:
            session.render(work.missing)
        except BlenderFailed as error:
            if is_full(child.folders.out):
                # Blender's own words differ, and most of its writers have none.
                raise DiskFull(f"The disk is full: {error.problem}", LARGER) from error
            raise
        finally:
            child.draft.add(frames=tuple(session.uploads.done), peak_vram=taken.peak)
            if session.ready_at:
                child.draft.add(load_s=round(session.ready_at - child.started, 3))


def _starter(child: Child, blender: Blender, request: Mapping[str, Any], quiet: QuietLog) -> Callable[[], Running]:
    environment = blender_environment(child.folders, child.cache)
    return lambda: door.run(blender, request, cwd=child.folders.out, env=environment, log=quiet)


@contextlib.contextmanager
def _spot_watched(metadata: Metadata, session: Session) -> Iterator[None]:
    if not address():
        yield
        return
    session.spot = SpotWatch(metadata, session.wake)
    session.spot.start()
    try:
        yield
    finally:
        session.spot.stop()


def _hook_environment(folders: Folders, work: Work, blend: Path) -> dict[str, str]:
    return {
        "CLOUD_RENDER_JOB_ID": work.job.id,
        "CLOUD_RENDER_SUBMISSION": str(work.submission),
        "CLOUD_RENDER_FRAMES": ranges.text_of(work.frames),
        "CLOUD_RENDER_FRAMES_FOLDER": str(folders.out),
        "CLOUD_RENDER_OUTPUT": str(folders.output),
        "CLOUD_RENDER_ROOT": str(folders.root),
        "CLOUD_RENDER_BLEND": str(blend),
        "CLOUD_RENDER_SCENE": work.job.scene,
        "HOME": str(folders.user),
        "TMPDIR": str(folders.user / "tmp"),
    }
