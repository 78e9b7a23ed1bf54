# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person does with Blender: looks for words and buttons, clicks, types, waits, takes pictures."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import bpy
import eyes
from eyes import Box
from hands import Hands, on_screen
from steps import Answer, Steps, TookTooLong, pause, turns, until

SPACING = 10
"""Pixels between the points where the mouse feels for a button; Blender's are 20 high, and as wide where they are
icons."""


class Driver:
    """One person at one Blender. Every method is to be waited for: `yield from driver.click(…)`."""

    def __init__(self, hands: Hands, pictures: Path) -> None:
        self.hands = hands
        self.window = bpy.context.window_manager.windows[0]
        """The one that is looked at."""
        self._mouse = (0, 0)
        self._pictures = pictures
        self._taken = len(list(pictures.glob("*.png")))

    # Looking

    def picture(self, name: str, box: Box | None = None) -> Steps:
        """Keep what the screen shows now, or a part of it, under a number and this name."""
        yield from pause(0.3)  # what was just changed is drawn
        self._taken += 1
        path = self._pictures / f"{self._taken:02d}-{name}.png"
        yield from eyes.picture(path, box)
        say(f"picture {path.name}")

    def find(self, phrase: str, box: Box | None = None, limit_s: float = 20.0, *, lowest: bool = False) -> Answer[Box]:
        """Where the words stand: topmost in the box, or lowest. Raises TookTooLong, with what stands there instead."""
        ends = time.monotonic() + limit_s
        looks = 0
        while looks < 2 or time.monotonic() < ends:  # on a busy computer a single look may take that long
            words = yield from eyes.read(box or self.whole_window())
            if found := eyes.find(phrase, words):
                return found[-1 if lowest else 0]
            looks += 1
        raise TookTooLong(f"looked {limit_s:.0f} s for the words {phrase!r}, but saw:\n{eyes.in_words(words)}")

    def whole_window(self) -> Box:
        left, top = on_screen(self.window, 0, self.window.height)
        return Box(left, top, self.window.width, self.window.height)

    def around_mouse(self) -> Box:
        """Where Blender opens dialogs with settings, which it moves onto the screen; reading less of it is quicker."""
        x, y = self._mouse
        return Box(x - 500, y - 250, 1000, 500).moved_onto_screen()

    def middle(self) -> Box:
        """Where Blender asks whether to go on."""
        x, y = self.whole_window().middle
        return Box(x - 300, y - 80, 600, 160)

    def box_of(self, region: Any) -> Box:
        left, top = on_screen(self.window, region.x, region.y + region.height)
        return Box(left, top, region.width, region.height)

    # Touching

    def click_at(self, x: int, y: int, button: str = "LEFTMOUSE") -> Steps:
        self._mouse = (x, y)
        yield from self.hands.move(self.window, x, y)
        yield from self.hands.press(self.window, button)

    def click(self, phrase: str, box: Box | None = None, limit_s: float = 20.0) -> Steps:
        """Click on words, wherever they are: a button, a menu entry, a tab, a dialog."""
        found = yield from self.find(phrase, box, limit_s)
        # Reading takes a second or more, and a panel may grow meanwhile: a quick second look at the place itself.
        while not (yield from eyes.unchanged(found.wider(2))):
            found = yield from self.find(phrase, box, limit_s)
        say(f"click on {phrase!r}")
        yield from self.click_at(*found.middle)

    def scroll(self, box: Box, notches: int) -> Steps:
        """Turn the mouse's wheel over a place: down, or up for less than 0."""
        yield from self.hands.move(self.window, *box.middle)
        for _ in range(abs(notches)):
            yield from self.hands.press(self.window, "WHEELDOWNMOUSE" if notches > 0 else "WHEELUPMOUSE")

    def click_beside(self, phrase: str, distance: int, box: Box | None = None) -> Steps:
        """Click so many pixels right of the words' end, or (less than 0) left of their beginning: what has no words."""
        found = yield from self.find(phrase, box)
        say(f"click beside {phrase!r}")
        yield from self.click_at((found.right if distance > 0 else found.left) + distance, found.middle[1])

    def click_operator(self, name: str, area: Any, region: Any, rows: Box | None = None) -> Steps:
        """Click on the button of an operator, such as "cloud_render.cancel": the way to buttons that are only icons.

        `rows`: look only as high and as low as this box.
        """
        x, y = yield from self._feel(name, area, region, rows or self.box_of(region))
        say(f"click on the button of {name}")
        yield from self.click_at(x, y)

    def fill(self, label: str, text: str, box: Box | None = None) -> Steps:
        """Type into the field right of a label, in place of what it has."""
        yield from self.click_beside(label, 60, box)
        yield from self.hands.key(self.window, "A", ctrl=True)
        yield from self.hands.type(self.window, text)
        yield from self.hands.key(self.window, "RET")
        say(f"typed {text!r}")

    # Blender's own places

    def area(self, kind: str) -> Any:
        """The largest editor of a kind in the window that is looked at."""
        areas = [area for area in self.window.screen.areas if area.type == kind]
        assert areas, f"there is no {kind} in this window"
        return max(areas, key=lambda area: area.width * area.height)

    def open_sidebar(self, tab: str, kind: str = "VIEW_3D") -> Answer[tuple[Any, Any]]:
        """Its area and region."""
        area = self.area(kind)
        area.spaces.active.show_region_ui = True
        region = region_of(area, "UI")

        def shown() -> bool:
            try:
                region.active_panel_category = tab
            except AttributeError:  # read-only until the sidebar was drawn once
                return False
            return True

        yield from until(f"the sidebar of {kind}", shown)
        area.tag_redraw()
        yield from turns(8)
        return area, region

    def open_preferences(self, section: str = "ADDONS") -> Answer[tuple[Any, Any]]:
        """Edit ▸ Preferences, in a window of its own, which is looked at from then on. Its area and region."""
        before = set(windows())
        yield from self.hands.move(self.window, *self.whole_window().middle)  # Blender opens the window there
        with bpy.context.temp_override(window=self.window):
            bpy.ops.screen.userpref_show(section=section)
        self.window = yield from until(
            "the window of the preferences", lambda: next(iter(set(windows()) - before), None)
        )
        yield from turns(10)
        area = self.area("PREFERENCES")
        return area, region_of(area, "WINDOW")

    def show_editor(self, kind: str, other: str) -> Steps:
        """Show another kind of editor where the largest of `kind` is."""
        area = self.area(kind)
        area.ui_type = other
        yield from turns(10)

    def close_window(self) -> Steps:
        """Close the window that is looked at, and look at the first one again."""
        with bpy.context.temp_override(window=self.window):
            bpy.ops.wm.window_close()
        self.window = windows()[0]
        yield from turns(10)

    def _feel(self, operator: str, area: Any, region: Any, rows: Box) -> Answer[tuple[int, int]]:
        """Where in the region the mouse touches the button of an operator: first in few columns, then in all."""
        box = self.box_of(region)
        for columns in (5, box.width // SPACING):
            for x, y in _points(Box(box.left, rows.top, box.width, rows.height), columns):
                yield from self.hands.move(self.window, x, y)
                with bpy.context.temp_override(window=self.window, area=area, region=region):
                    if touched().startswith(f"bpy.ops.{operator}("):
                        return x, y
        raise AssertionError(f"the mouse found no button of {operator}")


def say(words: str) -> None:
    print(f"UI {words}", flush=True)


def windows() -> list[Any]:
    return list(bpy.context.window_manager.windows)


def region_of(area: Any, kind: str) -> Any:
    return next(region for region in area.regions if region.type == kind)


def touched() -> str:
    """The operator of the button under the mouse, as Blender writes it for a script; empty where there is none.

    There is no other way to ask for it, so it goes through the clipboard.
    """
    if not bpy.ops.ui.copy_python_command_button.poll():
        return ""
    bpy.ops.ui.copy_python_command_button()
    return str(bpy.context.window_manager.clipboard)


def _points(box: Box, columns: int) -> Iterable[tuple[int, int]]:
    for y in range(box.top + SPACING // 2, box.top + box.height, SPACING):
        for column in range(columns):
            yield box.left + int((column + 0.5) * box.width / columns), y
