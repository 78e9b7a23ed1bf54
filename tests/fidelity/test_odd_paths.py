# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths that mean one thing on the artist's computer and another below the job's root."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cloud_render.contract.errors import MissingFiles
from cloud_render.contract.scene import Examination

FRAMES = (1,)


class Artist:
    """The computer of an artist who builds a scene."""

    def __init__(self, blender: Any, fidelity: Any, folder: Path) -> None:
        self.blender, self.fidelity, self.folder = blender, fidelity, folder
        self.home = folder / "artist"
        self.blend = self.home / "project" / "scenes" / "shot.blend"

    def build(self, scene: str, **wishes: Any) -> Examination:
        project = str(self.blend.parents[1])
        request = {"action": "build", "scene": scene, "project": project, "media": "", "absolute": False}
        out = {"out": str(self.folder / "reference"), "frames": FRAMES}
        self.fidelity.plainly(self.blender, {**request, **wishes, **out})
        return self.fidelity.examine(self.blender, self.blend)

    def goes_away(self) -> None:
        self.home.rename(self.folder / "away")

    def reference(self) -> np.ndarray:
        return self.fidelity.pictures_in(self.folder / "reference")["0001"]

    def rendered(self, examination: Examination) -> np.ndarray:
        """The first frame, from a root with the files of `examination`."""
        root = self.folder / "root"
        self.fidelity.place_files(examination, root)
        self.goes_away()
        return self.fidelity.render_from(self.blender, examination, root, self.folder / "out")["0001"]


@pytest.fixture
def artist(the_blender: Any, fidelity: Any, tmp_path: Path) -> Artist:
    return Artist(the_blender, fidelity, tmp_path)


def test_a_library_of_two_spellings_is_one(artist: Artist) -> None:
    """Windows and macOS show it to both that link it; here only one spelling travels, and both find it."""
    examination = artist.build("spellings")
    spelled = {
        (place := file.scene_path.replace("/Props/", "/props/")): replace(file, scene_path=place)
        for file in examination.files
    }
    assert len(spelled) == len(examination.files) - 1  # the library itself
    got = artist.rendered(replace(examination, files=tuple(spelled.values())))
    np.testing.assert_array_equal(got, artist.reference())


def test_any_number_of_libraries_is_found_at_its_new_place(artist: Artist) -> None:
    """Forty libraries with absolute paths."""
    examination = artist.build("many_libraries")
    np.testing.assert_array_equal(artist.rendered(examination), artist.reference())


def test_more_steps_up_than_there_are_folders_end_at_the_root(artist: Artist) -> None:
    """On the artist's disk they end at `/`; on the machine that renders they must not lead out of the job's root."""
    examination = artist.build("climbing")
    np.testing.assert_array_equal(artist.rendered(examination), artist.reference())


def test_no_path_leads_out_of_the_root(artist: Artist) -> None:
    """The originals are still there, and the job, which lacks them, must not find them by climbing to them."""
    examination = artist.build("climbing")
    root = artist.folder / "root"
    artist.fidelity.place_files(replace(examination, files=()), root)
    with pytest.raises(MissingFiles) as caught:
        artist.fidelity.render_from(artist.blender, replace(examination, files=()), root, artist.folder / "out")
    assert {Path(line.split(": ", 1)[1]).is_relative_to(root) for line in caught.value.missing} == {True}
