# SPDX-License-Identifier: GPL-3.0-or-later
"""Files and folders the artist names beside what the scene asks for. Looks at the disk, reads no content."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from cloud_render.contract.errors import BadArguments, MissingFiles
from cloud_render.contract.scene import SceneFile, scene_path

_MOST_FILES = 100_000
"""In one folder; more is a folder named by mistake."""


def scene_files(paths: Sequence[Path], owner: str = "--extra") -> tuple[SceneFile, ...]:
    """The files that `paths` name, folders with all that is below them, each at its own place: never by its name alone.

    Raises MissingFiles, and BadArguments for a disk's top, a home folder and links that lead out of their folder.
    """
    found: dict[str, SceneFile] = {}
    for path in paths:
        for file in _files_at(Path(os.path.abspath(path))):  # noqa: PTH100 - Path.resolve() would follow links
            place = scene_path(str(file))
            found[place] = SceneFile(str(file), place, file.stat().st_size, "extra", owner)
    return tuple(found[place] for place in sorted(found))


def hook(path: Path, flag: str) -> SceneFile:
    """The script that runs before or after the render. Raises MissingFiles or BadArguments."""
    if path.is_dir():
        raise BadArguments(f"{path} is a folder.", f"Give {flag} a script.")
    (file,) = scene_files([path], flag)
    return file


def _files_at(path: Path) -> Iterator[Path]:
    if not path.exists():
        raise MissingFiles([str(path)], "Check the path after --extra, --pre-hook or --post-hook.")
    if path.is_file():
        yield path
    elif path == Path(path.anchor) or path.resolve() == Path.home().resolve():
        raise BadArguments(f"{path} is too much to take along.", "Name the folders that the scene needs.")
    elif path.is_dir():
        yield from _files_below(path)
    else:
        raise BadArguments(f"{path} is neither a file nor a folder.", "Name plain files and folders.")


def _files_below(top: Path) -> Iterator[Path]:
    inside = top.resolve()
    count = 0
    for folder, folders, names in os.walk(top, onerror=_refuse):
        folders.sort()
        for name in sorted([*names, *(name for name in folders if (Path(folder) / name).is_symlink())]):
            path = Path(folder) / name
            if path.is_symlink() and not path.resolve().is_relative_to(inside):
                raise BadArguments(
                    f"{path} is a link that leads out of {top}.", "Name what it points to with --extra of its own."
                )
            if path.is_dir():
                raise BadArguments(f"{path} is a link to a folder, which is not followed.", "Name the folder itself.")
            if path.is_file():
                count += 1
                yield path
            elif not path.exists():
                raise MissingFiles([str(path)], "The link leads nowhere: mend or remove it.")
        if count > _MOST_FILES:
            raise BadArguments(f"{top} holds more than {_MOST_FILES} files.", "Name the folders that the scene needs.")


def _refuse(error: OSError) -> None:
    raise BadArguments(f"{error.filename} can't be read: {error.strerror}.", "Check its rights.") from error
