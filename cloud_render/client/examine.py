# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender says of a .blend before it is sent."""

from __future__ import annotations

import dataclasses
import io
import re
from collections.abc import Iterator
from pathlib import Path

from cloud_render import blender as blenders
from cloud_render.contract import values
from cloud_render.contract.scene import Examination, SceneWarning


def examine(blender: blenders.Blender, path: Path, use_scripts: bool = False, frames: str | None = None) -> Examination:
    """Opens the .blend in a Blender of its own and asks it. The file itself is only read.

    `frames` limits which files of a sequence count. Raises BadArguments, UnreadableBlend or BlenderFailed.
    """
    request = {"action": "examine", "blend": str(path.absolute()), "use_scripts": use_scripts, "frames": frames}
    log = io.StringIO()
    answer = blenders.ask(blender, request, log=log)
    plain = {name: value for name, value in answer.items() if name != "event"}
    examination = values.from_plain(Examination, plain, "Blender's answer")
    return dataclasses.replace(examination, warnings=(*examination.warnings, *_absent_engines(log.getvalue())))


def _absent_engines(log: str) -> Iterator[SceneWarning]:
    """Blender gives a scene another engine where the add-on of its own is not there, and only its log says so."""
    for engine, scene in re.findall(r"Engine '(.+?)' not available for scene '(.+?)' \(", log):
        yield SceneWarning(
            f"Scene {scene!r} renders with the engine {engine!r}, which Blender has only with an add-on.",
            "Choose Cycles, EEVEE or Workbench: the cloud renders without add-ons.",
        )
