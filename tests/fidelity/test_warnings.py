# SPDX-License-Identifier: GPL-3.0-or-later
"""The artist hears what would go wrong before a byte is sent: what it is, whose, and what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cloud_render.contract.scene import Examination


@pytest.fixture(scope="module")
def troubled(the_blender: Any, tmp_path_factory: pytest.TempPathFactory, fidelity: Any) -> Examination:
    folder = tmp_path_factory.mktemp("troubled")
    request = {"action": "build", "scene": "troubled", "project": str(folder / "project"), "media": ""}
    fidelity.plainly(the_blender, {**request, "absolute": False, "out": str(folder / "out"), "frames": []})
    return fidelity.examine(the_blender, folder / "project" / "scenes" / "shot.blend")


WORDS = (
    "has gaps: 3.",
    "has the path of a Windows computer: D:",
    "'flag' has a simulation that is not baked",
    "Material 'toon' has the node 'Toon' of an add-on",
)


@pytest.mark.parametrize("words", WORDS)
def test_trouble_is_told_with_a_remedy(words: str, troubled: Examination) -> None:
    """Each kind of trouble is one warning, and each warning has an advice."""
    told = [warning for warning in troubled.warnings if words in warning.problem]
    assert len(told) == 1
    assert told[0].advice


def test_nothing_else_is_told(troubled: Examination) -> None:
    """A gap that no frame reaches is nobody's business."""
    assert len(troubled.warnings) == len(WORDS)


def test_missing_files_have_owners(troubled: Examination) -> None:
    """Also on 4.2, where Blender does not say who asks for a path."""
    owners = {Path(missing.path).name: missing.owner for missing in troubled.missing}
    assert owners["lost.png"] == "Image 'lost'"
    assert set(owners) == {"lost.png", "there.png"}
