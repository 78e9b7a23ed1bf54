# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the worker's image out of the source that `cloud-render image` sends, and runs the tests of this folder on it.

    python tests/container/run.py

Needs Linux and podman; this project with its `test` extra in the Python that runs it, and that Python's bpy for the
Python of the image. Exit codes: 0 all went well, 1 something failed, 2 containers can't run here.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import engine
from engine import CannotRun, Failed, say

from cloud_render.client.image import source

HERE = Path(__file__).parent
PROJECT = HERE.parents[1]
IMAGE = "localhost/cloud-render-worker:test"

MOST_PULLED_MIB = 300
"""What a fresh Spot host may have to pull."""


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="cloud-render-container-") as folder:
        try:
            podman = engine.found(Path(folder))
            _built(podman, Path(folder) / "context")
        except CannotRun as problem:
            return _ended(f"can't run here: {problem}", 2)
        except Failed as failure:
            return _ended(str(failure), 1)
        return _tested(podman)


def _built(podman: engine.Podman, context: Path) -> None:
    zipfile.ZipFile(io.BytesIO(source().content)).extractall(context)
    engine.build(podman, context, IMAGE)
    on_disk, pulled = engine.sizes(podman, IMAGE)
    say(f"the image has {on_disk:.0f} MiB on disk; a host pulls {pulled:.0f} MiB")
    if pulled > MOST_PULLED_MIB:
        raise Failed(f"A host would pull {pulled:.0f} MiB, and {MOST_PULLED_MIB} is the most it should.")


def _tested(podman: engine.Podman) -> int:
    """pytest's exit code on the tests beside this file."""
    told = {"CLOUD_RENDER_TEST_IMAGE": IMAGE, "CLOUD_RENDER_TEST_PODMAN": json.dumps(podman.command())}
    command = [sys.executable, "-m", "pytest", "-s", str(HERE), *sys.argv[1:]]
    return min(1, subprocess.run(command, cwd=PROJECT, env=os.environ | told, check=False).returncode)


def _ended(words: str, code: int) -> int:
    sys.stderr.write(f"container: {words}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
