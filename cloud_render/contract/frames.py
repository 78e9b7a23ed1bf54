# SPDX-License-Identifier: GPL-3.0-or-later
"""Frame ranges and slices. Pure arithmetic: knows neither Blender nor AWS."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence

from cloud_render.contract.errors import BadArguments, BadFrames

MAX_CHILDREN = 10_000
"""AWS Batch's largest array (AWS Batch User Guide, "Array jobs")."""

MAX_FRAMES = 1_048_574
"""Blender's own last frame number (MAXFRAME in DNA_scene_types.h); also a bound against typing errors."""

_PART = re.compile(r"\s*(-?\d+)\s*(?:(?:-|\.\.)\s*(-?\d+)\s*(?:x\s*(\d+)\s*)?)?", re.ASCII)


def parse(text: str) -> tuple[int, ...]:
    """The frames that `text` names, sorted, each once.

    Ranges are inclusive: `1-250`, `1-250x2` (every second), `1-10,20..25,40`, `-5..3`. Blanks don't matter.
    Raises BadFrames, showing the part that is wrong.
    """
    if not text.strip():
        raise BadFrames(text, "it is empty")
    found: set[int] = set()
    for part in text.split(","):
        found.update(_frames_of_part(part))
    return tuple(sorted(found))


def _frames_of_part(part: str) -> range:
    match = _PART.fullmatch(part)
    if not match:
        raise BadFrames(part.strip() or part, "it is not a frame or a range of frames")
    digits = [len(number.lstrip("-")) for number in match.groups() if number]
    if max(digits) > len(str(MAX_FRAMES)):
        raise BadFrames(part.strip(), f"frames lie between {-MAX_FRAMES} and {MAX_FRAMES}")
    first = int(match[1])
    last = int(match[2]) if match[2] is not None else first
    step = int(match[3]) if match[3] is not None else 1
    if max(abs(first), abs(last)) > MAX_FRAMES:
        raise BadFrames(part.strip(), f"frames lie between {-MAX_FRAMES} and {MAX_FRAMES}")
    if step < 1:
        raise BadFrames(part.strip(), "the step after x must be 1 or more")
    if last < first:
        raise BadFrames(part.strip(), f"it ends ({last}) before it starts ({first})")
    return range(first, last + 1, step)


def text_of(frames: Iterable[int]) -> str:
    """The shortest plain expression of `frames`, so `parse(text_of(f))` is `f` sorted. Raises BadFrames if empty."""
    ordered = sorted(set(frames))
    if not ordered:
        raise BadFrames("", "there are no frames")
    parts: list[str] = []
    position = 0
    while position < len(ordered):
        run = _run_at(ordered, position)
        parts.append(_text_of_run(ordered[position : position + run]))
        position += run
    return ",".join(parts)


def _run_at(ordered: Sequence[int], start: int) -> int:
    """How many frames from `start` on lie at one distance; 1 where only two would."""
    if start + 1 >= len(ordered):
        return 1
    step = ordered[start + 1] - ordered[start]
    length = 2
    while start + length < len(ordered) and ordered[start + length] - ordered[start + length - 1] == step:
        length += 1
    return length if length > 2 or step == 1 else 1


def _text_of_run(run: Sequence[int]) -> str:
    if len(run) == 1:
        return str(run[0])
    dash = ".." if run[0] < 0 or run[-1] < 0 else "-"
    step = run[1] - run[0]
    return f"{run[0]}{dash}{run[-1]}" + (f"x{step}" if step > 1 else "")


def of_scene(start: int, end: int, step: int) -> tuple[int, ...]:
    """The frames Blender itself would render for a scene's start, end and step."""
    return tuple(range(start, end + 1, max(step, 1)))


def step_of(frames: Sequence[int]) -> int | None:
    """The one distance between neighbours; 1 for a single frame; None where they differ."""
    distances = {after - before for before, after in itertools.pairwise(frames)} or {1}
    return distances.pop() if len(distances) == 1 else None


def children(frame_count: int, frames_per_job: int) -> int:
    """How many children an array for `frame_count` frames has. Raises BadArguments for counts below 1."""
    if frame_count < 1 or frames_per_job < 1:
        raise BadArguments(f"Can't slice {frame_count} frames by {frames_per_job}.", "Both must be 1 or more.")
    return -(-frame_count // frames_per_job)


def slice_of(frames: Sequence[int], child: int, frames_per_job: int) -> Sequence[int]:
    """The frames that array child `child` (from 0) renders; the last child may have fewer. Raises BadArguments."""
    count = children(len(frames), frames_per_job)
    if not 0 <= child < count:
        raise BadArguments(
            f"There is no child {child}: {len(frames)} frames by {frames_per_job} make {count} children."
        )
    return frames[child * frames_per_job : (child + 1) * frames_per_job]


def fitted_frames_per_job(frame_count: int, wanted: int) -> int:
    """`wanted` limited to the frames there are, and raised until the array has at most MAX_CHILDREN children."""
    return max(min(wanted, frame_count), -(-frame_count // MAX_CHILDREN))


def automatic_frames_per_job(frame_count: int) -> int:
    """A choice without knowledge of the frame times: growing with the square root of the animation's length.

    Starting a child (machine, image, Blender, scene) costs about as much as some frames, so very long animations get
    longer slices; short ones stay parallel: 24 frames → 2, 250 → 6, 1,000 → 13, 10,000 → 40.
    """
    return fitted_frames_per_job(frame_count, max(1, round(0.4 * frame_count**0.5)))
