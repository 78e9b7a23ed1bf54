# SPDX-License-Identifier: GPL-3.0-or-later
"""Version numbers of Blender, such as 5.0.1: their order, and the release that decides whether a file fits."""

from __future__ import annotations

OLDEST = "4.2"
"""The first release that Cloud Render renders with."""


def numbers(version: str) -> tuple[int, ...]:
    """To compare versions by: "5.0.1" → (5, 0, 1)."""
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def three_numbers(version: str) -> str:
    """As the download site names it: "5.0.1" stays, "5.0" → "5.0.0", the first of its release."""
    return ".".join([*version.split("."), "0"][:3])


def release(version: str) -> str:
    """major.minor: "5.0.1" → "5.0". Files of one release open fully in all of its patches."""
    return ".".join(version.split(".")[:2])
