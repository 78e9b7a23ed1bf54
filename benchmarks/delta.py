# SPDX-License-Identifier: GPL-3.0-or-later
"""How much of a file is new after an edit: by Blender, saved compressed or not, and by the way it is cut.

Run: python benchmarks/delta.py --python PYTHON_WITH_BPY [--python ANOTHER ...] [--megabytes 100]
One minute with `--megabytes 20`. Target: at most 5 % after one object of a 500 MB .blend was moved.

Each Python makes a scene of meshes and packed images and saves it; edits it in the same session, or after opening it
again; and saves each edit plain and compressed. Another process plays the artist next door, with a user interface of
her own; with several Pythons the last one saves the file of each once more in its own version. Alembic and USD caches
are exported before and after an edit. New is what an upload would send: the chunks that the file before did not have.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

AVERAGES = (8, 16, 32, 64)
"""In KiB; the smallest chunk is a quarter, the largest four times as long."""

EDITS = (
    "same session, moved",
    "moved",
    "sculpted",
    "new texture",
    "deleted",
    "added",
    "animated",
    "by another artist",
    "by the last Blender",
)
"""What happened to base.blend."""

CACHES = (".abc", ".usdc")


# -- in Blender --------------------------------------------------------------------------------------------------------


def make(folder: Path, megabytes: int) -> None:
    """Saves `<edit>.blend` and `<edit>.z.blend` for each edit, and `base`; exports caches of `base` and `moved`."""
    import bpy
    import numpy as np

    bpy.ops.wm.read_factory_settings(use_empty=True)
    random = np.random.default_rng(1)
    for number in range(max(4, int(megabytes / 0.75))):
        _object(bpy, np, random, f"object {number}", 64 + number % 64)
    for number in range(max(1, megabytes // 25)):
        _image(bpy, np, random, f"picture {number}")
    _save(bpy, folder, "base")
    _export(bpy, folder, "base")
    bpy.data.objects["object 2"].location.x += 1.5
    _save(bpy, folder, "same session, moved")
    for edit, change in {
        "moved": lambda: setattr(bpy.data.objects["object 2"].location, "x", 3.0),
        "sculpted": lambda: _sculpt(np, random, bpy.data.objects["object 3"].data),
        "new texture": lambda: _image(bpy, np, random, "a new picture"),
        "deleted": lambda: bpy.data.objects.remove(bpy.data.objects["object 1"]),
        "added": lambda: _object(bpy, np, random, "a new object", 64),
        "animated": lambda: [_key(bpy.data.objects["object 2"], frame) for frame in range(1, 250)],
    }.items():
        bpy.ops.wm.open_mainfile(filepath=str(folder / "base.blend"))
        change()
        _save(bpy, folder, edit)
        if edit == "moved":
            _export(bpy, folder, edit)
    print(json.dumps({"version": bpy.app.version_string}))


def save_again(folder: Path, edit: str) -> None:
    """Opens base.blend with this process's own user interface, moves an object, saves."""
    import bpy

    bpy.ops.wm.open_mainfile(filepath=str(folder / "base.blend"), load_ui=False)
    bpy.data.objects["object 2"].location.x = 3.0
    _save(bpy, folder, edit)


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


def _key(made, frame):  # type: ignore[no-untyped-def]
    made.location.x = frame * 0.1
    made.keyframe_insert("location", frame=frame)


def _save(bpy, folder, name):  # type: ignore[no-untyped-def]
    for ending, compress in ((".z.blend", True), (".blend", False)):
        bpy.ops.wm.save_as_mainfile(filepath=str(folder / (name + ending)), compress=compress, copy=name != "base")


def _export(bpy, folder, name):  # type: ignore[no-untyped-def]
    bpy.context.scene.frame_end = 10
    bpy.ops.wm.alembic_export(filepath=str(folder / f"{name}.abc"), start=1, end=10, as_background_job=False)
    bpy.ops.wm.usd_export(filepath=str(folder / f"{name}.usdc"), export_animation=True)


# -- outside -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Way:
    """A way to cut a file."""

    name: str
    lengths: Callable[[memoryview], list[int]]


def by_content(average_kib: int) -> Way:
    def lengths(content: memoryview) -> list[int]:
        from cloud_render.store import cutting

        # The module's own constants are what is decided here.
        cutting.SMALLEST, cutting.AVERAGE, cutting.LARGEST = average_kib << 8, average_kib << 10, average_kib << 12
        return cutting.Cutter().lengths(content, True)

    return Way(f"{average_kib} KiB", lengths)


def fixed(mebibytes: int) -> Way:
    def lengths(content: memoryview) -> list[int]:
        step = mebibytes << 20
        return [min(step, len(content) - start) for start in range(0, len(content), step)]

    return Way(f"{mebibytes} MiB fixed", lengths)


WAYS = (*map(by_content, AVERAGES), fixed(8))


def chunks(path: Path, way: Way) -> dict[bytes, int]:
    """The lengths in bytes of a file's chunks, by hash."""
    content = memoryview(path.read_bytes())
    found, start = {}, 0
    for length in way.lengths(content):
        found[hashlib.sha256(content[start : start + length]).digest()] = length
        start += length
    return found


def rows(folder: Path, ending: str, edits: tuple[str, ...]) -> Iterator[str]:
    """A line of Markdown for each edit that there is: by each way, how much is new."""
    base_path = folder / f"base{ending}"
    size = base_path.stat().st_size
    cells: dict[str, list[str]] = {edit: [] for edit in edits if (folder / f"{edit}{ending}").exists()}
    speeds = []
    for way in WAYS:
        start = time.process_time()
        base = chunks(base_path, way)
        speeds.append(f"{len(base):,} chunks, {size / 1e6 / max(time.process_time() - start, 1e-3):.0f} MB/s")
        for edit, its in cells.items():
            edited = chunks(folder / f"{edit}{ending}", way)
            new = sum(length for digest, length in edited.items() if digest not in base)
            its.append(f"{new / 1e6:.2f} MB, {100 * new / size:.1f} %")
    for edit, its in cells.items():
        yield f"| {edit} | {' | '.join(its)} |"
    yield f"| *cut and hashed* | {' | '.join(speeds)} |"


def tables(folder: Path, version: str) -> Iterator[str]:
    """For each way to save, and each kind of cache."""
    kinds = {".blend": "plain", ".z.blend": "compressed", ".abc": "Alembic", ".usdc": "USD"}
    for ending, kind in kinds.items():
        size = (folder / f"base{ending}").stat().st_size
        yield f"\n| Blender {version}, {kind}, {size / 1e6:.0f} MB | {' | '.join(way.name for way in WAYS)} |"
        yield "|---|" + "---|" * len(WAYS)
        yield from rows(folder, ending, ("moved",) if ending in CACHES else EDITS)


def run(python: str, *arguments: str) -> str:
    """What this file prints in the Blender of `python`."""
    done = subprocess.run([python, __file__, *arguments], check=False, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{python} failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return done.stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", action="append", default=[], help="a Python that has bpy; may be repeated")
    parser.add_argument("--megabytes", type=int, default=100, help="of the scene saved plain, about")
    parser.add_argument("--make", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--save-again", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.make:
        make(arguments.make, arguments.megabytes)
        return
    if arguments.save_again:
        save_again(Path(arguments.save_again[0]), arguments.save_again[1])
        return
    pythons = arguments.python or [sys.executable]
    print("New bytes after an edit, by the average length of chunks that are cut by content, or by fixed cuts:")
    for python in pythons:
        with tempfile.TemporaryDirectory() as folder:
            made = run(python, "--make", folder, "--megabytes", str(arguments.megabytes)).splitlines()
            version = json.loads(next(line for line in reversed(made) if line.startswith("{")))["version"]
            run(python, "--save-again", folder, "by another artist")
            if python != pythons[-1]:
                run(pythons[-1], "--save-again", folder, "by the last Blender")
            for line in tables(Path(folder), version):
                print(line, flush=True)


if __name__ == "__main__":
    main()
