# SPDX-License-Identifier: GPL-3.0-or-later
"""A plain .blend in S3, without any job.json: what the scene itself says becomes the RenderJob."""

from __future__ import annotations

import os
import re
import typing
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import zstandard

from cloud_render.contract import frames, keys, values
from cloud_render.contract.errors import BadArguments, MissingFiles
from cloud_render.contract.job import CONTAINERS_OF_CODEC, Codec, JobFile, RenderJob, Video
from cloud_render.contract.scene import Device, Examination, SceneSettings, problem_of_scene_path
from worker.cache import Cache, in_words, require_free, sha256_of
from worker.layout import place
from worker.s3 import Bucket

_HEADER = 32
"""Bytes, of which the version is among the first."""

_PACKED = b"\x28\xb5\x2f\xfd"
"""How zstd begins, with which Blender compresses since 3.0."""

_SAVED_BY = re.compile(rb"BLENDER(?:[-_][vV](\d)(\d\d)|\d\d-\d\dv(\d\d)(\d\d))")
"""`BLENDER-v405`, `BLENDER17-01v0500`."""


def fetch(bucket: Bucket, key: str, root: Path, cache: Cache) -> Path:
    """The .blend below `root`. A plain file has no known hash, so the cache can't serve it; only room is asked of it.

    Raises BadArguments where the key can't be a file's name, NotThere, DiskFull.
    """
    name = PurePosixPath(key).name
    if problem := problem_of_scene_path(name):
        raise BadArguments(f"{bucket.uri(key)} names no file: {problem}.", "Give -i as s3://bucket/scene.blend.")
    size = bucket.size_of(key)
    cache.make_room(0)
    require_free(root, size)
    target = place(root, name)
    bucket.download(key, target)
    if target.stat().st_size != size:
        raise BadArguments(f"{bucket.uri(key)} changed while it was read ({in_words(size)}).", "Try again.")
    return target


def release_of(blend: Path) -> str:
    """major.minor of the Blender that saved it, such as 4.5; empty where its first bytes don't tell."""
    with blend.open("rb") as file:
        head = file.read(_HEADER)
        if head.startswith(_PACKED):
            file.seek(0)
            with suppress(zstandard.ZstdError):
                head = zstandard.ZstdDecompressor().stream_reader(file).read(_HEADER)
    match = _SAVED_BY.match(head)
    return "{}.{}".format(*(int(number) for number in match.groups() if number)) if match else ""


def job_of(
    examination: Examination, blend: Path, total: int | None, frames_per_job: int, device: Device, now: datetime
) -> RenderJob:
    """The job that the scene describes: its own range (the first `total` frames of it), size, engine and format.

    Raises MissingFiles where the scene asks for files that did not come along.
    """
    if examination.missing:
        raise MissingFiles(
            [str(file) for file in examination.missing], "A plain .blend comes alone: pack them, or submit the scene."
        )
    settings = examination.settings()
    wanted = frames.of_scene(settings.frame_start, settings.frame_end, settings.frame_step)[:total]
    if not wanted:
        raise BadArguments(f"The scene's range {settings.frame_start} to {settings.frame_end} holds no frame.")
    name = blend.stem
    return RenderJob(
        id=keys.new_job_id(name, now),
        name=name,
        blend=blend.name,
        files=(JobFile(blend.name, sha256_of(blend), blend.stat().st_size),),
        scene=settings.name,
        frames=frames.text_of(wanted),
        frames_per_job=min(frames_per_job, len(wanted)),
        file_format=settings.file_format,
        blender=examination.blender,
        created=now.astimezone(UTC).isoformat(timespec="seconds"),
        device=device,
        video=_video(settings, wanted),
        created_by="worker",
    )


def _video(settings: SceneSettings, wanted: Sequence[int]) -> Video | None:
    """The scene's codec where we have it, without sound: that needs files which a plain .blend may not have brought."""
    if len(wanted) == 1:
        return None
    own = settings.movie.codec.lower() if settings.movie else "h264"
    own = {"webm": "vp9"}.get(own, own)  # Blender calls VP9 by its usual container
    codec = typing.cast(Codec, own if own in CONTAINERS_OF_CODEC else "h264")
    container = CONTAINERS_OF_CODEC[codec][0]
    return Video(typing.cast(typing.Any, container), codec, "high", settings.fps, sound=False)


def claim(bucket: Bucket, prefix: keys.Prefix, job: RenderJob) -> RenderJob:
    """Writes job.json unless another child did; answers the one that is there.

    Raises BadArguments where the prefix holds another render: its frames would get into this one's video.
    """
    if bucket.put_if_absent(prefix.job, job.to_json().encode(), "application/json"):
        return job
    there = RenderJob.from_json(bucket.get(prefix.job))
    if _what_is_rendered(there) != _what_is_rendered(job):
        raise BadArguments(
            f"{bucket.uri(prefix.root)} holds another render ({there.name}, frames {there.frames}).",
            "Give every render an output of its own.",
        )
    return there


def _what_is_rendered(job: RenderJob) -> tuple[object, ...]:
    return (job.files, job.scene, job.frames, job.file_format)


def examination_of(answer: dict[str, object]) -> Examination:
    """Out of the `examined` event. Raises BadJob where this is no examination."""
    plain = {key: value for key, value in answer.items() if key != "event"}
    return values.from_plain(Examination, plain, "Blender's examination")


def request(blend: Path) -> dict[str, object]:
    return {"action": "examine", "blend": str(blend), "use_scripts": False, "frames": None}


def device() -> Device:
    """For a plain .blend: CLOUD_RENDER_DEVICE, else whatever is there, and the report says which."""
    wanted = os.environ.get("CLOUD_RENDER_DEVICE", "any")
    if wanted not in typing.get_args(Device):
        raise BadArguments(f"CLOUD_RENDER_DEVICE is {wanted!r}.", "It must be gpu, cpu or any.")
    return typing.cast(Device, wanted)
