# SPDX-License-Identifier: GPL-3.0-or-later
"""The local cloud that an artist's Blender renders in, and the Blender its children render with.

The window shows one Blender, the children run another: the `bpy` wheel, which needs no screen. A worker refuses to be
older than the file, so the wheel is this Python's own where it is new enough, else one of the same release in a virtual
environment that is made once.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from chroot import CannotRun, cache_folder

from cloud_render import blender as door
from cloud_render.contract.errors import BadArguments
from local_cloud.testing import running

PYTHON_OF = {"4.3": "3.11", "5.2": "3.13"}
"""The Python that the bpy wheel of each release is for."""

SLOTS = 2

PROFILE = "local-cloud"
"""The name of the AWS profile that the artist has."""


@dataclass(frozen=True)
class Cloud:
    """A running local cloud with the stack in it."""

    endpoint_url: str
    region: str
    access_key: str
    secret_key: str

    def write_aws_files(self, folder: Path) -> None:
        """An artist's ~/.aws: a profile with keys; nothing in it names the endpoint."""
        folder.mkdir(parents=True)
        (folder / "config").write_text(f"[profile {PROFILE}]\nregion = {self.region}\n")
        keys = f"aws_access_key_id = {self.access_key}\naws_secret_access_key = {self.secret_key}\n"
        (folder / "credentials").write_text(f"[{PROFILE}]\n{keys}")


@contextlib.contextmanager
def in_the_cloud(release: str) -> Iterator[Cloud]:
    """A local cloud that renders scenes of Blender `release`, until the end of the block."""
    with running(SLOTS, environment={"CLOUD_RENDER_BLENDER": renderer(release)}) as local:
        local.deploy(WorkerImage="cloud-render-worker")
        yield Cloud(local.endpoint_url, local.region, local.access_key, local.secret_key)


def renderer(release: str) -> str:
    """The program for CLOUD_RENDER_BLENDER: one that opens files of `release`. Raises CannotRun."""
    if chosen := os.environ.get("CLOUD_RENDER_BLENDER"):
        return chosen
    try:
        here = door.of_program(sys.executable)
    except BadArguments:
        return _wheel(release)
    return sys.executable if _numbers(here.release) >= _numbers(release) else _wheel(release)


def _wheel(release: str) -> str:
    folder = cache_folder() / f"bpy-{release}"
    python = str(folder / "bin" / "python")
    if (folder / "whole").exists():
        return python
    print(f"ui: making {folder} with bpy {release} (once)", flush=True)
    try:
        subprocess.run([_python(PYTHON_OF[release]), "-m", "venv", "--clear", str(folder)], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", f"bpy=={release}.*"], check=True)
    except subprocess.CalledProcessError as error:
        raise CannotRun(f"bpy {release} can't be installed: {error}") from error
    (folder / "whole").touch()
    return python


def _python(version: str) -> str:
    """A Python of the version that can be started; pyenv's stand-ins often can't. Raises CannotRun."""
    name = f"python{version}"
    pyenv = Path.home() / ".pyenv" / "versions"
    for program in (shutil.which(name), *sorted(map(str, pyenv.glob(f"{version}*/bin/{name}")))):
        if program and subprocess.run([program, "-c", ""], capture_output=True, check=False).returncode == 0:
            return program
    raise CannotRun(
        f"Rendering files of this Blender needs its bpy wheel, and that needs {name}, which isn't here. Install it, or"
        " set CLOUD_RENDER_BLENDER to a Blender of that release or a Python with its bpy."
    )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
