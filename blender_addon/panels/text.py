# SPDX-License-Identifier: GPL-3.0-or-later
"""Long words in a narrow sidebar: a label has no line breaks of its own."""

from __future__ import annotations

import textwrap
import unicodedata
from typing import Any

import bpy

WIDTH = 44
"""Characters that fit a sidebar of its usual width."""

MOST_LINES = 8

_LETTER, _FRAME = 7.0, 90.0
"""Pixels of a letter, and of what stands beside the words in the preferences; at a resolution scale of 1."""

_LEAST, _WIDE = 40, 110


def letters_in(region: Any) -> int:
    """How many fit a line of the preferences, whose window may have any width."""
    if region is None:
        return _WIDE
    context: Any = bpy.context
    width = region.width / context.preferences.system.ui_scale
    return int(min(max((width - _FRAME) / _LETTER, _LEAST), _WIDE))


def wrapped(text: str, width: int = WIDTH) -> list[str]:
    if any(unicodedata.east_asian_width(letter) in "WF" for letter in text):
        width //= 2  # such letters are twice as wide
    return textwrap.wrap(text, width, max_lines=MOST_LINES, placeholder=" …", break_on_hyphens=False)
