# SPDX-License-Identifier: GPL-3.0-or-later
"""The folders of one attempt, and the environment that Blender gets in them."""

from __future__ import annotations

import ctypes
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from worker.cache import Cache

SECRETS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_PROFILE")
SECRET_PLACES = ("AWS_CONTAINER_CREDENTIALS_", "AWS_WEB_IDENTITY_", "AWS_ROLE_", "AWS_SHARED_CREDENTIALS_")
"""A .blend is code, and so is a hook: neither gets credentials nor a way to them."""

_PR_SET_DUMPABLE = 4
"""Of linux/prctl.h."""


@dataclass(frozen=True)
class Folders:
    """Of this attempt alone; all of it is gone at the end."""

    root: Path
    """The scene's files, as they lie for Blender."""
    out: Path
    """What Blender renders, until it is in S3."""
    output: Path
    """$CLOUD_RENDER_OUTPUT: what hooks leave here goes to outputs/."""
    user: Path
    """Blender's and the hooks' home, settings and temporary files."""

    @classmethod
    def below(cls, parent: Path) -> Folders:
        made = cls(*(parent / name for name in ("root", "out", "output", "user")))
        for folder in (made.root, made.out, made.output, made.user / "tmp"):
            folder.mkdir(parents=True)
        return made


def blender_environment(folders: Folders, cache: Cache) -> dict[str, str]:
    """Blender's: no credentials, a home of its own, and the machine's caches for compiled kernels and shaders."""
    user, kept = folders.user, cache.folder / "gpu"
    kept.mkdir(exist_ok=True)
    ours = {
        "HOME": str(user),
        "TMPDIR": str(user / "tmp"),
        "XDG_CACHE_HOME": str(kept),
        "BLENDER_USER_RESOURCES": str(user),
    }
    caches = {
        "CUDA_CACHE_PATH": "cuda",
        "OPTIX_CACHE_PATH": "optix",
        "MESA_SHADER_CACHE_DIR": "mesa",
        "__GL_SHADER_DISK_CACHE_PATH": "gl",
    }
    for name, folder in caches.items():
        (kept / folder).mkdir(exist_ok=True)
        ours[name] = os.environ.get(name) or str(kept / folder)
    # Compiled kernels of a large scene are above CUDA's default of 1 GiB.
    ours["CUDA_CACHE_MAXSIZE"] = os.environ.get("CUDA_CACHE_MAXSIZE") or str(4 * 2**30)
    return without_secrets() | ours


def hide_environment() -> None:
    """Lets no process read this one's environment in /proc, not even one of the same user, as Blender and hooks are: in
    it is the way to the job's credentials. Linux; elsewhere there is no /proc.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def without_secrets() -> dict[str, str]:
    """This process's own environment, but for what leads to credentials."""
    return {name: value for name, value in os.environ.items() if not _is_secret(name)}


def _is_secret(name: str) -> bool:
    return name in SECRETS or name.startswith(SECRET_PLACES)
