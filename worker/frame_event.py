# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender's word that a frame is on the disk, checked: a scene is code, and may say anything in Blender's name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cloud_render.contract.errors import BlenderFailed
from worker.uploads import RenderedFrame, problem_of_output


def rendered_frame(event: Mapping[str, Any], out: Path) -> RenderedFrame:
    """The files of a `frame` event. Raises BlenderFailed unless each is a file below `out`, no link, and not empty;
    KeyError, TypeError or ValueError for an event of another shape.
    """
    frame = int(event["frame"])
    primary = Path(event["primary"])
    display = Path(event["display"]) if event.get("display") else None
    outputs = tuple((str(output["name"]), Path(output["path"])) for output in event.get("outputs", ()))
    for path in (primary, *(path for _, path in outputs), *([display] if display else [])):
        if path.is_symlink() or not path.resolve().is_relative_to(out.resolve()):
            raise BlenderFailed(f"Frame {frame} names {path}, which is none of its own files.")
        if not path.is_file() or not path.stat().st_size:
            raise BlenderFailed(f"Blender wrote no {path.name} for frame {frame}.", "See the log for its reason.")
    for name, _ in outputs:
        if problem := problem_of_output(name):
            raise BlenderFailed(f"Frame {frame} has an output {name!r}, which can't be stored: {problem}.")
    return RenderedFrame(frame, float(event["seconds"]), primary, outputs, display)
