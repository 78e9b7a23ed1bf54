# SPDX-License-Identifier: GPL-3.0-or-later
"""The artist hears what would go wrong before a byte is sent: what it is, whose, and what to do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cloud_render.client.examine import examine
from cloud_render.contract.scene import Examination


def build(fidelity: Any, blender: Any, folder: Path, scene: str) -> Path:
    """The .blend of `scene`, which is not rendered."""
    request = {"action": "build", "scene": scene, "project": str(folder / "project"), "media": "", "absolute": False}
    fidelity.plainly(blender, {**request, "out": str(folder / "out"), "frames": []})
    return folder / "project" / "scenes" / "shot.blend"


@pytest.fixture(scope="module")
def troubled(the_blender: Any, tmp_path_factory: pytest.TempPathFactory, fidelity: Any) -> Examination:
    return fidelity.examine(the_blender, build(fidelity, the_blender, tmp_path_factory.mktemp("troubled"), "troubled"))


WORDS = {
    "a gap inside the range": "has gaps: 3.",
    "paths of Windows": "has the path of a Windows computer: D:/textures/1.png (and 1 more).",
    "paths of macOS": "Image 'mac' has the path of a macOS computer: /Users/ann/3.png.",
    "a private file": "Image 'stolen' asks for /etc/passwd",
    "a very large file": "Volume 'huge' is 11 GiB",
    "cloth": "Object 'flag' has a simulation that is not baked",
    "a fluid": "The fluid of Object 'water' is not baked",
    "a zone in a folder": "The simulation zone of Object 'zone on disk' is not baked",
    "a zone in the .blend": "Object 'zone inside' has a simulation zone that keeps its bake in the .blend",
    "an add-on's node": "Material 'toon' has the node 'Toon' of an add-on",
    "a texture cache": "Textures have a texture cache",
}
NOT_BEFORE = {"a texture cache": (5, 2), "a zone in the .blend": (4, 3)}


def kinds_of(version: str) -> set[str]:
    here = tuple(map(int, version.split(".")[:2]))
    return {kind for kind in WORDS if NOT_BEFORE.get(kind, (4, 2)) <= here}


@pytest.mark.parametrize("kind", WORDS)
def test_trouble_is_told_with_a_remedy(kind: str, troubled: Examination) -> None:
    """Each kind of trouble is one warning, and each warning has an advice."""
    if kind not in kinds_of(troubled.blender):
        pytest.skip(f"Blender {troubled.blender} has no such thing")
    told = [warning for warning in troubled.warnings if WORDS[kind] in warning.problem]
    assert len(told) == 1
    assert told[0].advice


def test_nothing_else_is_told(troubled: Examination) -> None:
    """A gap that no frame reaches is nobody's business; nor is hair that stands, or cloth that is switched off."""
    known = [WORDS[kind] for kind in kinds_of(troubled.blender)]
    others = [one.problem for one in troubled.warnings if not any(words in one.problem for words in known)]
    # 4.2 keeps every bake in a folder, so there the second zone is told as the first.
    assert others == [one for one in others if troubled.blender.startswith("4.2") and "'zone inside'" in one]


def test_missing_files_have_owners(troubled: Examination) -> None:
    """Also on 4.2, where Blender does not say who asks for a path; what shows them is named too."""
    owners = {Path(missing.path.replace("\\", "/")).name: missing.owner for missing in troubled.missing}
    assert owners == {
        "wood.png": "Image 'wood' in material 'Table' of library props.blend",
        "lost.png": "Image 'lost'",
        "1.png": "Image 'one'",
        "2.png": "Image 'two'",
        "3.png": "Image 'mac'",
        "passwd": "Image 'stolen'",
    }


def test_what_is_private_never_travels(troubled: Examination) -> None:
    """A .blend from a stranger gets no file of this computer."""
    assert [file.path for file in troubled.files if file.path.startswith("/etc")] == []


def test_painted_pixels_that_were_not_saved_are_told(the_blender: Any, tmp_path: Path, fidelity: Any) -> None:
    """The open scene has them and no file has: a copy would show the old picture."""
    build(fidelity, the_blender, tmp_path, "painted")
    told = json.loads((tmp_path / "project" / "told.json").read_text())
    assert sorted(problem.split("'")[1] for problem, _ in told) == ["from a file", "made here"]
    assert all("painted pixels that were never saved" in problem and "Save" in advice for problem, advice in told)


def test_the_engine_of_an_add_on_is_named(the_blender: Any, tmp_path: Path, fidelity: Any) -> None:
    """Blender itself renders such a scene with EEVEE and only mentions it in its log."""
    blend = build(fidelity, the_blender, tmp_path, "foreign_engine")
    (told,) = examine(the_blender, blend).warnings
    assert "'Scene' renders with the engine 'FOREIGN'" in told.problem
    assert "Cycles" in told.advice
