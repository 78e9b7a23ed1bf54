# SPDX-License-Identifier: GPL-3.0-or-later
"""`cloud-render demo`: the whole path on this computer, from a .blend to its video, and nothing left running."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from cloud_render import blender
from cloud_render.cli import local_process, watch, words
from cloud_render.cli.blenders import SCENE_FILE, check_is_file, explained, look_into
from cloud_render.cli.download import fetch, plain, say_where
from cloud_render.cli.local import set_up, slots_option
from cloud_render.cli.options import Settings, command, option
from cloud_render.cli.stages import Stages
from cloud_render.cli.submit import options_of, render_options, send, show_notes
from cloud_render.client import logs, monitor
from cloud_render.client.download import Downloaded
from cloud_render.client.farm import Connection, Farm
from cloud_render.client.monitor import JobState
from cloud_render.client.options import Options
from cloud_render.client.plan import plan as make_plan
from cloud_render.contract.errors import BadArguments, CloudRenderError

FOLDER = "cloud-render-demo"

LOG = "job.log"
"""In the folder, after a job that failed: with the local cloud its logs would be gone."""


@command("demo")
@click.argument("file", required=False, type=SCENE_FILE)
@option(
    "--to",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    default=None,
    help=f"Where the result goes; must be empty. Default: {FOLDER} here.",
)
@slots_option
@option(
    "--port", metavar="P", type=click.IntRange(0, 65_535), default=0, help="Of the local cloud. Default: any free one."
)
@render_options
def demo(
    settings: Settings, file: Path | None, to: Path | None, slots: int, port: int, program: str | None, **chosen: Any
) -> int:
    """See the whole path on this computer, without AWS: FILE, or a small scene that is made for it.

    Starts a cloud here (the same APIs as AWS, the same stack), sends the scene, renders it in an array of processes,
    makes the video, downloads everything, and stops the cloud.
    """
    _refuse_other_clouds(settings)
    options = options_of(chosen)
    if file is not None:
        check_is_file(file)
    stages = Stages(settings.output)
    began = datetime.now(UTC)
    with ExitStack() as undo:
        folder = _folder(to, undo)
        log = undo.enter_context(local_process.log_file())
        # The memory of unfinished submits is for clouds that live longer than this one.
        os.environ["CLOUD_RENDER_STATE"] = undo.enter_context(tempfile.TemporaryDirectory(prefix="cloud-render-demo-"))
        arguments = ["--port", str(port), "--slots", str(slots)]
        running = undo.enter_context(local_process.Running(arguments, log))
        # The cloud starts while Blender makes the scene.
        scene = file if file is not None else made_scene(folder / "scene", program, stages)
        cloud = set_up(running, settings.stack, stages)
        farm = Farm.find(Connection(region=cloud.region, endpoint_url=cloud.endpoint_url), settings.stack)
        state, fetched = _through(farm, scene, options, slots, program, folder, stages, settings)
        with stages.stage("Stopping the cloud", "Cloud stopped, nothing is left running"):
            undo.close()
    took = (datetime.now(UTC) - began).total_seconds()
    seconds = {text: round(spent, 2) for text, spent in stages.times}
    came = plain(fetched) if fetched else {}
    settings.output.document({**watch.plain(state), **came, "took": round(took, 2), "stages": seconds})
    watch.say_end(settings, state, hint=False)
    if fetched:
        say_where(settings.output, fetched)
    settings.output.say(f"In all:  {words.duration(took)}")
    settings.output.remark("Next: `cloud-render demo FILE` does the same with a scene of yours.")
    return watch.EXIT_OF_PHASE[state.phase]


def _through(
    farm: Farm,
    scene: Path,
    options: Options,
    slots: int,
    program: str | None,
    folder: Path,
    stages: Stages,
    settings: Settings,
) -> tuple[JobState, Downloaded | None]:
    """Submit, watch, fetch; how it ended and what came."""
    examination = look_into(scene, stages, program, options.use_scripts, options.frames or None)
    plan = make_plan(examination, options, datetime.now(UTC))
    if options.frames_per_job is None:
        fitting = replace(options, frames_per_job=frames_a_job(plan.frame_count, slots))
        plan = make_plan(examination, fitting, datetime.now(UTC))
    show_notes(settings.output, plan)
    job_id = send(farm, plan, stages)
    watcher = monitor.Monitor(farm, job_id)
    state = watch.follow(lambda: watch.look_and_mend(farm, watcher), stages)
    if state.phase == "failed":
        _keep_log(farm, job_id, folder / LOG)
    fetched = fetch(farm, job_id, folder, stages) if state.frames_done else None
    return state, fetched


def frames_a_job(frame_count: int, slots: int) -> int:
    """Four children a slot: enough to see an array at work, few enough for Blender's start (2 s) to weigh little."""
    return max(1, -(-frame_count // (4 * slots)))


def _refuse_other_clouds(settings: Settings) -> None:
    if settings.profile or settings.endpoint_url:
        raise BadArguments(
            "The demo brings its own cloud; --profile and --endpoint-url are not for it.",
            "Leave them out, or send the scene there with `cloud-render submit`.",
        )


def _folder(wanted: Path | None, undo: ExitStack) -> Path:
    """An empty folder for the result: `wanted`, or the first free name here. Raises BadArguments."""
    folder = wanted or next(path for path in _names() if not path.exists())
    if folder.exists():
        if any(folder.iterdir()):
            raise BadArguments(f"{folder} is not empty.", "Choose another folder with --to: nothing is overwritten.")
        return folder
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise BadArguments(f"{folder} can't be made ({error.strerror}).", "Choose another folder with --to.") from error
    undo.push(lambda kind, *_: _remove_if_stopped(folder, kind))
    return folder


def _names() -> Iterator[Path]:
    yield Path(FOLDER)
    number = 2
    while True:
        yield Path(f"{FOLDER}-{number}")
        number += 1


def _remove_if_stopped(folder: Path, kind: type[BaseException] | None) -> None:
    """What was stopped by hand, or never came to a job, leaves no folder; it holds nothing but ours."""
    if kind is not None and not (folder / LOG).exists():
        shutil.rmtree(folder, ignore_errors=True)


def made_scene(folder: Path, program: str | None, stages: Stages) -> Path:
    with stages.stage("Making a scene", "Scene made") as stage:
        try:
            found = blender.find(program)
            folder.mkdir(parents=True)
            answer = blender.ask(found, {"action": "demo_scene", "folder": str(folder.absolute())})
        except CloudRenderError as error:
            raise explained(error) from error
        stage.done = f"Scene made by Blender {found.version}"
    return Path(answer["path"])


def _keep_log(farm: Farm, job_id: str, path: Path) -> None:
    with path.open("w", encoding="utf-8") as file:
        for line in logs.lines(farm, job_id):
            child = "video" if line.child is None else str(line.child)
            file.write(f"[{child}, attempt {line.attempt}] {line.text}\n")
