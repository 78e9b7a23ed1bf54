# SPDX-License-Identifier: GPL-3.0-or-later
"""The newest frames of the selected job as small pictures."""

from __future__ import annotations

from pathlib import Path

import bpy.utils.previews

from . import tasks
from .account import own_folder
from .background import BACKGROUND
from .model import MODEL, Account

SHOWN = 6
"""Pictures at once: two rows in the sidebar."""

_pictures: bpy.utils.previews.ImagePreviewCollection | None = None
_asked: dict[str, tuple[int, ...]] = {}
"""The frames that were asked for last, by job."""

_loaded: dict[Path, str] = {}
"""The newest key of each picture: one that is rendered again gets another, as an existing key can't be loaded twice."""


def frames_shown(job_id: str) -> tuple[int, ...]:
    """The newest frames, the newest first."""
    state = MODEL.states.get(job_id)
    return state.newest[:SHOWN] if state else ()


def fetch(account: Account) -> None:
    """Have the pictures of the newest frames brought here."""
    job_id, frames = MODEL.active, frames_shown(MODEL.active)
    if not frames or _asked.get(job_id) == frames:
        return
    if BACKGROUND.start(tasks.previews(account, job_id, frames, own_folder(f"previews/{job_id}"))):
        _asked[job_id] = frames


def load() -> None:
    """Give Blender the pictures that have arrived; it reads them when they are drawn."""
    if _pictures is None:
        return
    for path in MODEL.previews.get(MODEL.active, {}).values():
        try:
            key = f"{path}:{path.stat().st_mtime_ns}"
        except FileNotFoundError:
            continue  # someone tidied up
        if key not in _pictures:
            _pictures.load(key, str(path), "IMAGE")
        _loaded[path] = key


def icon(job_id: str, frame: int) -> int:
    """For `template_icon`; 0 where there is none (yet)."""
    path = MODEL.previews.get(job_id, {}).get(frame)
    if _pictures is None or path not in _loaded:
        return 0
    return int(_pictures[_loaded[path]].icon_id)


def register() -> None:
    global _pictures
    _pictures = bpy.utils.previews.new()


def unregister() -> None:
    global _pictures
    if _pictures is not None:
        bpy.utils.previews.remove(_pictures)
    _pictures = None
    _asked.clear()
    _loaded.clear()
