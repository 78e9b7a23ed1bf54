# SPDX-License-Identifier: GPL-3.0-or-later
"""What was injected: each fault with its time and whom it met. Counts, so that no kind comes oftener than it may."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from local_cloud.faults import Who


@dataclass(frozen=True)
class Injected:
    """One fault that happened."""

    kind: str
    time: float
    """Seconds since 1970."""
    submission: int
    """See faults.Who; 0 where no child was met."""
    child: int | None
    attempt: int
    instance: str = ""
    request: str = ""
    """`METHOD /bucket/key`."""


class FaultLog:
    """Written by the threads of slots and requests."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: list[Injected] = []
        self._counts: Counter[str] = Counter()

    def take(self, kind: str, limit: int | None) -> bool:
        """Claim one fault of this kind; False where there were `limit` already."""
        with self._lock:
            if limit is not None and self._counts[kind] >= limit:
                return False
            self._counts[kind] += 1
            return True

    def give_back(self, kind: str) -> None:
        """A claimed fault could not happen."""
        with self._lock:
            self._counts[kind] -= 1

    def note(self, kind: str, who: Who, instance: str = "", request: str = "") -> None:
        entry = Injected(kind, self._clock(), who.submission, who.child, who.attempt, instance, request)
        with self._lock:
            self._entries.append(entry)

    def entries(self) -> Sequence[dict[str, Any]]:
        """As JSON, oldest first."""
        with self._lock:
            return [asdict(entry) for entry in self._entries]
