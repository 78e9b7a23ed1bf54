# SPDX-License-Identifier: GPL-3.0-or-later
"""Action `inspect`: a plain .blend in S3 becomes a job in S3, ready to be submitted. Blender itself reads the scene."""

from __future__ import annotations

import argparse
import dataclasses
import json
import logging
from datetime import UTC, datetime

from cloud_render import blender as door
from cloud_render.contract import frames, keys
from cloud_render.contract.errors import BadArguments
from cloud_render.contract.job import RenderJob
from cloud_render.contract.keys import Prefix
from cloud_render.store import SourceFile, Store
from worker import builds, plain
from worker.attempt import Attempt, reporting, scratch
from worker.cache import Cache
from worker.child import Folders, blender_environment
from worker.interruption import listening
from worker.quiet_log import QuietLog
from worker.s3 import bucket_and_key

log = logging.getLogger(__name__)


def run(arguments: argparse.Namespace) -> str:
    """Writes contents.json.gz, slices.json and, last, job.json below the output. Raises CloudRenderError."""
    source, key = bucket_and_key(arguments.input)
    bucket, place = bucket_and_key(arguments.output)
    if not key.endswith(".blend"):
        raise BadArguments(f"{arguments.input!r} is no .blend.", "Give -i as s3://bucket/scene.blend.")
    prefix = Prefix.of_key(place)
    with (
        listening(),
        reporting("inspect", bucket, prefix, 0, Attempt.of_environment()) as draft,
        scratch() as parent,
    ):
        folders, cache = Folders.below(parent), Cache.of_environment(parent)
        blend = plain.fetch(source, key, folders.root, cache)
        with builds.chosen(source, cache, "", draft.warn) as blender:
            draft.add(blender=blender.version)
            environment = blender_environment(folders, cache)
            answer = door.ask(blender, plain.request(blend), env=environment, log=QuietLog())
        job = plain.job_of(plain.examination_of(answer), blend, None, 1, plain.device(), datetime.now(UTC))
        own_id = place.rstrip("/").rpartition("/")[2]
        job = dataclasses.replace(
            job,
            id=own_id if keys.is_job_id(own_id) else job.id,
            frames_per_job=_frames_per_job(arguments.frames_per_job, len(job.frame_list)),
        )
        contents = Store(bucket.client, bucket.name).upload([SourceFile(blend, job.blend)], job.id)
        bucket.put(prefix.contents, contents.to_json_gz(), "application/gzip")
        bucket.put(prefix.slices, json.dumps(_slices(job)).encode(), "application/json")
        bucket.put(prefix.job, job.to_json().encode(), "application/json")
    return f"{bucket.uri(prefix.job)} renders frames {job.frames} of scene {job.scene}"


def _frames_per_job(wanted: int, total: int) -> int:
    return frames.fitted_frames_per_job(total, wanted) if wanted else frames.automatic_frames_per_job(total)


def _slices(job: RenderJob) -> dict[str, object]:
    """What who submits the job without reading it must know: Batch itself passes nothing on from a job to the next."""
    total = len(job.frame_list)
    return {
        "children": frames.children(total, job.frames_per_job),
        "framesPerJob": job.frames_per_job,
        "totalFrames": total,
        "video": f"video.{job.video.container}" if job.video else "",
    }
