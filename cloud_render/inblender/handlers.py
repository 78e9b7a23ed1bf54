# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender's handlers: ours for the length of a block, and an ear on those of the scene's scripts.

Blender prints what a handler raises and goes on, with exit code 0; nobody would learn of it.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

import bpy


@contextlib.contextmanager
def added(handlers: list[Any], function: Callable[..., None]) -> Iterator[None]:
    handlers.append(function)
    try:
        yield
    finally:
        handlers.remove(function)


def hear_failures(tell: Callable[[str], None]) -> None:
    """From now on `tell` gets a sentence for each failure of a handler that is there already."""
    for name in dir(bpy.app.handlers):
        handlers = getattr(bpy.app.handlers, name)
        if isinstance(handlers, list):
            handlers[:] = [_heard(function, f"{name} handler", tell) for function in handlers]


def _heard(function: Callable[..., Any], what: str, tell: Callable[[str], None]) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except Exception as error:
            tell(f"The {what} {function.__name__!r} failed: {type(error).__name__}: {error}")
            raise

    return call
