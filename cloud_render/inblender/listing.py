# SPDX-License-Identifier: GPL-3.0-or-later
"""From a path that Blender names to the files that lie behind it: sequences, tiles, folders. Knows no Blender."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

from cloud_render.inblender.other_systems import IGNORES_CASE

TILE_TOKENS = {"<UDIM>": r"\d{4}", "<UVTILE>": r"u\d+_v\d+"}
"""What stands in a tiled image's path, and what a tile's file has in its place."""


def file_alone(path: str) -> list[str]:
    return [path] if os.path.isfile(path) else []  # noqa: PTH113 - thousands of times while Blender waits


def folder(path: str) -> list[str]:
    """Every file below a folder, links to folders not followed: one could lead anywhere, even back up."""
    found = []
    for parent, _, names in os.walk(path):
        found += [str(Path(parent) / name) for name in names if (Path(parent) / name).is_file()]
    return sorted(found)


def tiles(path: str) -> list[str]:
    """The files of a tiled image, `path` being its pattern."""
    name = os.path.basename(path)  # noqa: PTH119 - a pattern's text, not a file
    for token, numbers in TILE_TOKENS.items():
        before, found, after = name.partition(token)
        if found:
            return [path for path, _ in _siblings(path, before, numbers, after)]
    return []


def sequence(path: str) -> list[str]:
    """The files of the sequence that `path` belongs to, found as Blender finds them; without digits, `path` alone."""
    return [found for found, _ in numbered(path)] or file_alone(path)


def numbered(path: str) -> list[tuple[str, int]]:
    """Each file of the sequence that `path` belongs to, with its number.

    Blender's rule: the extension goes at the last dot, then the last run of digits of the stem counts. So `x_0001.jp2`
    is a sequence by 0001 and not by 2, and `n_1_x.png` is one too.
    """
    stem, extension = os.path.splitext(os.path.basename(path))  # noqa: PTH119, PTH122 - as Blender cuts it
    match = re.fullmatch(r"(.*?)(\d+)(\D*)", stem, re.DOTALL)
    if not match:
        return []
    return [(found, int(number)) for found, number in _siblings(path, match[1], r"\d+", match[3] + extension)]


def _siblings(path: str, before: str, numbers: str, after: str) -> Iterator[tuple[str, str]]:
    """The files beside `path` named by `before`, something that fits `numbers`, and `after`; each with that something.

    They are spelled as the .blend asks for them. Windows and macOS find `Wood_1001.png` when asked for `wood_1001.png`;
    the Linux machine that renders does not, so it gets the file under the name it will ask for.
    """
    parent = Path(path).parent
    try:
        with os.scandir(parent) as entries:
            names = sorted(entry.name for entry in entries if entry.is_file())
    except (FileNotFoundError, NotADirectoryError):
        return
    for number in numbers_in(names, before, numbers, after, IGNORES_CASE):
        yield str(parent / f"{before}{number}{after}"), number


def numbers_in(names: Iterable[str], before: str, numbers: str, after: str, ignore_case: bool) -> list[str]:
    """What stands between `before` and `after` in those of `names` that have both, and fits `numbers`.

    With `ignore_case` the two ways of writing an accent are one too.
    """
    if ignore_case:
        before, after = (unicodedata.normalize("NFC", part) for part in (before, after))
        names = (unicodedata.normalize("NFC", name) for name in names)
    pattern = re.compile(
        rf"{re.escape(before)}({numbers}){re.escape(after)}", re.DOTALL | (re.IGNORECASE if ignore_case else 0)
    )
    return [match[1].lower() for name in names if (match := pattern.fullmatch(name))]  # UVTILE has letters
