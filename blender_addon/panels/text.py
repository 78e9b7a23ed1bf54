# SPDX-License-Identifier: GPL-3.0-or-later
"""Long words in a narrow sidebar: a label has no line breaks of its own."""

from __future__ import annotations

import textwrap
import unicodedata

WIDTH = 44
"""Characters that fit a sidebar of its usual width."""

WIDE = 90
"""Characters that fit the preferences."""

MOST_LINES = 8


def wrapped(text: str, width: int = WIDTH) -> list[str]:
    if any(unicodedata.east_asian_width(letter) in "WF" for letter in text):
        width //= 2  # such letters are twice as wide
    return textwrap.wrap(text, width, max_lines=MOST_LINES, placeholder=" …", break_on_hyphens=False)
