# SPDX-License-Identifier: GPL-3.0-or-later
"""A Debian with Blender, a virtual screen and eyes (ImageMagick, Tesseract), in a folder; made once, then kept.

The folder holds no mount and nothing of a single run that matters, so that it can be packed with tar and brought along.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

PACKAGES = (
    "blender",
    "xvfb",
    "xdotool",
    "imagemagick",
    "tesseract-ocr",
    "ffmpeg",
    "libgl1",
    "libgl1-mesa-dri",
    "libegl1",
    "fonts-dejavu-core",
    # What an official Blender has in its own Python; without cattr the extensions of 5.2 don't load.
    "python3-cattr",
    "python3-numpy",
    "python3-requests",
)

ALSO = {"trixie": (), "sid": ("ffplay",)}
"""What a suite has in a package of its own."""

SUITES = {"4.3": "trixie", "5.2": "sid"}
"""Debian's suite for each release of Blender that one of them has."""


class CannotRun(Exception):
    """What is needed here is missing or could not be made; the text says what helps."""


@dataclass(frozen=True)
class Chroot:
    """A Debian that is there."""

    root: Path

    def command(self, *command: str, **environment: str) -> list[str]:
        """`command`, to be run inside, with this environment and no other."""
        variables = {"PATH": "/usr/local/bin:/usr/bin:/bin", **environment}
        settings = [f"{name}={value}" for name, value in variables.items()]
        return ["chroot", str(self.root), "/usr/bin/env", "-i", *settings, *command]

    def own_processes(self, *command: str, **environment: str) -> list[str]:
        """The same as the first process of a process and mount namespace of its own.

        When it ends, the kernel ends all that it started and forgets the mount, whatever happened. It also ends when
        the thread that started it does, however hard.
        """
        inside = 'mount -t proc proc "$0/proc" && exec "$@"'
        # fmt: off
        return [
            "setpriv", "--pdeathsig", "KILL",
            "unshare", "--mount", "--pid", "--fork", "--kill-child",
            "sh", "-c", inside, str(self.root), *self.command(*command, **environment),
        ]
        # fmt: on


def cache_folder() -> Path:
    """Where what is made once lies: CLOUD_RENDER_UI_CACHE, else ~/.cache/cloud-render-ui."""
    chosen = os.environ.get("CLOUD_RENDER_UI_CACHE")
    return Path(chosen) if chosen else Path.home() / ".cache" / "cloud-render-ui"


@contextlib.contextmanager
def with_blender(release: str) -> Iterator[Chroot]:
    """The Debian with Blender `release`, such as "5.2", for this process alone. Made if need be. Raises CannotRun."""
    suite = SUITES[release]
    _check_host()
    cache = cache_folder()
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f"{suite}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotRun(f"Another run uses {cache / suite}; let it end first.") from None
        made = _made(suite, cache)
        _check_release(made, release)
        yield made


def _check_host() -> None:
    if os.geteuid() != 0:
        raise CannotRun("Making and entering a chroot needs root. Run it with sudo, or in a container as root.")
    for program, package in {"debootstrap": "debootstrap", "unshare": "util-linux", "setpriv": "util-linux"}.items():
        if shutil.which(program) is None:
            raise CannotRun(f"{program} is not installed. `apt-get install {package}` brings it.")
    own = ["unshare", "--mount", "--pid", "--fork", "mount", "-t", "proc", "proc", "/proc"]
    tried = subprocess.run(own, capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        raise CannotRun(f"This system gives no process namespace of one's own: {tried.stderr.strip()}")


def _made(suite: str, cache: Path) -> Chroot:
    chroot = Chroot(cache / suite)
    stamp = chroot.root / "etc" / "cloud-render-ui"
    packages = [*PACKAGES, *ALSO[suite]]
    log = cache / f"{suite}.log"
    if not chroot.root.is_dir():
        half = cache / f"{suite}.part"  # renamed when it is whole
        shutil.rmtree(half, ignore_errors=True)
        _say(f"making {chroot.root} (once; about two minutes and 2 GB)")
        _do(log, ["debootstrap", "--variant=minbase", suite, str(half)])
        (half / "etc" / "mtab").symlink_to("../proc/self/mounts")
        half.rename(chroot.root)
    if not stamp.is_file() or stamp.read_text().split() != packages:
        _say(f"installing Blender into {chroot.root}")
        apt = {"DEBIAN_FRONTEND": "noninteractive", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
        # sid's lists are dated for a week; a mirror that stands still for longer is good enough here.
        _do(log, chroot.command("apt-get", "update", "-q", "-o", "Acquire::Check-Valid-Until=false", **apt))
        _do(log, chroot.command("apt-get", "install", "-y", "-q", "--no-install-recommends", *packages, **apt))
        _do(log, chroot.command("apt-get", "clean", **apt))
        stamp.write_text("\n".join(packages))
    return chroot


def _check_release(chroot: Chroot, release: str) -> None:
    says = subprocess.run(chroot.command("blender", "--version"), capture_output=True, text=True, check=False).stdout
    if not says.startswith(f"Blender {release}."):
        has = says.partition("\n")[0] or "no Blender that starts"
        raise CannotRun(f"{chroot.root} has {has}, not {release}. Remove the folder to make it anew, or mend SUITES.")


def _do(log: Path, command: Sequence[str]) -> None:
    with log.open("a") as words:
        if subprocess.run(command, stdin=subprocess.DEVNULL, stdout=words, stderr=words, check=False).returncode == 0:
            return
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
    raise CannotRun(f"`{' '.join(command[:6])} …` failed. The end of {log}:\n{tail}")


def _say(words: str) -> None:
    print(f"ui: {words}", flush=True)
