# SPDX-License-Identifier: GPL-3.0-or-later
"""Attempts as real processes: what they get, what they print, how they end."""

from __future__ import annotations

import os
import re
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local_cloud import room
from local_cloud.engine import new_job
from local_cloud.fault_log import FaultLog
from local_cloud.faults import Plan
from local_cloud.instances import Fleet
from local_cloud.jobs import Job, Outcome, Running, Spec
from local_cloud.logs import LogFolder
from local_cloud.perils import Perils
from local_cloud.processes import Groups
from local_cloud.runner import SubprocessRunner, child_environment


class Shell:
    """Runs shell lines as attempts of jobs, with half a second between SIGTERM and SIGKILL."""

    def __init__(self, groups: Groups, folder: Path, spec: Callable[..., Spec]) -> None:
        self.logs = LogFolder(folder / "logs")
        self.scratch = folder / "scratch"
        self.cache = folder / "cache"
        self.scratch.mkdir()
        self.cache.mkdir()
        environment = child_environment(os.environ, "http://127.0.0.1:1", "key", "secret")
        images = {"shell*": ("/bin/sh", "-c")}
        perils = Perils(Plan(), FaultLog(), Fleet("us-east-1"))
        self._runner = SubprocessRunner(
            groups, self.logs, images, environment, self.cache, self.scratch, perils, "http://127.0.0.1:1/", grace_s=0.5
        )
        self._spec = spec

    def job(self, line: str, **changes: Any) -> Job:
        container = {"image": "shell:1", "command": [line], **changes.pop("container", {})}
        job = new_job(self._spec(container=container, **changes), "abc", 1, 0)
        job.log_stream = "stream"
        return job

    def run(self, job: Job, attempt: int = 1, started: Callable[[Running], None] = lambda running: None) -> Outcome:
        return self._runner.run(job, attempt, started)

    def printed(self) -> list[str]:
        return [event.message for event in self.logs.forwards("/aws/batch/job", "stream", 0, 1000).events]


@pytest.fixture
def shell(tmp_path: Path, spec: Callable[..., Spec]) -> Iterator[Shell]:
    groups = Groups()
    yield Shell(groups, tmp_path, spec)
    groups.close()


def test_a_child_knows_which_one_it_is(shell: Shell) -> None:
    """The variables that AWS Batch sets, with the index of an array's child."""
    array = shell.job("env | grep ^AWS_BATCH | sort", array_size=3)
    child = array.children[2]
    child.log_stream = "stream"
    assert shell.run(child, attempt=4).exit_code == 0
    assert shell.printed() == [
        "AWS_BATCH_CE_NAME=machines",
        "AWS_BATCH_JOB_ARRAY_INDEX=2",
        "AWS_BATCH_JOB_ARRAY_SIZE=3",
        "AWS_BATCH_JOB_ATTEMPT=4",
        "AWS_BATCH_JOB_ID=abc:2",
        "AWS_BATCH_JQ_NAME=render",
    ]


def test_a_plain_job_has_no_array_index(shell: Shell) -> None:
    """So a worker can tell a plain job from child 0."""
    shell.run(shell.job("env | grep -c ARRAY"))
    assert shell.printed() == ["0"]


def test_parameters_fill_every_reference_of_an_argument(shell: Shell) -> None:
    """Each Ref::name, also two in one argument; a name without parameter stays."""
    shell.run(shell.job("echo Ref::a/Ref::b.exr Ref::none", parameters={"a": "one", "b": "two"}))
    assert shell.printed() == ["one/two.exr Ref::none"]


def test_the_developers_aws_profile_does_not_reach_a_child(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment is built, not inherited; only CLOUD_RENDER_* of ours passes."""
    ours = {
        "AWS_PROFILE": "company",
        "AWS_SESSION_TOKEN": "t",
        "HOME": "/h",
        "CLOUD_RENDER_BLENDER": "/b",
        "SECRET": "s",
    }
    built = child_environment(ours, "http://127.0.0.1:1", "key", "secret")
    assert not {"AWS_PROFILE", "AWS_SESSION_TOKEN", "SECRET"} & set(built)
    assert (built["CLOUD_RENDER_BLENDER"], built["AWS_CONFIG_FILE"], built["AWS_ACCESS_KEY_ID"]) == (
        "/b",
        os.devnull,
        "key",
    )


def test_folders_of_the_definitions_mounts_are_replaced_by_real_ones(shell: Shell) -> None:
    """A process has no mounts: cache and scratch lie where this computer has them."""
    asked = [{"name": "CLOUD_RENDER_CACHE", "value": "/cache"}, {"name": "CLOUD_RENDER_SCRATCH", "value": "/scratch"}]
    shell.run(shell.job("echo $CLOUD_RENDER_CACHE; pwd; echo $CLOUD_RENDER_SCRATCH", container={"environment": asked}))
    cache, folder, scratch = shell.printed()
    assert (cache, folder) == (str(shell.cache), scratch)
    assert Path(scratch).parent == shell.scratch


def test_scratch_is_gone_after_the_attempt(shell: Shell) -> None:
    """Nothing an attempt left in its folder stays, nor what it wrote to TMPDIR."""
    shell.run(shell.job("mkdir -p a/b; touch a/b/c; mktemp >/dev/null; ls | wc -l"))
    assert shell.printed() == ["2"]
    assert list(shell.scratch.iterdir()) == []


def test_an_unknown_image_fails_like_a_missing_one(shell: Shell) -> None:
    """The reason is the one evaluateOnExit rules look for."""
    outcome = shell.run(shell.job("true", container={"image": "other:1"}))
    assert (outcome.exit_code, outcome.status_reason) == (None, "Task failed to start")
    assert outcome.reason.startswith("CannotPullContainerError")


@pytest.mark.parametrize(("line", "code"), [("exit 75", 75), ("kill -9 $$", 137), ("kill -15 $$", 143)])
def test_the_exit_code_is_what_a_container_would_give(shell: Shell, line: str, code: int) -> None:
    """A signal counts as 128 and its number."""
    assert shell.run(shell.job(line)).exit_code == code


def test_a_timeout_asks_first(shell: Shell) -> None:
    """SIGTERM, so that the worker can finish what it has in hand."""
    outcome = shell.run(shell.job("trap 'echo asked; exit 9' TERM; while :; do sleep 0.01; done", timeout_s=0.2))
    assert (outcome.timed_out, outcome.exit_code) == (True, 9)
    assert shell.printed()[-1] == "asked"


def test_a_child_that_ignores_the_timeout_is_killed_after_the_grace(shell: Shell) -> None:
    """SIGKILL follows, to the whole group."""
    outcome = shell.run(shell.job("trap '' TERM; while :; do sleep 0.01; done", timeout_s=0.1))
    assert (outcome.timed_out, outcome.exit_code) == (True, 137)


def test_what_a_child_leaves_in_the_background_ends_with_it(shell: Shell) -> None:
    """As with a container; and the attempt does not wait for it."""
    shell.run(shell.job("sleep 600 & echo $!"))
    (pid,) = shell.printed()
    with pytest.raises(ProcessLookupError):
        _wait_and_signal(int(pid))


def _wait_and_signal(pid: int) -> None:
    """Signals a process that was just killed until the kernel has buried it."""
    for _ in range(1000):
        os.kill(pid, 0)
        if Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z":
            raise ProcessLookupError  # Dead; only its parent, outside this test, has not noticed.
        threading.Event().wait(0.005)


def test_a_lost_host_leaves_no_exit_code(shell: Shell) -> None:
    """Only Batch's text says what happened."""
    outcome = shell.run(shell.job("sleep 600"), started=lambda running: running.take_host_away())
    assert outcome.exit_code is None
    assert outcome.status_reason.startswith("Host EC2 (instance i-")


def test_both_outputs_go_to_the_log_line_by_line(shell: Shell) -> None:
    """stdout and stderr share a stream; a last line without its end is kept; empty lines are not events."""
    shell.run(shell.job("echo one; echo >&2 two; echo; printf 'a\\rb\\n'; printf end"))
    assert shell.printed() == ["one", "two", "a b", "end"]


def test_a_killed_local_cloud_takes_its_children_along(tmp_path: Path, until: Callable[..., None]) -> None:
    """The warden ends every group that is still running when its pipe closes."""
    groups = Groups()
    with (tmp_path / "log").open("wb") as log:
        process = groups.start(["sleep", "600"], cwd=tmp_path, env={"PATH": os.environ["PATH"]}, stdout=log)
    groups.close()  # What the kernel does for a killed process: it closes the pipe.
    assert process.wait(10) == -signal.SIGTERM


def test_on_a_full_disk_nothing_is_started(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each attempt would meet the same disk: the job ends with a reason instead."""
    monkeypatch.setattr(room, "TO_GO_ON", 1 << 60)
    outcome = shell.run(shell.job("true"))
    assert outcome.exit_code is None
    assert outcome.status_reason == "Task failed to start"
    assert re.match(r"CannotStartContainerError: only \d+ MB are free in /", outcome.reason)


def test_while_others_run_an_attempt_waits_for_room(shell: Shell, monkeypatch: pytest.MonkeyPatch, until: Any) -> None:
    """They may use much for a moment, as a Blender that is unpacked does."""
    outcomes: list[Outcome] = []
    stop = shell.scratch.parent / "stop"
    first = threading.Thread(target=shell.run, args=(shell.job(f"until test -e {stop}; do sleep 0.05; done"),))
    first.start()
    until(lambda: list(shell.scratch.iterdir()))
    monkeypatch.setattr(room, "TO_GO_ON", 1 << 60)
    second = threading.Thread(target=lambda: outcomes.append(shell.run(shell.job("exit 7"))))
    second.start()
    second.join(2 * room.LOOK_S)
    assert not outcomes
    monkeypatch.setattr(room, "TO_GO_ON", 0)
    second.join(60)
    stop.touch()
    first.join(60)
    assert [outcome.exit_code for outcome in outcomes] == [7]
