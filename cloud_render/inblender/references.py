# SPDX-License-Identifier: GPL-3.0-or-later
"""What the open .blend asks for, before anyone looks at a disk: each path, who asks, and what kind of thing lies there.

Blender's own path iterator names most of it (facts by version stand at the functions); simulation caches and bakes it
leaves out, or names only in the newest versions, so they are walked here in every version.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Literal

import bpy

from cloud_render.inblender import node_files, osl_files, paths, snapshot, usd_files, versions
from cloud_render.inblender.paths import point_caches
from cloud_render.inblender.spans import Spans

Shape = Literal["file", "folder", "tiles", "sequence", "usd", "osl"]


@dataclass(frozen=True)
class Reference:
    """A path that something in the open .blend asks for."""

    path: str
    """Absolute and normalised, as this computer would open it."""
    raw: str
    """As the .blend has it."""
    owner: str
    """In words."""
    kind: str
    shape: Shape
    optional: bool = False
    """Blender names it whether or not anything was ever written there: absent is no fault."""
    numbers: frozenset[int] | None = None
    """Of a sequence: those that the frames to be rendered use. None: any."""
    block: Any = None
    """The owner itself, where Blender says who it is."""


KIND_OF_ID = {
    "CACHEFILE": "cache",
    "FONT": "font",
    "IMAGE": "image",
    "LIBRARY": "library",
    "MOVIECLIP": "movie clip",
    "OBJECT": "cache",
    "SCENE": "strip",
    "SOUND": "sound",
    "TEXT": "text",
    "VOLUME": "volume",
}
"""By the type of the owner; owners not listed (materials, lights, node groups) ask for IES and OSL texts."""


def references(frames: Sequence[int] = ()) -> list[Reference]:
    """Everything the open .blend asks for to render `frames` (none: unknown). A path may come up more than once."""
    return [*_iterator_references(Spans(frames)), *_unnamed_references(), *_other_views(), *_cache_references()]


def blend_paths_of(block: Any) -> str:
    """The .blend that `block` lives in: its library's, or the open one."""
    return resolve(block.library.filepath, None) if block.library else str(bpy.data.filepath)


def words_for(block: Any, user: Any = None) -> str:
    """Image 'wood' of library props.blend; with a user: Image 'wood' in material 'Table' of library props.blend."""
    words = f"{block.bl_rna.name} {block.name!r}"
    if user is None:
        return words + _library_words(block)
    used = f" in {user.bl_rna.name.lower()} {user.name!r}"
    if block.library == user.library:
        return words + used + _library_words(user)
    return words + _library_words(block) + used + _library_words(user)


def _library_words(block: Any) -> str:
    return f" of library {PurePosixPath(block.library.filepath.replace(chr(92), '/')).name}" if block.library else ""


SHOWN_IN = ("MATERIAL", "WORLD", "LIGHT", "NODETREE", "TEXTURE", "CURVE", "OBJECT", "SPEAKER", "SCENE")
"""Users of a data-block that mean something to its artist, what is nearest to it first."""


def owners_with_users(wanted: Sequence[Reference]) -> list[str]:
    """The owner of each, in words that say where it is used: names of images alone mean little."""
    data: Any = bpy.data
    blocks = {one.block for one in wanted if one.block is not None and one.block.id_type not in ("LIBRARY", "SCENE")}
    users: dict[Any, set[Any]] = data.user_map(subset=blocks) if blocks else {}
    return [words_for(one.block, user) if (user := _nearest(users.get(one.block))) else one.owner for one in wanted]


def _nearest(users: set[Any] | None) -> Any:
    shown = [user for user in users or () if user.id_type in SHOWN_IN]
    return min(shown, key=lambda user: (SHOWN_IN.index(user.id_type), user.name_full), default=None)


def resolve(raw: str, library: Any) -> str:
    """The absolute path behind `raw`, which the .blend `library` (None: the open one) holds.

    Blender on Linux and macOS opens `C:/x/a.png` as `/c/x/a.png`; bpy.path.abspath does not say so.
    """
    path = bpy.path.abspath(raw, library=library)
    if sys.platform == "win32":  # pragma: no cover
        return os.path.normpath(path)
    path = path.replace("\\\\", "\\\\", 1) if path.startswith("\\\\") else path.replace("\\", "/")
    if drive := re.match(r"([A-Za-z]):/", path):
        path = f"/{drive[1].lower()}/{path[3:]}"
    return os.path.normpath(path) if path.startswith("/") else path


def _base(block: Any) -> Any:
    """A library's own path, even an indirect one's, is relative to the open file; any other to its owner's library."""
    return None if block.id_type == "LIBRARY" else block.library


def _iterator_references(spans: Spans) -> Iterator[Reference]:
    bundled = versions.bundled_files()
    in_use = _libraries_in_use()
    for block, raw in _named_paths():
        if not raw or (block is not None and block.id_type == "LIBRARY" and not _library_counts(block, in_use)):
            continue
        if block is not None and block.is_runtime_data:
            continue  # only looked at: it is never saved
        path = resolve(raw, _base(block) if block is not None else None)
        if path.startswith(bundled):
            continue  # Blender's own brushes, which it links by itself
        yield _reference(block, raw, path, spans)


def _library_counts(library: Any, in_use: set[Any]) -> bool:
    """Not one whose data lies packed in the .blend, and not one that only brushes come from."""
    return library in in_use and not (getattr(library, "is_archive", False) or library.packed_file)


def _libraries_in_use() -> set[Any]:
    """Those that something but a brush comes from. Library.users_id would look at all data for each of them."""
    data: Any = bpy.data
    names = [kind.identifier for kind in data.bl_rna.properties if kind.type == "COLLECTION"]
    blocks = (getattr(data, name) for name in names if name not in ("brushes", "libraries"))
    return {block.library for kind in blocks for block in kind if block.library}


def _named_paths() -> list[tuple[Any, str]]:
    """Owner and path of all that Blender's iterator names. The owner is None where nobody can tell (4.2, 4.3)."""
    found: list[tuple[Any, str]] = []
    if hasattr(bpy.data, "file_path_foreach"):  # 5.0
        bpy.data.file_path_foreach(lambda block, path, *_: found.append((block, path)))
        return found
    if hasattr(bpy.data, "file_path_map"):  # 4.4
        paths = bpy.data.file_path_map(include_libraries=True)
        return [(block, path) for block, named in paths.items() for path in sorted(named - _library_path(block))]
    known = _known_by_path()
    # An empty one stands for cloth and soft-body caches; made normal it would be the current folder.
    absolute = (os.path.normpath(path) for path in bpy.utils.blend_paths(absolute=True) if path)
    return [known.get(path, (None, path)) for path in absolute]


def _library_path(block: Any) -> set[str]:
    """What 4.4 and 4.5 say of linked data beside its own paths; the library says it itself."""
    return {block.library.filepath} if block.library else set()


def _known_by_path() -> dict[str, tuple[Any, str]]:
    """Owner and path as stored, by the absolute path."""
    blocks = [(library, library.filepath) for library in bpy.data.libraries]
    named = [*blocks, *((slot.owner, slot.raw) for slot in paths.slots())]
    return {resolve(raw, _base(owner)): (owner, raw) for owner, raw in named if raw}


def _reference(block: Any, raw: str, path: str, spans: Spans) -> Reference:
    if block is None:
        return Reference(path, raw, "The scene", "file", "tiles" if _is_tiled(path) else _shape_by_name(path))
    kind = KIND_OF_ID.get(block.id_type, "text")
    owner = words_for(block)
    if _is_tiled(path):
        return Reference(path, raw, owner, "udim", "tiles", block=block)
    if _is_sequence(block):
        return Reference(path, raw, owner, "sequence", "sequence", numbers=spans.numbers(block), block=block)
    if block.id_type == "OBJECT" and not os.path.splitext(path)[1]:  # noqa: PTH122 - maybe a folder that isn't there
        # Fluid and ocean caches are named also when nothing was ever baked.
        return Reference(path, raw, owner, kind, "folder", optional=True)
    return Reference(path, raw, owner, kind, _shape_by_name(path), block=block)


def _shape_by_name(path: str) -> Shape:
    """Some files name others."""
    if usd_files.is_usd(path):
        return "usd"
    return "osl" if osl_files.is_osl(path) else "file"


def _is_tiled(path: str) -> bool:
    return "<UDIM>" in path or "<UVTILE>" in path


_SEQUENCE: dict[str, Callable[[Any], bool]] = {
    "IMAGE": lambda image: image.source == "SEQUENCE",
    "MOVIECLIP": lambda clip: clip.source == "SEQUENCE",
    "VOLUME": lambda volume: volume.is_sequence,
    "CACHEFILE": lambda cache: cache.is_sequence,
}
"""Owners whose path stands for a whole sequence: Blender names its first file only."""


def _is_sequence(block: Any) -> bool:
    return block.id_type in _SEQUENCE and _SEQUENCE[block.id_type](block)


def _unnamed_references() -> Iterator[Reference]:
    """What Blender's iterator leaves out though it is no cache."""
    for slot in paths.layers_of_caches():
        path = resolve(slot.raw, slot.owner.library)
        yield Reference(path, slot.raw, words_for(slot.owner), "cache", _shape_by_name(path))
    for slot in node_files.slots():
        # A text that feeds an import node may be anything, a part of a path too: then it counts if a file lies there.
        path = resolve(slot.raw, slot.owner.library)
        if slot.raw and (slot.is_path or os.path.isfile(path)):  # noqa: PTH113
            yield Reference(path, slot.raw, words_for(slot.owner), "cache", "file")


def _other_views() -> Iterator[Reference]:
    """The right eye's picture beside the left one's, and so on: Blender names one view's only."""
    suffixes = sorted(
        {view.file_suffix for scene in bpy.data.scenes for view in scene.render.views if view.file_suffix}
    )
    for owner, raw, shape in _in_views():
        path = resolve(raw, owner.library)
        for other in _beside(path, suffixes):
            yield Reference(other, raw, f"A view of {words_for(owner)}", "image", shape, optional=True)


def _in_views() -> Iterator[tuple[Any, str, Shape]]:
    """Owner, path and shape of what has a file for each view."""
    images: Any = bpy.data.images
    for image in images:
        if image.use_multiview and image.views_format == "INDIVIDUAL" and not image.packed_file:
            yield image, image.filepath, "sequence" if _is_sequence(image) else "file"
    scenes: Any = bpy.data.scenes
    for scene in scenes:
        for strip in snapshot.strips(scene):
            if strip.type in ("IMAGE", "MOVIE") and strip.use_multiview and strip.views_format == "INDIVIDUAL":
                names = [element.filename for element in strip.elements]
                in_folder = (
                    (f"{strip.directory}/{name}" for name in names) if strip.type == "IMAGE" else [strip.filepath]
                )
                yield from ((scene, raw, "file") for raw in in_folder)


def _beside(path: str, suffixes: list[str]) -> list[str]:
    """`card_L.png` → `card_R.png`; nothing where the name has no view's suffix."""
    stem, extension = os.path.splitext(path)  # noqa: PTH122
    own = next((suffix for suffix in suffixes if stem.endswith(suffix)), "")
    return [stem.removesuffix(own) + other + extension for other in suffixes if own and other != own]


def _cache_references() -> Iterator[Reference]:
    """Point caches and bakes. Blender names cloth, soft-body and dynamic-paint caches in no version (up to 5.2.3)."""
    for thing in bpy.data.objects:
        for cache in point_caches(thing):
            yield from _point_cache(cache, thing)
        for modifier in thing.modifiers:
            if modifier.type == "NODES":
                yield from _bakes(modifier, thing)
    for scene in bpy.data.scenes:
        if scene.rigidbody_world:
            yield from _point_cache(scene.rigidbody_world.point_cache, scene)


def _point_cache(cache: Any, owner: Any) -> Iterator[Reference]:
    words = f"Cache of {words_for(owner)}"
    if getattr(cache, "use_external", False):
        if cache.filepath:
            yield Reference(resolve(cache.filepath, owner.library), cache.filepath, words, "cache", "folder")
    elif cache.use_disk_cache:
        blend = PurePosixPath(blend_paths_of(owner))
        folder = str(blend.parent / f"blendcache_{blend.stem}")
        yield Reference(folder, folder, words, "cache", "folder", optional=not cache.is_baked)


def _bakes(modifier: Any, owner: Any) -> Iterator[Reference]:
    words = f"Bake of {words_for(owner)}"
    own = [bake.directory for bake in modifier.bakes if bake.use_custom_path]
    for raw in (modifier.bake_directory, *own):
        if raw:
            yield Reference(resolve(raw, owner.library), raw, words, "cache", "folder", optional=True)
