# SPDX-License-Identifier: GPL-3.0-or-later
"""`cloud-render check`: what a .blend is and needs, before anything is sent."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from cloud_render.cli import words
from cloud_render.cli.blenders import SCENE_FILE, blender_option, look_into, scripts_option
from cloud_render.cli.connect import farm_of
from cloud_render.cli.exit_codes import Exit
from cloud_render.cli.interrupt import asked_to_stop
from cloud_render.cli.options import Settings, command, option
from cloud_render.cli.output import Output
from cloud_render.cli.stages import Stages
from cloud_render.cli.transfer import ReadDisplay
from cloud_render.client.novelty import Novelty, novelty
from cloud_render.contract import frames as ranges
from cloud_render.contract import values
from cloud_render.contract.errors import (
    BadArguments,
    CloudNotReady,
    FileChanged,
    MissingFiles,
    NotThere,
    StorageUnavailable,
)
from cloud_render.contract.scene import Examination, SceneFile, SceneSettings


@command("check")
@click.argument("file", type=SCENE_FILE)
@option(
    "--frames", metavar="RANGE", default=None, help="Look for these frames of image sequences only: 1-250, 1-250x2."
)
@option(
    "--compare/--no-compare",
    default=True,
    help="Say how much of it the cloud lacks; reads each file once. Default: it does.",
)
@scripts_option
@blender_option
def check(
    settings: Settings, file: Path, frames: str | None, compare: bool, use_scripts: bool, program: str | None
) -> int:
    """Show what FILE needs, what is missing, and what is new to the cloud. Sends nothing, changes nothing.

    Opens the .blend in Blender and lists its scenes, the files it uses, those that are missing, and what may render
    other than you see it. Ends with 1 if files are missing. Without a cloud it says all but what is new.
    """
    if frames is not None:
        ranges.parse(frames)
    stages = Stages(settings.output)
    examination = look_into(file, stages, program, use_scripts, frames)
    _say(settings.output, examination)
    comparison = _comparison(settings, stages, examination) if compare else {}
    settings.output.document(
        {**values.to_plain(examination), "total_size": total_size(examination), "kinds": kinds_of(examination)}
        | ({"new": comparison} if compare else {})
    )
    return Exit.FAILED if examination.missing or "unreadable" in comparison else Exit.DONE


def _comparison(settings: Settings, stages: Stages, examination: Examination) -> dict[str, Any]:
    """What is new to the cloud, said and as JSON has it; also where that can't be known."""
    output = settings.output
    try:
        found = _novelty(settings, stages, (*examination.files, examination.blend))
    except (CloudNotReady, StorageUnavailable, NotThere) as error:
        output.say("\nWhat is new to the cloud is not known, as it can't be asked.")
        output.warn(error.problem, error.advice)
        return {"unknown": error.problem, "advice": error.advice}
    except (MissingFiles, FileChanged, BadArguments) as error:
        output.warn(error.problem, error.advice)
        return {"unreadable": error.problem, "advice": error.advice}
    path_of = {file.scene_path: file.path for file in (*examination.files, examination.blend)}
    output.say(f"\n{_summary(found)}")
    if found.there:
        for file in found.new_files:
            output.say(f"  {words.size(file.new):>8}  {path_of[file.scene_path]}")
    new_files = [{"path": path_of[file.scene_path], "size": file.size, "new": file.new} for file in found.new_files]
    return {"bytes": found.new, "there": found.there, "files": new_files}


def _novelty(settings: Settings, stages: Stages, files: Sequence[SceneFile]) -> Novelty:
    # Two attempts: who only looks, perhaps without a network, should not wait for the patience of an upload.
    farm = farm_of(settings, attempts=2)
    with asked_to_stop() as stop_wished, stages.stage("Comparing with the cloud", "Compared with the cloud") as stage:
        return novelty(farm, files, ReadDisplay(stage, stages), stop_wished)


def _summary(found: Novelty) -> str:
    if not found.new:
        return "Nothing is new to the cloud: a submit sends no content."
    if not found.there:
        return f"All of it is new to the cloud: {words.size(found.new)} to send."
    return (
        f"New to the cloud: {words.size(found.new)} in {words.count(len(found.new_files), 'file')}; "
        f"{words.size(found.there)} is there."
    )


def kinds_of(examination: Examination) -> dict[str, dict[str, int]]:
    """How many files of each kind there are, the .blend apart, and their bytes."""
    kinds: dict[str, dict[str, int]] = {}
    for file in sorted(examination.files, key=lambda file: file.kind):
        row = kinds.setdefault(file.kind, {"count": 0, "size": 0})
        row["count"] += 1
        row["size"] += file.size
    return kinds


def total_size(examination: Examination) -> int:
    """Bytes of the .blend and everything it uses."""
    return examination.blend.size + sum(file.size for file in examination.files)


def _say(output: Output, examination: Examination) -> None:
    output.say(f"Saved by Blender {examination.saved_by}.")
    for scene in examination.scenes:
        mark = " (active)" if scene.name == examination.scene and len(examination.scenes) > 1 else ""
        output.say(f"\nScene {scene.name}{mark}")
        for line in scene_lines(scene):
            output.say(f"  {line}")
    kinds = [f"{row['count']:,} {kind} ({words.size(row['size'])})" for kind, row in kinds_of(examination).items()]
    listed = ": " + ", ".join(kinds) if kinds else ""
    output.say(f"\n{words.count(len(examination.files) + 1, 'file')}, {words.size(total_size(examination))}{listed}")
    for file in examination.files:
        output.say(f"  {words.size(file.size):>8}  {file.path}  ({file.owner})")
    if examination.missing:
        output.say(f"\n{words.count(len(examination.missing), 'missing file')}")
        for missing in examination.missing:
            output.say(f"  {missing.path}  ({missing.owner})")
    for warning in examination.warnings:
        output.warn(warning.problem, warning.advice)
    if examination.scripts:
        output.warn(
            f"Python in the file will not run: {words.listed(examination.scripts)}.",
            "--scripts lets it run, also in the cloud.",
        )
    if not examination.missing:
        output.say("\nNothing is missing.")


def scene_lines(scene: SceneSettings) -> list[str]:
    """A scene's settings, one fact a line."""
    step = f" by {scene.frame_step}" if scene.frame_step != 1 else ""
    count = len(ranges.of_scene(scene.frame_start, scene.frame_end, scene.frame_step))
    width, height = scene.width * scene.percentage // 100, scene.height * scene.percentage // 100
    share = f" ({scene.percentage} % of {scene.width}x{scene.height})" if scene.percentage != 100 else ""
    samples = f", {words.count(scene.samples, 'sample')}" if scene.samples is not None else ""
    result = f"{scene.movie.container} movie" if scene.movie else scene.file_format
    frames = f"{scene.frame_start} to {scene.frame_end}{step}: {words.count(count, 'frame')}, {float(scene.fps):g} fps"
    return [
        f"Frames       {frames}",
        f"Size         {width}x{height}{share}",
        f"Engine       {scene.engine}{samples}",
        f"Camera       {scene.camera or 'none'}",
        f"View layers  {', '.join(scene.active_view_layers) or 'none switched on'}",
        f"Output       {result}" + (", with sound" if scene.has_sound else ""),
    ]
