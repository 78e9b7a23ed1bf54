# SPDX-License-Identifier: GPL-3.0-or-later
"""Test frames: which ones tell most of an animation."""

from __future__ import annotations

from collections.abc import Sequence

PROBES = 3


def probe_frames(frames: Sequence[int], count: int = PROBES) -> tuple[int, ...]:
    """First, middle and last, or `count` evenly spread ones; all of them where there are no more."""
    if len(frames) <= count:
        return tuple(frames)
    if count == 1:
        return (frames[len(frames) // 2],)
    return tuple(frames[round(step * (len(frames) - 1) / (count - 1))] for step in range(count))
