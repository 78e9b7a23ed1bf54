# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON lines from inside Blender to the process that started it, on a pipe of their own."""

from __future__ import annotations

import json
import os
import sys
import threading
from typing import IO, Any

VARIABLE = "CLOUD_RENDER_EVENTS_FD"


class Events:
    """Sends one JSON object a line. Any thread may send: Cycles reports its samples from its own."""

    def __init__(self, pipe: IO[str]) -> None:
        self._pipe = pipe
        self._lock = threading.Lock()

    @classmethod
    def of_environment(cls) -> Events:
        """The pipe that CLOUD_RENDER_EVENTS_FD names; standard output where a person started us by hand."""
        number = os.environ.pop(VARIABLE, "")
        if not number:
            return cls(sys.stdout)
        return cls(os.fdopen(_descriptor(int(number)), "w", encoding="utf-8"))

    def send(self, event: str, **fields: Any) -> None:
        line = json.dumps({"event": event, **fields})
        with self._lock:
            self._pipe.write(line + "\n")
            self._pipe.flush()


def _descriptor(number: int) -> int:
    if sys.platform == "win32":  # pragma: no cover
        import msvcrt

        return msvcrt.open_osfhandle(number, os.O_WRONLY)
    # What Blender starts (a script's own programs) must not hold the pipe open after Blender's end.
    os.set_inheritable(number, False)
    return number
