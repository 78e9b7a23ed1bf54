# SPDX-License-Identifier: GPL-3.0-or-later
"""Sees the screen: takes pictures and reads the words. Positions are pixels of the screen from its top left.

Blender tells no one where its buttons are, and a person finds them by their words; so does this.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path

from steps import Answer, Steps, program

ENLARGED = 3
"""Tesseract wants letters of 30 pixels; Blender's have about 11."""

LOOKED_AT, NOW = "/tmp/looked-at.ppm", "/tmp/now.ppm"
"""The screen when it was read last, and right now."""

ALIKE = 0.86
"""How much of a phrase must have been read right: one letter of eight may be wrong."""


SCREEN = (1600, 1000)


@dataclass(frozen=True)
class Box:
    """A part of the screen."""

    left: int
    top: int
    width: int
    height: int

    @property
    def middle(self) -> tuple[int, int]:
        return self.left + self.width // 2, self.top + self.height // 2

    @property
    def right(self) -> int:
        return self.left + self.width

    def wider(self, by: int) -> Box:
        """With so many pixels more on each side."""
        return Box(self.left - by, self.top - by, self.width + 2 * by, self.height + 2 * by)

    def on_screen(self) -> Box:
        """The part of it that is on the screen."""
        left, top = max(self.left, 0), max(self.top, 0)
        bottom = min(self.top + self.height, SCREEN[1])
        return Box(left, top, min(self.right, SCREEN[0]) - left, bottom - top)

    def moved_onto_screen(self) -> Box:
        """As large as it is, and no larger than the screen."""
        left, top = max(min(self.left, SCREEN[0] - self.width), 0), max(min(self.top, SCREEN[1] - self.height), 0)
        return Box(left, top, self.width, self.height).on_screen()

    def geometry(self) -> str:
        return f"{self.width}x{self.height}+{self.left}+{self.top}"


@dataclass(frozen=True)
class Word:
    """A word on the screen."""

    text: str
    box: Box
    line: tuple[str, ...]
    """The same for all words of one line."""


def picture(path: Path, box: Box | None = None) -> Steps:
    """Write what the screen shows, or a part of it, as a PNG."""
    crop = ("-crop", box.geometry(), "+repage") if box else ()
    yield from program("import", "-silent", "-window", "root", *crop, str(path))


def read(box: Box) -> Answer[list[Word]]:
    """The words in a part of the screen."""
    box = box.on_screen()
    # In red, white words stand out from blue buttons as well as from grey ones; what is dark in any way becomes paper.
    prepare = f"-crop {box.geometry()} +repage -channel R -separate -negate -level 10%,64% -resize {ENLARGED * 100}%"
    steps = (
        f"import -silent -window root {LOOKED_AT}",
        f"convert {LOOKED_AT} {prepare} png:- | tesseract - - --psm 11 tsv",
    )
    table = yield from program("sh", "-c", f"export OMP_THREAD_LIMIT=1; {' && '.join(steps)}", limit_s=60)
    return [word for row in table.splitlines()[1:] if (word := _word(row.split("\t"), box)) is not None]


def unchanged(box: Box) -> Answer[bool]:
    """Whether a part of the screen still shows what it did when it was read last."""
    part = f"[{box.on_screen().geometry()}]"
    compare = f"compare -metric AE '{NOW}{part}' '{LOOKED_AT}{part}' null:"
    answer = yield from program("sh", "-c", f"import -silent -window root {NOW}; {compare} && echo same || true")
    return "same" in answer


def find(phrase: str, words: list[Word]) -> list[Box]:
    """Where the words of `phrase` stand in a row, from the top down."""
    wanted = _plain(phrase)
    count = len(phrase.split())
    found = []
    for start in range(len(words) - count + 1):
        row = words[start : start + count]
        if len({word.line for word in row}) == 1 and _alike("".join(_plain(word.text) for word in row), wanted):
            found.append(_around([word.box for word in row]))
    return sorted(found, key=lambda box: (box.top, box.left))


def in_words(words: list[Word]) -> str:
    """All that was read, line by line."""
    lines: dict[tuple[str, ...], list[str]] = {}
    for word in words:
        lines.setdefault(word.line, []).append(word.text)
    return "\n".join(" ".join(line) for line in lines.values())


def _word(cells: list[str], seen: Box) -> Word | None:
    if len(cells) != 12 or float(cells[10]) < 30 or not cells[11].strip():
        return None
    left, top, width, height = (int(cell) // ENLARGED for cell in cells[6:10])
    return Word(cells[11].strip(), Box(seen.left + left, seen.top + top, width, height), tuple(cells[1:5]))


def _plain(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())


def _alike(read: str, wanted: str) -> bool:
    return read == wanted or difflib.SequenceMatcher(None, read, wanted).ratio() >= ALIKE


def _around(boxes: list[Box]) -> Box:
    left, top = min(box.left for box in boxes), min(box.top for box in boxes)
    right, bottom = max(box.right for box in boxes), max(box.top + box.height for box in boxes)
    return Box(left, top, right - left, bottom - top)
