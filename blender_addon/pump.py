# SPDX-License-Identifier: GPL-3.0-or-later
"""The one timer: brings what the threads said into the model, starts what is due, and has the panels drawn again.

A tick takes a few milliseconds at most (benchmarks/pump.py); packing a scene is the one thing that takes longer, a step
a tick, each after its word was drawn.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import bpy

from . import local, mirror, remembered, submission, tasks, thumbnails
from .account import account, has_preferences, job_folder
from .background import BACKGROUND
from .model import MODEL
from .polling import POLLING

log = logging.getLogger(__name__)

TICK_S = 0.25
BUDGET_S = 0.003
LOOK_AROUND_EVERY_S = 30.0
SHOWN_IN = {"VIEW_3D", "IMAGE_EDITOR", "PROPERTIES", "PREFERENCES"}

_steps: deque[Callable[[], Any]] = deque()
_seen = -1
_look_around_at = 0.0


def later(step: Callable[[], Any]) -> None:
    """Call `step` in a tick to come, after what is in the model now was drawn."""
    _steps.append(step)


def forget_later() -> None:
    """What was to come later does not."""
    _steps.clear()


def pump() -> None:
    """One tick. A function of its own, as timers don't run without windows."""
    context = bpy.context
    if not has_preferences(context):
        return
    BACKGROUND.drain(BUDGET_S)
    if _steps and not _redraw_if_changed(context):
        _steps.popleft()()
    now = time.monotonic()
    _look_around(now)
    if MODEL.profiles_wanted and MODEL.profiles is None:
        BACKGROUND.start(tasks.known_profiles())
    if bpy.app.online_access:
        POLLING.tick(account(context), now)
        thumbnails.fetch(account(context))
        _bring_results(context)
    else:
        BACKGROUND.stop_each()
    _redraw_if_changed(context)


def _bring_results(context: Any) -> None:
    """Download what the artist wanted to have as soon as it is done."""
    for job_id in remembered.remembered().downloads:
        state = MODEL.states.get(job_id)
        if state is None or not state.ended or job_id in MODEL.downloads:
            continue
        if state.phase == "done":
            BACKGROUND.start(tasks.download(account(context), job_id, job_folder(context, job_id)))
        else:
            remembered.forget_download(job_id)


def _look_around(now: float) -> None:
    global _look_around_at
    if now >= _look_around_at:
        _look_around_at = now + LOOK_AROUND_EVERY_S
        submission.find_interrupted()


def catch_up(context: Any) -> None:
    """Bring what lags behind the model up to it: properties, files on this computer, pictures."""
    mirror.update(context)
    local.look_once(context)
    thumbnails.load()


def _redraw_if_changed(context: Any) -> bool:
    """Whether there was anything new to draw."""
    global _seen
    if _seen == MODEL.changes:
        return False
    _seen = MODEL.changes
    catch_up(context)
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in SHOWN_IN:
                area.tag_redraw()
    return True


def _tick() -> float:
    try:
        pump()
    except Exception:  # a timer that raises is removed, and nothing would ever move again
        log.exception("Cloud Render: a tick failed")
    return TICK_S


@bpy.app.handlers.persistent  # type: ignore[untyped-decorator]
def _after_load(*_: Any) -> None:
    """Another file: the mirror is empty, packing has lost its scene."""
    global _seen
    _seen = -1
    forget_later()
    if MODEL.submit and MODEL.submit.stage in ("packing", "saving"):
        MODEL.submit = None


def register() -> None:
    global _seen, _look_around_at
    _seen, _look_around_at = -1, 0.0
    bpy.app.handlers.load_post.append(_after_load)
    bpy.app.timers.register(_tick, first_interval=TICK_S, persistent=True)


def unregister() -> None:
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
    bpy.app.handlers.load_post.remove(_after_load)
    BACKGROUND.stop_all()
    MODEL.reset()
    forget_later()
