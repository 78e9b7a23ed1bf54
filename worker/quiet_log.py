# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender's own output on its way into the log, thinned: logs cost by the byte, and Blender has a line a sample."""

from __future__ import annotations

import io
import logging
import re

log = logging.getLogger("blender")

PER_FRAME = 1_500
"""Characters of Blender's output that a frame may bring into the log (the worker's own lines come on top)."""

_NOISE = re.compile(
    r"^(Fra:\s*-?\d+|\d\d:\d\d(:\d\d)?\.\d+\s+render\s*\|(?! (WARNING|ERROR|FATAL) )|.*\bSample \d+/\d+"
    r"|Saved: |\s*Time: |EGL Error|Blender quit|$)"
)
"""Lines of 4.x and 5.x that tell the progress, which events tell better; not what 5.x marks as a problem there."""


class QuietLog(io.StringIO):
    """A text file for Blender's output: drops what is noise, and what a frame brings too much of."""

    def __init__(self) -> None:
        super().__init__()
        self._left = 8 * PER_FRAME  # loading a scene has more to say, and says it once
        self._dropped = 0

    def write(self, text: str) -> int:
        for line in text.splitlines():
            self._line(line)
        return len(text)

    def next_frame(self) -> None:
        """A new frame begins, with a new allowance."""
        if self._dropped:
            log.info("| … %d more lines", self._dropped)
        self._left = PER_FRAME
        self._dropped = 0

    def _line(self, line: str) -> None:
        if _NOISE.match(line):
            return
        if len(line) > self._left:
            self._dropped += 1
            return
        self._left -= len(line)
        log.info("| %s", line)
