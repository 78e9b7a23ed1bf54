# SPDX-License-Identifier: GPL-3.0-or-later
"""What may render other than the artist sees it: warnings, each with a remedy, and the scripts that would not run."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import bpy

from cloud_render.contract.scene import SceneFile, SceneWarning
from cloud_render.inblender import listing
from cloud_render.inblender.paths import point_caches
from cloud_render.inblender.references import Reference, words_for

LARGE_FILE = 10 * 1024**3
"""In bytes. 10 GiB take 2 h 20 min at 10 Mbit/s."""

ENGINES = ("CYCLES", "BLENDER_EEVEE", "BLENDER_EEVEE_NEXT", "BLENDER_WORKBENCH", "HYDRA_STORM")


def of_folders(refused: Iterable[Reference]) -> Iterator[SceneWarning]:
    """Folders that are not walked because far more than the scene's files would come along."""
    for reference in refused:
        yield SceneWarning(
            f"{reference.owner} asks for the whole folder {reference.path}; it is left out.",
            "Choose a folder of its own for it, or add what it needs with --extra.",
        )


def of_sizes(files: Iterable[SceneFile]) -> Iterator[SceneWarning]:
    for file in files:
        if file.size > LARGE_FILE:
            yield SceneWarning(
                f"{file.owner} is {file.size / 1024**3:.0f} GiB: {file.path}.",
                "It takes long to upload and must fit the disk that renders: make it smaller if you can.",
            )


def of_scene(wanted: Sequence[Reference], frames: Sequence[int]) -> Iterator[SceneWarning]:
    yield from _unsaved_images()
    yield from _other_machine(wanted)
    yield from _gaps(wanted, frames)
    yield from _unbaked()
    yield from _add_ons()


def _unsaved_images() -> Iterator[SceneWarning]:
    for image in bpy.data.images:
        if image.is_dirty:
            yield SceneWarning(
                f"{words_for(image)} has painted pixels that were never saved.",
                "Save the image (Image > Save) or pack it, else the cloud renders its old pixels.",
            )


def _other_machine(wanted: Sequence[Reference]) -> Iterator[SceneWarning]:
    if sys.platform == "win32":
        return
    for reference in wanted:
        if re.match(r"[A-Za-z]:[\\/]|\\\\", reference.raw):
            yield SceneWarning(
                f"{reference.owner} has the path of a Windows computer: {reference.raw}.",
                "Make the paths relative there (File > External Data > Make Paths Relative), or find the files here.",
            )


def _gaps(wanted: Sequence[Reference], frames: Sequence[int]) -> Iterator[SceneWarning]:
    """Holes inside sequences that are shorter than the animation: where they start depends on each user's offset."""
    for reference in wanted:
        if reference.shape != "sequence":
            continue
        there = {number for _, number in listing.numbered(reference.path)}
        if not there:
            continue
        needed = reference.numbers
        gaps = sorted((set(range(min(there), max(there) + 1)) if needed is None else needed) - there)
        if gaps and (needed is not None or len(frames) != 1):
            shown = ", ".join(map(str, gaps[:5])) + ("…" if len(gaps) > 5 else "")
            yield SceneWarning(
                f"The sequence of {reference.owner} has gaps: {shown}.",
                "Render or copy the missing images, or frames that use them come out wrong.",
            )


def _add_ons() -> Iterator[SceneWarning]:
    """Traces of add-ons that are not there: engines and nodes that Blender does not know without them."""
    scenes: Any = bpy.data.scenes
    for scene in scenes:
        if scene.library is None and scene.render.engine not in ENGINES:
            engine = repr(scene.render.engine) if scene.render.engine else "of an add-on"
            yield SceneWarning(
                f"{words_for(scene)} renders with the engine {engine}, which Blender has only with an add-on.",
                "Choose Cycles, EEVEE or Workbench: the cloud renders without add-ons.",
            )
    for tree_owner, node in _unknown_nodes():
        yield SceneWarning(
            f"{words_for(tree_owner)} has the node {node.name!r} of an add-on.",
            "Replace it by Blender's own nodes: the cloud renders without add-ons.",
        )


def _unknown_nodes() -> Iterator[tuple[Any, Any]]:
    """The first of each tree; its type is unknown, or made by an add-on that runs in this Blender."""
    data: Any = bpy.data
    for blocks in (data.materials, data.worlds, data.lights, data.node_groups):
        for block in blocks:
            tree = block if block.id_type == "NODETREE" else block.node_tree
            node = next((node for node in (tree.nodes if tree else ()) if _is_of_add_on(node)), None)
            if node is not None:
                yield block, node


def _is_of_add_on(node: Any) -> bool:
    return node.bl_idname == "NodeUndefined" or not type(node).__module__.startswith(("bpy", "_bpy"))


def _unbaked() -> Iterator[SceneWarning]:
    """Simulations that every child would start anew, from its own first frame."""
    for scene in bpy.data.scenes:
        world = scene.rigidbody_world
        if world and world.enabled and not world.point_cache.is_baked:
            yield _simulation(f"The rigid bodies of {words_for(scene)}")
    for thing in bpy.data.objects:
        if any(not cache.is_baked and not getattr(cache, "use_external", False) for cache in point_caches(thing)):
            yield _simulation(words_for(thing))


def _simulation(what: str) -> SceneWarning:
    return SceneWarning(
        f"{what} has a simulation that is not baked.",
        "Bake it: in the cloud each machine would start it anew at its own first frame.",
    )


def scripts() -> tuple[str, ...]:
    """Python in the .blend that Blender runs only with scripts allowed."""
    texts = [f"Text {text.name!r} (registered)" for text in bpy.data.texts if text.use_module]
    return (*texts, *sorted(set(_driver_scripts())))


def _driver_scripts() -> Iterator[str]:
    for block in bpy.data.user_map():
        animation: Any = getattr(block, "animation_data", None)
        for curve in animation.drivers if animation else ():
            driver = curve.driver
            if driver.type == "SCRIPTED" and not driver.is_simple_expression:
                yield f"Driver of {words_for(block)}: {driver.expression}"
