# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths as other systems write them, and names as other systems find them. Knows no Blender."""

from __future__ import annotations

import os
import re
import sys
import unicodedata
from pathlib import Path

IGNORES_CASE = sys.platform in ("win32", "darwin")


def is_of_windows(path: str) -> bool:
    """`C:\\x`, `C:/x` or `\\\\server\\share`."""
    return re.match(r"[A-Za-z]:[\\/]|\\\\", path) is not None


def other_system(path: str, platform: str = sys.platform) -> str:
    """The system that an absolute `path` of a .blend comes from, where it can't be this one; else empty."""
    if is_of_windows(path):
        return "" if platform == "win32" else "Windows"
    if not path.startswith("/") or path.startswith("//"):
        return ""  # relative
    if platform == "win32":
        return "macOS or Linux"
    if platform == "linux" and path.startswith(("/Users/", "/Volumes/")):
        return "macOS"
    return ""


def same_name(name: str) -> str:
    """What two names have in common that Windows and macOS take for one: macOS even writes accents in two ways."""
    return unicodedata.normalize("NFC", name).casefold()


def spelled(path: str, top: str) -> str:
    """`path` with the spelling of what is there, name by name, wherever only one name below `top` is meant.

    `path` itself where it exists, lies outside `top`, or nothing of that name is there.
    """
    below = path.removeprefix(top.rstrip(os.sep) + os.sep)
    if below == path or os.path.lexists(path):
        return path
    found = top
    parts = Path(below).parts
    for number, part in enumerate(parts):
        name = _spelled_name(found, part)
        if not name:
            return os.path.join(found, *parts[number:])  # noqa: PTH118
        found = os.path.join(found, name)  # noqa: PTH118
    return found


def _spelled_name(folder: str, name: str) -> str:
    try:
        there = os.listdir(folder)  # noqa: PTH208
    except (FileNotFoundError, NotADirectoryError):
        return ""
    if name in there:
        return name
    alike = [other for other in there if same_name(other) == same_name(name)]
    return alike[0] if len(alike) == 1 else ""
