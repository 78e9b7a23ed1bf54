# SPDX-License-Identifier: GPL-3.0-or-later
"""A limit on bytes a second, shared by all that is on its way."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from typing import Any

_UNITS = {"": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30}
_RATE = re.compile(r"\s*(\d+)\s*(|KB|MB|GB)(?:/s)?\s*", re.IGNORECASE)


class Pace:
    """Says how long to wait; waits for nothing itself. `rate` is in bytes a second, 0 for no limit."""

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._clock = clock
        self._free_at = clock()
        self._lock = threading.Lock()

    def wait_for(self, size: int) -> float:
        """Seconds until `size` more bytes may go; they are counted as gone."""
        if not self._rate:
            return 0.0
        with self._lock:
            start = max(self._free_at, self._clock())
            self._free_at = start + size / self._rate
            return start - self._clock()


def of_client(s3: Any) -> int:
    """`max_bandwidth` of the `s3` section of the profile, as the AWS CLI reads it; 0 where there is none."""
    text = str((s3.meta.config.s3 or {}).get("max_bandwidth") or "")
    match = _RATE.fullmatch(text)
    return int(match[1]) * _UNITS[match[2].upper()] if match else 0
