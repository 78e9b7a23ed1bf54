# SPDX-License-Identifier: GPL-3.0-or-later
"""How much of this computer's disk jobs need. On AWS another machine has another disk; here all of them share one."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Sequence
from pathlib import Path

TO_START = 768 * 2**20
"""Bytes that should be free before anything is begun."""

TO_GO_ON = 512 * 2**20
"""Bytes that a worker keeps free: with less it fails, as often as it is tried."""

LOOK_S = 0.5


def lacking(folder: Path, needed: int) -> str:
    """That `folder` has less than `needed` bytes free, in words; empty where it has more."""
    free = shutil.disk_usage(folder).free
    if free >= needed:
        return ""
    return f"only {free // 10**6} MB are free in {folder}, and jobs need {needed // 10**6} MB"


class Room:
    """Lets attempts in while there is room for them in all folders. Safe to use from many threads."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = folders
        self._lock = threading.Lock()
        self._inside = 0

    def take(self) -> str:
        """Empty once there is room: leave() it afterwards. Else what is lacking, in words.

        While others are inside it waits for them: they may use much for a moment, and leave it free.
        """
        while True:
            with self._lock:
                problem = next(filter(None, (lacking(folder, TO_GO_ON) for folder in self._folders)), "")
                if not problem:
                    self._inside += 1
                if not problem or not self._inside:
                    return problem
            time.sleep(LOOK_S)

    def leave(self) -> None:
        with self._lock:
            self._inside -= 1
