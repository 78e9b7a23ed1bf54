# SPDX-License-Identifier: GPL-3.0-or-later
"""The installed extension, as checks inside Blender reach it: its modules by name, its model, and its pump."""

from __future__ import annotations

import importlib
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import addon_utils
import bpy

MODULE = "bl_ext.user_default.cloud_render"
FOLDER = Path()
"""This process's own; set by the runner."""


def part(name: str) -> Any:
    """A module of the extension: part("pump")."""
    return importlib.import_module(f"{MODULE}.{name}")


def model() -> Any:
    return part("model").MODEL


def preferences() -> Any:
    return bpy.context.preferences.addons[MODULE].preferences


def freshly_enabled(check: Callable[[], None]) -> None:
    """Run it with an empty file, the extension just enabled, and nothing remembered of the checks before."""
    addon_utils.disable(MODULE)
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    bpy.context.preferences.system.use_online_access = True
    shutil.rmtree(own_folder(), ignore_errors=True)
    # With default_set Blender would unpack and remove the wheels each time, which takes seconds.
    assert addon_utils.enable(MODULE)
    part("remembered")._now = None  # it was of the folder that is gone
    chosen = preferences()
    for name in ("profile", "region", "stack", "endpoint_url"):
        chosen.property_unset(name)
    chosen.downloads = str(FOLDER / "downloads")
    check()


def own_folder() -> Path:
    """Where the extension may write."""
    return Path(bpy.utils.extension_path_user(MODULE, create=True))


def error_of(operator: Callable[..., Any], **values: Any) -> str:
    """What a script is told by the operator that does not do it."""
    try:
        answer = operator(**values)
    except RuntimeError as error:
        return str(error).removeprefix("Error: ").strip()
    raise AssertionError(f"it was done: {answer}")


def until(condition: Callable[[], Any], what: str = "", limit_s: float = 60.0) -> Any:
    """Pump until it holds; what it gave."""
    ends = time.monotonic() + limit_s
    while not (found := condition()):
        assert time.monotonic() < ends, f"{what or 'it'} did not come: {model()}"
        part("pump").pump()
        time.sleep(0.01)
    return found
