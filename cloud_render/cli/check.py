# SPDX-License-Identifier: GPL-3.0-or-later
"""`cloud-render check`: what a .blend is and needs, before anything is sent."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click

from cloud_render.cli import words
from cloud_render.cli.blenders import blender_option, look_into, scripts_option
from cloud_render.cli.exit_codes import Exit
from cloud_render.cli.options import Settings, command, option
from cloud_render.cli.output import Output
from cloud_render.cli.stages import Stages
from cloud_render.contract import frames as ranges
from cloud_render.contract import values
from cloud_render.contract.scene import Examination, SceneSettings


@command("check")
@click.argument("file", type=click.Path(path_type=Path))
@option(
    "--frames", metavar="RANGE", default=None, help="Look for these frames of image sequences only: 1-250, 1-250x2."
)
@scripts_option
@blender_option
def check(settings: Settings, file: Path, frames: str | None, use_scripts: bool, program: str | None) -> int:
    """Show what FILE needs and what is missing. Sends nothing, changes nothing.

    Opens the .blend in Blender and lists its scenes, the files it uses, those that are missing, and what may render
    other than you see it. Ends with 1 if files are missing.
    """
    if frames is not None:
        ranges.parse(frames)
    examination = look_into(file, Stages(settings.output), program, use_scripts, frames)
    settings.output.document({**values.to_plain(examination), "total_size": total_size(examination)})
    _say(settings.output, examination)
    return Exit.FAILED if examination.missing else Exit.DONE


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
    kinds = Counter(file.kind for file in examination.files)
    listed = ": " + ", ".join(f"{number} {kind}" for kind, number in sorted(kinds.items())) if kinds else ""
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
