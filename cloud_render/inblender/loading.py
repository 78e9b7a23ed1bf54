# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens a .blend, or says in words why it can't be opened."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bpy
from bpy.app.handlers import persistent

from cloud_render.contract.errors import BadArguments, UnreadableBlend
from cloud_render.inblender.versions import release_text

MAGIC = (b"BLENDER", b"\x28\xb5\x2f\xfd", b"\x1f\x8b")
"""How a .blend starts: plain, compressed by zstd (3.0 and later), compressed by gzip (before 3.0)."""


def open_blend(path: str, use_scripts: bool, before_use: Callable[[], None] | None = None) -> None:
    """Open `path`, running its Python only with `use_scripts`. `before_use` runs when the data is read and nothing
    of it is evaluated yet: Blender does not look again for a bake that it once did not find.

    Raises BadArguments where there is no such file, UnreadableBlend for what is damaged, no .blend, or too new.
    """
    file = Path(path)
    if not file.is_file():
        raise BadArguments(f"There is no file {path}.", "Check the path of the .blend.")
    try:
        with file.open("rb") as opened:
            header = opened.read(32)
    except OSError as error:
        raise UnreadableBlend(f"{path} can't be read ({error.strerror}).", "Check who may read the file.") from error
    if not header.startswith(MAGIC):
        raise UnreadableBlend(f"{file.name} is not a .blend file.", "Choose a file that Blender saved.")
    _refuse_newer(file.name, _version_in(header))
    try:
        with _after_reading(before_use):
            bpy.ops.wm.open_mainfile(filepath=str(file), load_ui=False, use_scripts=use_scripts)
    except RuntimeError as error:
        words = re.sub(r"\s+", " ", str(error)).strip().removeprefix("Error: ")
        raise UnreadableBlend(
            f"Blender {bpy.app.version_string} can't open {file.name} ({words}).",
            "It is damaged, cut short, or saved by a newer Blender. Open and save it in your Blender, then try again.",
        ) from error
    _refuse_newer(file.name, _file_version())


@contextlib.contextmanager
def _after_reading(call: Callable[[], None] | None) -> Iterator[None]:
    """Let Blender make `call` at the end of reading, and raise what it raised: Blender only prints that."""
    errors: list[Exception] = []

    def handler(*_: object) -> None:
        try:
            if call is not None:
                call()
        except Exception as error:  # noqa: BLE001 - raised below
            errors.append(error)

    lasting: Any = persistent(handler)  # others are dropped before a file is read
    bpy.app.handlers.load_post.append(lasting)
    try:
        yield
    finally:
        bpy.app.handlers.load_post.remove(lasting)
    if errors:
        raise errors[0]


def _version_in(header: bytes) -> tuple[int, ...]:
    """The release in an uncompressed header (`BLENDER-v405`, `BLENDER17-01v0500`); empty where it can't be seen."""
    match = re.match(rb"BLENDER(?:[-_][vV](\d)(\d\d)|\d\d-\d\dv(\d\d)(\d\d))", header)
    return tuple(int(number) for number in match.groups() if number) if match else ()


def _file_version() -> tuple[int, ...]:
    version: Any = bpy.data.version
    return tuple(version)


def _refuse_newer(name: str, saved_by: tuple[int, ...]) -> None:
    """An older Blender opens newer files only with loss (4.5, 5.0), or not at all (4.2)."""
    if saved_by[:2] > tuple(bpy.app.version[:2]):
        raise UnreadableBlend(
            f"{name} was saved by Blender {release_text(saved_by)}, and this is Blender {bpy.app.version_string}: "
            "an older Blender would lose a part of it.",
            f"Use Blender {release_text(saved_by)} or later.",
        )
