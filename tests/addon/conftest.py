# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension as artists get it: the built zip, installed into a user folder of its own, in a Python that has Blender
and nothing else. CLOUD_RENDER_BLENDER chooses which Blender; it must be a Python that has bpy."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULE = "bl_ext.user_default.cloud_render"

_START = "import sys; shim, code, *sys.argv[1:] = sys.argv[1:]; sys.path.insert(0, shim); exec(code)"
_ENABLE = f"import bpy\nimport addon_utils\naddon = addon_utils.enable({MODULE!r}, default_set=True)\nassert addon\n"
_INSTALL = (
    "import bpy, sys\n"
    "bpy.ops.extensions.package_install_files(filepath=sys.argv[1], repo='user_default', enable_on_install=False)\n"
)


@dataclass(frozen=True)
class BlenderFolder:
    """A Blender with a private user folder. What runs in it sees bpy, what bpy requires, and installed extensions."""

    python: str
    shim: Path
    user: Path

    def run(self, code: str, *arguments: str, enabled: bool = True, **environment: str) -> str:
        """What `code` prints, in a process of its own, with the extension enabled as `addon` unless told otherwise.

        `arguments` are its sys.argv[1:]. Fails the test if the code raises.
        """
        text = (_ENABLE if enabled else "import bpy\n") + code
        done = subprocess.run(
            [self.python, "-I", "-S", "-c", _START, str(self.shim), text, *arguments],
            env={**os.environ, "BLENDER_USER_RESOURCES": str(self.user), **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    def install(self, archive: Path) -> None:
        """As Preferences ▸ Get Extensions ▸ Install from Disk does."""
        self.run(_INSTALL, str(archive), enabled=False)


@pytest.fixture(scope="session")
def blender_python() -> str:
    """The Python whose Blender is tested."""
    chosen = os.environ.get("CLOUD_RENDER_BLENDER", sys.executable)
    if subprocess.run([chosen, "-I", "-c", "import bpy"], capture_output=True, check=False).returncode != 0:
        pytest.skip(f"{chosen} is no Python that has bpy")
    return chosen


@pytest.fixture(scope="session")
def addon_zip(blender_python: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip of this checkout, built as a release is. The first build on a computer downloads wheels."""
    output = tmp_path_factory.mktemp("dist")
    command = [blender_python, str(ROOT / "build_addon.py"), "--output-dir", str(output)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    (archive,) = output.glob("*.zip")
    return archive


@pytest.fixture(scope="session")
def only_blender(blender_python: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with bpy and what it requires, as in the site-packages of a Blender that artists download."""
    folder = tmp_path_factory.mktemp("only_blender")
    subprocess.run([blender_python, str(Path(__file__).with_name("only_blender.py")), str(folder)], check=True)
    return folder


@pytest.fixture
def new_blender(blender_python: str, only_blender: Path, tmp_path: Path) -> BlenderFolder:
    """A Blender with nothing installed, whose user folder is this test's own."""
    return BlenderFolder(blender_python, only_blender, tmp_path / "user")


@pytest.fixture(scope="session")
def installed(
    addon_zip: Path, blender_python: str, only_blender: Path, tmp_path_factory: pytest.TempPathFactory
) -> BlenderFolder:
    """A Blender in which the zip is installed; all tests share it, so none may change its user folder's extensions."""
    blender = BlenderFolder(blender_python, only_blender, tmp_path_factory.mktemp("user"))
    blender.install(addon_zip)
    return blender
