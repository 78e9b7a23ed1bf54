# SPDX-License-Identifier: GPL-3.0-or-later
"""Two saves of Blender's, compared: what an edit changes is never overlooked."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

import pytest

from cloud_render import blender as blender_door
from cloud_render.client.same_scene import change

EDITS = Path(__file__).with_name("edits.py")
ALIKE = ("nothing", "look_around")


def edits() -> list[str]:
    """The names of all edits, read without a Blender."""
    functions = [node for node in ast.parse(EDITS.read_text("utf-8")).body if isinstance(node, ast.FunctionDef)]
    return [node.name for node in functions if node.decorator_list]


@pytest.fixture(scope="module")
def saved(blender: blender_door.Blender, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with each edit's two saves."""
    folder = tmp_path_factory.mktemp("edits")
    command = [part if part != str(blender_door.BOOT) else str(EDITS) for part in blender.command]
    done = subprocess.run([*command, "--", str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return folder


@pytest.mark.parametrize("name", ALIKE)
def test_an_unchanged_scene_is_the_same(saved, name):
    """Whatever Blender writes otherwise the second time, and wherever its windows stand."""
    assert change(saved / name / "before.blend", saved / name / "after.blend") is None


@pytest.mark.parametrize("name", [name for name in edits() if name not in ALIKE])
def test_every_edit_is_a_change(saved, name):
    """Down to one vertex, one bit, and pointers that are only exchanged."""
    assert change(saved / name / "before.blend", saved / name / "after.blend") is not None


@pytest.mark.parametrize(("name", "block"), [("move", "Light"), ("vertex", "Suzanne"), ("exposure", "Scene")])
def test_a_change_says_which_data_block_it_is(saved, name, block):
    """So that the artist knows why frames are rendered again."""
    assert change(saved / name / "before.blend", saved / name / "after.blend") == block


def test_windows_count_where_scripts_may_look_at_them(saved):
    """Then another editor is another scene."""
    before, after = saved / "look_around" / "before.blend", saved / "look_around" / "after.blend"
    assert change(before, after, windows=True) is not None
