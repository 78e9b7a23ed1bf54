# SPDX-License-Identifier: GPL-3.0-or-later
"""Bytes as words for people: the one way client, command line and extension write them."""

from __future__ import annotations

_SIZES = ((10**12, "TB"), (10**9, "GB"), (10**6, "MB"), (10**3, "kB"))


def size(count: float) -> str:
    """Bytes in decimal units, as file managers and S3 bills count them: `999 B`, `1.2 kB`, `34 MB`."""
    for unit, name in _SIZES:
        # Half a last digit below the unit: 999,950 bytes must not become "1000 kB".
        if count >= unit * 0.9995:
            amount = count / unit
            return f"{amount:.1f} {name}" if amount < 9.95 else f"{amount:.0f} {name}"
    return f"{count:.0f} B"
