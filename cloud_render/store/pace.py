# SPDX-License-Identifier: GPL-3.0-or-later
"""A limit on bytes a second, shared by all that is on its way."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from typing import Any

from cloud_render.contract.errors import BadArguments

_RATE = re.compile(r"(\d{1,15}(?:\.\d{1,6})?)\s*([KMGT]?)(B|b|bit)?(?:/s|ps)?", re.ASCII)
_POWERS = " KMGT"


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


def of_text(text: str) -> int:
    """Bytes a second of `1048576`, `5MB/s` as the AWS CLI writes it (by 1,024), or `40Mbit/s`, `40Mb/s` (by 1,000).

    Raises BadArguments.
    """
    match = _RATE.fullmatch(text.strip().replace("k", "K"))
    bits = match is not None and match[3] in ("b", "bit")
    step = 1000 if bits else 1024
    rate = int(float(match[1]) * step ** _POWERS.index(match[2] or " ") / (8 if bits else 1)) if match else 0
    if not rate:
        raise BadArguments(f"{text!r} is not a rate.", "Write 5MB/s, 500KB/s or 40Mbit/s.")
    return rate


def of_client(s3: Any) -> int:
    """`max_bandwidth` of the `s3` section of the AWS profile, as the AWS CLI reads it; 0 where there is none.

    Raises BadArguments for what can't be read: who asked for a limit would not want to go without.
    """
    text = str((s3.meta.config.s3 or {}).get("max_bandwidth") or "")
    if not text:
        return 0
    try:
        return of_text(text)
    except BadArguments as error:
        problem = f"The AWS configuration limits the rate: s3.max_bandwidth is {text!r}, which is not a rate."
        raise BadArguments(problem, error.advice) from error
