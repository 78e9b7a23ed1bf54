# SPDX-License-Identifier: GPL-3.0-or-later
"""Action `render`: renders the frames it is told on its standard input, one process and one loaded scene for all.

Success is a file that is there and not empty; what Blender returns or prints decides nothing.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bpy

from cloud_render.contract import keys, values
from cloud_render.contract.errors import (
    BadArguments,
    BlenderFailed,
    CloudRenderError,
    DiskFull,
    DoesNotFit,
    MissingFiles,
)
from cloud_render.contract.job import RenderJob
from cloud_render.contract.scene import scene_path
from cloud_render.inblender import devices, formats, handlers, loading, outputs, prepare, remap
from cloud_render.inblender.collect import collect
from cloud_render.inblender.events import Events
from cloud_render.inblender.versions import Scene

PROGRESS_EVERY_S = 0.5
SIGN_OF_LIFE_EVERY_S = 5.0
"""While Cycles copies the scene or builds its BVH, it has no samples to count but says what it does."""

LITTLE_SPACE = 64 * 1024**2
"""Bytes. Where less is free, a frame that could not be written had no room."""

_SAMPLE = re.compile(r"(?:Sample|Rendering)\s+(\d+)\s*/\s*(\d+)")
"""Cycles: `… | Sample 3/8`; EEVEE: `Rendering 25 / 64 samples`; Workbench says nothing."""

_OUT_OF_MEMORY = re.compile(r"out of .*memory", re.IGNORECASE)


def run(request: dict[str, Any], events: Events) -> None:
    started = time.monotonic()
    session = Session.of(request, events)
    events.send(
        "ready",
        device=session.renderer.device,
        devices=list(session.renderer.names),
        engine=session.scene.render.engine,
        load_s=time.monotonic() - started,
    )
    for frame in _frames_asked_for():
        session.render(frame)


def _frames_asked_for() -> Iterator[int]:
    """Frames as they are asked for; what was asked ahead waits in the pipe, so the next frame starts at once."""
    for line in sys.stdin:
        if line.strip():
            yield int(json.loads(line)["frame"])


@dataclass
class Session:
    """The scene, ready to render, and where its frames go."""

    job: RenderJob
    scene: Scene
    out: Path
    events: Events
    renderer: devices.Renderer
    file_outputs: list[outputs.FileOutput]
    warnings: list[str]
    """To be told with the next frame."""
    handler_errors: list[BaseException] = field(default_factory=list)

    @classmethod
    def of(cls, request: dict[str, Any], events: Events) -> Session:
        """Open and check everything a frame needs. Raises what is wrong before any frame."""
        job: RenderJob = values.from_plain(RenderJob, request["job"], "job.json")
        root = str(Path(request["root"]).resolve())
        loading.open_blend(request["blend"], job.use_scripts, before_use=lambda: remap.move_paths(root))
        remap.move_below(root)
        scene = prepare.scene_of(job)
        _refuse_missing(job, root)
        warnings = prepare.without_missing_denoiser()
        handlers.hear_failures(warnings.append)
        return cls(
            job=job,
            scene=scene,
            out=Path(request["out"]).resolve(),
            events=events,
            renderer=devices.choose(scene, job.device),
            file_outputs=outputs.file_outputs(),
            warnings=warnings,
        )

    def render(self, frame: int) -> None:
        """Render one frame and say where its files are. Raises CloudRenderError where there is none."""
        place = FramePlace(self.out, frame, self.job.image.extension)
        place.make_empty()
        started = time.monotonic()
        self.scene.frame_set(frame)
        self.scene.render.filepath = outputs.literal(str(place.primary_folder / place.stem))
        for output in self.file_outputs:
            output.send_to(place.outputs_folder)
        with handlers.added(bpy.app.handlers.render_stats, self._progress_of(frame)):
            self._call_blender(frame)
        primary = self._primary(place)
        display = self._extras(place)
        self.events.send(
            "frame",
            frame=frame,
            seconds=time.monotonic() - started,
            primary=str(primary),
            outputs=place.outputs(primary),
            display=str(display) if display else None,
            peak_memory=peak_memory(),
            warnings=list(self.warnings),
        )
        self.warnings.clear()

    def _call_blender(self, frame: int) -> None:
        try:
            bpy.ops.render.render(write_still=True)
        except RuntimeError as error:
            raise _frame_error(self.scene, frame, str(error)) from error
        if self.handler_errors:
            fault = self.handler_errors[0]
            raise BlenderFailed(f"Cloud Render failed while frame {frame} was rendered ({fault}).") from fault

    def _primary(self, place: FramePlace) -> Path:
        """The frame's image under the name the contract gives it; of several views the first."""
        written = place.first_of(_view_suffixes(self.scene))
        if written is None or not written.is_file() or not written.stat().st_size:
            raise _no_image(place, "Blender wrote none, or an empty one")
        return written.replace(place.primary)

    def _extras(self, place: FramePlace) -> Path | None:
        """All layers in one file where the image holds only one, and a picture for formats that FFmpeg can't show."""
        layers = [layer for layer in self.scene.view_layers if layer.use]
        if len(layers) > 1 and self.job.file_format != formats.MULTILAYER:
            formats.save_layers(self.scene, place.outputs_folder / "layers" / f"{place.stem}.exr")
        if not self.job.image.needs_display:
            return None
        formats.save_display(self.scene, place.display_folder / f"{place.stem}.png")
        shown = _first_file(place.display_folder, place.stem, ".png", _view_suffixes(self.scene))
        if shown is None:
            raise _no_image(place, "its picture for the video could not be written")
        return shown

    def _progress_of(self, frame: int) -> Callable[..., None]:
        last, last_sample = time.monotonic(), 0.0
        sample = samples = 0

        def report(text: Any, *_: Any) -> None:
            nonlocal last, last_sample, sample, samples
            try:
                now, match = time.monotonic(), _SAMPLE.search(str(text))
                if match and now - last_sample >= PROGRESS_EVERY_S:
                    sample, samples, last, last_sample = int(match[1]), int(match[2]), now, now
                elif now - last >= SIGN_OF_LIFE_EVERY_S:
                    last = now
                else:
                    return
                self.events.send("progress", frame=frame, sample=sample, samples=samples)
            except Exception as error:  # noqa: BLE001 - Blender swallows what a handler raises, so it is raised after the frame
                self.handler_errors.append(error)

        return report


@dataclass(frozen=True)
class FramePlace:
    """The folder of one frame: everything it writes lies there."""

    out: Path
    frame: int
    extension: str

    @property
    def stem(self) -> str:
        return keys.frame_stem(self.frame)

    @property
    def primary_folder(self) -> Path:
        return self.out / self.stem / "primary"

    @property
    def outputs_folder(self) -> Path:
        return self.out / self.stem / "outputs"

    @property
    def display_folder(self) -> Path:
        return self.out / self.stem / "display"

    @property
    def primary(self) -> Path:
        return self.primary_folder / f"{self.stem}.{self.extension}"

    def make_empty(self) -> None:
        """Rid of what an earlier try left, which must not be taken for this one's. Raises DiskFull, BlenderFailed."""
        shutil.rmtree(self.out / self.stem, ignore_errors=True)
        try:
            self.primary_folder.mkdir(parents=True)
        except OSError as error:
            raise _no_image(self, f"{error.strerror}: {error.filename}") from error

    def first_of(self, view_suffixes: Sequence[str]) -> Path | None:
        """The image that Blender wrote. Some formats have more than one extension (JPEG 2000: jp2, j2c)."""
        return _first_file(self.primary_folder, self.stem, None, view_suffixes)

    def outputs(self, primary: Path) -> list[dict[str, str]]:
        """Everything else the frame wrote, by its name below `outputs/`."""
        views = [path for path in sorted(self.primary_folder.iterdir()) if path != primary]
        others = sorted(path for path in self.outputs_folder.rglob("*") if path.is_file())
        return [
            *({"name": self._name_of_view(path), "path": str(path)} for path in views),
            *({"name": path.relative_to(self.outputs_folder).as_posix(), "path": str(path)} for path in others),
        ]

    def _name_of_view(self, path: Path) -> str:
        suffix = path.stem.removeprefix(self.stem).strip("_")
        return f"views/{suffix or 'other'}/{self.stem}{path.suffix}"


def _first_file(folder: Path, stem: str, extension: str | None, view_suffixes: Sequence[str]) -> Path | None:
    """The file of the whole frame, else that of its first view."""
    by_stem = {path.stem: path for path in sorted(folder.iterdir()) if extension in (None, path.suffix)}
    return next((by_stem[stem + suffix] for suffix in ("", *view_suffixes) if stem + suffix in by_stem), None)


def _view_suffixes(scene: Scene) -> list[str]:
    """What Blender adds to each view's file, in order; empty unless the scene renders several views."""
    if not scene.render.use_multiview:
        return []
    views = scene.render.stereo_views if scene.render.views_format == "STEREO_3D" else scene.render.views
    return [view.file_suffix for view in views if view.use]


def _refuse_missing(job: RenderJob, root: str) -> None:
    """Raises MissingFiles for what the scene asks for, isn't below the root, and the artist did not accept."""
    accepted = {place for path in job.missing if (place := _place_or_nothing(path))}
    collection = collect(job.frame_list)
    missing = [str(one) for one in collection.missing if not _is_accepted(one.path, root, accepted)]
    outside = [file for file in collection.files if not remap.is_inside(file.path, root)]
    missing += [f"{file.owner}: {file.path} (outside the job)" for file in outside]
    if missing:
        raise MissingFiles(missing, "Find them in Blender (File > External Data), or submit with --allow-missing.")


def _no_image(place: FramePlace, why: str) -> CloudRenderError:
    """The frame has no picture: because the disk is full, or because Blender gave none."""
    there = next(folder for folder in (place.out, *place.out.parents) if folder.is_dir())
    free = shutil.disk_usage(there).free
    if free < LITTLE_SPACE:
        return DiskFull(f"Frame {place.frame} can't be written: {free / 1024**2:.0f} MiB are free.", "Make room there.")
    return BlenderFailed(
        f"Frame {place.frame} gave no image ({why}).",
        "Check that the scene renders something: layers, compositor, sequencer, output.",
    )


def _place_or_nothing(path: str) -> str:
    try:
        return scene_path(path)
    except BadArguments:
        return ""


def _is_accepted(path: str, root: str, accepted: set[str]) -> bool:
    return _place_or_nothing(path).removeprefix(scene_path(root) + "/") in accepted


def _frame_error(scene: Scene, frame: int, words: str) -> CloudRenderError:
    """What Blender's refusal of a frame means."""
    plain = re.sub(r"\s+", " ", words).strip().removeprefix("Error: ")
    if scene.camera is None and "camera" in plain.lower():
        return BadArguments(
            f"Scene {scene.name!r} has no camera.", "Add one and make it the scene's, or name it with --camera."
        )
    if _OUT_OF_MEMORY.search(plain):
        return DoesNotFit(
            f"Frame {frame} does not fit this machine ({plain}).", "Use a machine with more memory, or a lighter scene."
        )
    return BlenderFailed(f"Blender failed on frame {frame}: {plain}")


def peak_memory() -> int:
    """The most memory this process ever held, in bytes; 0 where the system does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak) * (1 if sys.platform == "darwin" else 1024)
