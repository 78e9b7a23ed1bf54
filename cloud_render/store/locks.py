# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that one process has to itself, by the system's own locks: whatever ends the process lets go of them."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows
    fcntl = None  # type: ignore[assignment]
try:
    import msvcrt
except ImportError:
    msvcrt = None  # type: ignore[assignment]

_LOCKED_BYTE = 1 << 40
"""Far behind the content: Windows refuses others to read what is locked."""


def take(file: BinaryIO) -> bool:
    """Whether the file is ours until it is closed; False where another process or thread has it.

    Raises OSError where the file system knows no locks.
    """
    try:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        elif msvcrt is not None:
            file.seek(_LOCKED_BYTE)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            file.seek(0, os.SEEK_END)
    except (BlockingIOError, PermissionError):  # the second is how Windows says it
        return False
    return True


def still_at(path: Path, file: BinaryIO) -> bool:
    """Whether the open file is the one at `path`: who had it before may have renamed or removed it meanwhile."""
    try:
        return path.stat().st_ino == os.fstat(file.fileno()).st_ino
    except FileNotFoundError:
        return False


def open_alone(path: Path) -> BinaryIO | None:
    """An empty file that is ours until let_go(); None where another process or thread has it.

    Makes the folders above. Raises OSError where that can't be, or the file system knows no locks.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        file = path.open("ab")
        try:
            taken = take(file)
            if taken and still_at(path, file):
                return file
        except BaseException:
            file.close()
            raise
        file.close()
        if not taken:
            return None


def let_go(path: Path, file: BinaryIO) -> None:
    """Removes the file of open_alone()."""
    # Windows removes no open file. Elsewhere it goes while it is ours: once closed, it may be another's.
    if os.name == "nt":
        file.close()
    with suppress(OSError):  # an empty file more harms nobody
        path.unlink(missing_ok=True)
    file.close()
