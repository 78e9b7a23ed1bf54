# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts and ends the local cloud as a child process; `cloud_render` never imports it."""

from __future__ import annotations

import importlib.util
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from cloud_render.contract.errors import BadArguments, BadInput, CloudNotReady, CloudRenderError

READY_WITHIN_S = 90.0
"""Importing moto takes 2 s on a quick computer, and long on a cold disk."""

STOP_WITHIN_S = 20.0
"""The local cloud gives its own children some seconds to end; only then it is killed."""

USAGE = 2
"""Its exit code for arguments it can't use, such as a port that is taken."""


@dataclass(frozen=True)
class LocalCloud:
    """A local cloud that is ready."""

    endpoint_url: str
    region: str
    access_key: str
    secret_key: str

    def environment(self) -> dict[str, str]:
        """What AWS programs need in their environment to use it."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_REGION": self.region,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
        }


STRANGERS = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN")
"""Variables that would lead an AWS program back to a real account."""


def enter(cloud: LocalCloud, environment: MutableMapping[str, str] = os.environ) -> None:
    """Make this process use the local cloud and nothing else: no profile, no config file, no proxy on the way."""
    for name in STRANGERS:
        environment.pop(name, None)
    environment.update(cloud.environment())
    environment.update(
        AWS_CONFIG_FILE=os.devnull, AWS_SHARED_CREDENTIALS_FILE=os.devnull, AWS_EC2_METADATA_DISABLED="true"
    )
    # A proxy that the environment names would be asked for 127.0.0.1 too.
    for name in ("NO_PROXY", "no_proxy"):
        environment[name] = ",".join(part for part in (environment.get(name), "127.0.0.1,localhost") if part)


def check_installed() -> None:
    """Raises CloudNotReady that says what to install."""
    if importlib.util.find_spec("moto") is None:
        raise CloudNotReady(
            "The local cloud needs the Python package moto, which is not installed.",
            "python -m pip install 'cloud-render[demo]' (from a checkout: python -m pip install -e '.[demo]')",
        )
    if importlib.util.find_spec("local_cloud") is None:
        raise CloudNotReady("The local cloud is not part of this installation.", "Install Cloud Render again.")


@contextmanager
def log_file() -> Iterator[Path]:
    """A file for what the local cloud prints. It stays only where something went wrong that it may explain."""
    handle, name = tempfile.mkstemp(prefix="cloud-render-local-", suffix=".log")
    os.close(handle)
    path = Path(name)
    try:
        yield path
    except (BadInput, KeyboardInterrupt):
        path.unlink(missing_ok=True)
        raise
    path.unlink(missing_ok=True)


class Running:
    """A local cloud that lives as long as the `with` block; what it prints goes to the file `log`."""

    def __init__(self, arguments: Sequence[str], log: Path) -> None:
        self.log = log
        self.ended = threading.Event()
        """Set once its process is gone, for whatever reason."""
        self._arguments = arguments
        self._first_line: queue.Queue[str] = queue.Queue()

    def __enter__(self) -> Running:
        check_installed()
        with self.log.open("a", encoding="utf-8") as log:
            self._process = _start(self._arguments, log)
        # Windows can't wait for a pipe with a time limit; a thread can.
        threading.Thread(target=self._hear, daemon=True, name="local-cloud").start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def ready(self) -> LocalCloud:
        """Wait for it. Raises CloudNotReady, or BadArguments for arguments it refuses, with its own last words."""
        try:
            line = self._first_line.get(timeout=READY_WITHIN_S)
        except queue.Empty:
            raise CloudNotReady(f"The local cloud was not ready within {READY_WITHIN_S:.0f} s.", self.words()) from None
        try:
            said: Mapping[str, str] = json.loads(line)
            return LocalCloud(*(said[name] for name in ("endpoint_url", "region", "access_key", "secret_key")))
        except (ValueError, KeyError, TypeError):
            self.ended.wait(5)
            raise self._refusal() from None

    def words(self) -> str:
        """Where its log is, with the last line of it."""
        lines = [line for line in self.log.read_text("utf-8", errors="replace").splitlines() if line.strip()]
        last = lines[-1].strip().removeprefix("error: ") if lines else "nothing"
        return f"Its last words: {last} (log: {self.log})"

    def _refusal(self) -> CloudRenderError:
        if self._process.poll() != USAGE:
            return CloudNotReady("The local cloud did not start.", self.words())
        lines = self.log.read_text("utf-8", errors="replace").strip().splitlines() or ["it did not say why"]
        return BadArguments(f"The local cloud can't start: {lines[-1].strip().removeprefix('error: ')}")

    def _hear(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as answers:
            self._first_line.put(answers.readline())
            for _ in answers:
                pass  # it says nothing more, and a full pipe would stop it
        self._process.wait()
        self.ended.set()


def _start(arguments: Sequence[str], log: IO[str]) -> subprocess.Popen[str]:
    options: dict[str, Any] = {}
    if sys.platform != "win32":
        # A group of its own: Ctrl-C reaches us alone, and we end it in our own time.
        options = {"start_new_session": True, "preexec_fn": _end_with_parent if sys.platform == "linux" else None}
    return subprocess.Popen(
        # -P: a folder named local_cloud where the person happens to be is not ours.
        [sys.executable, "-P", "-m", "local_cloud", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        **options,
    )


def _end_with_parent() -> None:
    """Linux: the kernel ends the child with its parent, even where that is killed and can't tidy up."""
    import ctypes

    pr_set_pdeathsig = 1  # <sys/prctl.h>
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)
