# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender runs this at its start (--python): one act of the play, then Blender ends with 0, or 3 where it failed.

After `--`: the act's name, `events` or `xdotool`, and the folder for pictures.
"""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parent))

import eyes
from acts import ACTS
from driver import Driver, say
from hands import Events, Xdotool
from steps import Steps, pause

TICK_S = 0.01
FAILED = 3


def play(name: str, hands: str, pictures: Path) -> Steps:
    yield from pause(0.8)  # the window is open and was drawn
    say(f"act {name}")
    try:
        yield from ACTS[name](Driver({"events": Events, "xdotool": Xdotool}[hands](), pictures))
    except Exception:  # noqa: BLE001 - whatever it is ends the act, with a picture of the moment
        traceback.print_exc()
        yield from eyes.picture(pictures / f"{name}-failed.png")
        end(FAILED)
    end(0)


def end(code: int) -> None:
    """At once: Blender must not ask whether to save."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def tick() -> float:
    try:
        next(PLAY)
    except BaseException:  # noqa: BLE001 - Blender drops a timer that raises, and would then wait for ever
        traceback.print_exc()
        end(FAILED)
    return TICK_S


bpy.context.preferences.view.show_splash = False
act, chosen_hands, folder = sys.argv[sys.argv.index("--") + 1 :]
PLAY = play(act, chosen_hands, Path(folder))
bpy.app.timers.register(tick, persistent=True)
