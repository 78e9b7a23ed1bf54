# SPDX-License-Identifier: GPL-3.0-or-later
"""One local cloud for all tests here, the real CLI as a process, Blender's scenes built once, and what came back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cloud_render import blender as door
from cloud_render.contract.keys import Prefix
from local_cloud.testing import LocalCloud, running

HERE = Path(__file__).parent
LIMIT_S = 540


@dataclass(frozen=True)
class Cloud:
    """The local cloud with the stack deployed."""

    local: LocalCloud
    outputs: dict[str, str]
    state: Path
    """Where the client remembers unfinished submits."""

    def cli(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`cloud-render …` with the environment that `cloud-render local` prints."""
        program = Path(sys.executable).with_name("cloud-render")
        return subprocess.run(
            [str(program), *arguments],
            env=self.local.environment() | {"CLOUD_RENDER_STATE": str(self.state)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )

    def document(self, *arguments: str) -> dict[str, Any]:
        """What a command that must succeed says with --json."""
        done = self.cli("--json", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found


@dataclass(frozen=True)
class Rendered:
    """A job that went all the way: what lies in the bucket and what came back."""

    cloud: Cloud
    job_id: str
    folder: Path

    @property
    def frames(self) -> list[str]:
        return sorted(path.name for path in (self.folder / "frames").iterdir())

    @property
    def videos(self) -> list[Path]:
        return sorted(self.folder.glob("video.*"))

    def object(self, name: str) -> bytes:
        """Of the job's folder in the bucket."""
        key = Prefix.of_job(self.job_id).root + name
        s3 = self.cloud.local.client("s3")
        content: bytes = s3.get_object(Bucket=self.cloud.outputs["BucketName"], Key=key)["Body"].read()
        return content

    def objects(self, below: str) -> list[str]:
        """Names below a folder of the job in the bucket."""
        root = Prefix.of_job(self.job_id).root
        s3 = self.cloud.local.client("s3")
        pages = s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.cloud.outputs["BucketName"], Prefix=root + below
        )
        return [item["Key"].removeprefix(root) for page in pages for item in page.get("Contents", ())]

    def report(self, name: str) -> dict[str, Any]:
        made: dict[str, Any] = json.loads(self.object(f"reports/0/{name}.json"))
        return made


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with running(slots=2) as local:
        yield Cloud(local, local.deploy(), tmp_path_factory.mktemp("state"))


@pytest.fixture(scope="session")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with every scene of scenes.py."""
    folder = tmp_path_factory.mktemp("scenes")
    command = [part if part != str(door.BOOT) else str(HERE / "scenes.py") for part in door.find().command]
    done = subprocess.run([*command, "--", str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return folder


@pytest.fixture
def render(cloud: Cloud, scenes: Path, tmp_path: Path) -> Callable[..., Rendered]:
    """Submits a scene (its name, or a path), waits, downloads; the job must end well."""

    def submit(scene: str | Path, *options: str) -> Rendered:
        blend = scene if isinstance(scene, Path) else scenes / scene / f"{scene}.blend"
        folder = tmp_path / "back"
        done = cloud.document("submit", str(blend), "--device", "cpu", "--download", str(folder), *options)
        return Rendered(cloud, done["job"], folder)

    return submit


@pytest.fixture(scope="session")
def pottery() -> Path:
    """The real animation; skips where it is not."""
    folder = os.environ.get("CLOUD_RENDER_TEST_SCENES", "")
    blend = Path(folder) / "pottery.blend"
    if not folder or not blend.is_file():
        pytest.skip("set CLOUD_RENDER_TEST_SCENES to the folder that holds pottery.blend")
    return blend
