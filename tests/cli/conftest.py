# SPDX-License-Identifier: GPL-3.0-or-later
"""The real command in processes of its own, against a local cloud whose children render nothing."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local_cloud.testing import LocalCloud, running

FAKE_WORKER = Path(__file__).parents[1] / "client" / "fake_worker.py"

COMMAND = [sys.executable, "-c", "from cloud_render.cli.main import main; main()"]
"""What the installed script `cloud-render` does."""

_MAKE_SCENE = """
import bpy, sys
scene = bpy.context.scene
scene.render.engine = "CYCLES"
scene.cycles.samples, scene.cycles.use_denoising = 1, False
scene.render.resolution_x, scene.render.resolution_y = 64, 36
scene.frame_start, scene.frame_end = 1, 6
bpy.ops.wm.save_as_mainfile(filepath=sys.argv[-1])
"""


@pytest.fixture(scope="session")
def blend(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Blender's default scene, six tiny frames of it."""
    if importlib.util.find_spec("bpy") is None:
        pytest.skip("no bpy in this Python")
    path = tmp_path_factory.mktemp("scene") / "cube.blend"
    subprocess.run([sys.executable, "-c", _MAKE_SCENE, str(path)], check=True, capture_output=True)
    return path


@pytest.fixture(scope="session")
def cloud() -> Iterator[LocalCloud]:
    with running(slots=2, images={"*": [sys.executable, str(FAKE_WORKER)]}) as cloud:
        cloud.deploy()
        yield cloud


@pytest.fixture
def environment(cloud: LocalCloud, tmp_path: Path) -> dict[str, str]:
    return {**cloud.environment(), "CLOUD_RENDER_STATE": str(tmp_path / "state")}


@pytest.fixture
def cloud_render(environment: dict[str, str], tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs `cloud-render` with these arguments to its end."""

    def run(*arguments: object, **changes: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *map(str, arguments)],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**environment, **changes},
            timeout=120,
            check=False,
        )

    return run


@pytest.fixture
def asked(cloud_render: Callable[..., subprocess.CompletedProcess[str]]) -> Callable[..., Any]:
    """The JSON that `cloud-render --json` answers; the exit code must be the given one."""

    def ask(*arguments: object, code: int = 0) -> Any:
        done = cloud_render("--json", *arguments)
        assert done.returncode == code, (done.stdout, done.stderr)
        assert done.stderr == ""
        return json.loads(done.stdout)

    return ask


@pytest.fixture
def started(environment: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts `cloud-render` with these arguments and leaves it running; ends it after the test at the latest."""
    processes: list[subprocess.Popen[str]] = []

    def start(*arguments: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*COMMAND, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env=environment,
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()
