# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files lie behind a path: sequences, tiles, and the spelling of another system."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloud_render.inblender import listing


def made(folder: Path, *names: str) -> str:
    for name in names:
        (folder / name).write_bytes(b"x")
    return str(folder / names[0])


@pytest.mark.parametrize(
    ("first", "others", "numbers"),
    [
        ("x_0001.jp2", ("x_0002.jp2", "x_0002.jp3", "y_0003.jp2"), [1, 2]),
        ("n_1_x.png", ("n_12_x.png", "n_1_y.png"), [1, 12]),
        ("a.b.0099.exr", ("a.b.0100.exr", "a.c.0100.exr"), [99, 100]),
    ],
)
def test_a_sequence_is_numbered_by_the_last_digits_before_the_extension(
    tmp_path: Path, first: str, others: tuple[str, ...], numbers: list[int]
) -> None:
    """As Blender counts: digits of the extension are none, what stands behind the number has to fit."""
    assert sorted(number for _, number in listing.numbered(made(tmp_path, first, *others))) == numbers


def test_brackets_in_the_name_of_tiles_are_only_brackets(tmp_path: Path) -> None:
    """`u[2].<UDIM>.png` is a legal name."""
    made(tmp_path, "u[2].1001.png", "u[2].1002.png", "u2.1001.png", "u[2].10.png")
    found = listing.tiles(str(tmp_path / "u[2].<UDIM>.png"))
    assert [Path(path).name for path in found] == ["u[2].1001.png", "u[2].1002.png"]


def test_tiles_by_u_and_v_are_found(tmp_path: Path) -> None:
    """The other way of counting tiles."""
    made(tmp_path, "t_u1_v1.png", "t_u12_v3.png", "t_1001.png")
    found = listing.tiles(str(tmp_path / "t_<UVTILE>.png"))
    assert [Path(path).name for path in found] == ["t_u12_v3.png", "t_u1_v1.png"]


def test_another_case_on_the_disk_is_found_where_the_system_ignores_case() -> None:
    """On Windows `Wood_0002.PNG` belongs to the sequence `wood_0001.png`; on Linux it does not."""
    names = ["wood_0001.png", "Wood_0002.PNG", "wool_0003.png"]
    assert listing.numbers_in(names, "wood_", r"\d+", ".png", ignore_case=True) == ["0001", "0002"]
    assert listing.numbers_in(names, "wood_", r"\d+", ".png", ignore_case=False) == ["0001"]


def test_both_ways_to_write_an_accent_are_one_on_a_mac() -> None:
    """macOS may write `é` as one letter on the disk and as two in the .blend."""
    assert listing.numbers_in(["caf\u00e9_0001.png"], "cafe\u0301_", r"\d+", ".png", ignore_case=True) == ["0001"]


def test_a_file_of_another_case_travels_under_the_name_that_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The Linux machine will ask for the spelling of the .blend, whatever the artist's disk has."""
    monkeypatch.setattr(listing, "IGNORES_CASE", True)
    made(tmp_path, "Wood_0001.PNG")
    assert listing.numbered(str(tmp_path / "wood_0001.png")) == [(str(tmp_path / "wood_0001.png"), 1)]


def test_a_link_to_a_folder_is_not_followed(tmp_path: Path) -> None:
    """It could lead anywhere, even back up."""
    (tmp_path / "cache").mkdir()
    made(tmp_path / "cache", "a.vdb")
    (tmp_path / "cache" / "disk").symlink_to("/")
    assert listing.folder(str(tmp_path / "cache")) == [str(tmp_path / "cache" / "a.vdb")]
