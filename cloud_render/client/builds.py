# SPDX-License-Identifier: GPL-3.0-or-later
"""Which builds of Blender the cloud has. Putting one there is the worker's `install-blender`."""

from __future__ import annotations

from cloud_render.client import objects
from cloud_render.client.farm import Farm
from cloud_render.contract import keys, versions


def builds(farm: Farm) -> tuple[str, ...]:
    """The versions that lie whole in the bucket, the newest first. Raises StorageUnavailable or NoCredentials."""
    entries = objects.list_below(farm, keys.BLENDER).entries
    there = filter(None, (keys.blender_of_record(entry.key) for entry in entries))
    return tuple(sorted(there, key=versions.numbers, reverse=True))
