# SPDX-License-Identifier: GPL-3.0-or-later
"""Ends the process groups of a local cloud that was killed itself. A program of its own; imports nothing of ours.

The local cloud holds the other end of its stdin and writes `+GROUP` and `-GROUP` lines. When the pipe closes, for
whatever reason, every group still listed gets SIGTERM, and five seconds later SIGKILL: no render goes on unseen.
"""

from __future__ import annotations

import os
import signal
import sys
import time

GRACE_S = 5.0


def watch() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole terminal; the pipe says when it is over.
    groups: set[int] = set()
    for line in sys.stdin:
        group = int(line[1:])
        if line[0] == "+":
            groups.add(group)
        else:
            groups.discard(group)
    deadline = time.monotonic() + GRACE_S
    alive = {group for group in groups if _send(group, signal.SIGTERM)}
    while alive and time.monotonic() < deadline:
        time.sleep(0.05)
        alive = {group for group in alive if _send(group, 0)}
    for group in alive:
        _send(group, signal.SIGKILL)


def _send(group: int, signal_number: int) -> bool:
    """False where the group has no process any more."""
    try:
        os.killpg(group, signal_number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


if __name__ == "__main__":
    watch()
