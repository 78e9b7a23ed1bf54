# SPDX-License-Identifier: GPL-3.0-or-later
"""Watching a job until it ends: looks again and again, shows each look, says how it ended."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cloud_render.cli import words
from cloud_render.cli.connect import again
from cloud_render.cli.download import fetch_rendered, say_where
from cloud_render.cli.download import plain as plain_download
from cloud_render.cli.exit_codes import Exit
from cloud_render.cli.options import Settings
from cloud_render.cli.output import Output
from cloud_render.cli.stages import Stage, Stages
from cloud_render.client import monitor
from cloud_render.client import submit as submits
from cloud_render.client.expiry import Expiry
from cloud_render.client.farm import Farm
from cloud_render.client.monitor import JobState, JobSummary
from cloud_render.contract import frames as ranges
from cloud_render.contract import values
from cloud_render.contract.errors import CloudRenderError, CloudUnreachable, StorageUnavailable

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 15.0
"""Between two looks: short while something moves, then longer and longer."""

OFFLINE_S = 600.0
"""How long the network may be away before the watch gives up. The job does not notice."""

Look = Callable[[], JobState]


@dataclass(frozen=True)
class Part:
    """What a stage of the display says about a part of the job's life."""

    doing: str
    done: str


_UPLOADING = Part("Waiting for the upload", "Uploaded")
_WAITING = Part("Waiting for a machine", "A machine has started")
_RENDERING = Part("Rendering", "Rendered")
_MENDING = Part("Looking at what failed", "Looked at what failed")
_STITCHING = Part("Making the video", "Video made")

_PART_OF_PHASE = {
    "uploading": _UPLOADING,
    "submitted": _WAITING,
    "queued": _WAITING,
    "rendering": _RENDERING,
    "mending": _MENDING,
    "stitching": _STITCHING,
}

_WORDS_OF_PHASE = {
    "uploading": "being uploaded",
    "submitted": "being handed over",
    "queued": "waiting for a machine",
    "rendering": "rendering",
    "mending": "looking at what failed",
    "stitching": "making the video",
    "done": "done",
    "failed": "failed",
    "cancelled": "cancelled",
}

EXIT_OF_PHASE = {"done": Exit.DONE, "failed": Exit.FAILED, "cancelled": Exit.CANCELLED}

_STATE_WORDS = {
    "RUNNING": "running",
    "STARTING": "starting",
    "RUNNABLE": "waiting for a machine",
    "PENDING": "waiting",
    "SUBMITTED": "waiting",
    "SUCCEEDED": "done",
    "FAILED": "failed",
}
"""Batch's states of a child, in the order they are told."""


def part_of(state: JobState) -> Part | None:
    """None once the job has ended."""
    if state.installs:
        return Part(f"Installing Blender {state.installs} in the cloud", f"Blender {state.installs} installed")
    return _PART_OF_PHASE.get(state.phase)


def phase_words(seen: JobState | JobSummary) -> str:
    """What the job does, or how it ended: `waiting for a machine`."""
    return f"installing Blender {seen.installs}" if seen.installs else _WORDS_OF_PHASE[seen.phase]


def look_and_mend(farm: Farm, watcher: monitor.Monitor) -> JobState:
    """A look; a submit that crashed half-way is finished first. Raises what the client raises."""
    state = watcher.look()
    if state.half_submitted and submits.resume(farm, state.job_id):
        state = watcher.look()
    return state


def until_end(farm: Farm, job_id: str, stages: Stages, settings: Settings, to: Path | None = None) -> int:
    """Watch, then fetch into `to` if given, and answer the exit code. Ctrl-C leaves the job running and says so."""
    watcher = monitor.Monitor(farm, job_id)
    try:
        state = follow(lambda: look_and_mend(farm, watcher), stages)
    except KeyboardInterrupt as stop:
        return say_left_running(settings, job_id, stop)
    fetched = fetch_rendered(settings, farm, job_id, to, stages) if to is not None and state.frames_done else None
    settings.output.document({**plain(state), **(plain_download(fetched) if fetched else {})})
    say_end(settings, state, hint=to is None)
    if fetched:
        say_where(settings.output, fetched)
    return EXIT_OF_PHASE[state.phase]


class StoppedOutOfSight(KeyboardInterrupt):
    """Ctrl-C came while the cloud did not answer."""


def say_left_running(settings: Settings, job_id: str, stop: KeyboardInterrupt) -> int:
    settings.output.json_line({"job": job_id, "watching": "stopped"})
    if isinstance(stop, StoppedOutOfSight):
        settings.output.remark("The cloud does not answer, so what the job does now is not known. Nothing stopped it.")
    else:
        settings.output.remark("The job goes on without this window.")
    settings.output.remark(f"Come back to it: {again(settings, f'status {job_id} --watch')}")
    settings.output.remark(f"Stop it:         {again(settings, f'cancel {job_id}')}")
    return Exit.CANCELLED


def follow(
    look: Look,
    stages: Stages,
    heard: Callable[[JobState], None] = lambda _state: None,
    sleep: Callable[[float], None] = time.sleep,
) -> JobState:
    """The state in which the job ended; `heard` gets every state that differs from the one before."""
    state = look()
    heard(state)
    while part := part_of(state):
        state = _through_part(part, state, look, stages, heard, sleep)
    return state


def _through_part(
    part: Part,
    state: JobState,
    look: Look,
    stages: Stages,
    heard: Callable[[JobState], None],
    sleep: Callable[[float], None],
) -> JobState:
    pause_s = FIRST_PAUSE_S
    with stages.stage(part.doing, part.done) as stage:
        while part_of(state) == part:
            show(stage, state)
            stages.tick(stage)
            sleep(pause_s)
            before, state = state, _patiently(look, stage, sleep)
            pause_s = FIRST_PAUSE_S if _moved(before, state) else min(pause_s * 1.25, LONGEST_PAUSE_S)
            if state != before:
                heard(state)
        if part is _RENDERING:
            stage.done = f"Rendered {_done_of(state)}"
        if state.phase in ("failed", "cancelled") or (state.phase == "mending" and part is not _RENDERING):
            stage.failed, stage.done = True, part.doing
    return state


def _patiently(look: Look, stage: Stage, sleep: Callable[[float], None]) -> JobState:
    """A look that outlives a lost connection.

    Raises what a look raises once OFFLINE_S have gone by, and StoppedOutOfSight for Ctrl-C while it is lost.
    """
    try:
        return look()
    except (CloudUnreachable, StorageUnavailable) as error:
        _show_gone(stage, error)
    try:
        return _back_again(look, stage, sleep)
    except KeyboardInterrupt as stop:
        raise StoppedOutOfSight from stop


def _back_again(look: Look, stage: Stage, sleep: Callable[[float], None]) -> JobState:
    gone_s = 0.0
    while True:
        sleep(LONGEST_PAUSE_S)
        gone_s += LONGEST_PAUSE_S
        try:
            return look()
        except (CloudUnreachable, StorageUnavailable) as error:
            if gone_s >= OFFLINE_S:
                raise
            _show_gone(stage, error)


def _show_gone(stage: Stage, error: CloudRenderError) -> None:
    stage.below = (f"No connection at the moment; what is in AWS goes on without one. {error.problem}",)


def _moved(before: JobState, after: JobState) -> bool:
    return (before.phase, before.frames_done, before.children) != (after.phase, after.frames_done, after.children)


def show(stage: Stage, state: JobState) -> None:
    """The state on a stage's bar."""
    stage.completed, stage.total = float(state.frames_done), float(state.frames_total)
    if part_of(state) is not _RENDERING:
        stage.total = 0.0
        stage.note = ""
    else:
        left = f", {words.duration(state.seconds_left)} left" if state.seconds_left is not None else ""
        stage.note = f"{_done_of(state)}{left}"
    stage.below = tuple(below(state))


def below(state: JobState) -> list[str]:
    """What stands below the bar: what the children do, why nothing starts, what went wrong so far."""
    lines = []
    if len(told := children(state)) and sum(state.children.values()) > 1:
        lines.append(told)
    if state.problem:
        lines.append(f"{state.problem} {state.advice}".strip())
    elif state.waiting_because:
        lines.append(f"AWS says: {state.waiting_because}")
    return lines


def children(state: JobState) -> str:
    """`2 running, 5 waiting, 17 done`."""
    counts: dict[str, int] = {}
    for name, said in _STATE_WORDS.items():
        if number := state.children.get(name, 0):
            counts[said] = counts.get(said, 0) + number
    return ", ".join(f"{number} {said}" for said, number in counts.items())


def _done_of(state: JobState) -> str:
    if state.frames_done == state.frames_total:
        return words.count(state.frames_total, "frame")
    return f"{state.frames_done}/{words.count(state.frames_total, 'frame')}"


def state_lines(state: JobState) -> list[str]:
    """A single look for people."""
    left = f", {words.duration(state.seconds_left)} left" if state.seconds_left is not None else ""
    doing = phase_words(state)
    lines = [f"{state.name}  ({state.job_id})", f"{doing[0].upper()}{doing[1:]}: {_done_of(state)}{left}"]
    if told := children(state):
        lines.append(f"Children: {told}")
    if state.newest and not state.ended:
        lines.append(f"Newest frames: {', '.join(map(str, state.newest))}")
    if state.video:
        lines.append(f"Video: {state.video.rpartition('/')[2]}")
    if state.gaps:
        lines.append(f"Missing in the video, held from their neighbours: {ranges.text_of(state.gaps)}")
    if state.waiting_because:
        lines.append(f"AWS says: {state.waiting_because}")
    return lines


def expiry_words(expiry: Expiry) -> str:
    """`expires in 5 days, 12 of 24 frames not downloaded`."""
    when = f"in {words.count(expiry.days_left, 'day')}" if expiry.days_left else "within a day"
    return f"expires {when}, {expiry.not_downloaded} of {words.count(expiry.frames_there, 'frame')} not downloaded"


def plain(state: JobState) -> dict[str, Any]:
    """The state as JSON has it."""
    answer: dict[str, Any] = values.to_plain(state)
    return {"job": answer.pop("job_id"), **answer}


def say_end(settings: Settings, state: JobState, hint: bool = True) -> None:
    """How the job ended, and what to do next."""
    output: Output = settings.output
    if state.phase == "failed" and not output.json:
        output.problem(
            state.problem or "The job failed.",
            state.advice or f"See {again(settings, f'logs {state.job_id}')}",
            Exit.FAILED,
        )
    elif state.phase == "cancelled":
        output.say(f"{state.job_id} was cancelled; {_done_of(state)} done.")
    elif state.phase == "done":
        video = f" and {state.video.rpartition('/')[2]}" if state.video else ""
        output.say(f"{state.job_id} is done: {_done_of(state)}{video}.")
        if state.gaps:
            output.warn(f"The video holds neighbours of the missing frames {ranges.text_of(state.gaps)}.")
    if hint and state.frames_done:
        output.remark(f"Get it: {again(settings, f'download {state.job_id}')}")
