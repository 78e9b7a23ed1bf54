# SPDX-License-Identifier: GPL-3.0-or-later
"""The arrows between the rooms of docs/architecture.md, as tests."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

MAY_IMPORT = {
    "cloud_render.contract": set(),
    "cloud_render.store": {"cloud_render.contract"},
    "cloud_render.blender": {"cloud_render.contract"},
    "cloud_render.inblender": {"cloud_render.contract"},
    "cloud_render.client": {"cloud_render.contract", "cloud_render.store", "cloud_render.blender"},
    "cloud_render.cli": {
        "cloud_render.contract",
        "cloud_render.store",
        "cloud_render.blender",
        "cloud_render.client",
    },
    "worker": {"cloud_render.contract", "cloud_render.store", "cloud_render.blender"},
    "worker.mend": {"cloud_render.contract", "cloud_render.client"},
    "worker.dropped": {"cloud_render.contract", "cloud_render.client"},
    "local_cloud": {"cloud_render.contract"},
    "blender_addon": {
        "cloud_render.contract",
        "cloud_render.store",
        "cloud_render.blender",
        "cloud_render.client",
        "cloud_render.inblender",
    },
}
"""Room → the other rooms it may import. Each may import itself, and the bare `cloud_render` for its version."""

TEST_HELPERS = {"local_cloud/testing.py"}
"""Parts of no program: a rig for tests may know both sides."""

OURS = ("cloud_render", "worker", "local_cloud", "blender_addon")


def room_of(module: str) -> str:
    """The room a dotted module name lies in; empty for the bare package and for what is not ours."""
    return next((room for room in MAY_IMPORT if module == room or module.startswith(f"{room}.")), "")


def imports_of(file: Path) -> set[str]:
    """The dotted names that a file imports, `from a import b` as both `a` and `a.b`."""
    package = ".".join(file.relative_to(ROOT).parent.parts)
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            found |= {base} | {f"{base}.{alias.name}" for alias in node.names}
    return found


def files_of(room: str) -> list[Path]:
    """Without those of a room inside it."""
    folder = ROOT.joinpath(*room.split("."))
    inside = {ROOT.joinpath(*other.split(".")).with_suffix(".py") for other in MAY_IMPORT if other != room}
    return sorted(set(folder.rglob("*.py")) - inside) if folder.is_dir() else [folder.with_suffix(".py")]


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_imports_follow_the_arrows(room):
    """No room imports one that the architecture does not let it see."""
    allowed = MAY_IMPORT[room] | {room}
    against = [
        f"{file.relative_to(ROOT)} imports {name}"
        for file in files_of(room)
        if file.exists() and file.relative_to(ROOT).as_posix() not in TEST_HELPERS
        for name in imports_of(file)
        if name.split(".")[0] in OURS and room_of(name) and room_of(name) not in allowed
    ]
    assert not against


def test_only_inblender_and_the_extension_import_bpy():
    """bpy is touched in two rooms alone, so everything else runs and is tested without Blender."""
    rooms = set(MAY_IMPORT) - {"cloud_render.inblender", "blender_addon"}
    with_bpy = [
        str(file.relative_to(ROOT))
        for room in rooms
        for file in files_of(room)
        if file.exists() and {"bpy", "mathutils"} & {name.split(".")[0] for name in imports_of(file)}
    ]
    assert not with_bpy


@pytest.mark.parametrize("room", ["cloud_render.contract", "cloud_render.inblender"])
def test_what_runs_inside_blender_needs_only_the_standard_library(room):
    """A full Blender has none of our dependencies; these two rooms live with what it brings itself."""
    of_blender = {"bpy", "mathutils", "gpu", "_cycles", "numpy"} if room.endswith("inblender") else set()
    allowed = set(sys.stdlib_module_names) | {"cloud_render"} | of_blender
    strangers = {
        f"{file.relative_to(ROOT)}: {name}"
        for file in files_of(room)
        for name in imports_of(file)
        if name.split(".")[0] not in allowed
    }
    assert not strangers


@pytest.mark.parametrize("room", ["contract", "store", "client"])
def test_importing_the_library_loads_no_heavy_stranger(room):
    """A program that uses the library pays neither for Blender nor for the CLI or the local cloud."""
    modules = sorted(
        "cloud_render." + ".".join(file.relative_to(ROOT / "cloud_render").with_suffix("").parts)
        for file in files_of(f"cloud_render.{room}")
        if file.name != "__init__.py"
    )
    code = (
        f"import importlib, sys\nfor name in {modules!r}: importlib.import_module(name)\n"
        "print(*sorted({'bpy', 'moto', 'click', 'rich', 'local_cloud'} & set(sys.modules)))"
    )
    asked = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert (asked.returncode, asked.stdout.strip()) == (0, ""), asked.stderr


def test_the_extension_puts_no_operator_into_another_context():
    """Inside temp_override Blender 5.0 reads a dictionary without holding Python's lock: a crash, if threads run."""
    files = (ROOT / "blender_addon").rglob("*.py")
    assert [file.name for file in files if "temp_override(" in file.read_text("utf-8")] == []
