# SPDX-License-Identifier: GPL-3.0-or-later
"""Stopping by hand: Ctrl-C, `kill`, a closed terminal. Turns signals into what the commands can end well on."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_ENDINGS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


def end_like_ctrl_c() -> None:
    """From now on `kill` and a closed terminal unwind the program as Ctrl-C does, so that children are ended too."""
    for number in _ENDINGS:
        # nohup sets SIGHUP to "ignore" before us: that wish stands.
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _interrupt)


def _interrupt(number: int, _frame: FrameType | None) -> None:
    # A second one must not break the tidying up that the first one began.
    for other in _ENDINGS:
        signal.signal(other, signal.SIG_IGN)
    raise KeyboardInterrupt(f"signal {number}")


@contextmanager
def asked_to_stop() -> Iterator[Callable[[], bool]]:
    """Within it, the first Ctrl-C (or `kill`) only makes the yielded function answer True; a second one interrupts.

    For work that stops by itself at a good place, such as an upload.
    """
    wish = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield wish.is_set  # signals go to the main thread alone
        return
    before: dict[int, Any] = {}

    def hear(number: int, _frame: FrameType | None) -> None:
        if wish.is_set():
            raise KeyboardInterrupt(f"signal {number}")
        wish.set()

    try:
        for number in (signal.SIGINT, *_ENDINGS):
            if signal.getsignal(number) != signal.SIG_IGN:
                before[number] = signal.signal(number, hear)
        yield wish.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
