# SPDX-License-Identifier: GPL-3.0-or-later
"""What no .blend may take from the artist's computer."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloud_render.inblender.off_limits import Private, too_wide


def test_no_disk_home_or_project_is_walked(tmp_path: Path) -> None:
    """An empty path of a cache becomes one of them, sooner or later."""
    refused = too_wide(str(tmp_path / "scenes" / "shot.blend"))
    assert {"/", str(Path.home()), str(Path.home().parent), str(tmp_path), str(tmp_path / "scenes")} <= refused
    assert str(tmp_path / "scenes" / "cache") not in refused


@pytest.mark.parametrize("path", ["/etc/passwd", "/proc/self/environ", "/private/etc/hosts"])
def test_files_of_the_system_are_private(path: str) -> None:
    """A .blend from a stranger may name any file."""
    assert path in Private()


def test_keys_in_the_home_folder_are_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A font named `~/.aws/credentials` would be sent, and a script in the scene could read it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    assert str(tmp_path / ".aws" / "credentials") in Private()
    assert str(tmp_path / ".awsome" / "wood.png") not in Private()


def test_links_lead_to_nothing_private(tmp_path: Path) -> None:
    """Neither a file that is a link nor a folder that is one; links to other places are what artists make."""
    (tmp_path / "wood.png").symlink_to("/etc/passwd")
    (tmp_path / "tex").symlink_to("/etc")
    (tmp_path / "real").mkdir()
    (tmp_path / "shared").symlink_to(tmp_path / "real")
    private = Private()
    assert str(tmp_path / "wood.png") in private
    assert str(tmp_path / "tex" / "passwd") in private
    assert str(tmp_path / "shared" / "a.png") not in private
