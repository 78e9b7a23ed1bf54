# SPDX-License-Identifier: GPL-3.0-or-later
"""What the worker's image must hold; building it takes a container tool, reading its recipe does not."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def recipe() -> str:
    """The Dockerfile without its comments."""
    lines = (ROOT / "worker" / "Dockerfile").read_text().splitlines()
    return "\n".join(line for line in lines if not line.startswith("#"))


def test_the_worker_is_not_root(recipe):
    """A .blend is code: its user can change nothing of the image."""
    last = recipe.rpartition("FROM ")[2]
    assert re.search(r"^USER render$", last, re.MULTILINE)
    assert last.index("USER render") < last.index("ENTRYPOINT")


def test_the_driver_is_asked_for_what_blender_needs(recipe):
    """CUDA needs compute; OptiX and EGL need graphics, and EGL its vendor file, or EEVEE renders on the CPU."""
    assert "NVIDIA_DRIVER_CAPABILITIES=compute,utility,graphics" in recipe
    assert "/usr/share/glvnd/egl_vendor.d/10_nvidia.json" in recipe
    assert "libEGL_nvidia.so.0" in recipe


def test_the_base_does_not_come_from_docker_hub(recipe):
    """CodeBuild gets 429 there, and a release gives its own base."""
    assert re.search(r"^ARG BASE=public\.ecr\.aws/", recipe, re.MULTILINE)
    assert set(re.findall(r"^FROM (\S+)", recipe, re.MULTILINE)) == {"${BASE}"}


def test_whatever_is_downloaded_is_checked_by_its_hash(recipe):
    """Wheels by --require-hashes, a baked-in Blender by its SHA-256."""
    assert "--require-hashes" in recipe
    assert recipe.count("curl -f") == recipe.count("sha256sum -c") == 1
    pinned = [line for line in (ROOT / "worker/requirements.txt").read_text().splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[\w-]+==[\w.]+ --hash=sha256:[0-9a-f]{64}", line) for line in pinned)


def test_the_image_installs_what_the_worker_needs():
    """Every dependency of cloud-render[worker] that the worker imports is in the image's list."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["optional-dependencies"]["worker"], "boto3"]
    names = {re.split(r"[<>=\[;]", requirement)[0] for requirement in wanted}
    listed = set(re.findall(r"^([\w-]+)==", (ROOT / "worker/requirements.txt").read_text(), re.MULTILINE))
    assert names <= listed
