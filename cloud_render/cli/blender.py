# SPDX-License-Identifier: GPL-3.0-or-later
"""`cloud-render blender`: which Blender the cloud renders with, and how it gets another one."""

from __future__ import annotations

import click

from cloud_render import blender as door
from cloud_render.cli.connect import again, farm_of
from cloud_render.cli.exit_codes import Exit
from cloud_render.cli.options import Settings, command, version
from cloud_render.client.builds import builds
from cloud_render.client.farm import Farm
from cloud_render.client.install import install as client_install
from cloud_render.contract.errors import BadArguments


@click.group("blender", no_args_is_help=False)
def blender() -> None:
    """Show which builds of Blender the cloud has, or install one.

    The first job of a version installs it by itself; this is for having it there before, and for looking at an
    installation that failed.
    """


@command("install")
@click.argument("which", metavar="[VERSION]", default="", callback=version)
def install(settings: Settings, which: str) -> int:
    """Install Blender VERSION in the cloud, such as 5.0.1, unless it is there. Default: the one on this computer.

    A machine in the cloud fetches the official archive from blender.org and checks it against its published hash. Its
    log is shown here. Stopped with Ctrl-C, it goes on in the cloud; the same command follows it again.
    """
    farm, output = farm_of(settings), settings.output
    wanted = which or _here()
    try:
        installed = client_install(farm, wanted, output.remark)
    except KeyboardInterrupt:
        output.problem(
            "Stopped. The installation goes on in the cloud.",
            again(settings, f"blender install {wanted}"),
            Exit.CANCELLED,
        )
        return Exit.CANCELLED
    output.document({"version": wanted, "installed": installed, "there": builds(farm)})
    output.say(f"Blender {wanted} is {'installed' if installed else 'there already'}.")
    if farm.blender_from == "image":
        output.warn("The workers of this stack have a Blender of their own, and take that where it fits.")
    return Exit.DONE


@command("list")
def list_builds(settings: Settings) -> int:
    """List the builds of Blender that the cloud has, the newest first."""
    farm = farm_of(settings)
    there = builds(farm)
    settings.output.document({"there": there, "from": farm.blender_from})
    for build in there:
        settings.output.say(build)
    if not there:
        settings.output.remark(_none(farm))
    return Exit.DONE


def _here() -> str:
    """Of the Blender on this computer. Raises BadArguments where there is none."""
    try:
        return door.find().version
    except BadArguments as error:
        raise BadArguments(error.problem, "Say which version to install, such as 5.0.1.") from error


def _none(farm: Farm) -> str:
    if farm.blender_from == "image":
        return "None; the workers have a Blender of their own."
    return "None yet; the first job of a version installs it."


blender.add_command(install)
blender.add_command(list_builds)
