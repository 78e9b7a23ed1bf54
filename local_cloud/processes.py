# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts and ends process groups, and sees to it that none outlives the local cloud. Knows nothing of jobs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

WARDEN = Path(__file__).with_name("warden.py")

GATE = ("/bin/sh", "-c", 'read -r go && exec "$@" </dev/null', "sh")
"""Keeps a command waiting until the warden knows of it: killed in between, this process would leave it running."""


class Groups:
    """The process groups of one local cloud. A warden process ends them if this process is killed.

    The warden also holds the files of `held` open, so that a lock on one of them lasts until the last group has ended.
    """

    def __init__(self, held: Sequence[int] = ()) -> None:
        self._lock = threading.Lock()
        self._warden = subprocess.Popen(
            [sys.executable, "-I", "-S", str(WARDEN)],
            stdin=subprocess.PIPE,
            text=True,
            start_new_session=True,
            pass_fds=tuple(held),
        )

    def start(
        self, command: Sequence[str], *, cwd: Path, env: Mapping[str, str], stdout: int | IO[bytes]
    ) -> subprocess.Popen[bytes]:
        """Start `command`, both outputs to `stdout`, as the leader of a new group; not found, it exits with 127."""
        process = subprocess.Popen(
            [*GATE, *command],
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.PIPE,
            stdout=stdout,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._tell(f"+{process.pid}")
        assert process.stdin is not None
        with suppress(BrokenPipeError), process.stdin:  # Someone may have ended it already.
            process.stdin.write(b"go\n")
        return process

    def ended(self, process: subprocess.Popen[bytes]) -> None:
        """End what is left of the group of a process that has ended, as the end of a container does."""
        signal_group(process, signal.SIGKILL)
        self._tell(f"-{process.pid}")

    def close(self) -> None:
        assert self._warden.stdin is not None
        self._warden.stdin.close()
        self._warden.wait()

    def _tell(self, line: str) -> None:
        assert self._warden.stdin is not None
        with self._lock:
            self._warden.stdin.write(line + "\n")
            self._warden.stdin.flush()


def signal_group(process: subprocess.Popen[bytes], signal_number: int) -> None:
    """Send a signal to the whole group of `process`; nothing happens where no one is left in it."""
    try:
        os.killpg(process.pid, signal_number)
    except (ProcessLookupError, PermissionError):  # macOS answers EPERM for a group of zombies.
        return
