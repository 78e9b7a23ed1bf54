# SPDX-License-Identifier: GPL-3.0-or-later
"""The artist's own scripts around a render: pre_render and post_render, run by bash in the .blend's folder."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from cloud_render.contract.errors import BadInput, CloudRenderError, DiskFull
from cloud_render.contract.job import RenderJob
from worker.cache import is_full
from worker.child import without_secrets
from worker.disk import LARGER
from worker.uploads import problem_of_output

log = logging.getLogger(__name__)

LONGEST_S = 4 * 3600.0
"""A hook that runs longer hangs, and its machine is paid for by the second."""

LOGGED = 64_000
"""Characters of a hook's output that go into the log."""

Name = Literal["pre_render", "post_render"]


def run(name: Name, job: RenderJob, root: Path, environment: Mapping[str, str], longest_s: float = LONGEST_S) -> None:
    """Runs the job's hook `name`, if it has one; `environment` comes on top of our own without its credentials.

    Raises CloudRenderError where it fails. Whatever it started ends with it.
    """
    place: str = getattr(job.hooks, name)
    if not place:
        return
    bash = shutil.which("bash")
    if not bash:
        raise BadInput(f"The job has a {name} hook, and there is no bash here.", "Use an image that has bash.")
    script = root / place
    unix_lines(script)
    log.info("%s: %s", name, place)
    with _started([bash, str(script)], (root / job.blend).parent, {**without_secrets(), **environment}) as process:
        reader = threading.Thread(target=_log, args=(process,), daemon=True, name=name)
        reader.start()
        try:
            code = process.wait(longest_s)
        except subprocess.TimeoutExpired as error:
            raise CloudRenderError(f"The hook {name} ran longer than {longest_s:g} s.", "Make it shorter.") from error
        reader.join(5)
    if code and is_full(root):
        raise DiskFull(f"The disk is full: the hook {name} failed with exit code {code}.", LARGER)
    if code:
        raise CloudRenderError(f"The hook {name} failed with exit code {code}.", "The log has what it said.")


def unix_lines(script: Path) -> None:
    """A script written on Windows has line ends that bash can't read; put right in the job's own copy."""
    text = script.read_bytes()
    if b"\r\n" in text:
        script.write_bytes(text.replace(b"\r\n", b"\n"))
    script.chmod(0o755)


def left_in(folder: Path) -> Iterator[tuple[str, Path]]:
    """Every file below `folder` with its name for S3. Raises CloudRenderError for names that S3 can't hold."""
    for parent, _, names in os.walk(folder):
        for name in sorted(names):
            path = Path(parent) / name
            relative = path.relative_to(folder).as_posix()
            if path.is_symlink() or not path.is_file():
                # A link could bring any file of the machine into the bucket.
                log.warning("warning: %s is no plain file and is left out", relative)
                continue
            if problem := problem_of_output(relative):
                raise CloudRenderError(f"A hook left {relative!r}, which can't be stored: {problem}.", "Rename it.")
            yield relative, path


@contextlib.contextmanager
def _started(command: list[str], folder: Path, environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a group of its own; at the end of the block the whole group is gone."""
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _log(process: subprocess.Popen[bytes]) -> None:
    assert process.stdout is not None
    left = LOGGED
    for raw in process.stdout:
        line = raw.decode(errors="replace").rstrip()
        if left > 0:
            log.info("> %s", line[:left])
        left -= len(line)
