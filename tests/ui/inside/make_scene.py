# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender runs this without a window: writes the artist's animation, the scene of `cloud-render demo`, cut short.

After `--`: the folder of the `cloud_render` package, and the folder for the scene.
"""

from __future__ import annotations

import sys
from pathlib import Path

import bpy

FRAMES = 12

package, folder = sys.argv[sys.argv.index("--") + 1 :]
sys.path.insert(0, package)

from cloud_render.inblender import demo_scene  # noqa: E402 - Blender's Python only now knows where it lies

demo_scene.write(Path(folder))
bpy.context.scene.frame_end = FRAMES
for area in (area for screen in bpy.data.screens for area in screen.areas if area.type == "VIEW_3D"):
    view = area.spaces.active
    view.region_3d.view_perspective = "CAMERA"
    view.shading.color_type = "MATERIAL"
    view.overlay.show_overlays = False
bpy.ops.wm.save_mainfile()
