# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting without stopping Blender: what takes time is a generator, and each `yield` lets Blender turn once."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Generator
from typing import Any, TypeVar

Steps = Generator[None, None, None]
"""Something that is done step by step."""

T = TypeVar("T")
Answer = Generator[None, None, T]
"""The same, with a result: `found = yield from …`."""


class TookTooLong(AssertionError):
    """What was waited for did not come."""


def turns(count: int) -> Steps:
    """Let Blender turn `count` times: it handles what was typed or clicked, and draws."""
    for _ in range(count):
        yield


def pause(seconds: float) -> Steps:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        yield


def until(what: str, condition: Callable[[], Any], limit_s: float = 60.0) -> Answer[Any]:
    """Wait until `condition()` is true; what it gave. Raises TookTooLong, which says `what` was waited for."""
    ends = time.monotonic() + limit_s
    while not (found := condition()):
        if time.monotonic() > ends:
            raise TookTooLong(f"waited {limit_s:.0f} s for this: {what}")
        yield
    return found


def program(*command: str, limit_s: float = 30.0) -> Answer[str]:
    """Run a short program beside Blender; what it printed. Raises RuntimeError where it fails."""
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    ends = time.monotonic() + limit_s
    while process.poll() is None:
        if time.monotonic() > ends:
            process.kill()
        yield
    printed, complaints = process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with {process.returncode}: {complaints.strip()[-500:]}")
    return printed
