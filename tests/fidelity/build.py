# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs inside Blender: builds a scene of tests/fidelity and renders it plainly, or renders any .blend plainly.

`… build.py -- REQUEST`, REQUEST being JSON: `{"action": "build", "scene": …, "project": folder, "media": folder,
"absolute": bool, "out": folder, "frames": […]}` or `{"action": "render", "blend": path, "out": folder, "frames": […]}`
or `{"action": "rewrite", "blends": […], "home": folder, "dialect": "C:\\\\Users\\\\ann"}`.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import bpy
import stage


def build(request: dict) -> None:
    """Project, .blend, reference pictures, and `tiles.json`: the box of each kind in the pictures."""
    project = Path(request["project"])
    (project / "scenes").mkdir(parents=True)
    blend = project / "scenes" / "shot.blend"
    stage.empty_file()
    module = importlib.import_module(f"scene_{request['scene']}")
    built = module.build(stage.Stage(project), Path(request["media"]), blend)
    if request["absolute"]:
        make_absolute()
    bpy.ops.wm.save_as_mainfile(filepath=str(blend), relative_remap=False)
    out = Path(request["out"])
    render({**request, "blend": str(blend)})
    boxes = {tile.kind: tile.box for tile in built.tiles}
    (out / "tiles.json").write_text(json.dumps(boxes))


def make_absolute() -> None:
    """Every path absolute, those too that Blender's own operator leaves alone."""
    bpy.ops.file.make_paths_absolute()
    for thing in bpy.data.objects:
        for modifier in thing.modifiers:
            for name in ("cache_directory", "bake_directory"):
                holder = getattr(modifier, "domain_settings", None) or modifier
                if value := getattr(holder, name, ""):
                    setattr(holder, name, bpy.path.abspath(value))
            for bake in getattr(modifier, "bakes", ()):
                if bake.use_custom_path:
                    bake.directory = bpy.path.abspath(bake.directory)


def rewrite(request: dict) -> None:
    """Save each .blend of `blends` with absolute paths in which `home` reads `dialect`: as another system has them."""
    sys.path.append(str(Path(__file__).parents[2]))
    from cloud_render.inblender import paths

    def translated(path: str) -> str:
        below = os.path.normpath(path).removeprefix(request["home"])
        return path if below == os.path.normpath(path) else request["dialect"] + below.replace("/", "\\")

    for blend in request["blends"]:
        bpy.ops.wm.open_mainfile(filepath=blend)
        make_absolute()
        for slot in paths.slots():
            if slot.owner.library is None and translated(slot.raw) != slot.raw:
                slot.set(translated(slot.raw))
        if hasattr(bpy.data, "file_path_foreach"):
            bpy.data.file_path_foreach(lambda block, path, *_: None if block.library else translated(path))
        for library in bpy.data.libraries:
            library.filepath = translated(library.filepath)
        bpy.ops.wm.save_as_mainfile(filepath=blend, relative_remap=False, compress=False)


def render(request: dict) -> None:
    """Each frame as `out/NNNN.png` (with _L and _R where the scene has two views)."""
    bpy.ops.wm.open_mainfile(filepath=request["blend"])
    scene = bpy.context.scene
    for frame in request["frames"]:
        scene.frame_set(frame)
        scene.render.filepath = str(Path(request["out"]) / f"{frame:04d}")
        bpy.ops.render.render(write_still=True)


if __name__ == "__main__":
    asked = json.loads(sys.argv[sys.argv.index("--") + 1])
    Path(asked["out"]).mkdir(parents=True, exist_ok=True)
    {"build": build, "render": render, "rewrite": rewrite}[asked["action"]](asked)
