# SPDX-License-Identifier: GPL-3.0-or-later
"""What a transfer tells about itself while it runs."""

from __future__ import annotations


class Progress:
    """Hears how a transfer goes; every method does nothing here, so a listener overrides what it wants to know.

    Every call comes from the thread that started the transfer. All amounts are bytes of file content since the last
    call; `sent` may be negative, when a request starts over. At the end, sent + present is the total.
    """

    def total(self, size: int) -> None:
        """All files together are `size` bytes; said once, first."""

    def hashed(self, size: int) -> None:
        """`size` more bytes were read."""

    def present(self, size: int) -> None:
        """`size` more bytes need no transfer: they are there."""

    def sent(self, size: int) -> None:
        """`size` more bytes travelled."""


SILENT = Progress()


def NEVER() -> bool:  # noqa: N802 - it reads as a constant: cancelled=NEVER
    """The answer of someone who does not cancel."""
    return False
