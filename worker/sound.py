# SPDX-License-Identifier: GPL-3.0-or-later
"""The sound of a job's video: Blender's own mixdown of the scene, from the job's first to its last frame.

It is made here, in the stitch job. A picture without sound is worth more than none: where Blender can't mix, the video
is silent and the reason is said. Only what a later attempt may mend (S3, disk, SIGTERM) stops the stitch.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from cloud_render import blender
from cloud_render.contract import frames
from cloud_render.contract.errors import CloudRenderError, TryAgain
from cloud_render.contract.job import RenderJob
from cloud_render.contract.keys import Prefix
from worker import builds, layout
from worker.cache import Cache
from worker.encode import Strip
from worker.s3 import Bucket

_NEVER_HEARD = frozenset(
    [
        ".png",
        ".jpg",
        ".jpeg",
        ".webp",
        ".tif",
        ".tiff",
        ".bmp",
        ".tga",
        ".exr",
        ".hdr",
        ".dpx",
        ".cin",
        ".jp2",
        ".avif",
        ".psd",
        ".svg",
        ".rgb",
        ".gif",
        ".vdb",
        ".abc",
        ".usd",
        ".usda",
        ".usdc",
        ".usdz",
        ".bphys",
        ".bobj",
        ".mdd",
        ".pc2",
        ".ttf",
        ".otf",
        ".woff",
        ".ies",
        ".osl",
        ".oso",
    ]
)
"""Extensions of files that no mixdown opens: a scene's gigabytes of textures and caches stay in S3."""


def of_job(
    bucket: Bucket, prefix: Prefix, job: RenderJob, folder: Path, warn: Callable[[str], None]
) -> tuple[Strip, ...]:
    """The pieces of sound for the job's video; none where it has no sound, with a warning where it should have some.

    Works in `folder`. Raises TryAgain.
    """
    if job.video is None or not job.video.sound:
        return ()
    if frames.step_of(job.frame_list) != 1:
        warn("The video has no sound: it leaves out frames of the scene, so the sound would not fit.")
        return ()
    try:
        mixdown = _mixdown(bucket, prefix, job, folder, warn)
    except TryAgain:
        raise
    except CloudRenderError as error:
        warn(f"The video has no sound: {error}")
        return ()
    if mixdown["path"]:
        return (Strip(Path(mixdown["path"])),)
    strips = strips_of(mixdown["strips"], job)
    lost = [strip.path.name for strip in strips if not strip.path.is_file()]
    if lost or not strips:
        warn(f"The video has no sound: {mixdown['reason']}" + (f" Not found: {', '.join(lost)}." if lost else ""))
        return ()
    warn(f"{mixdown['reason']} The sound strips are mixed without Blender's effects, fades and speakers.")
    return strips


def strips_of(plain: Sequence[dict[str, Any]], job: RenderJob) -> tuple[Strip, ...]:
    """Blender's plain strips, placed on the video's time; those that are not heard in it are left out."""
    assert job.video is not None
    fps = job.video.fps
    first, after_last = job.frame_list[0], job.frame_list[-1] + 1
    heard = [row for row in plain if row["frame_start"] < after_last and row["frame_end"] > first]
    return tuple(
        Strip(
            path=Path(row["path"]),
            start_s=float((row["frame_start"] - first) / fps),
            skip_s=max(0.0, row["offset_s"]),
            length_s=float((row["frame_end"] - row["frame_start"]) / fps),
            volume=row["volume"],
        )
        for row in heard
    )


def _mixdown(
    bucket: Bucket, prefix: Prefix, job: RenderJob, folder: Path, warn: Callable[[str], None]
) -> dict[str, Any]:
    """Blender's answer. Raises CloudRenderError."""
    root = folder / "scene"
    root.mkdir()
    cache = Cache.of_environment(folder)
    blend = layout.lay_out(bucket, prefix, audible(job), root, cache)
    request = {
        "action": "mixdown",
        "blend": str(blend),
        "root": str(root),
        "scene": job.scene,
        "out": str(folder / "sound.flac"),
        "frame_start": job.frame_list[0],
        "frame_end": job.frame_list[-1],
        "use_scripts": job.use_scripts,
    }
    with builds.chosen(bucket, cache, job.blender, warn) as found:
        return blender.ask(found, request, log=sys.stderr)


def audible(job: RenderJob) -> RenderJob:
    """The job with only the files that a mixdown may open."""
    needed = {job.blend, job.hooks.pre_render, job.hooks.post_render}
    files = (f for f in job.files if f.path in needed or PurePosixPath(f.path).suffix.lower() not in _NEVER_HEARD)
    return replace(job, files=tuple(files))
