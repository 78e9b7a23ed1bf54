# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender says of a .blend before it is sent."""

from __future__ import annotations

from pathlib import Path

from cloud_render import blender as blenders
from cloud_render.contract import values
from cloud_render.contract.scene import Examination


def examine(blender: blenders.Blender, path: Path, use_scripts: bool = False, frames: str | None = None) -> Examination:
    """Opens the .blend in a Blender of its own and asks it. The file itself is only read.

    `frames` limits which files of a sequence count. Raises BadArguments, UnreadableBlend or BlenderFailed.
    """
    request = {"action": "examine", "blend": str(path.absolute()), "use_scripts": use_scripts, "frames": frames}
    answer = blenders.ask(blender, request)
    plain = {name: value for name, value in answer.items() if name != "event"}
    return values.from_plain(Examination, plain, "Blender's answer")
