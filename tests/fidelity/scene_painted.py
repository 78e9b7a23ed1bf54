# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures that were painted on and not saved. The collector looks while they are open: see `told.json`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import bpy
from stage import Stage, color_of, relative, write_png


def build(stage: Stage, media: Path, blend: Path) -> Stage:
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    stage.tile("nothing")
    stage.light_camera_action(frame_end=4)
    filed = bpy.data.images.load(relative(write_png(stage.file("tex/skin.png"), color_of(1))))
    filed.name, filed.use_fake_user = "from a file", True
    made = bpy.data.images.new("made here", 8, 8)
    made.use_fake_user = True
    for image in (filed, made):
        image.pixels[0] = 0.5
        image.update()
    sys.path.append(str(Path(__file__).parents[2]))
    from cloud_render.inblender.collect import collect

    told = [(warning.problem, warning.advice) for warning in collect().warnings]
    (stage.project / "told.json").write_text(json.dumps(told))
    return stage
