# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the collector holds Blender's main thread: 2,500 files in 20 libraries (target: 0.2 s).

`python benchmarks/collect.py [BLENDER …]`, each a blender program or a Python that has bpy; prints a row for each.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

LIBRARIES, IMAGES, SEQUENCE, TILES = 20, 60, 55, 10
RUNS = 5
TARGET_S = 0.2
"""Of the fastest run: what the machine does beside makes the others slower."""


def measure(blender: str) -> dict[str, float]:
    """Seconds of the fastest and slowest of RUNS, those of the processor in one, and how many files were found."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from cloud_render import blender as door

    found = door.of_program(blender)
    command = [__file__ if part == str(door.BOOT) else part for part in found.command]
    with tempfile.TemporaryDirectory(prefix="cloud-render-collect-") as folder:
        done = subprocess.run([*command, "--", folder], capture_output=True, text=True, check=False)
    answer = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if not answer:
        raise SystemExit(f"{blender} failed: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return json.loads(answer[-1])


def inside_blender(folder: Path) -> None:
    """Build the scene below `folder`, then time the collector."""
    import time

    sys.path.insert(0, str(Path(__file__).parents[1]))
    from cloud_render.inblender import collect

    blend = _scene_of_libraries(folder)
    import bpy

    bpy.ops.wm.open_mainfile(filepath=str(blend))
    seconds = []
    worked = time.process_time()
    for _ in range(RUNS):
        started = time.perf_counter()
        collection = collect.collect(range(1, 51))
        seconds.append(time.perf_counter() - started)
    worked = (time.process_time() - worked) / RUNS
    answer = {"files": len(collection.files), "missing": len(collection.missing), "processor": worked}
    print(json.dumps({**answer, "fastest": min(seconds), "slowest": max(seconds)}))


def _scene_of_libraries(folder: Path) -> Path:
    import bpy

    libraries = [_library(folder / f"library {number:02d}") for number in range(LIBRARIES)]
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    for path in libraries:
        with bpy.data.libraries.load(str(path), link=True) as (there, wanted):
            wanted.materials = there.materials
    for material in bpy.data.materials:
        mesh = bpy.data.meshes.new("mesh")
        mesh.materials.append(material)
        bpy.context.scene.collection.objects.link(bpy.data.objects.new("thing", mesh))
    blend = folder / "shot.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    return blend


def _library(folder: Path) -> Path:
    """A .blend with a material for each image, sequence and set of tiles."""
    import bpy

    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    names = [f"image_{number:03d}_x.png" for number in range(IMAGES)]
    names += [f"run_{number:04d}.png" for number in range(1, SEQUENCE + 1)]
    names += [f"tile.{1001 + number}.png" for number in range(TILES)]
    folder.mkdir()
    for name in names:
        (folder / name).write_bytes(b"a picture, as far as the collector can see")
    _material(folder / "run_0001.png", "SEQUENCE")
    _material(folder / "tile.<UDIM>.png", "TILED")
    for name in names[:IMAGES]:
        _material(folder / name, "FILE")
    path = folder / "library.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    return path


def _material(path: Path, source: str) -> None:
    import bpy

    image = bpy.data.images.new(path.name, 1, 1)
    image.source, image.filepath = source, str(path)
    material = bpy.data.materials.new(path.name)
    material.use_fake_user = True
    if material.node_tree is None:
        material.use_nodes = True
    material.node_tree.nodes.new("ShaderNodeTexImage").image = image


def main() -> None:
    print(f"{'Blender':<40} {'files':>6} {'fastest':>9} {'slowest':>9} {'processor':>9} {'target':>9}")
    for blender in sys.argv[1:] or [sys.executable]:
        row = measure(blender)
        words = "met" if row["fastest"] <= TARGET_S else "missed"
        times = " ".join(f"{row[name]:>8.3f}s" for name in ("fastest", "slowest", "processor"))
        print(f"{blender:<40} {row['files']:>6} {times} {TARGET_S:>8.3f}s {words}", flush=True)


if __name__ == "__main__":
    if "--" in sys.argv:
        inside_blender(Path(sys.argv[sys.argv.index("--") + 1]))
    else:
        main()
