# SPDX-License-Identifier: GPL-3.0-or-later
"""The processes of one attempt, found by the scratch folder in their environment. Linux; elsewhere it finds none.

Blender leads a process group of its own, so the worker's group is not all there is; a container's end would be.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")

BLENDER = b"CLOUD_RENDER_EVENTS_FD="
"""In the environment of Blender, and of nothing else in an attempt."""


class Kin:
    """All processes whose CLOUD_RENDER_SCRATCH is `scratch`."""

    def __init__(self, scratch: Path) -> None:
        self._mark = b"CLOUD_RENDER_SCRATCH=" + os.fsencode(scratch)

    def kill(self) -> None:
        for process, _ in self._all():
            _signal(process, signal.SIGKILL)

    def signal_blender(self, number: int) -> bool:
        """To every Blender of the attempt; whether there was one."""
        met = [_signal(process, number) for process, names in self._all() if _has(names, BLENDER)]
        return any(met)

    def _all(self) -> Iterator[tuple[int, list[bytes]]]:
        if not PROC.is_dir():
            return
        for folder in PROC.iterdir():
            if not folder.name.isdecimal():
                continue
            with suppress(OSError):  # It has ended, or is another user's.
                names = (folder / "environ").read_bytes().split(b"\0")
                if self._mark in names:
                    yield int(folder.name), names


def _has(names: list[bytes], start: bytes) -> bool:
    return any(name.startswith(start) for name in names)


def _signal(process: int, number: int) -> bool:
    try:
        os.kill(process, number)
    except ProcessLookupError:
        return False
    return True
