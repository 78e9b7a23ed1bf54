# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs beside the worker, a scene's scripts and an artist's hooks, finds no way to the job's credentials."""

from __future__ import annotations

import subprocess
import sys

import pytest

from cloud_render.contract.job import Hooks

WAY = "/v2/credentials/marked-0123"

LOOK = """
import ctypes, os, subprocess
from worker.child import hide_environment
if os.getuid() == 0:
    os.setuid(65534)  # root may read everything
ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # as a process is that has always been this user's
look = ["cat", f"/proc/{os.getpid()}/environ"]
print("before", subprocess.run(look, capture_output=True).stdout)
hide_environment()
print("after", subprocess.run(look, capture_output=True).stdout)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_the_workers_environment_is_hidden_from_its_own_user():
    """Blender and hooks run as the worker's user: without this, /proc would tell them where the role's keys are."""
    environment = {"PATH": "/usr/bin:/bin", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": WAY}
    done = subprocess.run([sys.executable, "-c", LOOK], env=environment, capture_output=True, text=True, check=True)
    before, after = done.stdout.splitlines()
    assert WAY in before
    assert after == "after b''"


def test_a_hook_is_not_told_where_the_containers_credentials_are(rig):
    """ECS names the place in the environment; a hook gets that without it, and without keys."""
    hook = rig.file("home/ann/pre.sh", b"env\necho looked around\n")
    rig.job(rig.file("home/ann/scene.blend"), hook, hooks=Hooks("home/ann/pre.sh"), frames="1-1")
    ended = rig.render(AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=WAY)
    assert ended.code == 0, ended.log
    assert "looked around" in ended.log
    assert WAY not in ended.log
    assert "test-secret" not in ended.log
