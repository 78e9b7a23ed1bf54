# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender itself, through the same door as in production; CLOUD_RENDER_BLENDER chooses which one is tested."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from cloud_render import blender as blender_door
from cloud_render.contract import values
from cloud_render.contract.errors import CloudRenderError
from cloud_render.contract.job import JobFile, RenderJob
from cloud_render.contract.scene import Examination, scene_path

SCENES = Path(__file__).parent / "scenes.py"


@dataclass
class Rendered:
    """What one render session said and wrote."""

    out: Path
    ready: dict[str, Any] = field(default_factory=dict)
    frames: dict[int, dict[str, Any]] = field(default_factory=dict)
    progress: list[dict[str, Any]] = field(default_factory=list)
    error: CloudRenderError | None = None
    log: str = ""
    exit_code: int | None = None

    def primary(self, frame: int) -> Path:
        return Path(self.frames[frame]["primary"])

    def image(self, frame: int) -> Image.Image:
        return Image.open(self.primary(frame)).convert("RGB")

    def colour(self, frame: int, x: float = 0.5, y: float = 0.5) -> tuple[int, int, int]:
        """Of the pixel at this part of width and height."""
        return colour(self.primary(frame), x, y)

    def outputs(self, frame: int) -> dict[str, Path]:
        return {output["name"]: Path(output["path"]) for output in self.frames[frame]["outputs"]}


def colour(path: Path, x: float = 0.5, y: float = 0.5) -> tuple[int, int, int]:
    image = Image.open(path).convert("RGB")
    return image.getpixel((int(x * image.width), int(y * image.height)))


@pytest.fixture(scope="session")
def blender() -> blender_door.Blender:
    return blender_door.find()


@pytest.fixture(scope="session")
def release(blender: blender_door.Blender) -> tuple[int, int]:
    major, minor = blender.release.split(".")
    return int(major), int(minor)


@pytest.fixture(scope="session")
def scenes(blender: blender_door.Blender, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with every scene of scenes.py, each built once by the Blender under test."""
    folder = tmp_path_factory.mktemp("scenes")
    command = [part if part != str(blender_door.BOOT) else str(SCENES) for part in blender.command]
    done = subprocess.run([*command, "--", str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return folder


@pytest.fixture(scope="session")
def blend(scenes: Path) -> Callable[[str], Path]:
    return lambda name: scenes / name / f"{name}.blend"


@pytest.fixture(scope="session")
def examine(blender: blender_door.Blender) -> Callable[..., Examination]:
    def ask(path: Path, **options: Any) -> Examination:
        answer = blender_door.ask(blender, {"action": "examine", "blend": str(path), "frames": None, **options})
        assert answer.pop("event") == "examined"
        return values.from_plain(Examination, answer, "examined")

    return ask


@pytest.fixture
def lay_out(tmp_path: Path) -> Callable[..., Path]:
    """Puts files below a root at their scene paths, as a worker does; comes back with the root."""

    def lay(*files: Path | str) -> Path:
        root = tmp_path / "root"
        for file in files:
            place = root / scene_path(str(file))
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, place)
        return root

    return lay


@pytest.fixture
def render(blender: blender_door.Blender, tmp_path: Path) -> Callable[..., Rendered]:
    """Renders a .blend through the action; an error ends up in `error`."""

    def go(path: Path, frames: str = "1", root: Path | None = None, out: Path | None = None, **job: Any) -> Rendered:
        place = scene_path(str(path))
        if root is None:
            root = tmp_path / "root"
            (root / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, root / place)
        request = {
            "action": "render",
            "job": values.to_plain(job_of(place, blender.version, frames=frames, **job)),
            "blend": str(root / place),
            "root": str(root),
            "out": str(out or tmp_path / "out"),
        }
        return watch(blender, request, Rendered(out or tmp_path / "out"))

    return go


def job_of(place: str, version: str, **fields: Any) -> RenderJob:
    given = {"scene": "Scene", "device": "any", "file_format": "PNG", **fields}
    return RenderJob(
        id="20260101-000000-test-abcd",
        name="test",
        blend=place,
        files=(JobFile(place, "0" * 64, 1),),
        frames_per_job=100,
        blender=version,
        created="2026-01-01T00:00:00Z",
        **given,
    )


def watch(blender: blender_door.Blender, request: dict[str, Any], rendered: Rendered) -> Rendered:
    log = io.StringIO()
    try:
        with blender_door.run(blender, request, log=log) as running:
            for frame in RenderJob.from_json(json.dumps(request["job"])).frame_list:
                running.send({"frame": frame})
            running.close_input()
            for event in running.events():
                take(rendered, event)
            rendered.exit_code = running.wait(timeout_s=20)
    except CloudRenderError as error:
        rendered.error = error
    rendered.log = log.getvalue()
    return rendered


def take(rendered: Rendered, event: dict[str, Any]) -> None:
    match event["event"]:
        case "ready":
            rendered.ready = event
        case "frame":
            rendered.frames[event["frame"]] = event
        case "progress":
            rendered.progress.append(event)
