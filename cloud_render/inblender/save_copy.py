# SPDX-License-Identifier: GPL-3.0-or-later
"""Action `save_copy`: a faithful copy of the open .blend, without touching the artist's file or the open scene."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from cloud_render.contract.errors import BadArguments, BlenderFailed
from cloud_render.inblender import loading
from cloud_render.inblender.events import Events


def run(request: dict[str, Any], events: Events) -> None:
    loading.open_blend(request["blend"], use_scripts=bool(request.get("use_scripts", False)))
    copy = save_copy(Path(request["folder"]))
    events.send("saved", path=str(copy))


def save_copy(folder: Path) -> Path:
    """Save the open .blend, unsaved changes included, into the fresh `folder`; comes back with the copy's path.

    The copy has the same name, because caches on disk are looked up by it, and the paths stand in it as they are, so it
    belongs where the artist's file lies. It is not compressed: after a small edit the store then sends about 1 % of it,
    of a compressed one 27 to 83 % (benchmarks/delta.py).

    Raises BadArguments for a scene that was never saved (its relative paths have no base) or a folder that holds the
    file already, BlenderFailed where Blender can't write.
    """
    if not bpy.data.filepath:
        raise BadArguments("This scene was never saved.", "Save it first, so that its relative paths have a base.")
    folder.mkdir(parents=True, exist_ok=True)
    copy = folder / Path(bpy.data.filepath).name
    if copy.exists():
        raise BadArguments(f"{copy} is there already.", "Use a fresh folder for each copy.")
    try:
        bpy.ops.wm.save_as_mainfile(
            filepath=str(copy), copy=True, relative_remap=False, compress=False, check_existing=False
        )
    except RuntimeError as error:
        raise BlenderFailed(f"Blender could not save a copy to {copy}: {error}") from error
    if not copy.is_file():
        raise BlenderFailed(f"Blender said it saved {copy}, and it is not there.", "Check the disk.")
    return copy
