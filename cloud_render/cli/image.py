# SPDX-License-Identifier: GPL-3.0-or-later
"""`cloud-render image`: the build of the worker's image, and its log."""

from __future__ import annotations

from cloud_render.cli.connect import again, connection_of
from cloud_render.cli.exit_codes import Exit
from cloud_render.cli.options import Settings, command
from cloud_render.client import image as images
from cloud_render.client import stack as stacks


@command("image")
def image(settings: Settings) -> int:
    """Build the worker's image in the cloud, if it is not there yet, and show the build's log.

    `cloud-render setup` does so by itself; this is for looking at a build that failed. Needs no Docker here.
    """
    connection, made_of = connection_of(settings), images.source()
    outputs = stacks.outputs_of(connection, settings.stack)
    built = images.build(connection, outputs, made_of, settings.output.say)
    settings.output.document({"tag": made_of.tag, "built": built})
    settings.output.say(f"The image {made_of.tag} is {'built' if built else 'there already'}.")
    if not outputs.get("WorkerImage", "").endswith(f":{made_of.tag}"):
        settings.output.remark(f"Put it to use: {again(settings, 'setup')}")
    return Exit.DONE
