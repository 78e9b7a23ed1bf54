# SPDX-License-Identifier: GPL-3.0-or-later
"""A local cloud whose children are fake_worker.py, and the client's view of it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from cloud_render.client.farm import Connection, Farm
from cloud_render.client.monitor import JobState, Monitor
from cloud_render.client.options import Options
from cloud_render.client.plan import SubmitPlan, plan
from cloud_render.client.submit import submit
from cloud_render.contract.scene import Examination, SceneFile, SceneSettings, scene_path
from local_cloud.testing import LocalCloud, running

FAKE_WORKER = Path(__file__).with_name("fake_worker.py")


@pytest.fixture(scope="session")
def cloud() -> Iterator[LocalCloud]:
    with running(slots=2, images={"*": [sys.executable, str(FAKE_WORKER), "--no-mender"]}) as cloud:
        cloud.deploy()
        yield cloud


@pytest.fixture
def aws(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> LocalCloud:
    """This process's own AWS configuration leads to the local cloud, and nothing to the developer's."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in cloud.environment({}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CLOUD_RENDER_STATE", str(tmp_path / "state"))
    return cloud


@pytest.fixture
def farm(aws: LocalCloud) -> Farm:
    """As of a stack whose mender does nothing: what fails stays so until a test does something about it."""
    return replace(Farm.find(Connection()), mend_definition="")


def settings(**changes: Any) -> SceneSettings:
    values: dict[str, Any] = {
        "name": "Scene",
        "frame_start": 1,
        "frame_end": 6,
        "frame_step": 1,
        "frame_current": 1,
        "fps": Fraction(24),
        "width": 64,
        "height": 36,
        "percentage": 100,
        "engine": "CYCLES",
        "samples": 4,
        "file_format": "PNG",
        "movie": None,
        "camera": "Camera",
        "cameras": ("Camera", "Side"),
        "view_layers": ("ViewLayer", "Mist"),
        "active_view_layers": ("ViewLayer",),
        "has_sound": False,
        "multiview": False,
    }
    return SceneSettings(**values | changes)


def scene_file(path: Path, kind: str = "blend", owner: str = "the scene") -> SceneFile:
    return SceneFile(str(path), scene_path(str(path)), path.stat().st_size, kind, owner)


@pytest.fixture
def examined(tmp_path: Path) -> Callable[..., Examination]:
    """An examination of a .blend that is no .blend: the fake worker opens none."""

    def examination(**changes: Any) -> Examination:
        blend = tmp_path / "shot 1.blend"
        if not blend.exists():
            blend.write_bytes(b"a scene in " + str(tmp_path).encode())
        return Examination("5.0.1", "5.0.1", scene_file(blend), "Scene", (settings(**changes),), ())

    return examination


@pytest.fixture
def planned(examined: Callable[..., Examination]) -> Callable[..., SubmitPlan]:
    def make(options: Options | None = None, **changes: Any) -> SubmitPlan:
        return plan(examined(**changes), options or Options(), datetime.now(UTC))

    return make


@pytest.fixture
def submitted(farm: Farm, planned: Callable[..., SubmitPlan]) -> Callable[..., str]:
    """Submits a job with the given name, which tells the fake worker what to do wrong, and options."""

    def make(name: str = "", **choices: Any) -> str:
        return submit(farm, planned(Options(name=name, **choices)))

    return make


@pytest.fixture
def wait_for(farm: Farm) -> Callable[..., JobState]:
    """Watches a job until it is in one of the given phases, or has ended."""

    def wait(job_id: str, *phases: str) -> JobState:
        monitor = Monitor(farm, job_id)
        until = time.monotonic() + 60
        while time.monotonic() < until:
            state = monitor.look()
            if state.phase in phases or (not phases and state.ended):
                return state
            time.sleep(0.1)
        raise AssertionError(f"still {state}")

    return wait
