# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenes to be sent. What a scene is called tells the worker what to do: see ../worker.py and the fake worker."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import blender
import bpy
from blender import model, part

from cloud_render.client import monitor
from cloud_render.client.farm import Connection

SIZE = (64, 36)
DULL = 300_000
"""Bytes of a picture that no cloud has yet."""


# The waits between eight attempts are half a minute, and the seconds between two looks are for people.
Connection.__init__.__kwdefaults__["attempts"] = 3
part("polling").LOOK_FIRST_S, part("polling").LOOK_MOST_S = 0.2, 1.0

# The mender of this cloud does nothing: what failed stays so until a test does something about it.
monitor.MENDS_WITHIN = timedelta(0)


def scene(name: str, first: int = 1, last: int = 3, new_bytes: int = 0) -> Any:
    """The open file, saved under that name in a folder of its own; small, quick to render, with content of its own."""
    folder = blender.FOLDER / f"{name} {time.monotonic_ns()}"
    folder.mkdir()
    made = bpy.context.scene
    made.render.resolution_x, made.render.resolution_y = SIZE
    made.render.resolution_percentage = 100
    made.render.engine, made.cycles.samples, made.cycles.use_denoising = "CYCLES", 1, False
    made.frame_start, made.frame_end = first, last
    made.cloud_render.frames_per_job = 100
    if new_bytes:
        noise = folder / "noise.txt"
        noise.write_bytes(os.urandom(new_bytes))
        made.cloud_render.extra.add().path = str(noise)
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / f"{name}.blend"))
    return made


def missing_image(name: str = "gone.png") -> Path:
    """Give the scene's cube a texture that is not there."""
    path = Path(bpy.data.filepath).with_name(name)
    path.write_bytes(_PIXEL)
    image = bpy.data.images.load(str(path))
    path.unlink()
    material = bpy.data.materials.new("wood")
    material.use_nodes = True
    texture = material.node_tree.nodes.new("ShaderNodeTexImage")
    texture.image = image
    bpy.data.objects["Cube"].data.materials.clear()
    bpy.data.objects["Cube"].data.materials.append(material)
    bpy.ops.wm.save_mainfile()
    return path


_PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c63f8cfc0f01f0005"
    "0001ff56c72f0d0000000049454e44ae426082"
)


def submitted(name: str, **more: Any) -> str:
    """The id of a job made of a new scene of that name, as a script submits it."""
    scene(name, **more)
    assert bpy.ops.cloud_render.submit() == {"FINISHED"}
    return str(model().active)


@contextmanager
def one_that_goes_on() -> Iterator[str]:
    """A job whose machine renders and renders, until the end of the block."""
    job_id = submitted("hold")
    in_phase("rendering", job_id)
    try:
        yield job_id
    finally:
        if not looked(job_id).ended:
            bpy.ops.cloud_render.cancel(job_id=job_id)


def looked(job_id: str = "") -> Any:
    """The job's state, as a script gets it."""
    job_id = job_id or model().active
    assert bpy.ops.cloud_render.look(job_id=job_id) == {"FINISHED"}
    return model().states[job_id]


def ended(job_id: str = "", limit_s: float = 90.0) -> Any:
    """The job's last state, waited for as a script does."""
    ends = time.monotonic() + limit_s
    while not (state := looked(job_id)).ended:
        assert time.monotonic() < ends, state
        time.sleep(0.3)
    return state


def in_phase(phase: str, job_id: str = "", limit_s: float = 60.0) -> Any:
    ends = time.monotonic() + limit_s
    while (state := looked(job_id)).phase != phase:
        assert time.monotonic() < ends, state
        time.sleep(0.3)
    return state


def farm() -> Any:
    """The stack, as the extension finds it."""
    return part("cloud").farm_of(part("account").account(bpy.context))


def job_json(job_id: str = "") -> Any:
    from cloud_render.client.records import record

    return record(farm(), job_id or model().active).job
