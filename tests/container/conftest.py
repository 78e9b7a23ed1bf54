# SPDX-License-Identifier: GPL-3.0-or-later
"""The built image, a local cloud whose jobs run in it, and a scene. `run.py` builds the image and starts the tests.

Each container is as confined as a job definition can make it: no root, no capability, a root file system that is
read-only, and two folders to write to.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cloud_render import blender
from local_cloud.testing import LocalCloud, running

HERE = Path(__file__).parent
LIMIT_S = 300

CONFINED = (
    "--pull=never",
    "--network=host",
    "--read-only",
    "--read-only-tmpfs=false",
    "--cap-drop=all",
    "--security-opt=no-new-privileges",
    "--user=10001:10001",
    "--shm-size=1g",
)
"""As in the job definitions (user, shared memory), and stricter."""


@dataclass(frozen=True)
class Image:
    """The worker's image and the podman that runs it."""

    podman: tuple[str, ...]
    name: str
    cache: str
    """A volume, as the instance's folder that all children there share."""

    def prefix(self, *options: str) -> list[str]:
        """The argv that stands in for the image's entry point."""
        mounts = (f"--volume={self.cache}:/cache", "--volume=/scratch")
        ours = ("--env=CLOUD_RENDER_CACHE=/cache", "--env=CLOUD_RENDER_SCRATCH=/scratch")
        label = f"--label=cloud-render-test={self.cache}"
        return [*self.podman, "run", "--rm", label, *CONFINED, *mounts, *options, *ours, self.name]

    def python(self, program: str) -> subprocess.CompletedProcess[str]:
        """A Python program in a container."""
        command = [*self.prefix("--entrypoint=python3"), "-c", program]
        return subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)

    def containers(self) -> list[str]:
        """Ids of those that are there, ended or not."""
        command = [*self.podman, "ps", "--all", "--quiet", f"--filter=label=cloud-render-test={self.cache}"]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.split()


@dataclass(frozen=True)
class Cloud:
    """A local cloud whose jobs run in the image."""

    local: LocalCloud
    bucket: str
    state: Path

    def cli(self, *arguments: str) -> dict[str, Any]:
        """What `cloud-render --json …` says; it must succeed."""
        program = Path(sys.executable).with_name("cloud-render")
        done = subprocess.run(
            [str(program), "--json", *arguments],
            env=self.local.environment() | {"CLOUD_RENDER_STATE": str(self.state)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def keys(self, prefix: str) -> list[str]:
        """Of the bucket's objects."""
        pages = self.local.client("s3").get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return [item["Key"] for page in pages for item in page.get("Contents", ())]


@pytest.fixture(scope="session")
def image() -> Iterator[Image]:
    name = os.environ.get("CLOUD_RENDER_TEST_IMAGE", "")
    if not name:
        pytest.skip("needs the built image: `nox -s container` builds it and runs this")
    podman = tuple(json.loads(os.environ["CLOUD_RENDER_TEST_PODMAN"]))
    image = Image(podman, name, f"cloud-render-{uuid.uuid4().hex[:12]}")
    try:
        yield image
    finally:
        for container in image.containers():
            subprocess.run([*podman, "rm", "--force", "--time=0", container], capture_output=True, check=False)
        subprocess.run([*podman, "volume", "rm", "--force", image.cache], capture_output=True, check=False)


@pytest.fixture(scope="session")
def cloud(image: Image, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """It takes its Blender from a mirror on this computer, into the bucket, by a job, as in the cloud."""
    sys.path.insert(0, str(HERE))
    from build import offered

    with offered(tmp_path_factory.mktemp("mirror")) as mirror:
        told = ("--env=AWS_*", "--env=CLOUD_RENDER_*", f"--env=CLOUD_RENDER_BLENDER_URL={mirror.address}")
        with running(slots=2, images={"*": image.prefix(*told)}) as local:
            outputs = local.deploy(DefaultDevice="cpu", BlenderFrom="bucket")
            yield Cloud(local, outputs["BucketName"], tmp_path_factory.mktemp("state"))


@pytest.fixture(scope="session")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's, with a texture, a library and a sound, made by this Python's Blender."""
    folder = tmp_path_factory.mktemp("scene")
    answer = blender.ask(blender.find(), {"action": "demo_scene", "folder": str(folder)})
    return Path(answer["path"])
