# SPDX-License-Identifier: GPL-3.0-or-later
"""What the artist chose in the preferences: the cloud, and where files go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from .model import MODEL, Account


def has_preferences(context: Any) -> bool:
    """Not where Blender was started with `--addons`, which enables us but knows nothing of the artist's choices."""
    return __package__ in context.preferences.addons


def preferences(context: Any) -> Any:
    """Ours, as the artist set them."""
    return context.preferences.addons[__package__].preferences


def account(context: Any) -> Account:
    chosen = preferences(context)
    return Account(chosen.profile, chosen.region, chosen.stack, chosen.endpoint_url)


def own_folder(name: str) -> Path:
    """A folder for our files that survives updates; made if it is not there."""
    return Path(bpy.utils.extension_path_user(__package__, path=name, create=True))


def job_folder(context: Any, job_id: str) -> Path:
    """Where the job's files lie on this computer, or will."""
    return MODEL.downloaded.get(job_id) or _downloads(context) / job_id


def _downloads(context: Any) -> Path:
    return Path(bpy.path.abspath(preferences(context).downloads)).expanduser()
