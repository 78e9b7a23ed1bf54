# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension before the cloud was ever used."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import addon_utils
import bpy
from blender import model, part
from recorder import drawn, panels

INSTALLED = Path(bpy.utils.user_resource("EXTENSIONS")) / "user_default" / "cloud_render"


def ours() -> list[str]:
    """The names of our threads."""
    return sorted(thread.name for thread in threading.enumerate() if thread.name.startswith("cloud-render"))


def test_boto3_is_not_loaded_before_the_cloud_is_needed():
    """Blender starts no slower for it: neither enabling, nor drawing, nor idle ticks bring it in."""
    for panel in panels():
        drawn(panel)
    for _ in range(5):
        part("pump").pump()
    loaded = {name.partition(".")[0] for name in sys.modules} & {"boto3", "botocore", "s3transfer"}
    assert not loaded, loaded


def test_it_breaks_no_policy():
    """Blender would show the warnings beside the extension."""
    assert addon_utils._extensions_warnings_get() == {}


def test_before_its_first_use_it_never_calls_the_cloud():
    """An artist who only installed it is not told that there is no stack."""
    for _ in range(20):
        part("pump").pump()
    assert ours() == []
    assert model().problem is None


def test_nothing_is_written_into_its_own_folder():
    """What it remembers lies beside it, where an update leaves it."""
    before = listing()
    part("remembered").want_download("20260102-030405-shot-ab12")
    part("submission").find_interrupted()
    assert listing() == before


def listing() -> set[tuple[str, int]]:
    """Python's own compiled modules aside."""
    found = {Path(folder) / name for folder, _, names in os.walk(INSTALLED) for name in names}
    return {(str(path), path.stat().st_mtime_ns) for path in found if path.parent.name != "__pycache__"}
