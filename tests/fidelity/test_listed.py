# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that no picture shows are found all the same, and nothing is walked that is no part of the scene."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cloud_render.contract.scene import Examination


@dataclass(frozen=True)
class Listed:
    """A scene of such things, as it was examined."""

    examination: Examination
    expected: dict[str, list[str]]
    """The files of each kind."""
    project: Path


@pytest.fixture(scope="module")
def listed(the_blender: Any, tmp_path_factory: pytest.TempPathFactory, fidelity: Any) -> Listed:
    folder = tmp_path_factory.mktemp("listed")
    project = folder / "project"
    request = {"action": "build", "scene": "listed", "project": str(project), "media": "", "absolute": False}
    fidelity.plainly(the_blender, {**request, "out": str(folder / "out"), "frames": []})
    examination = fidelity.examine(the_blender, project / "scenes" / "shot.blend")
    return Listed(examination, json.loads((project / "expected.json").read_text()), project)


KINDS = (
    "image with a fake user",
    "text",
    "sounds",
    "fluid cache",
    "ocean cache",
    "stereo image",
    "link to a whole disk",
)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_seen_is_found(kind: str, listed: Listed) -> None:
    """Each of its files is there, with an owner in words."""
    owners = {file.path: file.owner for file in listed.examination.files}
    assert listed.expected[kind] == [path for path in listed.expected[kind] if owners.get(path)]


def test_nothing_else_is_found(listed: Listed) -> None:
    """No file that nothing asks for: not the packed one's original, no whole folder, no disk."""
    found = {file.path for file in listed.examination.files}
    assert found == {path for paths in listed.expected.values() for path in paths}


def test_whole_disks_are_refused_in_words(listed: Listed) -> None:
    """The folders that were not walked are named, each with a remedy."""
    refused = [warning.problem for warning in listed.examination.warnings if "whole folder" in warning.problem]
    assert any(str(Path.home()) in problem for problem in refused)
    assert any("folder /;" in problem for problem in refused)


def test_a_cache_that_was_never_baked_is_not_missing(listed: Listed) -> None:
    """Blender names its folder whether or not anything was written there."""
    assert [missing for missing in listed.examination.missing if "not there" in missing.path] == []
