# SPDX-License-Identifier: GPL-3.0-or-later
"""`cloud-render teardown`: takes the cloud away, after the person has said that they mean it."""

from __future__ import annotations

import sys

import click

from cloud_render.cli import words
from cloud_render.cli.connect import connection_of
from cloud_render.cli.exit_codes import Exit
from cloud_render.cli.options import Settings, command, option
from cloud_render.cli.stages import Stages
from cloud_render.client import teardown as removal
from cloud_render.client.stack_events import Event
from cloud_render.client.teardown import Holdings
from cloud_render.contract.errors import BadArguments


@command("teardown")
@option("--yes", "-Y", is_flag=True, help="Don't ask for the stack's name.")
@option("--keep-bucket", is_flag=True, help="Keep the bucket with all frames and videos in it.")
def teardown(settings: Settings, yes: bool, keep_bucket: bool) -> int:
    """Remove the cloud from your AWS account: jobs, frames, videos, images, and the stack.

    Asks for the stack's name first. What this computer has downloaded stays. Stopped or failed half-way, the same
    command goes on.
    """
    connection, stages, output = connection_of(settings), Stages(settings.output), settings.output
    with stages.stage("Looking at what there is", "Looked at what there is"):
        holdings = removal.survey(connection, settings.stack)
    for line in lost(holdings, keep_bucket):
        output.remark(line)
    if not yes:
        if output.json or not sys.stdin.isatty():
            raise BadArguments(f"Removing {settings.stack} can't be taken back.", "Say that you mean it: --yes.")
        removal.confirmed(settings.stack, click.prompt("Type the stack's name to go on", err=True))
    if holdings.live:
        with stages.stage("Ending the jobs", f"{words.count(len(holdings.live), 'job')} ended"):
            removal.end_jobs(connection, holdings)
    if holdings.bucket and not keep_bucket:
        with stages.stage("Emptying the bucket", "Bucket emptied") as stage:

            def told(count: int) -> None:
                stage.total, stage.completed = float(max(holdings.objects, count)), float(count)
                stages.tick(stage)

            removal.empty_bucket(connection, holdings.bucket, told)
    removal.forget_definitions(connection, holdings)
    with stages.stage("Removing the stack", "Stack removed") as stage:

        def heard(event: Event) -> None:
            stage.note = f"{event.resource} {event.status.replace('_', ' ').lower()}"
            stages.tick(stage)

        removal.remove_stack(connection, holdings, heard)
        if not keep_bucket:
            removal.remove_bucket(connection, holdings.bucket)
    kept = holdings.bucket if keep_bucket else ""
    output.document({"stack": settings.stack, "removed": True, "kept_bucket": kept, "jobs_ended": len(holdings.live)})
    output.say(f"The cloud {settings.stack} is gone.")
    if kept:
        output.say(f"Left: the bucket {kept} with {_amount(holdings)}. It is billed until you delete it.")
    return Exit.DONE


def lost(holdings: Holdings, keep_bucket: bool) -> list[str]:
    """What the removal would take, in lines for a person."""
    lines = [f"The stack {holdings.stack} has:"]
    if holdings.live:
        lines.append(f"  {words.count(len(holdings.live), 'job')} that would be ended")
    if holdings.bucket:
        lines.append(f"  the bucket {holdings.bucket} with {_amount(holdings)}{', which stays' if keep_bucket else ''}")
    return [*lines, "  its queues, rights, network and images"]


def _amount(holdings: Holdings) -> str:
    return f"{words.count(holdings.objects, 'object')} ({words.size(holdings.size)})"
