# SPDX-License-Identifier: GPL-3.0-or-later
"""RenderJob: everything a worker needs to know, read from and written to job.json. Validated on both sides."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

from cloud_render.contract import frames, keys, values
from cloud_render.contract.day_prices import DayPrices
from cloud_render.contract.errors import BadFrames, BadJob
from cloud_render.contract.scene import IMAGE_KINDS, Device, ImageKind, MachineClass, check_scene_path

VERSION = 1
"""Of job.json. A worker refuses every other one; the stack's Outputs say which its worker reads."""

Container = Literal["mp4", "mov", "mkv", "webm"]
Codec = Literal["h264", "h265", "av1", "vp9", "prores", "ffv1"]
Quality = Literal["lossless", "high", "medium", "low"]
Gaps = Literal["refuse", "hold"]

CONTAINERS_OF_CODEC: dict[str, tuple[str, ...]] = {
    "h264": ("mp4", "mov", "mkv"),
    "h265": ("mp4", "mov", "mkv"),
    "av1": ("mp4", "mkv", "webm"),
    "vp9": ("webm", "mkv", "mp4"),
    "prores": ("mov", "mkv"),
    "ffv1": ("mkv",),
}
"""Where each codec plays; the first is the default."""


@dataclass(frozen=True)
class JobFile:
    """One file of the scene."""

    path: str
    """Below the job's root, as `contract.scene.scene_path` makes it."""
    sha256: str
    size: int
    """In bytes."""

    def issues(self, place: str) -> list[str]:
        issues = check_scene_path(self.path, f"{place}.path")
        if not re.fullmatch(r"[0-9a-f]{64}", self.sha256):
            issues.append(f"{place}.sha256 is not 64 hexadecimal digits")
        if self.size < 0:
            issues.append(f"{place}.size is negative")
        return issues


@dataclass(frozen=True)
class Overrides:
    """What differs from the scene's own settings; None leaves the scene's."""

    width: int | None = None
    height: int | None = None
    percentage: int | None = None
    samples: int | None = None
    engine: str | None = None

    def issues(self) -> list[str]:
        bounds = {"width": 65_536, "height": 65_536, "percentage": 32_767, "samples": 16_777_216}
        found = [
            f"overrides.{name} must lie between 1 and {most}"
            for name, most in bounds.items()
            if (value := getattr(self, name)) is not None and not 1 <= value <= most
        ]
        if (self.width is None) != (self.height is None):
            found.append("overrides.width and overrides.height go together")
        return found


@dataclass(frozen=True)
class Video:
    """How the frames become a video."""

    container: Container
    codec: Codec
    quality: Quality
    fps: Fraction
    sound: bool

    def issues(self) -> list[str]:
        found = []
        if self.container not in CONTAINERS_OF_CODEC[self.codec]:
            found.append(f"video.codec {self.codec} does not go into {self.container}")
        if not 0 < self.fps <= 1_000:
            found.append(f"video.fps {self.fps} must lie above 0 and up to 1000")
        return found


@dataclass(frozen=True)
class Hooks:
    """Scripts that run around the render, as files of the job; empty: none."""

    pre_render: str = ""
    post_render: str = ""


@dataclass(frozen=True)
class Limits:
    """Where the job ends by itself; None: no limit beyond the worker's generous own."""

    frame_s: float | None = None
    """Seconds one frame may take."""
    stall_s: float | None = None
    """Seconds without any sign of progress."""
    cost_usd: float | None = None

    def issues(self) -> list[str]:
        names = ("frame_s", "stall_s", "cost_usd")
        return [
            f"limits.{name} must be above 0"
            for name in names
            if (value := getattr(self, name)) is not None and not 0 < value < math.inf
        ]


@dataclass(frozen=True)
class RenderJob:
    """One render, as it lies in jobs/<id>/job.json. Raises BadJob when made with values that don't hold together."""

    id: str
    name: str
    """For people; the .blend's name unless the artist gave another."""
    blend: str
    """The .blend's place below the job's root; one of `files`."""
    files: tuple[JobFile, ...]
    scene: str
    frames: str
    """A range expression, see contract.frames."""
    frames_per_job: int
    file_format: str
    """Blender's identifier of the image format: a key of IMAGE_KINDS."""
    blender: str
    """major.minor.patch of the Blender that submitted; a worker uses the same major.minor, the patch may be newer."""
    created: str
    """UTC, ISO 8601."""
    view_layers: tuple[str, ...] = ()
    """Empty: those the scene has switched on."""
    camera: str = ""
    """Empty: the scene's own, markers included."""
    overrides: Overrides = field(default_factory=Overrides)
    device: Device = "gpu"
    machine: MachineClass = "small"
    """What it is rendered on at first; a submission of what did not fit there may name a larger one."""
    video: Video | None = None
    """None for a single still: no stitch."""
    use_scripts: bool = False
    """Whether Python in the .blend may run."""
    missing: tuple[str, ...] = ()
    """Paths known to be missing and accepted, as Blender asks for them: absolute, on the artist's computer."""
    hooks: Hooks = field(default_factory=Hooks)
    limits: Limits = field(default_factory=Limits)
    prices: DayPrices | None = None
    """None where AWS was not asked: a table stands in for them."""
    created_by: str = ""
    client: str = ""
    version: int = VERSION

    def __post_init__(self) -> None:
        issues = list(self._issues())
        if issues:
            raise BadJob("job.json", issues)

    @property
    def frame_list(self) -> tuple[int, ...]:
        return frames.parse(self.frames)

    @property
    def image(self) -> ImageKind:
        return IMAGE_KINDS[self.file_format]

    def to_json(self) -> str:
        return values.to_json(self)

    @classmethod
    def from_json(cls, text: str | bytes) -> RenderJob:
        """Strictly: an unknown version, an unknown field or a wrong type raises BadJob, naming each."""
        refuse_other_version(text)
        return values.from_json(cls, text, "job.json")

    def _issues(self) -> list[str]:
        issues = [] if self.version == VERSION else [f"version {self.version} is not {VERSION}"]
        if not keys.is_job_id(self.id):
            issues.append(f"id {self.id!r} is not a job id")
        for number, file in enumerate(self.files):
            issues += file.issues(f"files[{number}]")
        times = Counter(file.path for file in self.files)
        issues += [f"files has {path!r} {count} times" for path, count in times.items() if count > 1]
        for name, path in (("blend", self.blend), *_named_hooks(self.hooks)):
            if path not in times:
                issues.append(f"{name} {path!r} is not one of files")
        issues += _frame_issues(self.frames, self.frames_per_job)
        if self.file_format not in IMAGE_KINDS:
            issues.append(f"file_format {self.file_format!r} is not one of {', '.join(IMAGE_KINDS)}")
        if not re.fullmatch(r"\d+\.\d+\.\d+", self.blender):
            issues.append(f"blender {self.blender!r} is not a version such as 5.0.1")
        if not self.scene:
            issues.append("scene is empty")
        issues += self.overrides.issues() + self.limits.issues() + (self.video.issues() if self.video else [])
        return issues


@dataclass(frozen=True)
class Submission:
    """One submission of a job to Batch (the first, a retry, a stitch), as it lies in jobs/<id>/batch/<number>.json."""

    number: int
    """0 is the first; each later one has its own frame list, which is the index map of its array."""
    frames: str
    """Empty where only the stitch runs."""
    frames_per_job: int
    gaps: Gaps
    created: str
    """UTC, ISO 8601."""
    render_id: str = ""
    """Batch's id of the array (or plain) job; empty until it is known."""
    stitch_id: str = ""
    stitches: bool = True
    """Whether this submission has a stitch job at all; a single still has none."""
    machine: MachineClass = "small"
    on_demand: bool = False
    """Whether it goes to machines that Spot can't take away, where the stack has such."""
    cost_usd: float | None = None
    """Limit of the whole job's cost from now on; None: as the job has it."""
    round: int = 0
    """0 for a person's; n for the mender's n-th since then."""
    problem: str = ""
    """What an earlier one failed of and this one won't mend, in words: told where frames are missing in the end."""

    def __post_init__(self) -> None:
        issues = [f"{name} is negative" for name in ("number", "round") if getattr(self, name) < 0]
        if self.cost_usd is not None and not 0 < self.cost_usd < math.inf:
            issues.append("cost_usd must be above 0")
        if self.frames or not self.stitches:
            issues += _frame_issues(self.frames, self.frames_per_job)
        if issues:
            raise BadJob("The submission", issues)

    @property
    def frame_list(self) -> tuple[int, ...]:
        return frames.parse(self.frames) if self.frames else ()

    def cost_limit(self, job: RenderJob) -> float | None:
        """In USD, of the whole job; None: no limit."""
        return job.limits.cost_usd if self.cost_usd is None else self.cost_usd

    @property
    def complete(self) -> bool:
        """Whether Batch has all of its jobs."""
        return bool(self.render_id or not self.frames) and bool(self.stitch_id or not self.stitches)

    def to_json(self) -> str:
        return values.to_json(self)

    @classmethod
    def from_json(cls, text: str | bytes) -> Submission:
        return values.from_json(cls, text, "The submission")


def refuse_other_version(text: str | bytes) -> None:
    """Raises BadJob for another version before any other difference is looked at."""
    try:
        plain = json.loads(text)
    except (ValueError, RecursionError):
        return  # from_json says it better
    version = plain.get("version") if isinstance(plain, dict) else None
    if version is not None and version != VERSION:
        raise BadJob("job.json", [f"its version is {version!r}, and this program reads version {VERSION}"])


def _named_hooks(hooks: Hooks) -> list[tuple[str, str]]:
    named = (("hooks.pre_render", hooks.pre_render), ("hooks.post_render", hooks.post_render))
    return [(name, path) for name, path in named if path]


def _frame_issues(text: str, frames_per_job: int) -> list[str]:
    try:
        count = len(frames.parse(text))
    except BadFrames as error:
        return [f"frames: {error.problem}"]
    if frames_per_job < 1:
        return ["frames_per_job is below 1"]
    if frames.children(count, frames_per_job) > frames.MAX_CHILDREN:
        return [f"{count} frames by {frames_per_job} are more than {frames.MAX_CHILDREN} children"]
    return []
