# SPDX-License-Identifier: GPL-3.0-or-later
"""From a path that is missing back to what asks for it, so that an artist can be led there."""

from __future__ import annotations

from typing import Any

import bpy

from cloud_render.inblender.references import references


def block_asking_for(path: str) -> Any:
    """The data-block whose file `path` is, as `collect` names it; None if nothing asks for it any more."""
    return next((one.block for one in references(()) if one.path == path and one.block is not None), None)


def objects_using(block: Any) -> list[Any]:
    """The objects that need the data-block, however far away: image, node group, material, object. Sorted by name."""
    data: Any = bpy.data
    users: dict[Any, set[Any]] = data.user_map()
    seen, waiting = {block}, [block]
    while waiting:
        for user in users.get(waiting.pop(), ()):
            if user not in seen:
                seen.add(user)
                waiting.append(user)
    return sorted((one for one in seen if one.id_type == "OBJECT"), key=lambda one: one.name_full)
