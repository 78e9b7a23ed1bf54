# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast a transfer goes and how long it will still take, out of what its progress says. Shows nothing itself."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from cloud_render.store.progress import Progress

_WINDOW_S = 10.0
"""What counts for the rate: long enough to be calm, short enough to notice a line that got slower."""

_SAMPLE_S = 0.2
_FIRST_S = 1.0
"""Before that no rate is told: the first bytes only fill the system's own buffers."""


@dataclass(frozen=True)
class _Sample:
    at: float
    travelled: int
    done: int


class Flow(Progress):
    """Adds up what it hears; for a display to inherit from. All amounts in bytes."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.size = 0
        self.read = 0
        self.travelled = 0
        self.was_there = 0
        self._clock = clock
        self._samples: deque[_Sample] = deque([_Sample(clock(), 0, 0)])

    def total(self, size: int) -> None:
        self.size = size
        self.changed()

    def hashed(self, size: int) -> None:
        self.read += size
        self.changed()

    def present(self, size: int) -> None:
        self.was_there += size
        self._note()

    def sent(self, size: int) -> None:
        self.travelled += size
        self._note()

    def changed(self) -> None:
        """Something else is to be shown now; for the display to fill."""

    @property
    def done(self) -> int:
        """What needs nothing more."""
        return self.travelled + self.was_there

    @property
    def rate(self) -> float | None:
        """Bytes that travel a second; None while that is not known."""
        first, now = self._span()
        return max(self.travelled - first.travelled, 0) / (now - first.at) if now - first.at >= _FIRST_S else None

    @property
    def seconds_left(self) -> float | None:
        """At the pace of the last seconds; None while that is not known, or nothing moves."""
        first, now = self._span()
        pace = (self.done - first.done) / (now - first.at) if now - first.at >= _FIRST_S else 0
        return (self.size - self.done) / pace if pace > 0 else None

    def _span(self) -> tuple[_Sample, float]:
        now = self._clock()
        while len(self._samples) > 1 and now - self._samples[1].at >= _WINDOW_S:
            self._samples.popleft()
        return self._samples[0], now

    def _note(self) -> None:
        now = self._clock()
        if len(self._samples) > 1 and now - self._samples[-2].at < _SAMPLE_S:
            self._samples.pop()
        self._samples.append(_Sample(now, self.travelled, self.done))
        self.changed()
