# SPDX-License-Identifier: GPL-3.0-or-later
"""Which image the video shows at each frame, out of what a bucket holds. Values in, values out; talks to no one."""

from __future__ import annotations

import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cloud_render.contract import frames
from cloud_render.contract.errors import BadArguments, CloudRenderError, MissingFiles
from cloud_render.contract.job import Gaps, RenderJob
from cloud_render.contract.keys import Prefix, frame_of_name
from cloud_render.contract.scene import IMAGE_KINDS
from worker.pictures import FORMATS


class MissingFrames(MissingFiles):
    """Frames that should be in the video are not in the bucket; `frames` holds their numbers."""

    def __init__(self, missing: Sequence[int], total: int, what: str, advice: str) -> None:
        verb = "is" if len(missing) == 1 else "are"
        problem = f"{len(missing)} of {total} {what} {verb} missing: {frames.text_of(missing)}."
        CloudRenderError.__init__(self, problem, advice)
        self.missing = tuple(f"frame {frame}" for frame in missing)
        self.frames = tuple(missing)


@dataclass(frozen=True)
class Image:
    """An object in the bucket that FFmpeg can show."""

    key: str
    size: int
    """In bytes."""


@dataclass(frozen=True)
class Shown:
    """One frame of the video."""

    frame: int
    image: Image
    """Of this frame, or of the neighbour that is held in its place."""


@dataclass(frozen=True)
class Footage:
    """All frames of the video, in order."""

    shown: tuple[Shown, ...]
    extension: str
    """Of all images; a key of pictures.FORMATS."""
    gaps: tuple[int, ...] = ()
    """Frames that have no image of their own."""

    @property
    def frames(self) -> tuple[int, ...]:
        return tuple(shown.frame for shown in self.shown)


Objects = Mapping[str, int]
"""Sizes in bytes by key: what lies below frames/ and outputs/display/."""

_RENDER_AGAIN = (
    "Render them with `cloud-render retry JOB`, or make the video without them: `cloud-render stitch JOB --allow-gaps`."
)


def of_job(job: RenderJob, prefix: Prefix, objects: Objects, gaps: Gaps) -> Footage:
    """Exactly the frames of job.json, whatever else lies there. Raises MissingFrames, unless `gaps` is hold."""
    wanted = job.frame_list
    extension = job.image.extension
    done = [frame for frame in wanted if prefix.frame(frame, extension) in objects]
    if not job.image.needs_display:
        images = {frame: _image(prefix.frame(frame, extension), objects) for frame in done}
        return _footage(images, wanted, extension, gaps, "frames", _RENDER_AGAIN)
    shown = {frame: _image(key, objects) for frame in done if (key := prefix.display(frame)) in objects}
    if set(shown) == set(done):
        return _footage(shown, wanted, "png", gaps, "frames", _RENDER_AGAIN)
    return _footage(shown, wanted, "png", gaps, "display images", _NO_DISPLAY)


_NO_DISPLAY = "Scene-linear frames need a display image each, which the render job puts into outputs/display/."


def of_folder(prefix: Prefix, objects: Objects, gaps: Gaps) -> Footage:
    """From the first to the last frame below frames/: all there is to go by without a job.json.

    Raises MissingFrames as of_job does, and BadArguments where there are no frames, or frames of more than one format.
    """
    found = _frames_by_extension(prefix, objects)
    if not found:
        raise MissingFiles([prefix.frames], "Nothing has been rendered there: check the address.")
    if len(found) > 1:
        names = ", ".join(sorted(found))
        raise BadArguments(f"{prefix.frames} holds frames of several formats ({names}).", "Leave one format there.")
    ((extension, there),) = found.items()
    wanted = range(min(there), max(there) + 1)
    advice = "Render them, or give --gaps hold to show the frame before instead."
    if extension in FORMATS:
        images = {frame: _image(prefix.frame(frame, extension), objects) for frame in there}
        return _footage(images, wanted, extension, gaps, "frames", advice)
    shown = {frame: _image(key, objects) for frame in there if (key := prefix.display(frame)) in objects}
    return _footage(shown, wanted, "png", gaps, "display images" if len(shown) < len(there) else "frames", _NO_DISPLAY)


def _frames_by_extension(prefix: Prefix, objects: Objects) -> dict[str, set[int]]:
    known = {kind.extension for kind in IMAGE_KINDS.values()}
    found: dict[str, set[int]] = {}
    for key in objects:
        frame = frame_of_name(key.removeprefix(prefix.frames))
        extension = key.rpartition(".")[2]
        # A stray 00001.png must not stand beside 0001.png as the same frame.
        if frame is not None and extension in known and key == prefix.frame(frame, extension):
            found.setdefault(extension, set()).add(frame)
    return found


def _image(key: str, objects: Objects) -> Image:
    return Image(key, objects[key])


def _footage(
    images: Mapping[int, Image], wanted: Sequence[int], extension: str, gaps: Gaps, what: str, advice: str
) -> Footage:
    missing = tuple(frame for frame in wanted if frame not in images)
    if missing and (gaps == "refuse" or not images):
        raise MissingFrames(missing, len(wanted), what, advice)
    there = sorted(images)
    shown = tuple(Shown(frame, images[_nearest(frame, there)]) for frame in wanted)
    return Footage(shown, extension, missing)


def _nearest(frame: int, there: Sequence[int]) -> int:
    """`frame` itself, else the one before it, else (before the first) the first."""
    return there[max(0, bisect.bisect_right(there, frame) - 1)]
