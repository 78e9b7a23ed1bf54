# SPDX-License-Identifier: GPL-3.0-or-later
"""How much of this computer's disk jobs need. On AWS another machine has another disk; here all of them share one."""

from __future__ import annotations

import shutil
from pathlib import Path

TO_START = 768 * 2**20
"""Bytes that should be free before anything is begun."""

TO_GO_ON = 512 * 2**20
"""Bytes that a worker keeps free: with less it fails, as often as it is tried."""


def lacking(folder: Path, needed: int) -> str:
    """That `folder` has less than `needed` bytes free, in words; empty where it has more."""
    free = shutil.disk_usage(folder).free
    if free >= needed:
        return ""
    return f"only {free // 10**6} MB are free in {folder}, and jobs need {needed // 10**6} MB"
