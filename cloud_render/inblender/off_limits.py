# SPDX-License-Identifier: GPL-3.0-or-later
"""Places of the artist's computer that no scene may take along: whole disks and homes, the system's files, keys.

A .blend from anywhere may name any path; what it names is sent, and Python in it could read it on the machine that
renders. Knows no Blender.
"""

from __future__ import annotations

import os
from pathlib import Path

SYSTEM = ("/boot", "/etc", "/private/etc", "/proc", "/run/secrets", "/sys", "/var/run/secrets")
"""Nothing that a scene shows lies there; fonts of the system lie elsewhere."""

OF_HOME = (".aws", ".gnupg", ".kube", ".ssh")
"""Where keys are kept, below the home folder."""


def too_wide(blend: str) -> frozenset[str]:
    """Folders that hold far more than a scene's files, and are never walked.

    They are the top of a disk, the home folder and what is above it, and every folder that the .blend lies in. An empty
    path of a cache becomes such a folder when Blender makes paths relative (`//../../../`).
    """
    home = Path.home()
    above_blend = Path(os.path.normpath(blend)).parents if blend else ()
    return frozenset(str(folder) for folder in (Path(home.anchor), home, *home.parents, *above_blend))


class Private:
    """Tells which files are the computer's own or its user's keys, by whatever links they are reached."""

    def __init__(self) -> None:
        windows = str(Path(os.environ.get("SYSTEMROOT", "C:\\Windows"), "System32"))
        keys = (str(Path.home() / name) for name in OF_HOME)
        self._tops = tuple(top + os.sep for top in (*SYSTEM, windows, *keys))
        self._real_folders: dict[str, str] = {}

    def __contains__(self, path: str) -> bool:
        """`path` is absolute and normalised."""
        return path.startswith(self._tops) or self._real(path).startswith(self._tops)

    def _real(self, path: str) -> str:
        # The folders' links are followed once, not for each of their files: that would take longer than all the rest.
        folder, name = os.path.split(path)
        if folder not in self._real_folders:
            self._real_folders[folder] = os.path.realpath(folder)
        there = os.path.join(self._real_folders[folder], name)  # noqa: PTH118
        return os.path.realpath(there) if os.path.islink(there) else there  # noqa: PTH114
