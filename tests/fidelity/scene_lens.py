# SPDX-License-Identifier: GPL-3.0-or-later
"""A camera whose lens is an OSL text outside the .blend."""

from __future__ import annotations

from pathlib import Path

import bpy
from stage import Stage, glow, plane, relative

LENS = """shader lens(output point position = 0.0, output vector direction = 0.0, output color throughput = 1.0) {
    point at = camera_shader_raster_position() - point(0.5);
    direction = normalize(vector(at[0] * 0.7, at[1] * 0.1, 1.0));
}
"""


def build(stage: Stage, media: Path, blend: Path) -> Stage:
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    tile = stage.tile("OSL camera")
    tile.put(plane("left", glow((1, 0.2, 0.1, 1)), 0.4))
    stage.light_camera_action(frame_end=4)
    scene = bpy.context.scene
    scene.cycles.shading_system = True
    stage.file("osl/lens.osl").write_text(LENS)
    camera = scene.camera.data
    camera.type, camera.custom_mode = "CUSTOM", "EXTERNAL"
    camera.custom_filepath = relative(stage.file("osl/lens.osl"))
    return stage
