# SPDX-License-Identifier: GPL-3.0-or-later
"""What a submit will do, worked out from what Blender says and what the person chose. No network, no file content."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import PurePosixPath

from cloud_render import __version__
from cloud_render.client import extras, video
from cloud_render.client.options import Options
from cloud_render.contract import frames, keys, values
from cloud_render.contract.contents import Contents
from cloud_render.contract.day_prices import DayPrices
from cloud_render.contract.errors import BadArguments, MissingFiles
from cloud_render.contract.job import Hooks, JobFile, Limits, Overrides, RenderJob, Video
from cloud_render.contract.scene import (
    IMAGE_KINDS,
    Device,
    Examination,
    MachineClass,
    SceneFile,
    SceneSettings,
    SceneWarning,
)

FORMATS = {
    "png": "PNG",
    "jpeg": "JPEG",
    "jpg": "JPEG",
    "webp": "WEBP",
    "tiff": "TIFF",
    "tif": "TIFF",
    "exr": "OPEN_EXR",
    "exr-multilayer": "OPEN_EXR_MULTILAYER",
    "bmp": "BMP",
    "tga": "TARGA",
    "hdr": "HDR",
    "dpx": "DPX",
    "cineon": "CINEON",
    "jpeg2000": "JPEG2000",
    "avif": "AVIF",
}
"""What a person calls an image format, and what Blender does."""

ENGINES = {"cycles": "CYCLES", "eevee": "BLENDER_EEVEE", "workbench": "BLENDER_WORKBENCH"}
"""The worker turns EEVEE's identifier into the one of its Blender's version."""

_ENGINE_IDENTIFIERS = {*ENGINES.values(), "BLENDER_EEVEE_NEXT"}


@dataclass(frozen=True)
class SubmitPlan:
    """All of a job that is known before its files are read."""

    job_id: str
    name: str
    blend: str
    """The .blend's place below the job's root."""
    files: tuple[SceneFile, ...]
    """The .blend, what it needs, extras and hooks; sorted by their place, each once."""
    scene: str
    frames: str
    frame_count: int
    frames_per_job: int
    children: int
    """How many machines can work on it at once."""
    file_format: str
    blender: str
    created: str
    view_layers: tuple[str, ...]
    camera: str
    overrides: Overrides
    device: Device | None
    """None: as the stack has it."""
    machine: MachineClass
    video: Video | None
    use_scripts: bool
    missing: tuple[str, ...]
    hooks: Hooks
    limits: Limits
    created_by: str
    client: str
    notices: tuple[str, ...]
    """Where the job differs from what the scene or the options say, in words."""
    warnings: tuple[SceneWarning, ...]
    prices: DayPrices | None = None
    """Those of its quote, where AWS told them."""
    asked: str = ""
    """When the person did so; where the same was handed over since then, it is that job. Empty: not known."""

    @property
    def size(self) -> int:
        """Of all files, in bytes."""
        return sum(file.size for file in self.files)

    def with_job_id(self, job_id: str) -> SubmitPlan:
        return replace(self, job_id=job_id)

    def fingerprint(self, place: str) -> str:
        """The same for the same scene and options sent to the same `place`, whenever that happens.

        Prices and the cost limit, which follows them, do not count: they may have moved when a submit goes on.
        """
        limits = replace(self.limits, cost_usd=None)
        same = replace(self, job_id="", created="", asked="", notices=(), warnings=(), limits=limits, prices=None)
        return hashlib.sha256(f"{place}\n{values.to_json(same)}".encode()).hexdigest()

    def job(self, contents: Contents, stack_device: Device) -> RenderJob:
        """job.json, once the contents of the files are known."""
        return RenderJob(
            id=self.job_id,
            name=self.name,
            blend=self.blend,
            files=tuple(JobFile(file.path, file.sha256, file.size) for file in contents.files),
            scene=self.scene,
            frames=self.frames,
            frames_per_job=self.frames_per_job,
            file_format=self.file_format,
            blender=self.blender,
            created=self.created,
            view_layers=self.view_layers,
            camera=self.camera,
            overrides=self.overrides,
            device=self.device or stack_device,
            machine=self.machine,
            video=self.video,
            use_scripts=self.use_scripts,
            missing=self.missing,
            hooks=self.hooks,
            limits=self.limits,
            prices=self.prices,
            created_by=self.created_by,
            client=self.client,
        )


def plan(examination: Examination, options: Options, now: datetime) -> SubmitPlan:
    """What `submit` will do; printing it is the dry run.

    Raises BadArguments for names that are not there and choices that don't fit together, BadFrames, and MissingFiles
    unless they are allowed.
    """
    settings = examination.settings(options.scene)
    _check_names(settings, options)
    _check_missing(examination, options)
    frame_list = _frame_list(settings, options)
    frames_per_job, slicing = _slicing(len(frame_list), options.frames_per_job)
    film, filming = video.of_scene(settings, frame_list, options)
    hooks, hook_files = _hooks(options)
    name = _on_one_line(options.name) or PurePosixPath(examination.blend.scene_path).stem
    return SubmitPlan(
        job_id=keys.new_job_id(name, now),
        name=name,
        blend=examination.blend.scene_path,
        files=_files(examination, extras.scene_files(options.extra), hook_files),
        scene=settings.name,
        frames=frames.text_of(frame_list),
        frame_count=len(frame_list),
        frames_per_job=frames_per_job,
        children=frames.children(len(frame_list), frames_per_job),
        file_format=_file_format(settings, options),
        blender=examination.blender,
        created=now.astimezone(UTC).isoformat(timespec="seconds"),
        view_layers=options.view_layers,
        camera=options.camera,
        overrides=_overrides(options),
        device=options.device,
        machine=options.machine,
        video=film,
        use_scripts=options.use_scripts,
        missing=tuple(file.path for file in examination.missing),
        hooks=hooks,
        limits=_limits(options),
        created_by=options.created_by,
        client=f"cloud-render {__version__}",
        notices=(*_scene_notices(settings, options), *slicing, *filming),
        warnings=examination.warnings,
    )


def _on_one_line(name: str) -> str:
    """Without line breaks, control characters and halves of characters: the name stands in lists and terminals."""
    return " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]", " ", name).split())


def _check_names(settings: SceneSettings, options: Options) -> None:
    for layer in options.view_layers:
        _check_name("view layer", layer, settings.view_layers, settings.name)
    if options.camera:
        _check_name("camera", options.camera, settings.cameras, settings.name)


def _check_name(what: str, name: str, names: Sequence[str], scene: str) -> None:
    if name not in names:
        there = ", ".join(map(repr, names)) or "none"
        raise BadArguments(f"There is no {what} {name!r} in scene {scene!r}.", f"There is {there}.")


def _check_missing(examination: Examination, options: Options) -> None:
    if examination.missing and not options.allow_missing:
        raise MissingFiles(
            [str(file) for file in examination.missing],
            "Put them back or mend the paths in Blender; or go on without them with --allow-missing.",
        )


def _frame_list(settings: SceneSettings, options: Options) -> tuple[int, ...]:
    if options.frames:
        return frames.parse(options.frames)
    found = frames.of_scene(settings.frame_start, settings.frame_end, settings.frame_step)
    if not found:
        raise BadArguments(
            f"Scene {settings.name!r} ends ({settings.frame_end}) before it starts ({settings.frame_start}).",
            "Say which frames with --frames.",
        )
    return found


def _slicing(frame_count: int, wanted: int | None) -> tuple[int, list[str]]:
    """Frames a child, and a notice where that is more than was asked for."""
    if wanted is None:
        return frames.automatic_frames_per_job(frame_count), []
    if wanted < 1:
        raise BadArguments(f"{wanted} frames a job are too few.", "Choose 1 or more.")
    fitted = frames.fitted_frames_per_job(frame_count, wanted)
    if fitted <= wanted:
        return fitted, []
    return fitted, [f"{fitted} frames a job instead of {wanted}: AWS Batch takes {frames.MAX_CHILDREN:,} jobs at most."]


def _file_format(settings: SceneSettings, options: Options) -> str:
    if not options.format:
        return settings.file_format
    identifier = FORMATS.get(options.format.lower(), options.format.upper())
    if identifier not in IMAGE_KINDS:
        raise BadArguments(
            f"There is no image format {options.format!r}.",
            f"Choose one of {', '.join(FORMATS)}. For a video see --codec and --container.",
        )
    return identifier


def _overrides(options: Options) -> Overrides:
    width, height = options.resolution or (None, None)
    overrides = Overrides(width, height, options.percentage, options.samples, _engine(options))
    if issues := overrides.issues():
        said = ". ".join(issue.removeprefix("overrides.").capitalize() for issue in issues)
        raise BadArguments(f"{said}.", "Leave out what the scene's own setting should stay.")
    return overrides


def _engine(options: Options) -> str | None:
    if not options.engine:
        return None
    identifier = ENGINES.get(options.engine.lower(), options.engine.upper())
    if identifier not in _ENGINE_IDENTIFIERS:
        raise BadArguments(f"There is no engine {options.engine!r}.", f"Choose one of {', '.join(ENGINES)}.")
    return identifier


def _limits(options: Options) -> Limits:
    limits = Limits(options.frame_limit_s, options.stall_limit_s, options.cost_limit_usd)
    if issues := limits.issues():
        said = ". ".join(issue.removeprefix("limits.") for issue in issues)
        raise BadArguments(f"{said}.", "Leave out a limit that should not hold.")
    return limits


def _hooks(options: Options) -> tuple[Hooks, tuple[SceneFile, ...]]:
    found = {
        field: extras.hook(path, flag)
        for field, path, flag in (
            ("pre_render", options.pre_hook, "--pre-hook"),
            ("post_render", options.post_hook, "--post-hook"),
        )
        if path is not None
    }
    return Hooks(**{field: file.scene_path for field, file in found.items()}), tuple(found.values())


def _files(examination: Examination, *more: Sequence[SceneFile]) -> tuple[SceneFile, ...]:
    """Each place once; what Blender says of a file goes before what the person said."""
    found = {file.scene_path: file for files in reversed(more) for file in files}
    found.update({file.scene_path: file for file in (*examination.files, examination.blend)})
    return tuple(found[place] for place in sorted(found))


def _scene_notices(settings: SceneSettings, options: Options) -> list[str]:
    notices = []
    if not (options.camera or settings.camera):
        notices.append("The scene has no camera: unless its sequencer makes the pictures, there will be none.")
    if settings.movie and not options.format:
        notices.append("The frames are rendered as PNG files first; the video is made of them at the end.")
    return notices
