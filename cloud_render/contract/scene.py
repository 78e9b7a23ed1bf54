# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender says of a scene: its settings, the files it needs, and where each file lies below a job's root."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import PurePosixPath
from typing import Literal

from cloud_render.contract.errors import BadArguments, BadJob

MAX_PATH_BYTES = 1_024
MAX_NAME_BYTES = 255

_SAY_WHERE = "Save the scene, or choose the file again in Blender."


def scene_path(path: str) -> str:
    """Where the file that Blender knows as the absolute `path` lies below a job's root.

    `/home/ann/a.png` → `home/ann/a.png`, `C:\\x\\a.png` → `c/x/a.png`, `\\\\srv\\share\\a.png` → `unc/srv/share/a.png`.
    `.` and `..` inside it are resolved first. Raises BadArguments for relative paths and those that lead above the top.
    """
    forward = path.replace("\\", "/")
    if drive := re.match(r"([A-Za-z]):/", forward):
        top, below = [drive[1].lower()], forward[3:]
    elif share := re.match(r"//([^/]+)/+([^/]+)/", forward):
        top, below = ["unc", share[1], share[2]], forward[share.end() :]
    elif forward.startswith("/"):
        top, below = [], forward
    else:
        raise BadArguments(f"{path!r} is not an absolute path.", _SAY_WHERE)
    parts: list[str] = []
    for part in below.split("/"):
        if part == ".." and not parts:
            raise BadArguments(f"{path!r} leads above the top of its disk.", _SAY_WHERE)
        if part == "..":
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    clean = "/".join([*top, *parts])
    if problem := problem_of_scene_path(clean):
        raise BadArguments(f"{path!r} can't be taken along: {problem}.", "Rename the file or its folder.")
    return clean


def problem_of_scene_path(path: str) -> str:
    """Why `path` is no place below a job's root; empty if it is one."""
    if not path:
        return "it is empty"
    if path.startswith("/") or re.match(r"[A-Za-z]:", path):
        return "it is absolute"
    if "\\" in path:
        return "it has a backslash"
    if re.search(r"[\x00-\x1f\x7f]", path):
        return "it has a control character"
    parts = path.split("/")
    if any(part in ("", ".", "..") for part in parts):
        return "it has an empty, '.' or '..' part"
    try:
        encoded = [part.encode() for part in parts]
    except UnicodeEncodeError:
        return "its name is not valid Unicode"
    if any(len(part) > MAX_NAME_BYTES for part in encoded):
        return f"a part of it is longer than {MAX_NAME_BYTES} bytes"
    if len(path.encode()) > MAX_PATH_BYTES:
        return f"it is longer than {MAX_PATH_BYTES} bytes"
    return ""


def check_scene_path(path: str, place: str) -> list[str]:
    """Issues for BadJob: none, or one that names `place`."""
    problem = problem_of_scene_path(path)
    return [f"{place} {path!r} is refused: {problem}"] if problem else []


@dataclass(frozen=True)
class ImageKind:
    """A row of the table of image formats: what Blender calls it and how we treat its files."""

    extension: str
    """As Blender writes it, without the dot."""
    needs_display: bool
    """Scene-linear, or a format FFmpeg can't be trusted with: a display-referred PNG is written beside it."""


IMAGE_KINDS: dict[str, ImageKind] = {
    "PNG": ImageKind("png", needs_display=False),
    "JPEG": ImageKind("jpg", needs_display=False),
    "WEBP": ImageKind("webp", needs_display=False),
    "TIFF": ImageKind("tif", needs_display=False),
    "BMP": ImageKind("bmp", needs_display=False),
    "TARGA": ImageKind("tga", needs_display=False),
    "TARGA_RAW": ImageKind("tga", needs_display=False),
    "IRIS": ImageKind("rgb", needs_display=True),
    "JPEG2000": ImageKind("jp2", needs_display=True),
    "AVIF": ImageKind("avif", needs_display=True),
    "CINEON": ImageKind("cin", needs_display=True),
    "DPX": ImageKind("dpx", needs_display=True),
    "HDR": ImageKind("hdr", needs_display=True),
    "OPEN_EXR": ImageKind("exr", needs_display=True),
    "OPEN_EXR_MULTILAYER": ImageKind("exr", needs_display=True),
}
"""Blender's `image_settings.file_format` identifiers that hold single images (4.2 to 5.2)."""


@dataclass(frozen=True)
class MovieSettings:
    """What the artist set for a movie output, in Blender's own identifiers (`render.ffmpeg`)."""

    container: str
    codec: str
    quality: str
    """`constant_rate_factor`: NONE, LOSSLESS, PERC_LOSSLESS, HIGH, MEDIUM, LOW, VERYLOW, LOWEST."""
    audio_codec: str


@dataclass(frozen=True)
class SceneSettings:
    """What a scene itself says about its rendering."""

    name: str
    frame_start: int
    frame_end: int
    frame_step: int
    frame_current: int
    fps: Fraction
    """fps / fps_base, exact."""
    width: int
    """In pixels at 100 %."""
    height: int
    percentage: int
    engine: str
    """Blender's identifier in the version that was asked: CYCLES, BLENDER_EEVEE_NEXT, BLENDER_WORKBENCH…"""
    samples: int | None
    """None where the engine has no such setting."""
    file_format: str
    """Of the single images; PNG where the output is a movie."""
    movie: MovieSettings | None
    """None where the artist's output is images."""
    camera: str
    """Empty if the scene has none."""
    cameras: tuple[str, ...]
    view_layers: tuple[str, ...]
    """All of them, in order."""
    active_view_layers: tuple[str, ...]
    """Those switched on for rendering."""
    has_sound: bool
    multiview: bool


@dataclass(frozen=True)
class SceneFile:
    """A file that the scene needs and that is there."""

    path: str
    """Absolute, on the computer that was asked."""
    scene_path: str
    """Where it lies below the job's root: see scene_path()."""
    size: int
    """In bytes, when it was found."""
    kind: str
    """image, sequence, udim, movie, sound, font, library, volume, cache, text, extra, blend …"""
    owner: str
    """Who asks for it, in words: Image 'wood' of library props.blend."""


@dataclass(frozen=True)
class MissingFile:
    """A file that the scene asks for and that is not there."""

    path: str
    owner: str

    def __str__(self) -> str:
        return f"{self.owner}: {self.path}"


@dataclass(frozen=True)
class SceneWarning:
    """Something that may render other than the artist sees it, and what to do about it."""

    problem: str
    advice: str


@dataclass(frozen=True)
class Examination:
    """A .blend, as Blender sees it."""

    blender: str
    """The version that looked, such as 5.0.1."""
    saved_by: str
    """The release that wrote the file, such as 4.2: the third number in a .blend counts changes of the format."""
    blend: SceneFile
    scene: str
    """The scene that was active when the file was saved."""
    scenes: tuple[SceneSettings, ...]
    files: tuple[SceneFile, ...]
    """Everything beside the .blend itself, each once, sorted by scene_path."""
    missing: tuple[MissingFile, ...] = ()
    warnings: tuple[SceneWarning, ...] = ()
    scripts: tuple[str, ...] = ()
    """Python in the file that does not run unless scripts are allowed."""

    def settings(self, scene: str = "") -> SceneSettings:
        """Of scene `scene`, or of the active one. Raises BadArguments that lists the scenes there are."""
        wanted = scene or self.scene
        for settings in self.scenes:
            if settings.name == wanted:
                return settings
        names = ", ".join(repr(settings.name) for settings in self.scenes)
        raise BadArguments(
            f"There is no scene {wanted!r} in {PurePosixPath(self.blend.scene_path).name}.", f"It has {names}."
        )


Device = Literal["gpu", "cpu", "any"]

MachineClass = Literal["small", "medium", "large"]
"""How much memory a machine of the stack has, its GPU's included; from least to most, see MACHINE_CLASSES."""

MACHINE_CLASSES: tuple[MachineClass, ...] = ("small", "medium", "large")


def image_kind(file_format: str) -> ImageKind:
    """The row for Blender's `file_format`. Raises BadJob for formats that hold no single image."""
    if file_format not in IMAGE_KINDS:
        raise BadJob("The image format", [f"{file_format!r} is not one of {', '.join(IMAGE_KINDS)}"])
    return IMAGE_KINDS[file_format]
