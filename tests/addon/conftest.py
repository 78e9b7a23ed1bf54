# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension as artists get it: the built zip, installed into a user folder of its own, in a Python that has Blender
and nothing else. CLOUD_RENDER_BLENDER chooses which Blender; it must be a Python that has bpy."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from local_cloud.testing import LocalCloud, running

ROOT = Path(__file__).resolve().parents[2]
MODULE = "bl_ext.user_default.cloud_render"

INSIDE_S = 480.0
"""For all checks of one module of inside/."""

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
        process = self.start(code, *arguments, enabled=enabled, **environment)
        printed, complaints = process.communicate()
        assert process.returncode == 0, f"{printed}\n{complaints}"
        return printed

    def start(
        self, code: str, *arguments: str, enabled: bool = True, stderr: int = subprocess.PIPE, **environment: str
    ) -> subprocess.Popen[str]:
        """The process in which `code` runs, as run() has it."""
        text = (_ENABLE if enabled else "import bpy\n") + code
        like_this_one = ("-X", "dev") if sys.flags.dev_mode else ()
        return subprocess.Popen(
            [self.python, *like_this_one, "-I", "-S", "-c", _START, str(self.shim), text, *arguments],
            env={**os.environ, "BLENDER_USER_RESOURCES": str(self.user), **environment},
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )

    def copied(self, user: Path) -> BlenderFolder:
        """The same with a user folder of its own."""
        shutil.copytree(self.user, user)
        return replace(self, user=user)

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
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the zip is made of, as it was when the tests began: who edits meanwhile disturbs no comparison."""
    copy = tmp_path_factory.mktemp("sources")
    for room in ("blender_addon", "cloud_render", "cloudformation", "worker"):
        shutil.copytree(ROOT / room, copy / room)
    for file in ("build_addon.py", "LICENSE"):
        shutil.copyfile(ROOT / file, copy / file)
    return copy


@pytest.fixture(scope="session")
def addon_zip(sources: Path, blender_python: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip of this checkout, built as a release is. The first build on a computer downloads wheels."""
    output = tmp_path_factory.mktemp("dist")
    flags = ("--output-dir", str(output), "--wheels", str(ROOT / "build" / "wheels"))
    command = [blender_python, str(sources / "build_addon.py"), *flags]
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


@pytest.fixture(scope="session")
def cloud() -> Iterator[LocalCloud]:
    """Renders the scenes that are called "real"; for all others its workers only do as if."""
    worker = Path(__file__).with_name("worker.py")
    with running(slots=3, images={"*": [sys.executable, str(worker)]}) as cloud:
        cloud.deploy()
        yield cloud


@dataclass(frozen=True)
class CloudLine:
    """The way to the cloud, as Blender goes it."""

    line: Any
    """A Line of line.py: obey() has requests held, cut or refused."""
    rule: Any
    """The class of what it obeys."""
    environment: dict[str, str]


@pytest.fixture(scope="session")
def line(cloud: LocalCloud) -> Iterator[CloudLine]:
    module = _sibling("line")
    with module.line_to(cloud.endpoint_url) as (line, url):
        yield CloudLine(line, module.Rule, {**cloud.environment({}), "AWS_ENDPOINT_URL": url})


@dataclass(frozen=True)
class Results:
    """What became of checks that ran inside Blender."""

    troubles: dict[str, str]
    """By check; empty where it passed."""
    log: str
    returncode: int

    def trouble(self, check: str) -> str:
        """Empty if it passed."""
        trouble = self.troubles.get(check, f"Blender ended before {check} did, with {self.returncode}.\n")
        printed = self.log.partition(f"\n=== {check}\n")[2].partition("\n=== ")[0] or self.log[-1500:]
        crash = self.log.find("Fatal Python error")
        return (
            f"{trouble}\nBlender said:\n{printed[-3000:] if crash < 0 else self.log[crash:][:6000]}" if trouble else ""
        )


@pytest.fixture(scope="session")
def run_inside(
    installed: BlenderFolder, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Results]:
    """Runs those checks of a module of inside/ that are selected, all in one Blender, once."""
    known: dict[str, Results] = {}

    def run(module: str, line: CloudLine | None = None) -> Results:
        if module not in known:
            folder = tmp_path_factory.mktemp(module)
            known[module] = _run(installed.copied(folder / "user"), module, _selected(request, module), folder, line)
        return known[module]

    return run


def _selected(request: pytest.FixtureRequest, module: str) -> list[str]:
    parameters = [getattr(item, "callspec", None) for item in request.session.items]
    chosen = [each.params for each in parameters if each is not None and each.params.get("module") == module]
    return [params["check"] for params in chosen]


def _run(blender: BlenderFolder, module: str, checks: list[str], folder: Path, line: CloudLine | None) -> Results:
    runner = Path(__file__).with_name("inside") / "runner.py"
    environment = line.environment if line else {}
    code = "import runpy; sys.argv[:1] = []; runpy.run_path(sys.argv[0], run_name='__main__')"
    arguments = (str(runner), module, str(folder), *checks)
    process = blender.start(code, *arguments, stderr=subprocess.STDOUT, **environment)
    try:
        log, _ = process.communicate(timeout=INSIDE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        log, _ = process.communicate()
    (folder / "log.txt").write_text(log, "utf-8")
    written = folder / "results.jsonl"
    lines = [json.loads(text) for text in written.read_text("utf-8").splitlines()] if written.exists() else []
    return Results({each["name"]: each["trouble"] for each in lines}, log, process.returncode)


def _sibling(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"{name}_of_addon_tests", Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up there
    spec.loader.exec_module(module)
    return module
