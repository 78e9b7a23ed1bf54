# SPDX-License-Identifier: GPL-3.0-or-later
"""What a full disk means, wherever a worker meets it: not a fault of the scene, and another machine may have room."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator

from cloud_render.contract.errors import DiskFull

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
"""Of bytes, or of files."""

LARGER = "Give the worker a larger scratch disk."


@contextlib.contextmanager
def fullness_told() -> Iterator[None]:
    """DiskFull in place of the system's own error: cache, scratch, hooks' folders, an archive that is unpacked."""
    try:
        yield
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        place = f": {error.filename} can't be written" if error.filename else ""
        raise DiskFull(f"The disk is full{place}.", LARGER) from error
