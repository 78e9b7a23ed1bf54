# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that appear in one step: written beside their place under another name, verified, then renamed."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from cloud_render.contract.errors import BadArguments, CloudRenderError, DiskFull
from cloud_render.store import locks

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def landing(target: Path) -> Iterator[Path]:
    """A temporary path to fill; at the end it becomes `target`, unless something was raised: then it is gone.

    Makes the folders above. Raises DiskFull, and BadArguments where writing is not possible.
    """
    # A short name of its own: the target's may already be as long as the file system allows.
    temporary = target.parent / f".{secrets.token_hex(8)}.part"
    try:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            temporary.replace(target)
        except OSError as error:
            raise of_os_error(target, error) from error
    finally:
        with suppress(NotADirectoryError):  # where no folder could be made, nothing lies in it
            temporary.unlink(missing_ok=True)


@contextmanager
def resumed(target: Path, version: str) -> Iterator[BinaryIO]:
    """A file to append to, with what an earlier try of the same `version` left in it; at the end it becomes `target`.

    Stopped by an error it stays beside its place for the next try; truncate it first if it is of no use. While another
    process is at it, the file is a new one that does not stay. Raises as `landing`.
    """
    try:
        with ExitStack() as last, ExitStack() as undo:
            target.parent.mkdir(parents=True, exist_ok=True)
            path = _part_of(target, version)
            file = undo.enter_context(path.open("ab+"))
            if _is_ours(file, path):
                undo.callback(_unlink_if_empty, path)
            else:
                path = target.parent / f".{secrets.token_hex(8)}.part"
                last.callback(path.unlink, missing_ok=True)
                file = undo.enter_context(path.open("xb+"))
            yield file
            file.flush()
            os.fsync(file.fileno())
            if os.name == "nt":
                file.close()  # Windows renames no open file; elsewhere the lock is kept until it has its name
            path.replace(target)
    except OSError as error:
        raise of_os_error(target, error) from error


def _part_of(target: Path, version: str) -> Path:
    """Of a name that says for which file and version it is; those of other versions go."""
    name = hashlib.sha256(os.fsencode(target.name)).hexdigest()[:8]
    path = target.parent / f".{name}-{hashlib.sha256(version.encode()).hexdigest()[:16]}.part"
    for other in target.parent.glob(f".{name}-*.part"):
        if other != path:
            with suppress(OSError):  # Windows removes none that someone has open
                other.unlink()
    return path


def _is_ours(file: BinaryIO, path: Path) -> bool:
    """Whether no other process writes to it, now and until it is closed. Where locks don't work, it is not."""
    try:
        # Whoever had it before may have finished it meanwhile: then this is the file at the target.
        return locks.take(file) and locks.still_at(path, file)
    except OSError:
        return False


def _unlink_if_empty(path: Path) -> None:
    with suppress(OSError):  # it is the target by now; or Windows, which removes no open file: the next try takes it
        if not path.stat().st_size:
            path.unlink()


def of_os_error(target: Path, error: OSError) -> CloudRenderError:
    if error.errno in _NO_ROOM:
        return DiskFull(f"There is no room on the disk for {target}.", "Make room there, then do the same again.")
    return BadArguments(f"{target} can't be written: {error.strerror or error}.", "Choose another folder.")
