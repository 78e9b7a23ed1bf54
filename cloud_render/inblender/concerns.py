# SPDX-License-Identifier: GPL-3.0-or-later
"""What may render other than the artist sees it: warnings, each with a remedy, and the scripts that would not run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import bpy

from cloud_render.contract.scene import SceneFile, SceneWarning
from cloud_render.inblender import listing
from cloud_render.inblender.other_systems import other_system
from cloud_render.inblender.paths import caches_of
from cloud_render.inblender.references import Reference, resolve, words_for

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


def of_private(refused: Iterable[SceneFile]) -> Iterator[SceneWarning]:
    """Files of the system and keys, which a .blend from a stranger may ask for."""
    for file in refused:
        yield SceneWarning(
            f"{file.owner} asks for {file.path}, which belongs to this computer and not to a scene; it is left out.",
            "Ask where the .blend comes from. A file that is really needed can be copied beside it.",
        )


def of_sizes(files: Iterable[SceneFile]) -> Iterator[SceneWarning]:
    for file in files:
        if file.size > LARGE_FILE:
            yield SceneWarning(
                f"{file.owner} is {file.size / 1024**3:.0f} GiB: {file.path}.",
                "It takes long to upload and must fit the disk that renders: make it smaller if you can.",
            )


def of_textures(files: Iterable[SceneFile]) -> Iterator[SceneWarning]:
    """Blender 5.2 and later renders from prepared copies (.tx) of textures, which it only trusts where it made them."""
    scenes: Any = bpy.data.scenes
    settings = [scene.render for scene in scenes if getattr(scene.render, "use_texture_cache", False)]
    if not settings or all(render.use_auto_generate_texture_cache for render in settings):
        return
    folders = {Path(file.path).parent for file in files if file.kind in ("image", "sequence", "udim")}
    if any((folder / "blender_tx").is_dir() for folder in folders):
        yield SceneWarning(
            "Textures have a texture cache on this computer (blender_tx), which does not travel.",
            "Switch on Auto Generate (Render > Performance > Texture Cache), or they are rendered from the pictures.",
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
    """One for each system: an artist who changed computers has hundreds of such paths."""
    by_system: dict[str, list[Reference]] = {}
    for reference in wanted:
        if system := other_system(reference.raw):
            by_system.setdefault(system, []).append(reference)
    for system, found in by_system.items():
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        yield SceneWarning(
            f"{found[0].owner} has the path of a {system} computer: {found[0].raw}{more}.",
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
        if world and world.enabled and world.collection and not world.point_cache.is_baked:
            yield _simulation(f"The rigid bodies of {words_for(scene)} are not baked.")
    for thing in bpy.data.objects:
        modifiers = [modifier for modifier in thing.modifiers if modifier.show_render]
        if any(_is_unbaked(cache) for modifier in modifiers for cache in caches_of(modifier)):
            yield _simulation(f"{words_for(thing)} has a simulation that is not baked.")
        if any(_is_unbaked_fluid(modifier, thing) for modifier in modifiers):
            yield _simulation(f"The fluid of {words_for(thing)} is not baked.")
        for modifier in modifiers:
            if modifier.type == "NODES":
                yield from _unbaked_zones(modifier, thing)


def _is_unbaked(cache: Any) -> bool:
    return not cache.is_baked and not getattr(cache, "use_external", False)


def _is_unbaked_fluid(modifier: Any, owner: Any) -> bool:
    """A fluid whose folder holds no data: Blender marks as baked only what was baked as a whole."""
    domain = modifier.domain_settings if modifier.type == "FLUID" else None
    return domain is not None and not _has_files(domain.cache_directory, owner, "data")


def _unbaked_zones(modifier: Any, owner: Any) -> Iterator[SceneWarning]:
    zones = [bake for bake in modifier.bakes if getattr(bake.node, "bl_idname", "") == "GeometryNodeSimulationOutput"]
    for bake in zones:
        if _is_packed(bake, modifier):
            # Blender does not say whether there is a bake in the .blend (up to 5.2).
            yield SceneWarning(
                f"{words_for(owner)} has a simulation zone that keeps its bake in the .blend, if it was baked at all.",
                "Make sure that it is baked: in the cloud each machine would start it anew at its own first frame.",
            )
        elif not (
            _has_files(bake.directory, owner)
            if bake.use_custom_path
            else _has_files(modifier.bake_directory, owner, str(bake.bake_id))
        ):
            yield _simulation(f"The simulation zone of {words_for(owner)} is not baked.")


def _is_packed(bake: Any, modifier: Any) -> bool:
    """From 4.3 on bakes may lie in the .blend."""
    target = getattr(bake, "bake_target", "DISK")
    return bool((modifier.bake_target if target == "INHERIT" else target) == "PACKED")


def _has_files(raw: str, owner: Any, below: str = "") -> bool:
    folder = Path(resolve(raw, owner.library), below) if raw else None
    return folder is not None and folder.is_dir() and any(folder.iterdir())


def _simulation(problem: str) -> SceneWarning:
    return SceneWarning(problem, "Bake it: in the cloud each machine would start it anew at its own first frame.")


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
