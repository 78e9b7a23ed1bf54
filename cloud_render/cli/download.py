# SPDX-License-Identifier: GPL-3.0-or-later
"""`cloud-render download`: frames, other outputs and video into a folder here."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Any

import click

from cloud_render.cli import words
from cloud_render.cli.connect import again, farm_of, job_of
from cloud_render.cli.exit_codes import Exit
from cloud_render.cli.interrupt import asked_to_stop
from cloud_render.cli.options import Settings, command, option, rate_option
from cloud_render.cli.output import Output
from cloud_render.cli.stages import Stages
from cloud_render.cli.transfer import TransferDisplay
from cloud_render.client import download as downloads
from cloud_render.client.download import Downloaded
from cloud_render.client.farm import Farm
from cloud_render.contract.errors import BadArguments, Cancelled, CloudRenderError


@command("download")
@click.argument("job")
@option(
    "--to",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    default=None,
    help="The folder. Default: one here, named like the job.",
)
@option("--frames", is_flag=True, help="Only what is asked for: the frames.")
@option("--video", is_flag=True, help="Only what is asked for: the video.")
@option("--outputs", is_flag=True, help="Only what is asked for: other layers, passes, File Output nodes.")
@rate_option("--max-download", "Download")
def download(settings: Settings, job: str, to: Path | None, frames: bool, video: bool, outputs: bool) -> int:
    """Bring the frames and the video of JOB to this computer.

    Of a job that still runs, what there is. Files that are here already are not fetched again; stopped with Ctrl-C,
    the same command goes on where it stopped.
    """
    farm = farm_of(settings)
    job_id = job_of(farm, job)
    everything = not (frames or video or outputs)
    fetched = fetch(
        farm,
        job_id,
        to or Path(job_id),
        Stages(settings.output),
        frames=frames or everything,
        video=video or everything,
        outputs=outputs,
    )
    settings.output.document({"job": job_id, **plain(fetched)})
    say_where(settings.output, fetched)
    if fetched.video is None and (video or everything):
        settings.output.remark("There is no video (yet).")
    return Exit.DONE


def fetch(
    farm: Farm,
    job_id: str,
    to: Path,
    stages: Stages,
    frames: bool = True,
    video: bool = True,
    outputs: bool = False,
) -> Downloaded:
    """Download with a bar; Ctrl-C ends it at a good place."""
    with asked_to_stop() as stop_wished, stages.stage("Downloading") as stage:
        display = TransferDisplay(stage, stages)
        try:
            found = downloads.download(farm, job_id, to, frames, video, display, outputs, stop_wished)
        except Cancelled as error:
            error.advice = "The same command goes on where it stopped."
            raise
        stage.done = _summary(found)
    return found


def check_folder(to: Path) -> None:
    """Raises BadArguments where nothing can be written: no one should learn that after the render."""
    nearest = next(folder for folder in (to, *to.absolute().parents) if folder.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        raise BadArguments(f"{to} can't be written: no permission for {nearest}.", "Choose another folder.")


def fetch_rendered(
    settings: Settings, farm: Farm, job_id: str, to: Path, stages: Stages, video: bool = True
) -> Downloaded:
    """As fetch(), after a render: where it fails, the advice names the command that renders nothing again."""
    try:
        return fetch(farm, job_id, to, stages, video=video)
    except CloudRenderError as error:
        first = "" if isinstance(error, Cancelled) else f"{error.advice} "
        command = again(settings, f"download {job_id} --to {shlex.quote(str(to))}")
        error.advice = f"{first}All of it is in the cloud: {command}"
        raise


def plain(found: Downloaded) -> dict[str, Any]:
    """What came, as JSON has it."""
    return {
        "folder": str(found.folder.absolute()),
        "frames": [str(path.absolute()) for path in found.frames],
        "outputs": [str(path.absolute()) for path in found.outputs],
        "video": str(found.video.absolute()) if found.video else None,
        "fetched": found.fetched,
        "size": found.size,
    }


def _summary(found: Downloaded) -> str:
    if not found.fetched:
        return "Nothing to download: everything is here"
    return f"Downloaded {words.count(found.fetched, 'file')}, {words.size(found.size)}"


def say_where(output: Output, found: Downloaded) -> None:
    """Where each kind of file is, one line a kind."""
    if found.video:
        output.say(f"Video:   {found.video}")
    for name, paths in (("Frames:", found.frames), ("Outputs:", found.outputs)):
        if paths:
            folder = found.folder / paths[0].relative_to(found.folder).parts[0]
            output.say(f"{name:8} {folder} ({words.count(len(paths), 'file')})")
