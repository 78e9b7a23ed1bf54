# SPDX-License-Identifier: GPL-3.0-or-later
"""A clock that jumps from one appointment to the next."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable


class Clock:
    """`now` is in seconds from the beginning. Appointments of one time are kept in the order they were made."""

    def __init__(self) -> None:
        self.now = 0.0
        self._order = itertools.count()
        self._appointments: list[tuple[float, int, Callable[[], None]]] = []

    def after(self, seconds: float, do: Callable[[], None]) -> None:
        heapq.heappush(self._appointments, (self.now + seconds, next(self._order), do))

    def run(self) -> None:
        """Until no appointment is left."""
        while self._appointments:
            self.now, _, do = heapq.heappop(self._appointments)
            do()
