# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the attempts of Batch jobs as processes of this computer: builds their environment, keeps what they print."""

from __future__ import annotations

import fnmatch
import os
import re
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from local_cloud.faults import Drawn, Who
from local_cloud.jobs import Job, Outcome, Running, Spec
from local_cloud.logs import LogFolder, LogWriter
from local_cloud.perils import Perils, Place, RunningProcess
from local_cloud.processes import Groups
from local_cloud.room import Room
from local_cloud.small_disk import SmallDisk

PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "XDG_RUNTIME_DIR")
"""What a child gets of our environment besides every CLOUD_RENDER_*: enough to find programs and a GPU, no profile."""

GRACE_S = 30.0
"""Between SIGTERM and SIGKILL, as on AWS Batch (Batch User Guide, "Job timeouts")."""

LOOK_S = 0.1
"""How often a silent child is looked at."""

_REFERENCE = re.compile(r"Ref::([A-Za-z0-9_-]+)")


class SubprocessRunner:
    """Runs `<argv prefix of the image> <command>`, in a folder and a process group of its own."""

    def __init__(
        self,
        groups: Groups,
        logs: LogFolder,
        images: Mapping[str, Sequence[str]],
        environment: Mapping[str, str],
        cache: Path,
        scratch: Path,
        perils: Perils,
        metadata_url: str,
        grace_s: float = GRACE_S,
    ) -> None:
        self._groups = groups
        self._logs = logs
        self._images = images
        """Glob of image names → argv prefix that stands in for the image's entry point."""
        self._environment = environment
        self._cache = cache
        self._scratch = scratch
        self._room = Room((scratch, cache))
        self._perils = perils
        self._metadata_url = metadata_url
        """Followed by an instance's id, the address of its metadata service."""
        self._grace_s = grace_s

    def run(self, job: Job, attempt: int, started: Callable[[Running], None]) -> Outcome:
        image = str(job.spec.container.get("image", ""))
        prefix = next((argv for glob, argv in self._images.items() if fnmatch.fnmatchcase(image, glob)), None)
        if prefix is None:
            return Outcome(
                None, f"CannotPullContainerError: no local worker for this image: {image}", "Task failed to start"
            )
        if lacking := self._room.take():
            return Outcome(None, f"CannotStartContainerError: {lacking}", "Task failed to start")
        try:
            return self._run_in_folder(prefix, job, attempt, started)
        finally:
            self._room.leave()

    def _run_in_folder(
        self, prefix: Sequence[str], job: Job, attempt: int, started: Callable[[Running], None]
    ) -> Outcome:
        folder = Path(tempfile.mkdtemp(prefix="attempt-", dir=self._scratch))
        instance = self._perils.fleet.place(job.spec)
        try:
            with self._logs.writer(job.spec.log_group, job.log_stream) as writer:
                who = Who(job.number, job.index, attempt, job.spec.name)
                drawn = self._perils.plan.of_attempt(who)
                disk = SmallDisk(folder) if drawn and drawn.kind == "full-disk" else None
                place = Place(who, instance, disk.path if disk else folder, disk)
                command = [*prefix, *command_of(job.spec)]
                outcome = self._run(
                    disk.around(command) if disk else command,
                    self._environment_of(job, place),
                    place,
                    drawn,
                    writer,
                    job.spec.timeout_s,
                    started,
                )
                return replace(outcome, instance=instance.id)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            self._perils.fleet.leave(instance)

    def _run(
        self,
        argv: Sequence[str],
        environment: Mapping[str, str],
        place: Place,
        drawn: Drawn | None,
        writer: LogWriter,
        timeout_s: float | None,
        started: Callable[[Running], None],
    ) -> Outcome:
        try:
            process = self._groups.start(argv, cwd=place.scratch, env=environment, stdout=subprocess.PIPE)
        except OSError as error:
            return Outcome(None, f"CannotStartContainerError: {error}", "Task failed to start")
        running = RunningProcess(process, place, self._perils, drawn, self._grace_s)
        try:
            started(running)
            return self._follow(process, running, writer, timeout_s)
        finally:
            running.kill()  # What is left of it, as the end of a container does.
            self._groups.ended(process)
            process.wait()

    def _follow(
        self, process: subprocess.Popen[bytes], running: RunningProcess, writer: LogWriter, timeout_s: float | None
    ) -> Outcome:
        assert process.stdout is not None
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        timed_out = False
        pipe = process.stdout.fileno()
        open_pipe = True
        poller = select.poll()  # Not select(): a busy front has more than 1,024 files open.
        poller.register(pipe, select.POLLIN | select.POLLHUP)
        while open_pipe or process.poll() is None:
            if open_pipe and poller.poll(LOOK_S * 1000):
                printed = os.read(pipe, 64 * 1024)
                writer.write(printed)
                running.heard(printed)
                open_pipe = bool(printed)
            elif open_pipe and process.poll() is not None:
                break  # Ended, while something it started in the background still holds the pipe.
            elif not open_pipe:
                _wait_a_moment(process)
            if deadline is not None and not timed_out and time.monotonic() > deadline:
                timed_out = True
                running.terminate()
            running.look()
        process.stdout.close()
        return running.outcome(timed_out=timed_out)

    def _environment_of(self, job: Job, place: Place) -> dict[str, str]:
        spec = job.spec
        asked = {entry["name"]: entry.get("value", "") for entry in spec.container.get("environment", [])}
        batch = {
            "AWS_BATCH_JOB_ID": job.id,
            "AWS_BATCH_JOB_ATTEMPT": str(place.who.attempt),
            "AWS_BATCH_JQ_NAME": spec.queue_name,
            "AWS_BATCH_CE_NAME": spec.compute_environment,
        }
        if job.index is not None:
            batch["AWS_BATCH_JOB_ARRAY_INDEX"] = str(job.index)
            batch["AWS_BATCH_JOB_ARRAY_SIZE"] = str(spec.array_size)
        # A process has no mounts: where a definition names its volumes' folders, ours stand in for them.
        scratch = str(place.scratch)
        folders = {"CLOUD_RENDER_CACHE": str(self._cache), "CLOUD_RENDER_SCRATCH": scratch, "TMPDIR": scratch}
        return {
            **self._environment,
            "AWS_REGION": spec.region,
            "AWS_DEFAULT_REGION": spec.region,
            **asked,
            **batch,
            **folders,
            "CLOUD_RENDER_METADATA_URL": self._metadata_url + place.instance.id,
            # Part of each request's User-Agent: by it the log of faults knows whom a broken request met.
            "AWS_SDK_UA_APP_ID": sender(place.who),
        }


def sender(who: Who) -> str:
    """An attempt as a word for User-Agent headers."""
    return f"attempt_{who.submission}_{'' if who.child is None else who.child}_{who.attempt}"


def command_of(spec: Spec) -> list[str]:
    """The command with each Ref::name filled in; a name without parameter stays as it is, as on AWS."""

    def fill(argument: str) -> str:
        return _REFERENCE.sub(lambda match: spec.parameters.get(match[1], match[0]), argument)

    return [fill(str(argument)) for argument in spec.container.get("command", [])]


def child_environment(ours: Mapping[str, str], endpoint_url: str, access_key: str, secret_key: str) -> dict[str, str]:
    """What every child's environment starts from. Built, not inherited, so that a real AWS profile can't leak in."""
    passed = {name: value for name, value in ours.items() if name in PASSED_ON or name.startswith("CLOUD_RENDER_")}
    return {
        **passed,
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_ACCESS_KEY_ID": access_key,
        "AWS_SECRET_ACCESS_KEY": secret_key,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "PYTHONUNBUFFERED": "1",
    }


def _wait_a_moment(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(LOOK_S)
    except subprocess.TimeoutExpired:
        return
