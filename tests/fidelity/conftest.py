# SPDX-License-Identifier: GPL-3.0-or-later
"""The way of a scene: built and rendered where it was made, examined, its files carried to a root, the original put
out of reach, rendered from the root by our own action."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image

from cloud_render import blender as blender_door
from cloud_render.contract import values
from cloud_render.contract.job import JobFile, RenderJob
from cloud_render.contract.scene import Examination, SceneFile, scene_path

BUILD = Path(__file__).parent / "build.py"
FRAMES = (1, 3)
LIMIT_S = 240

Pictures = dict[str, np.ndarray]
"""By name (`0001`, or `0001_L` of two views): rows × columns × RGB."""


@dataclass(frozen=True)
class Journey:
    """What became of a scene."""

    examination: Examination
    boxes: dict[str, list[int]]
    """Where each kind is seen: left, top, right, bottom."""
    reference: Pictures
    """As the artist's Blender renders it."""
    alone: Pictures
    """The .blend by itself in an empty folder: everything it refers to is lost. Only for relative paths."""
    arrived: Pictures
    """From the job's root, through our render action."""
    root: Path
    project: str
    """Where the artist had it; nothing is there any more."""

    def tile(self, pictures: Pictures, kind: str) -> dict[str, np.ndarray]:
        left, top, right, bottom = self.boxes[kind]
        return {name: pixels[top:bottom, left:right] for name, pixels in pictures.items()}

    def files(self, part: str) -> list[str]:
        """The collected files below the project whose path has `part` in it."""
        return [file.path for file in self.examination.files if part in file.path]


@pytest.fixture(scope="session")
def the_blender() -> blender_door.Blender:
    return blender_door.find()


@pytest.fixture(scope="session")
def fidelity() -> ModuleType:
    """The functions of this file, for tests that take other ways."""
    return sys.modules[__name__]


@pytest.fixture(scope="session")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What Blender can't make by itself everywhere: films."""
    folder = tmp_path_factory.mktemp("media")
    colors = ("red", "0x20c040", "0x3050e0")
    inputs = [part for color in colors for part in ("-f", "lavfi", "-i", f"color={color}:s=8x8:d=0.0834:r=24")]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *inputs, "-filter_complex", "[0][1][2]concat=n=3"]
    subprocess.run([*command, "-c:v", "png", folder / "colors.mov"], check=True)
    return folder


DIALECTS = {"windows": "C:\\Users\\ann", "unc": "\\\\server\\share"}
"""What stands in a .blend of such an artist where ours has the home folder."""


@pytest.fixture(scope="session")
def journey(
    the_blender: blender_door.Blender, media: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Journey]:
    """`journey(scene, paths)`, `paths` being relative, absolute, windows or unc; each is made once."""
    made: dict[tuple[str, str], Journey | Exception] = {}

    def of(scene: str, paths: str = "relative") -> Journey:
        key = (scene, paths)
        if key not in made:
            try:
                made[key] = travel(the_blender, media, tmp_path_factory.mktemp(scene), scene, paths)
            except Exception as error:  # noqa: BLE001 - raised again below, for each test that needs this scene
                made[key] = error
        result = made[key]
        if isinstance(result, Exception):
            raise result
        return result

    return of


def travel(blender: blender_door.Blender, media: Path, folder: Path, scene: str, paths: str) -> Journey:
    home = folder / "artist"
    project = home / "project"
    builder = {"action": "build", "scene": scene, "project": str(project), "media": str(media)}
    out = {"out": str(folder / "reference"), "frames": FRAMES}
    plainly(blender, {**builder, "absolute": paths != "relative", **out})
    examination = examine(blender, project / "scenes" / "shot.blend")
    if paths in DIALECTS:
        examination = seen_from(DIALECTS[paths], examination, str(home))
        blends = [*(file.path for file in examination.files if file.kind == "library"), examination.blend.path]
        # The deepest first: each is opened while what it links is still where it was.
        rewrite = {"action": "rewrite", "blends": blends[::-1][1:] + blends[-1:], "home": str(home)}
        plainly(blender, {**rewrite, "dialect": DIALECTS[paths], "out": str(folder / "rewritten")})
    root = folder / "root"
    place_files(examination, root)
    home.rename(folder / "away")
    alone: Pictures = {}
    if paths == "relative":
        lonely = folder / "alone" / "scenes" / "shot.blend"
        lonely.parent.mkdir(parents=True)
        shutil.copy(folder / "away" / "project" / "scenes" / "shot.blend", lonely)
        lost = folder / "alone" / "out"
        plainly(blender, {"action": "render", "blend": str(lonely), "out": str(lost), "frames": FRAMES})
        alone = pictures_in(lost)
    return Journey(
        examination=examination,
        boxes=json.loads((folder / "reference" / "tiles.json").read_text()),
        reference=pictures_in(folder / "reference"),
        alone=alone,
        arrived=render_from(blender, examination, root, folder / "out"),
        root=root,
        project=str(project),
    )


def seen_from(dialect: str, examination: Examination, home: str) -> Examination:
    """As a computer would see it that has `dialect` for `home`: only the places below the root differ."""

    def there(file: SceneFile) -> SceneFile:
        return replace(file, scene_path=scene_path(dialect + file.path.removeprefix(home).replace("/", "\\")))

    return replace(examination, blend=there(examination.blend), files=tuple(map(there, examination.files)))


def examine(blender: blender_door.Blender, blend: Path) -> Examination:
    request = {"action": "examine", "blend": str(blend), "use_scripts": False}
    answer = blender_door.ask(blender, {**request, "frames": ",".join(map(str, FRAMES))})
    answer.pop("event")
    return values.from_plain(Examination, answer, "examined")


def place_files(examination: Examination, root: Path) -> None:
    """What store and worker do: each file at its scene path below the root."""
    for file in (examination.blend, *examination.files):
        target = root / file.scene_path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file.path, target)


def job_of(examination: Examination, **changes: Any) -> RenderJob:
    files = [JobFile(file.scene_path, "0" * 64, file.size) for file in (examination.blend, *examination.files)]
    plain: dict[str, Any] = {
        "id": "20260101-000000-fidelity-0000",
        "name": "fidelity",
        "blend": examination.blend.scene_path,
        "files": tuple(files),
        "scene": examination.scene,
        "frames": ",".join(map(str, FRAMES)),
        "frames_per_job": len(FRAMES),
        "file_format": "PNG",
        "blender": examination.blender,
        "created": "2026-01-01T00:00:00Z",
        "device": "cpu",
    }
    return RenderJob(**(plain | changes))


def render_from(blender: blender_door.Blender, examination: Examination, root: Path, out: Path) -> Pictures:
    """The frames as our render action makes them from `root`."""
    return render_job(blender, job_of(examination), root, out)


def render_job(blender: blender_door.Blender, job: RenderJob, root: Path, out: Path) -> Pictures:
    request = {
        "action": "render",
        "job": values.to_plain(job),
        "blend": str(root / job.blend),
        "root": str(root),
        "out": str(out),
    }
    pictures: Pictures = {}
    with blender_door.run(blender, request) as running:
        for frame in job.frame_list:
            running.send({"frame": frame})
        running.close_input()
        for event in running.events():
            if event["event"] == "frame":
                pictures |= _pictures_of(event)
    return pictures


def _pictures_of(event: dict[str, Any]) -> Pictures:
    stem = f"{event['frame']:04d}"
    views = {f"{stem}_{output['name'].split('/')[1]}": output["path"] for output in event["outputs"]}
    if views:  # the first view is the frame itself
        return {f"{stem}_L": pixels(Path(event["primary"]))} | {
            name: pixels(Path(path)) for name, path in views.items()
        }
    return {stem: pixels(Path(event["primary"]))}


def plainly(blender: blender_door.Blender, request: dict[str, Any]) -> None:
    """Run build.py in the Blender under test."""
    command = [str(BUILD) if part == str(blender_door.BOOT) else part for part in blender.command]
    done = subprocess.run(
        [*command, "--", json.dumps(request)], capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    if done.returncode:
        raise RuntimeError(f"build.py failed ({done.returncode}):\n{(done.stdout + done.stderr)[-4000:]}")


def pictures_in(folder: Path) -> Pictures:
    return {path.stem: pixels(path) for path in sorted(folder.glob("*.png"))}


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as opened:
        return np.asarray(opened.convert("RGB"))
