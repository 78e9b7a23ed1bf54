# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths and names of Windows and macOS, seen from another system."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloud_render.inblender.other_systems import other_system, spelled


@pytest.mark.parametrize(
    ("path", "here", "expected"),
    [
        ("C:\\tex\\a.png", "linux", "Windows"),
        ("d:/tex/a.png", "darwin", "Windows"),
        ("\\\\srv\\share\\a.png", "linux", "Windows"),
        ("C:\\tex\\a.png", "win32", ""),
        ("/Users/ann/a.png", "linux", "macOS"),
        ("/Volumes/disk/a.png", "linux", "macOS"),
        ("/Users/ann/a.png", "darwin", ""),
        ("/home/ann/a.png", "win32", "macOS or Linux"),
        ("/home/ann/a.png", "linux", ""),
        ("//tex/a.png", "win32", ""),
        ("tex/a.png", "linux", ""),
    ],
)
def test_a_path_tells_the_system_it_comes_from(path: str, here: str, expected: str) -> None:
    """As far as it can't be of the computer that looks."""
    assert other_system(path, here) == expected


def test_a_name_is_found_whatever_its_case(tmp_path: Path) -> None:
    """Each folder on the way may be spelled otherwise."""
    (tmp_path / "Props" / "tex").mkdir(parents=True)
    (tmp_path / "Props" / "tex" / "Wood.PNG").touch()
    asked = str(tmp_path / "props" / "Tex" / "wood.png")
    assert spelled(asked, str(tmp_path)) == str(tmp_path / "Props" / "tex" / "Wood.PNG")


def test_what_is_there_is_not_renamed(tmp_path: Path) -> None:
    """Linux artists have both `a.png` and `A.png`; where neither is meant exactly, none is guessed."""
    for name in ("a.png", "A.png"):
        (tmp_path / name).touch()
    assert spelled(str(tmp_path / "a.png"), str(tmp_path)) == str(tmp_path / "a.png")
    (tmp_path / "a.png").rename(tmp_path / "a.PNG")
    assert spelled(str(tmp_path / "a.png"), str(tmp_path)) == str(tmp_path / "a.png")


def test_nothing_outside_the_top_is_looked_at(tmp_path: Path) -> None:
    """A path that lies elsewhere comes back as it is."""
    (tmp_path / "Out").mkdir()
    assert spelled(str(tmp_path / "out"), str(tmp_path / "root")) == str(tmp_path / "out")
