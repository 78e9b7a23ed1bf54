# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts outside the .blend that shade: OSL with a header of its own, IES, and a lens written in OSL."""

from __future__ import annotations

from pathlib import Path

import bpy
from stage import Stage, Tile, nodes_of, plane, relative, showing

HEADER = "color half_of(color whole) { return whole * 0.5; }\n"
SHADER = '#include "half.h"\nshader stripes(output color Out = 0) { Out = half_of(color(mod(u * 4, 1), v, 0.2)); }\n'
PLAIN = "shader plain(output color Out = 0) { Out = color(u, 0.3, v); }\n"
IES = "IESNA:LM-63-1995\nTILT=NONE\n1 1000 1 5 1 1 2 0 0 0\n1.0 1.0 100\n0 20 40 60 90\n0\n4000 100 3000 50 0\n"


def build(stage: Stage, media: Path, blend: Path) -> Stage:
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    for kind, builder in BUILDERS.items():
        builder(stage, stage.tile(kind))
    stage.light_camera_action(frame_end=4)
    bpy.context.scene.cycles.shading_system = True
    return stage


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def script(tile: Tile, path: Path) -> None:
    def node(tree: bpy.types.NodeTree) -> bpy.types.NodeSocket:
        made = tree.nodes.new("ShaderNodeScript")
        made.mode, made.filepath = "EXTERNAL", relative(path)
        made.update()
        return made.outputs.get("Out") or made.outputs.new("NodeSocketColor", "Out")

    tile.put(plane(tile.kind, showing(tile.kind, node)))


def osl(stage: Stage, tile: Tile) -> None:
    script(tile, written(stage.file("osl/plain.osl"), PLAIN))


def osl_with_header(stage: Stage, tile: Tile) -> None:
    written(stage.file("osl/half.h"), HEADER)
    script(tile, written(stage.file("osl/stripes.osl"), SHADER))


def ies(stage: Stage, tile: Tile) -> None:
    light = bpy.data.lights.new("lamp", "POINT")
    light.energy, light.shadow_soft_size = 0.02, 0
    tree = nodes_of(light)
    texture, emission = tree.nodes.new("ShaderNodeTexIES"), tree.nodes.new("ShaderNodeEmission")
    texture.mode, texture.filepath = "EXTERNAL", relative(written(stage.file("lamps/lamp.ies"), IES))
    tree.links.new(texture.outputs[0], emission.inputs["Strength"])
    tree.links.new(emission.outputs[0], tree.nodes.new("ShaderNodeOutputLight").inputs["Surface"])
    tile.put(bpy.data.objects.new("lamp", light), z=0.4)
    matte = bpy.data.materials.new("matte")
    surface = nodes_of(matte)
    diffuse = surface.nodes.new("ShaderNodeBsdfDiffuse")
    surface.links.new(diffuse.outputs[0], surface.nodes.new("ShaderNodeOutputMaterial").inputs["Surface"])
    tile.put(plane(tile.kind, matte))


BUILDERS = {"OSL": osl, "OSL with a header": osl_with_header, "IES": ies}
