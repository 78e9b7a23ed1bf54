# SPDX-License-Identifier: GPL-3.0-or-later
"""`cloud-render blender`: installing a build and listing those there are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local_cloud.testing import LocalCloud

STACK = ("--stack", "installing")


@pytest.fixture(scope="module", autouse=True)
def installing(cloud: LocalCloud) -> None:
    """A stack whose workers have no Blender of their own."""
    cloud.deploy("installing", BlenderFrom="bucket")


def test_a_version_is_installed_once(cloud_render: Callable[..., Any], asked: Callable[..., Any]) -> None:
    """The worker's log is told on the way; a second time there is nothing to do."""
    done = cloud_render("blender", "install", "9.1.0", *STACK)
    assert (done.returncode, done.stdout) == (0, "Blender 9.1.0 is installed.\n")
    assert "fetching blender-9.1.0-linux-x64.tar.xz" in done.stderr
    again = asked("blender", "install", "9.1.0", *STACK)
    assert again == {"version": "9.1.0", "installed": False, "there": ["9.1.0"]}
    assert cloud_render("blender", "list", *STACK).stdout == "9.1.0\n"


def test_an_installation_that_fails_tells_the_workers_words(cloud_render: Callable[..., Any]) -> None:
    """With exit code 1: what the command was to do failed."""
    done = cloud_render("blender", "install", "9.2.404", *STACK)
    assert done.returncode == 1
    assert "Problem: Blender 9.2.404 could not be installed in the cloud: https://download.blender.org/" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"), [(("install", "5"), "not a version such as 5.0.1"), ((), "Missing command")]
)
def test_what_can_not_be_meant_is_refused(
    cloud_render: Callable[..., Any], arguments: tuple[str, ...], words: str
) -> None:
    """As wrong usage."""
    done = cloud_render("blender", *arguments)
    assert done.returncode == 2
    assert words in done.stderr


def test_a_submit_says_that_blender_comes_first(cloud_render: Callable[..., Any], blend: Path) -> None:
    """Else the minutes before the first frame would have no reason."""
    done = cloud_render("submit", blend, "--frames", "1-2", "--wait", *STACK)
    assert done.returncode == 0, done.stderr
    assert "it is installed first" in done.stderr
    assert "it is installed first" not in cloud_render("submit", blend, "--frames", "1", *STACK).stderr
