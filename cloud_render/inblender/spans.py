# SPDX-License-Identifier: GPL-3.0-or-later
"""Which numbers of an image or volume sequence the frames to be rendered can use; None wherever that is not certain.

It is certain when everything that uses the sequence is known, none of it is animated, and the scene's time is its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import bpy

from cloud_render.inblender import snapshot

Numbers = frozenset[int]


def of_image_user(user: Any, frames: Iterable[int]) -> Numbers:
    """Numbers that Blender opens: counted from frame_start, round and round where cyclic, else held at the ends."""
    steps = (frame - user.frame_start + 1 for frame in frames)
    length = user.frame_duration
    if user.use_cyclic:
        used = {(step - 1) % length + 1 for step in steps}
    else:
        used = {min(max(step, 1), length) for step in steps}
    return frozenset(number + user.frame_offset for number in used)


def of_volume(volume: Any, frames: Iterable[int]) -> Numbers | None:
    if volume.sequence_mode not in ("CLIP", "EXTEND") or _is_animated(volume):
        return None
    steps = (frame - volume.frame_start + 1 for frame in frames)
    return frozenset(min(max(step, 1), volume.frame_duration) + volume.frame_offset for step in steps)


class Spans:
    """Of the open .blend, for the frames to be rendered (none: unknown)."""

    def __init__(self, frames: Sequence[int]) -> None:
        self._frames = tuple(frames) if _time_is_plain() else ()
        self._users: dict[Any, list[Any] | None] | None = None

    def numbers(self, block: Any) -> Numbers | None:
        """Those of the sequence that `block` opens; None: any."""
        if not self._frames:
            return None
        if block.id_type == "VOLUME":
            return of_volume(block, self._frames)
        return self._of_image(block) if block.id_type == "IMAGE" else None

    def _of_image(self, image: Any) -> Numbers | None:
        if self._users is None:
            self._users = _users_of_sequences()
        users = self._users.get(image)
        if not users or any(not user.use_auto_refresh or user.frame_duration < 1 for user in users):
            return None
        return frozenset().union(*(of_image_user(user, self._frames) for user in users))


def _time_is_plain() -> bool:
    """Whether scene time is what images see: nothing stretches it, no strip shows a scene or nodes at another time."""
    scenes: Any = bpy.data.scenes
    if any(scene.render.frame_map_old != scene.render.frame_map_new for scene in scenes):
        return False
    return not any(_has_its_own_time(strip) for scene in scenes for strip in snapshot.strips(scene))


def _has_its_own_time(strip: Any) -> bool:
    return strip.type == "SCENE" or any(modifier.type == "COMPOSITOR" for modifier in strip.modifiers)  # from 5.0 on


def _users_of_sequences() -> dict[Any, list[Any] | None]:
    """By image; None for those that something else uses too, or something animated."""
    data: Any = bpy.data
    images = {image for image in data.images if image.source == "SEQUENCE"}
    users: dict[Any, list[Any] | None] = {image: [] for image in images}
    owners: dict[Any, set[Any]] = {image: set() for image in images}
    for owner, image, user in _image_users():
        known = users.get(image)
        if known is None:
            continue
        known.append(user)
        owners[image].add(owner)
    for image, all_owners in data.user_map(subset=images).items():
        if all_owners - owners[image] or any(_is_animated(owner) for owner in owners[image]):
            users[image] = None
    return users


def _image_users() -> Iterator[tuple[Any, Any, Any]]:
    """Owner, image and settings of all that shows an image in nodes of any kind, or in a texture."""
    data: Any = bpy.data
    for texture in data.textures:
        if texture.type == "IMAGE" and texture.image:
            yield texture, texture.image, texture.image_user
    for blocks in (data.materials, data.worlds, data.lights, data.node_groups, data.scenes):
        for block in blocks:
            tree = block if block.id_type == "NODETREE" else getattr(block, "node_tree", None)  # of scenes before 5.0
            for node in tree.nodes if tree else ():
                if node.bl_idname in ("ShaderNodeTexImage", "ShaderNodeTexEnvironment") and node.image:
                    yield block, node.image, node.image_user
                elif node.bl_idname == "CompositorNodeImage" and node.image:
                    yield block, node.image, node  # it is its own image user


def _is_animated(block: Any) -> bool:
    tree = getattr(block, "node_tree", None)
    return bool(block.animation_data or (tree and tree.animation_data))
