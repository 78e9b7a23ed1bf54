# SPDX-License-Identifier: GPL-3.0-or-later
"""Action `inspect`: a plain .blend in S3 becomes a job in S3, ready to be submitted. Blender itself reads the scene."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from cloud_render import blender as door
from cloud_render.blender import Blender
from cloud_render.contract import frames, keys
from cloud_render.contract.errors import BadArguments, CloudRenderError, TryAgain, UnreadableBlend
from cloud_render.contract.job import RenderJob
from cloud_render.contract.keys import Prefix
from cloud_render.contract.report import End
from cloud_render.contract.versions import OLDEST, numbers, three_numbers
from cloud_render.store import SourceFile, Store
from worker import builds, plain
from worker.attempt import Attempt, Draft, now, reporting, scratch
from worker.cache import Cache
from worker.child import Folders, blender_environment
from worker.interruption import listening
from worker.quiet_log import QuietLog
from worker.s3 import Bucket, bucket_and_key

log = logging.getLogger(__name__)

CREATED_BY = "dropped"
"""In place of a person, who is not known: whose share of the machines such jobs take."""


def run(arguments: argparse.Namespace) -> str:
    """Writes contents.json.gz and, last, job.json below the output, or else end.json with the reason; or only which
    Blender is lacking, where that may still be installed. Raises CloudRenderError.
    """
    source, key = bucket_and_key(arguments.input)
    bucket, place = bucket_and_key(arguments.output)
    if not key.endswith(".blend"):
        raise BadArguments(f"{arguments.input!r} is no .blend.", "Give -i as s3://bucket/scene.blend.")
    prefix = Prefix.of_key(place)
    with (
        listening(),
        _end_told(bucket, prefix),
        reporting("inspect", bucket, prefix, 0, Attempt.of_environment()) as draft,
        scratch() as parent,
    ):
        folders, cache = Folders.below(parent), Cache.of_environment(parent)
        blend = plain.fetch(source, key, folders.root, cache)
        job = _named(_job(source, blend, folders, cache, draft, arguments), place, arguments)
        contents = Store(bucket.client, bucket.name).upload([SourceFile(blend, job.blend)], job.id)
        bucket.put(prefix.contents, contents.to_json_gz(), "application/gzip")
        bucket.put(prefix.job, job.to_json().encode(), "application/json")
    return f"{bucket.uri(prefix.job)} renders frames {job.frames} of scene {job.scene}"


@contextlib.contextmanager
def _end_told(bucket: Bucket, prefix: Prefix) -> Iterator[None]:
    """There is no client that waits for the job: where it can't be made, its end says why."""
    try:
        yield
    except TryAgain:
        raise
    except _Lacking as error:
        bucket.put(prefix.lacking_blender, json.dumps({"release": error.release}).encode(), "application/json")
        raise
    except CloudRenderError as error:
        end = End("failed", 0, 0, now(), problem=error.problem, advice=error.advice)
        bucket.put_if_absent(prefix.end, end.to_json().encode(), "application/json")
        raise


def _job(
    source: Bucket, blend: Path, folders: Folders, cache: Cache, draft: Draft, arguments: argparse.Namespace
) -> RenderJob:
    """As the scene describes it. Raises what Blender and plain.job_of() raise."""
    with _blender(source, cache, plain.release_of(blend), draft.warn, arguments.blender == "own") as blender:
        draft.add(blender=blender.version)
        environment = blender_environment(folders, cache)
        answer = door.ask(blender, plain.request(blend), env=environment, log=QuietLog())
    device = arguments.device or plain.device()
    return plain.job_of(plain.examination_of(answer), blend, None, 1, device, datetime.now(UTC))


class _Lacking(builds.NoBuild):
    """A build of `release` would do, and can be installed."""

    def __init__(self, release: str, error: builds.NoBuild) -> None:
        super().__init__(error.problem, error.advice)
        self.release = release


@contextlib.contextmanager
def _blender(source: Bucket, cache: Cache, release: str, warn: Callable[[str], None], own: bool) -> Iterator[Blender]:
    """One of the release that has saved the file; unless only its `own` will do, else the newest there is.

    Files of a release that is before ours, or that they don't tell, have none of their own. Raises _Lacking,
    UnreadableBlend or NoBuild.
    """
    installable = release if release and numbers(release) >= numbers(OLDEST) else ""
    with contextlib.ExitStack() as taken:
        try:
            blender = taken.enter_context(builds.chosen(source, cache, installable, warn))
        except builds.NoBuild as error:
            if not installable:
                raise
            if own:
                raise _Lacking(installable, error) from error
            blender = _other(taken, source, cache, release, warn, error)
        yield blender


def _other(
    taken: contextlib.ExitStack,
    source: Bucket,
    cache: Cache,
    release: str,
    warn: Callable[[str], None],
    error: builds.NoBuild,
) -> Blender:
    """The newest there is. Raises `error` where that is none, UnreadableBlend where it is older than the file."""
    try:
        newest = taken.enter_context(builds.chosen(source, cache, "", warn))
    except builds.NoBuild:
        raise error from None
    if numbers(newest.version)[:2] < numbers(release):
        raise UnreadableBlend(
            f"Blender {release} has saved it, and the newest one in the cloud is {newest.version}.",
            f"Install one: cloud-render blender install {three_numbers(release)}. Then drop the file again.",
        )
    warn(f"Blender {release} has saved it, and Blender {newest.version} renders it.")
    return newest


def _named(job: RenderJob, place: str, arguments: argparse.Namespace) -> RenderJob:
    own_id = place.rstrip("/").rpartition("/")[2]
    return dataclasses.replace(
        job,
        id=own_id if keys.is_job_id(own_id) else job.id,
        name=arguments.name.removesuffix(".blend") or job.name,
        frames_per_job=_frames_per_job(arguments.frames_per_job, len(job.frame_list)),
        created_by=CREATED_BY,
        client=arguments.client,
    )


def _frames_per_job(wanted: int, total: int) -> int:
    return frames.fitted_frames_per_job(total, wanted) if wanted else frames.automatic_frames_per_job(total)
