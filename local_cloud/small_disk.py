# SPDX-License-Identifier: GPL-3.0-or-later
"""A scratch disk of an attempt's own, which can be made full. Linux, as root or with user namespaces.

It is a tmpfs that only the attempt's processes see. "Full" shrinks it to what is in it, so that no memory is filled,
and takes what becomes free afterwards.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

_WAYS = (("unshare", "-m"), ("unshare", "-Urm"))
"""To a process that may mount what others don't see: for root, and for everyone where the kernel allows it."""

_SCRIPT = """
mount -t tmpfs -o size=2g tmpfs "$1" && cd "$1" || exit 125
used() { df -k . | { read -r _; read -r _ _ used _; echo "$used"; }; }
fill() {
  echo full >.full
  until mount -o remount,size="$(used)k" "$1"; do :; done
  while :; do cat /dev/zero >>.full; sleep 0.02; done
}
(read -r _ <"$2" && fill "$1" 2>/dev/null) &
shift 2
exec "$@"
"""
"""$1: the disk, $2: a pipe; a line in it makes the disk full. A write in between lets the remount fail: once more."""


class SmallDisk:
    """A disk below `folder`; `command` runs on it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "disk"
        self.path.mkdir()
        self._pipe = folder / "full"
        os.mkfifo(self._pipe)

    def around(self, command: Sequence[str]) -> list[str]:
        way = way_to_mount()
        assert way is not None  # Asked when the plan was taken.
        return [*way, "sh", "-c", _SCRIPT, "sh", str(self.path), str(self._pipe), *command]

    def fill(self) -> bool:
        """False while nothing runs on it yet."""
        try:
            pipe = os.open(self._pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # ENXIO: no one reads.
            return False
        try:
            os.write(pipe, b"\n")
        finally:
            os.close(pipe)
        return True


@cache
def way_to_mount() -> tuple[str, ...] | None:
    """The prefix of a command that may mount; None where this computer has no way."""
    with tempfile.TemporaryDirectory() as folder:
        for way in _WAYS:
            try:
                done = subprocess.run([*way, "mount", "-t", "tmpfs", "tmpfs", folder], capture_output=True, check=False)
            except OSError:
                return None
            if done.returncode == 0:
                return way
    return None
