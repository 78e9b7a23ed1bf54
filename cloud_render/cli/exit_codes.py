# SPDX-License-Identifier: GPL-3.0-or-later
"""The exit codes of `cloud-render`, and which error has which. Scripts rely on them; the README lists them."""

from __future__ import annotations

from enum import IntEnum

from cloud_render.contract import errors


class Exit(IntEnum):
    DONE = 0
    FAILED = 1
    """The job, or what the command was to do, failed."""
    USAGE = 2
    """The command line asks for something that does not exist or does not fit together."""
    CANCELLED = 3
    """The job was cancelled, or the person stopped this command."""
    NO_CLOUD = 4
    """The cloud can't be reached, or is not set up."""


_OF_ERROR: tuple[tuple[type[errors.CloudRenderError], Exit], ...] = (
    (errors.BadJob, Exit.FAILED),
    (errors.BadInput, Exit.USAGE),
    (errors.NotThere, Exit.USAGE),
    (errors.Cancelled, Exit.CANCELLED),
    (errors.Interrupted, Exit.CANCELLED),
    (errors.CloudNotReady, Exit.NO_CLOUD),
    (errors.StorageUnavailable, Exit.NO_CLOUD),
)
"""The first row that fits counts; errors without a row are FAILED."""


def of_error(error: errors.CloudRenderError) -> Exit:
    for kind, code in _OF_ERROR:
        if isinstance(error, kind):
            return code
    return Exit.FAILED
