# SPDX-License-Identifier: GPL-3.0-or-later
"""What the artist chose in the preferences: the cloud, and where files go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from .model import Account


def preferences(context: Any) -> Any:
    """Ours, as the artist set them."""
    return context.preferences.addons[__package__].preferences


def account(context: Any) -> Account:
    chosen = preferences(context)
    return Account(chosen.profile, chosen.region, chosen.stack, chosen.endpoint_url)


def own_folder(name: str) -> Path:
    """A folder for our files that survives updates; made if it is not there."""
    return Path(bpy.utils.extension_path_user(__package__, path=name, create=True))


def downloads_folder(context: Any) -> Path:
    return Path(bpy.path.abspath(preferences(context).downloads)).expanduser()
