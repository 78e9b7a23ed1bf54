# SPDX-License-Identifier: GPL-3.0-or-later
"""Podman on this computer: whether it can run containers here, the Debian that images begin with, and building one."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent

BASE = "localhost/cloud-render-base:trixie-slim"
SUITE = "trixie"

NOT_IN_SLIM = (
    "usr/share/doc",
    "usr/share/man",
    "usr/share/info",
    "usr/share/locale",
    "var/cache/apt",
    "var/lib/apt/lists",
)
"""What the official slim image leaves out as well, and debootstrap does not."""

PULL_S = 120
BUILD_S = 900
MIB = 2**20

_CAP_SYS_RESOURCE = 24


class CannotRun(Exception):
    """Containers can't run here; the text says what is missing and what helps."""


class Failed(Exception):
    """A step that must work did not; the text is the end of what it said."""


@dataclass(frozen=True)
class Podman:
    """A podman that runs containers here."""

    program: str
    settings: dict[str, str]
    """Of the environment, beyond the user's own."""

    def command(self, *arguments: str) -> list[str]:
        """As an argv that carries its settings with it."""
        return ["env", *(f"{name}={value}" for name, value in self.settings.items()), self.program, *arguments]

    def do(self, *arguments: str, limit_s: float = BUILD_S) -> str:
        """What it prints. Raises Failed."""
        done = self.tried(*arguments, limit_s=limit_s)
        if done.returncode != 0:
            raise Failed(f"`podman {' '.join(arguments[:4])} …` ended with {done.returncode}:\n{_tail(done)}")
        return done.stdout

    def tried(self, *arguments: str, limit_s: float = BUILD_S) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=limit_s,
            check=False,
        )


def found(folder: Path) -> Podman:
    """The podman of this computer; files that it needs are made in `folder`. Raises CannotRun."""
    if sys.platform != "linux":
        raise CannotRun("The image is for Linux, and this check starts it there only.")
    program = shutil.which("podman")
    if program is None:
        raise CannotRun("podman is not installed. `apt-get install podman runc catatonit` brings it.")
    podman = Podman(program, _settings(folder))
    says = podman.tried("info", "--format", "{{.Host.OCIRuntime.Name}}", limit_s=60)
    if says.returncode != 0:
        raise CannotRun(f"podman does not work here:\n{_tail(says)}")
    return podman


def _settings(folder: Path) -> dict[str, str]:
    """What someone chose, as the local cloud would not hand it on; nothing more on a usual machine.

    Root without CAP_SYS_RESOURCE, as in most containers, can't raise the limits that a container asks for: there a
    runtime is put before runc that leaves them as they are.
    """
    chosen = {name: value for name, value in os.environ.items() if name.startswith("CONTAINERS_")}
    if "CONTAINERS_CONF" in chosen or os.geteuid() != 0 or _may(_CAP_SYS_RESOURCE):
        return chosen
    runtime = folder / "runc-nolimits"
    runtime.write_text(f'#!/bin/sh\nexec {sys.executable} {HERE / "runc_nolimits.py"} "$@"\n')
    runtime.chmod(0o755)
    conf = folder / "containers.conf"
    conf.write_text(
        '[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\nruntime = "runc-nolimits"\n'
        f'[engine.runtimes]\nrunc-nolimits = ["{runtime}"]\n'
    )
    return {**chosen, "CONTAINERS_CONF": str(conf)}


def _may(capability: int) -> bool:
    held = re.search(r"^CapEff:\s*([0-9a-f]+)$", Path("/proc/self/status").read_text(), re.MULTILINE)
    return held is None or bool(int(held[1], 16) >> capability & 1)


def base(podman: Podman, dockerfile: Path) -> str:
    """The image to build on: the Dockerfile's own, else a Debian out of its package archive. Raises CannotRun."""
    if podman.tried("image", "exists", BASE).returncode == 0:
        return BASE
    public = re.search(r"^ARG BASE=(\S+)$", dockerfile.read_text(), re.MULTILINE)
    assert public is not None
    if podman.tried("pull", "--quiet", public[1], limit_s=PULL_S).returncode == 0:
        return public[1]
    say(f"{public[1]} can't be pulled; making a Debian out of its package archive")
    _bootstrap(podman)
    return BASE


def _bootstrap(podman: Podman) -> None:
    if os.geteuid() != 0 or shutil.which("debootstrap") is None:
        raise CannotRun("There is no base image, and making one takes root and debootstrap.")
    with tempfile.TemporaryDirectory(prefix="cloud-render-base-") as folder:
        root = Path(folder) / "root"
        made = _retried(["debootstrap", "--variant=minbase", "--include=ca-certificates", SUITE, str(root)])
        if made.returncode != 0:
            raise CannotRun(f"debootstrap can't make a Debian here:\n{_tail(made)}")
        for name in NOT_IN_SLIM:
            shutil.rmtree(root / name, ignore_errors=True)
        packed = Path(folder) / "base.tar"
        subprocess.run(["tar", "-C", str(root), "-cf", str(packed), "."], check=True)
        podman.do("import", str(packed), BASE)


def _retried(command: Sequence[str], times: int = 3) -> subprocess.CompletedProcess[str]:
    """Mirrors have their moments."""
    for _ in range(times):
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            break
        shutil.rmtree(command[-1], ignore_errors=True)
    return done


def build(podman: Podman, context: Path, image: str) -> None:
    """As docs and CodeBuild do: `docker build -f worker/Dockerfile`. Raises CannotRun or Failed."""
    dockerfile = context / "worker" / "Dockerfile"
    began = time.monotonic()
    chosen = base(podman, dockerfile)
    say(f"the base is here after {time.monotonic() - began:.0f} s")
    began = time.monotonic()
    options = ("--pull=never", "--network=host", "--format=docker", f"--build-arg=BASE={chosen}")
    with tempfile.TemporaryDirectory(prefix="cloud-render-pip-") as folder:
        podman.do("build", *options, *_as_pip_here(Path(folder)), "-f", str(dockerfile), "-t", image, str(context))
    say(f"built in {time.monotonic() - began:.0f} s")


def _as_pip_here(folder: Path) -> list[str]:
    """Options that let pip in a build reach what pip reaches here: behind a company's proxy or mirror it can't else."""
    trusted = os.environ.get("PIP_CERT") or os.environ.get("SSL_CERT_FILE", "")
    index = os.environ.get("PIP_INDEX_URL", "")
    lines = [
        "[global]",
        *([f"index-url = {index}"] if index else []),
        *(["cert = /mnt/trusted.crt"] if trusted else []),
    ]
    settings = folder / "pip.conf"
    settings.write_text("\n".join(lines) + "\n")
    mounted = [f"--volume={settings}:/etc/pip.conf:ro"]
    return [*mounted, f"--volume={trusted}:/mnt/trusted.crt:ro"] if trusted else mounted


def sizes(podman: Podman, image: str) -> tuple[float, float]:
    """MiB on disk, and MiB of what a host pulls: every layer compressed, as a registry keeps them."""
    (described,) = json.loads(podman.do("image", "inspect", image))
    with tempfile.TemporaryDirectory(prefix="cloud-render-size-") as folder:
        podman.do("push", "--quiet", "--compress", image, f"dir:{folder}")
        pulled = sum(path.stat().st_size for path in Path(folder).iterdir())
    return described["Size"] / MIB, pulled / MIB


def _tail(done: subprocess.CompletedProcess[str]) -> str:
    return "\n".join((done.stdout + done.stderr).strip().splitlines()[-25:])


def say(words: str) -> None:
    print(f"container: {words}", flush=True)
