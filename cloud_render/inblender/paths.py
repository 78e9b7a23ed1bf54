# SPDX-License-Identifier: GPL-3.0-or-later
"""Where in Blender's data paths are kept, so that they can be read and set on every version.

Setting one through its property makes Blender load what lies there; `file_path_foreach` (5.0 and later) only writes it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import bpy

from cloud_render.inblender import node_files, snapshot
from cloud_render.inblender.slot import Slot


def slots() -> list[Slot]:
    """Every property that can hold a path to something the scene reads, libraries left out: see `libraries`."""
    return [*_blocks(), *layers_of_caches(), *_nodes(), *node_files.slots(), *_objects(), *_scenes()]


def _blocks() -> Iterator[Slot]:
    data = bpy.data
    for blocks in (data.images, data.movieclips, data.volumes, data.cache_files, data.sounds, data.texts):
        yield from (Slot(block, block, "filepath") for block in blocks)
    yield from (Slot(font, font, "filepath") for font in data.fonts if font.filepath != "<builtin>")
    yield from (Slot(lens, lens, "custom_filepath") for lens in data.cameras if hasattr(lens, "custom_filepath"))  # 4.5


def layers_of_caches() -> Iterator[Slot]:
    """Alembic files that override parts of another; Blender's iterator names them in no version (up to 5.2)."""
    for cache in bpy.data.cache_files:
        yield from (Slot(cache, layer, "filepath") for layer in cache.layers)


def _nodes() -> Iterator[Slot]:
    """IES and OSL texts outside the .blend."""
    data: Any = bpy.data
    for blocks in (data.materials, data.lights, data.worlds, data.linestyles, data.node_groups):
        for block in blocks:
            tree = block if block.id_type == "NODETREE" else block.node_tree
            for node in tree.nodes if tree else ():
                if hasattr(node, "filepath"):
                    yield Slot(block, node, "filepath")


def _objects() -> Iterator[Slot]:
    for thing in bpy.data.objects:
        for modifier in thing.modifiers:
            yield from _modifier(thing, modifier)
        for cache in point_caches(thing):
            yield from _external(thing, cache)


def _modifier(thing: Any, modifier: Any) -> Iterator[Slot]:
    if modifier.type in ("OCEAN", "MESH_CACHE", "MULTIRES"):
        yield Slot(thing, modifier, "filepath")
    elif modifier.type == "FLUID" and modifier.domain_settings:
        yield Slot(thing, modifier.domain_settings, "cache_directory")
    elif modifier.type == "NODES":
        yield Slot(thing, modifier, "bake_directory")
        yield from (Slot(thing, bake, "directory") for bake in modifier.bakes)


def _scenes() -> Iterator[Slot]:
    for scene in bpy.data.scenes:
        for strip in snapshot.strips(scene):
            if strip.type == "MOVIE":
                yield Slot(scene, strip, "filepath")
            elif strip.type == "IMAGE":
                yield Slot(scene, strip, "directory")
        if scene.rigidbody_world:
            yield from _external(scene, scene.rigidbody_world.point_cache)


def _external(owner: Any, cache: Any) -> Iterator[Slot]:
    if getattr(cache, "use_external", False):
        yield Slot(owner, cache, "filepath")


def point_caches(thing: Any) -> Iterator[Any]:
    """The point caches of an object's particle systems and modifiers."""
    for modifier in thing.modifiers:
        yield from caches_of(modifier)


def caches_of(modifier: Any) -> Iterator[Any]:
    if modifier.type == "PARTICLE_SYSTEM":
        system = modifier.particle_system
        if system.settings.type == "EMITTER" or system.use_hair_dynamics:  # hair that only stands has a cache too
            yield system.point_cache
    elif modifier.type == "DYNAMIC_PAINT" and modifier.canvas_settings:
        for surface in modifier.canvas_settings.canvas_surfaces:
            yield surface.point_cache
    elif getattr(modifier, "point_cache", None) is not None:
        yield modifier.point_cache
