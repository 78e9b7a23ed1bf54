# SPDX-License-Identifier: GPL-3.0-or-later
"""Moves the mouse and types, in one of two ways. Positions are pixels of the screen from its top left.

Blender takes either its own simulated events or real ones, never both: with --enable-event-simulate it ignores the
mouse, without it it refuses to simulate.
"""

from __future__ import annotations

from typing import Any, Protocol

from eyes import SCREEN
from steps import Steps, pause, program, turns

_BUTTONS = {"LEFTMOUSE": "1", "RIGHTMOUSE": "3", "WHEELUPMOUSE": "4", "WHEELDOWNMOUSE": "5"}
_KEYS = {"RET": "Return", "ESC": "Escape", "TAB": "Tab", "BACK_SPACE": "BackSpace"}
"""X's words for Blender's."""


class Hands(Protocol):
    """Mouse and keyboard."""

    def move(self, window: Any, x: int, y: int) -> Steps: ...

    def press(self, window: Any, button: str = "LEFTMOUSE") -> Steps:
        """A click where the mouse is; `button` may also be a turn of its wheel, such as WHEELDOWNMOUSE."""
        ...

    def key(self, window: Any, key: str, *, ctrl: bool = False) -> Steps: ...

    def type(self, window: Any, text: str) -> Steps: ...


class Events:
    """Blender's simulated events: quick, exact, and independent of which window is on top."""

    def __init__(self) -> None:
        self._at = (0, 0)

    def move(self, window: Any, x: int, y: int) -> Steps:
        self._at = in_window(window, x, y)
        self._send(window, "MOUSEMOVE", "NOTHING")
        yield from turns(2)

    def press(self, window: Any, button: str = "LEFTMOUSE") -> Steps:
        self._send(window, button, "PRESS")
        yield from turns(2)
        if not button.startswith("WHEEL"):
            self._send(window, button, "RELEASE")
        yield from turns(3)

    def key(self, window: Any, key: str, *, ctrl: bool = False) -> Steps:
        for value in ("PRESS", "RELEASE"):
            self._send(window, key, value, ctrl=ctrl)
            yield from turns(2)

    def type(self, window: Any, text: str) -> Steps:
        # The text is in `unicode`; the type only has to be a key that means nothing by itself.
        for letter in text:
            self._send(window, "A", "PRESS", unicode=letter)
            self._send(window, "A", "RELEASE")
            yield

    def _send(self, window: Any, kind: str, value: str, **more: Any) -> None:
        x, y = self._at
        window.event_simulate(type=kind, value=value, x=x, y=y, **more)


class Xdotool:
    """The X server's own mouse and keyboard: the whole way that a person's input takes."""

    def move(self, window: Any, x: int, y: int) -> Steps:
        # Blender only believes a mouse that moves by a little: a jump alone highlights nothing.
        yield from program("xdotool", "mousemove", str(x), str(y))
        yield from pause(0.1)
        yield from program("xdotool", "mousemove_relative", "1", "0")
        yield from pause(0.1)

    def press(self, window: Any, button: str = "LEFTMOUSE") -> Steps:
        number = _BUTTONS[button]
        yield from program("xdotool", "mousedown", number)
        yield from pause(0.05)
        yield from program("xdotool", "mouseup", number)
        yield from pause(0.4)

    def key(self, window: Any, key: str, *, ctrl: bool = False) -> Steps:
        name = _KEYS.get(key, key.lower())
        yield from program("xdotool", "key", f"ctrl+{name}" if ctrl else name)
        yield from pause(0.2)

    def type(self, window: Any, text: str) -> Steps:
        yield from program("xdotool", "type", "--delay", "20", text)
        yield from pause(0.2)


def in_window(window: Any, x: int, y: int) -> tuple[int, int]:
    """Pixels of the screen from its top left as pixels of the window from its bottom left."""
    return x - window.x, SCREEN[1] - y - window.y


def on_screen(window: Any, x: int, y: int) -> tuple[int, int]:
    """And back."""
    return window.x + x, SCREEN[1] - window.y - y
