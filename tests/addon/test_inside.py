# SPDX-License-Identifier: GPL-3.0-or-later
"""What is checked inside Blender, with the zip installed: the functions of inside/*.py, each shown as a test here.

One Blender runs the checks of a module one after another, each with the extension freshly enabled.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

INSIDE = Path(__file__).with_name("inside")
ALONE = ("first_use", "registering", "drawing", "greyed", "described", "translated")
WITH_CLOUD = ("scripting", "setting_up", "pressing", "trouble", "testing_frames")


def checks(*modules: str) -> list[pytest.param]:
    """The functions called test_… of these modules, read without a Blender."""
    trees = {module: ast.parse((INSIDE / f"{module}.py").read_text("utf-8")) for module in modules}
    return [
        pytest.param(module, node.name, id=f"{module}.{node.name.removeprefix('test_')}")
        for module, tree in trees.items()
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]


def passes(trouble: str) -> None:
    if trouble:
        pytest.fail(trouble, pytrace=False)


@pytest.mark.parametrize(("module", "check"), checks(*ALONE))
def test_alone(run_inside, module, check):
    """Passes in a Blender that has no cloud."""
    passes(run_inside(module).trouble(check))


@pytest.mark.parametrize(("module", "check"), checks(*WITH_CLOUD))
def test_with_cloud(run_inside, line, module, check):
    """Passes in a Blender whose environment leads to a local cloud."""
    passes(run_inside(module, line).trouble(check))
