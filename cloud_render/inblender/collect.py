# SPDX-License-Identifier: GPL-3.0-or-later
"""Every file the open .blend needs, and what is missing. Reads only; nothing in Blender is changed."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import bpy

from cloud_render.contract.scene import MissingFile, SceneFile, SceneWarning, scene_path
from cloud_render.inblender import concerns, listing, off_limits, osl_files, usd_files
from cloud_render.inblender.references import Reference, Shape, owners_with_users, references


@dataclass(frozen=True)
class Collection:
    """What the open .blend needs beside itself."""

    files: tuple[SceneFile, ...]
    """Each once, sorted by scene_path."""
    missing: tuple[MissingFile, ...]
    warnings: tuple[SceneWarning, ...]
    scripts: tuple[str, ...]
    """Python that does not run unless scripts are allowed, in words."""


FILES_OF_SHAPE: dict[Shape, Callable[[str], list[str]]] = {
    "file": listing.file_alone,
    "folder": listing.folder,
    "tiles": listing.tiles,
    "sequence": listing.sequence,
    "usd": usd_files.files,
    "osl": osl_files.files,
}


def collect(frames: Sequence[int] = ()) -> Collection:
    """Everything the open .blend needs; `frames` are those to be rendered (empty: unknown)."""
    too_wide = off_limits.too_wide(bpy.data.filepath)
    refused: list[Reference] = []
    kept: list[Reference] = []
    for reference in references(frames):
        (refused if _is_too_wide(reference, too_wide) else kept).append(reference)
    files, missing, private = _found(kept)
    return Collection(
        files=tuple(files[place] for place in sorted(files)),
        missing=tuple(map(MissingFile, missing, owners_with_users(tuple(missing.values())))),
        warnings=(
            *concerns.of_folders(refused),
            *concerns.of_private(private),
            *concerns.of_sizes(files.values()),
            *concerns.of_textures(files.values()),
            *concerns.of_scene(kept, frames),
        ),
        scripts=concerns.scripts(),
    )


def _found(kept: Sequence[Reference]) -> tuple[dict[str, SceneFile], dict[str, Reference], list[SceneFile]]:
    """Files by their scene path, what is missing by its path, and files that no scene may take along."""
    files: dict[str, SceneFile] = {}
    missing: dict[str, Reference] = {}
    refused: list[SceneFile] = []
    private = off_limits.Private()
    # A strip's file is known better by the sound or image that the strip uses: the first to name a file says its kind.
    for reference in sorted(kept, key=lambda reference: reference.kind == "strip"):
        found = [_scene_file(path, reference) for path in files_of(reference)]
        allowed = [file for file in found if file.path not in private]
        refused += [file for file in found if file not in allowed] if len(allowed) < len(found) else []
        for file in allowed:
            files.setdefault(file.scene_path, file)
        if not allowed and not reference.optional:
            missing.setdefault(reference.path, reference)
    files.pop(_own_place(), None)
    return files, missing, refused


def files_of(reference: Reference) -> list[str]:
    """The files behind a reference; a folder is walked whatever the reference thought it was."""
    if not os.path.isabs(reference.path):  # noqa: PTH117
        return []  # of a share, or of a scene that was never saved: what lies in the current folder has no part in it
    if reference.numbers is not None and (used := _used(reference.path, reference.numbers)):
        return used
    found = FILES_OF_SHAPE[reference.shape](reference.path)
    if not found and reference.shape == "file" and Path(reference.path).is_dir():
        return listing.folder(reference.path)
    return found


def _used(path: str, numbers: frozenset[int]) -> list[str]:
    """The files of a sequence that the frames use, and one on both sides of each: rather one too many."""
    near = {number + aside for number in numbers for aside in (-1, 0, 1)}
    return [found for found, number in listing.numbered(path) if number in near]


def _is_too_wide(reference: Reference, too_wide: frozenset[str]) -> bool:
    is_top = os.path.dirname(reference.path) == reference.path  # noqa: PTH120 - of any disk or share
    return (is_top or reference.path in too_wide) and (reference.shape == "folder" or Path(reference.path).is_dir())


def _own_place() -> str:
    return scene_path(os.path.normpath(bpy.data.filepath)) if bpy.data.filepath else ""


def _scene_file(path: str, reference: Reference) -> SceneFile:
    return SceneFile(path, scene_path(path), os.stat(path).st_size, reference.kind, reference.owner)  # noqa: PTH116
