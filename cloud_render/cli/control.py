# SPDX-License-Identifier: GPL-3.0-or-later
"""`cloud-render cancel`, `retry`, `stitch` and `delete`: what can be done to a job that was submitted."""

from __future__ import annotations

import sys

import click

from cloud_render.cli import watch, words
from cloud_render.cli.connect import again, farm_of, job_of
from cloud_render.cli.exit_codes import Exit
from cloud_render.cli.options import Dollars, Settings, command, option
from cloud_render.cli.stages import Stages
from cloud_render.client import control
from cloud_render.client.farm import Farm
from cloud_render.contract import values
from cloud_render.contract.errors import BadArguments
from cloud_render.contract.job import Submission
from cloud_render.contract.scene import MACHINE_CLASSES, MachineClass

wait_option = option("--wait", is_flag=True, help="Watch until the job has ended.")


@command("cancel")
@click.argument("job")
def cancel(settings: Settings, job: str) -> int:
    """Stop JOB, whatever it is doing.

    Frames that are finished stay and can be downloaded; `cloud-render retry` goes on with the others.
    """
    farm = farm_of(settings)
    job_id = job_of(farm, job)
    end = control.cancel(farm, job_id)
    settings.output.document({"job": job_id, "state": "cancelled"})
    if not end.frames_total:
        settings.output.say(f"{job_id} is cancelled; its upload had not ended.")
        return Exit.DONE
    settings.output.say(f"{job_id} is cancelled. Its finished frames stay.")
    settings.output.remark(f"Go on with the others: {again(settings, f'retry {job_id}')}")
    return Exit.DONE


@command("retry")
@click.argument("job")
@option("--machine", type=click.Choice(MACHINE_CLASSES), default=None, help="As of submit. Default: the last one's.")
@option(
    "--cost-limit",
    metavar="USD",
    type=Dollars(),
    default=None,
    help="Of the whole job, what it has cost already included. Default: the last one's.",
)
@wait_option
def retry(settings: Settings, job: str, machine: MachineClass | None, cost_limit: float | None, wait: bool) -> int:
    """Render the frames of JOB that are missing, then make the video.

    Frames that are there are not rendered again. If only the video is missing, only the video is made.
    """
    farm = farm_of(settings)
    job_id = job_of(farm, job)
    submission = control.retry(farm, job_id, machine, cost_limit)
    missing = len(submission.frame_list)
    what = f"{words.count(missing, 'missing frame')}: {submission.frames}" if missing else "only the video is missing"
    return _after(settings, farm, job_id, submission, f"{job_id} goes on: {what}.", wait)


@command("stitch")
@click.argument("job")
@option("--allow-gaps", is_flag=True, help="Hold the frame before a missing one instead of refusing.")
@wait_option
def stitch(settings: Settings, job: str, allow_gaps: bool, wait: bool) -> int:
    """Make the video of JOB again from the frames that are there."""
    farm = farm_of(settings)
    job_id = job_of(farm, job)
    submission = control.stitch(farm, job_id, allow_gaps)
    return _after(settings, farm, job_id, submission, f"The video of {job_id} is being made.", wait)


def _after(settings: Settings, farm: Farm, job_id: str, submission: Submission, said: str, wait: bool) -> int:
    settings.output.say(said)
    if wait:
        return watch.until_end(farm, job_id, Stages(settings.output), settings)
    settings.output.document({"job": job_id, "submission": values.to_plain(submission)})
    settings.output.remark(f"Watch it: {again(settings, f'status {job_id} --watch')}")
    return Exit.DONE


@command("delete")
@click.argument("job")
@option("--yes", "-Y", is_flag=True, help="Don't ask.")
def delete(settings: Settings, job: str, yes: bool) -> int:
    """Remove JOB from the cloud: its frames, its video and its list of files.

    What this computer has downloaded stays. A job that runs is refused; cancel it first.
    """
    farm = farm_of(settings)
    job_id = job_of(farm, job)
    if not yes:
        if settings.output.json or not sys.stdin.isatty():
            raise BadArguments(f"Deleting {job_id} can't be taken back.", "Say that you mean it: --yes.")
        click.confirm(f"Delete {job_id} with its frames and video from the cloud?", abort=True, err=True)
    count = control.delete(farm, job_id)
    settings.output.document({"job": job_id, "deleted": count})
    settings.output.say(f"{job_id} is deleted ({words.count(count, 'object')}).")
    return Exit.DONE
