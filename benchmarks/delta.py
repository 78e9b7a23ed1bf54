# SPDX-License-Identifier: GPL-3.0-or-later
"""How much of a .blend is new after an edit: by Blender version, compressed or not, and by the size of chunks.

Run: python benchmarks/delta.py --python PYTHON_WITH_BPY [--python ANOTHER ...] [--megabytes 100]

Each Python makes a scene of meshes and packed images, saves it, edits it in the same session or after opening it again,
and saves each edit plain and compressed. What is new are the chunks that the first save did not have.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

AVERAGES = (8, 16, 32)
"""In KiB; the smallest chunk is a quarter, the largest four times as long."""

EDITS = ("same session, moved", "moved", "sculpted", "new texture", "deleted", "added")


# -- in Blender --------------------------------------------------------------------------------------------------------


def make(folder: Path, megabytes: int) -> None:
    """Saves `<edit>.blend` and `<edit>.z.blend` for each edit, and `base`."""
    import bpy
    import numpy as np

    bpy.ops.wm.read_factory_settings(use_empty=True)
    random = np.random.default_rng(1)
    for number in range(max(4, int(megabytes / 0.75))):
        _object(bpy, np, random, f"object {number}", 64 + number % 64)
    for number in range(max(1, megabytes // 25)):
        _image(bpy, np, random, f"picture {number}")
    _save(bpy, folder, "base")
    bpy.data.objects["object 2"].location.x += 1.5
    _save(bpy, folder, "same session, moved")
    for edit, change in {
        "moved": lambda: setattr(bpy.data.objects["object 2"].location, "x", 3.0),
        "sculpted": lambda: _sculpt(np, random, bpy.data.objects["object 3"].data),
        "new texture": lambda: _image(bpy, np, random, "a new picture"),
        "deleted": lambda: bpy.data.objects.remove(bpy.data.objects["object 1"]),
        "added": lambda: _object(bpy, np, random, "a new object", 64),
    }.items():
        bpy.ops.wm.open_mainfile(filepath=str(folder / "base.blend"))
        change()
        _save(bpy, folder, edit)
    print(json.dumps({"version": bpy.app.version_string}))


def _object(bpy, np, random, name, side):  # type: ignore[no-untyped-def]
    """A hilly grid."""
    x, y = np.meshgrid(np.linspace(0, 1, side), np.linspace(0, 1, side))
    corners = np.stack([x, y, random.random((side, side)) * 0.1], -1).reshape(-1, 3)
    index = np.arange(side * side).reshape(side, side)
    faces = np.stack([index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]], -1).reshape(-1, 4)
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(corners, [], faces)
    mesh.uv_layers.new()
    made = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(made)


def _image(bpy, np, random, name):  # type: ignore[no-untyped-def]
    image = bpy.data.images.new(name, 1024, 1024)
    image.pixels.foreach_set(random.random(1024 * 1024 * 4).astype(np.float32))
    image.pack()
    image.use_fake_user = True


def _sculpt(np, random, mesh):  # type: ignore[no-untyped-def]
    corners = np.empty(len(mesh.vertices) * 3, np.float32)
    mesh.vertices.foreach_get("co", corners)
    mesh.vertices.foreach_set("co", corners + random.random(len(corners)).astype(np.float32) * 0.01)
    mesh.update()


def _save(bpy, folder, name):  # type: ignore[no-untyped-def]
    for ending, compress in ((".z.blend", True), (".blend", False)):
        bpy.ops.wm.save_as_mainfile(filepath=str(folder / (name + ending)), compress=compress, copy=name != "base")


# -- outside -----------------------------------------------------------------------------------------------------------


def chunks(path: Path) -> dict[bytes, int]:
    """The lengths in bytes of a file's chunks, by hash."""
    from cloud_render.store import cutting

    content = memoryview(path.read_bytes())
    found, start = {}, 0
    for length in cutting.Cutter().lengths(content, True):
        found[hashlib.sha256(content[start : start + length]).digest()] = length
        start += length
    return found


def table(folder: Path, version: str) -> Iterator[str]:
    """A line for each way to save and each edit."""
    from cloud_render.store import cutting

    for ending in (".blend", ".z.blend"):
        kind = "plain" if ending == ".blend" else "compressed"
        size = (folder / f"base{ending}").stat().st_size
        columns: dict[str, list[str]] = {edit: [] for edit in EDITS}
        speeds = []
        for average in AVERAGES:
            cutting.SMALLEST, cutting.AVERAGE, cutting.LARGEST = average << 8, average << 10, average << 12
            start = time.process_time()
            base = chunks(folder / f"base{ending}")
            speeds.append(f"{average} KiB: {len(base)} chunks, {size / 1e6 / (time.process_time() - start):.0f} MB/s")
            for edit in EDITS:
                edited = chunks(folder / f"{edit}{ending}")
                new = sum(length for digest, length in edited.items() if digest not in base)
                columns[edit].append(f"{new / 1e6:7.2f} MB {100 * new / size:5.2f} %")
        yield f"Blender {version}, {kind}, {size / 1e6:.0f} MB   ({'; '.join(speeds)}, hashing included)"
        for edit, values in columns.items():
            yield f"  {edit:<20} {'   '.join(values)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", action="append", default=[], help="a Python that has bpy; may be repeated")
    parser.add_argument("--megabytes", type=int, default=100, help="of the scene saved plain, about")
    parser.add_argument("--make", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.make:
        make(arguments.make, arguments.megabytes)
        return
    print(f"new bytes by average chunk: {', '.join(f'{average} KiB' for average in AVERAGES)}")
    for python in arguments.python or [sys.executable]:
        with tempfile.TemporaryDirectory() as folder:
            command = [python, __file__, "--make", folder, "--megabytes", str(arguments.megabytes)]
            made = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
            version = json.loads(next(line for line in reversed(made) if line.startswith("{")))["version"]
            for line in table(Path(folder), version):
                print(line, flush=True)


if __name__ == "__main__":
    main()
