# SPDX-License-Identifier: GPL-3.0-or-later
"""`cloud-render again`: some frames of a job rendered again, with the scene as it is now, and the others kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click

from cloud_render.cli import words
from cloud_render.cli.blenders import SCENE_FILE, blender_option, look_into
from cloud_render.cli.connect import farm_of, job_of
from cloud_render.cli.options import Settings, command, option
from cloud_render.cli.output import Output
from cloud_render.cli.stages import Stages
from cloud_render.cli.submit import (
    ALONG_OPTIONS,
    LINE_OPTIONS,
    THEN_OPTIONS,
    WHAT,
    carry_out,
    options_in,
    person,
    show_notes,
)
from cloud_render.client import again as agains
from cloud_render.client.farm import Farm
from cloud_render.client.plan import SubmitPlan
from cloud_render.client.plan import plan as make_plan
from cloud_render.contract import frames as ranges
from cloud_render.contract.job import RenderJob
from cloud_render.store import Progress


@command("again")
@click.argument("job")
@click.argument("file", type=SCENE_FILE)
@option("--frames", metavar="RANGE", required=True, section=WHAT, help="Those to render again: 12-20, 7,9.")
@options_in(ALONG_OPTIONS, [blender_option], LINE_OPTIONS, THEN_OPTIONS)
def again(
    settings: Settings,
    job: str,
    file: Path,
    frames: str,
    extra: tuple[Path, ...],
    allow_missing: bool,
    pre_hook: Path | None,
    post_hook: Path | None,
    program: str | None,
    wait: bool,
    to: Path | None,
) -> int:
    """Render some frames of JOB again with FILE as it is now, and keep the others.

    Makes a new job with all frames of JOB, which itself stays as it is: those in --frames are rendered, the others are
    copied within the cloud, and the video is made of all. How to render is taken from JOB. Extra files and hooks have
    to be named again. Stopped with Ctrl-C, the same command goes on where it stopped.
    """
    wanted = ranges.parse(frames)
    stages = Stages(settings.output)
    farm = farm_of(settings)
    old = agains.old_job(farm, job_of(farm, job))
    options = agains.options_of(old)
    options = replace(
        options,
        extra=extra,
        allow_missing=allow_missing or options.allow_missing,
        pre_hook=pre_hook,
        post_hook=post_hook,
        created_by=person(),
    )
    examination = look_into(file, stages, program, options.use_scripts, options.frames)
    plan = make_plan(examination, options, datetime.now(UTC))
    show_notes(settings.output, plan)
    _show_lost_hooks(settings.output, old, plan)
    kept = len(old.frame_list) - len(wanted)
    what = f"{words.count(len(wanted), 'frame')} of {old.id} again, {kept:,} kept"
    return carry_out(settings, farm, plan, stages, lambda *_: what, wait, to, _hand_over(old.id, frames))


def _hand_over(old_id: str, frames: str) -> Callable[[Farm, SubmitPlan, Progress, Callable[[], bool]], str]:
    def hand_over(farm: Farm, plan: SubmitPlan, progress: Progress, cancelled: Callable[[], bool]) -> str:
        return agains.again(farm, plan, old_id, frames, progress, cancelled)

    return hand_over


def _show_lost_hooks(output: Output, old: RenderJob, plan: SubmitPlan) -> None:
    for option_name, before, now in (
        ("--pre-hook", old.hooks.pre_render, plan.hooks.pre_render),
        ("--post-hook", old.hooks.post_render, plan.hooks.post_render),
    ):
        if before and not now:
            output.warn(f"{old.id} ran the script {before}, this job does not.", f"Name it with {option_name}.")
