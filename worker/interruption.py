# SPDX-License-Identifier: GPL-3.0-or-later
"""Being told to stop: SIGTERM becomes an Interrupted error, at once or at the next point where nothing is half done."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType

from cloud_render.contract.errors import Interrupted

log = logging.getLogger(__name__)

LEAVE_S = 18.0
"""Seconds from SIGTERM until the process ends whatever it is doing. Batch and Docker send SIGKILL after 30 s."""

SOON_S = 0.02
"""Until a signal is heard again that came while it could not be answered."""


class Interruption:
    """Whether this process was told to stop. One of it lives in the main thread; see `listening`.

    Outside `held()` the signal raises Interrupted in the main thread wherever it is. Inside, it only sets `asked`, and
    the code there looks at it: so an upload ends whole and Blender is stopped in order.
    """

    def __init__(self) -> None:
        self.asked = False
        self.since = 0.0
        """time.monotonic() of the signal."""
        self._held = 0
        self._leave = threading.Timer(LEAVE_S, os._exit, [Interrupted.exit_code])
        self._leave.daemon = True

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
        self.check()

    def check(self) -> None:
        """Raises Interrupted if the process was told to stop."""
        if self.asked and not self._held:
            raise stopped()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            return
        if _swallows_errors(frame):
            signal.setitimer(signal.ITIMER_REAL, SOON_S)
            return
        self.asked = True
        self.since = time.monotonic()
        log.warning("told to stop (%s)", signal.Signals(number).name)
        self._leave.start()
        self.check()

    def over(self) -> None:
        """What was to be ended in order has ended."""
        self._leave.cancel()


def _swallows_errors(frame: FrameType | None) -> bool:
    """Whether the code at `frame` is logging's, which prints whatever is raised in it and goes on."""
    while frame is not None:
        if frame.f_globals.get("__name__") == "logging":
            return True
        frame = frame.f_back
    return False


def stopped() -> Interrupted:
    return Interrupted("The worker was told to stop.", "Frames that are in S3 stay; a retry renders the rest.")


@contextlib.contextmanager
def listening() -> Iterator[Interruption]:
    """SIGTERM and SIGINT inside raise Interrupted (main thread only); the old handlers come back after it."""
    interruption = Interruption()
    # SIGALRM is our own: it brings back what came at a bad moment.
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGALRM)
    before = {number: signal.signal(number, interruption._on_signal) for number in numbers}
    try:
        yield interruption
    finally:
        interruption.over()
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)
