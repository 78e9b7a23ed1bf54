# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that appear in one step: written beside their place under another name, verified, then renamed."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cloud_render.contract.errors import BadArguments, CloudRenderError, DiskFull

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


def of_os_error(target: Path, error: OSError) -> CloudRenderError:
    if error.errno in _NO_ROOM:
        return DiskFull(f"There is no room on the disk for {target}.", "Make room there, then do the same again.")
    return BadArguments(f"{target} can't be written: {error.strerror or error}.", "Choose another folder.")
