# SPDX-License-Identifier: GPL-3.0-or-later
"""Long words in a narrow sidebar: a label has no line breaks of its own."""

from __future__ import annotations

import textwrap
import unicodedata
from typing import Any

import bpy

WIDTH = 34
"""Characters that fit a box with an icon in a sidebar of its usual width."""

MOST_LINES = 10

_LETTER, _FRAME = 7.0, 90.0
"""Pixels of a letter, and of what stands beside the words in the preferences; at a resolution scale of 1."""

_PANEL_LETTER, _PANEL_FRAME = 6.0, 80.0
"""The same in a sidebar, where the words stand in a box."""

_NARROW, _LEAST, _WIDE = 20, 40, 110


def letters_in(region: Any) -> int:
    """How many fit a line of the preferences, whose window may have any width."""
    if region is None:
        return _WIDE
    context: Any = bpy.context
    width = region.width / context.preferences.system.ui_scale
    return int(min(max((width - _FRAME) / _LETTER, _LEAST), _WIDE))


def in_panel(text: str) -> list[str]:
    """As lines for a box with an icon, in the panel that is being drawn: sidebars and editors have any width."""
    context: Any = bpy.context
    if context.region is None:
        return wrapped(text, WIDTH)
    width = context.region.width / context.preferences.system.ui_scale
    return wrapped(text, int(min(max((width - _PANEL_FRAME) / _PANEL_LETTER, _NARROW), _WIDE)))


def wrapped(text: str, width: int) -> list[str]:
    if any(unicodedata.east_asian_width(letter) in "WF" for letter in text):
        width //= 2  # such letters are twice as wide
    return textwrap.wrap(text, width, max_lines=MOST_LINES, placeholder=" …", break_on_hyphens=False)
