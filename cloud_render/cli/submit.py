# SPDX-License-Identifier: GPL-3.0-or-later
"""`cloud-render submit`: options in, a plan shown, the upload and the hand-over watched."""

from __future__ import annotations

import getpass
import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

import click

from cloud_render.cli import kept, month, watch, words
from cloud_render.cli.blenders import SCENE_FILE, blender_option, look_into, scripts_option
from cloud_render.cli.connect import again, farm_of
from cloud_render.cli.download import check_folder
from cloud_render.cli.exit_codes import Exit
from cloud_render.cli.interrupt import asked_to_stop
from cloud_render.cli.options import Dollars, Settings, command, frames_per_job, option, rate_option, resolution
from cloud_render.cli.output import Output
from cloud_render.cli.stages import Stages
from cloud_render.cli.transfer import TransferDisplay
from cloud_render.client import builds
from cloud_render.client import submit as submits
from cloud_render.client.farm import Farm
from cloud_render.client.money import usd, usd_range
from cloud_render.client.options import Options
from cloud_render.client.plan import ENGINES, FORMATS, SubmitPlan
from cloud_render.client.plan import plan as make_plan
from cloud_render.client.quoting import cut_as, limited_by, quote_if_known, submit_keeping_tests
from cloud_render.client.video import CODECS, CONTAINERS, QUALITIES
from cloud_render.contract import frames as ranges
from cloud_render.contract import rate, values
from cloud_render.contract.errors import BadArguments, Cancelled
from cloud_render.contract.scene import MACHINE_CLASSES
from cloud_render.store import Progress

WHAT, HOW, VIDEO, ALONG = "What to render", "How to render", "The video", "What goes along"
THEN, LINE = "Afterwards", "The line"

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

HandOver = Callable[[Farm, SubmitPlan, Progress, Callable[[], bool]], str]
"""submit.submit(), or what does it with more: the job's id once Batch has it."""


def fps(ctx: click.Context, parameter: click.Parameter, value: str | None) -> Fraction | None:
    """An exact frame rate; a callback for an option."""
    try:
        return None if value is None else rate.parse(value)
    except BadArguments as error:
        raise click.BadParameter(str(error), ctx, parameter) from error


def _path(**checks: bool) -> click.Path:
    return click.Path(path_type=Path, **checks)


ALONG_OPTIONS = (
    option(
        "--extra",
        "--additionalfile",
        "-a",
        metavar="PATH",
        multiple=True,
        type=_path(),
        section=ALONG,
        help="A file or folder that the scene does not name itself; may be repeated.",
    ),
    option("--allow-missing", is_flag=True, section=ALONG, help="Render even though files are missing."),
    option(
        "--pre-hook",
        metavar="FILE",
        type=_path(),
        section=ALONG,
        help="A script that runs before the first frame, in the scene's folder.",
    ),
    option(
        "--post-hook",
        metavar="FILE",
        type=_path(),
        section=ALONG,
        help="A script that runs after the last one; what it leaves in $CLOUD_RENDER_OUTPUT comes back too.",
    ),
)

LINE_OPTIONS = (rate_option("--max-upload", "Upload", LINE), rate_option("--max-download", "Download", LINE))

THEN_OPTIONS = (
    option("--wait", is_flag=True, section=THEN, help="Watch until the job has ended."),
    option(
        "--download",
        "to",
        metavar="DIR",
        type=_path(file_okay=False),
        default=None,
        section=THEN,
        help="Wait, then bring frames and video into this folder.",
    ),
)

RENDER_OPTIONS = (
    option("--name", "-n", metavar="TEXT", default="", section=WHAT, help="A name for the job. Default: the file's."),
    option("--scene", "-S", metavar="NAME", default="", section=WHAT, help="Default: the one that was active."),
    option("--camera", metavar="NAME", default="", section=WHAT, help="Default: the scene's, with its markers."),
    option(
        "--view-layer",
        "view_layers",
        metavar="NAME",
        multiple=True,
        section=WHAT,
        help="Render this view layer; may be repeated. Default: those switched on.",
    ),
    option(
        "--frames",
        metavar="RANGE",
        default="",
        section=WHAT,
        help="1-250, every second 1-250x2, several 1-10,20..25,40, negative -5..3. Default: the scene's range.",
    ),
    option(
        "--frames-per-job",
        "--breaksize",
        "-k",
        metavar="N|auto",
        default="auto",
        callback=frames_per_job,
        section=HOW,
        help="Frames that one machine renders in a row. Few: more machines at a time. Many: less time lost on starting "
        "machines and loading the scene. auto (the default) grows with the square root of the number of frames: "
        "24 frames go by 2, 250 by 6, 1,000 by 13, 10,000 by 40.",
    ),
    option("--samples", "-s", metavar="N", type=click.IntRange(min=1), section=HOW, help="Default: the scene's."),
    option("--percentage", "-p", metavar="N", type=click.IntRange(1, 1000), section=HOW, help="Of the resolution."),
    option("--resolution", metavar="WxH", callback=resolution, section=HOW, help="In pixels, such as 1920x1080."),
    option("--xres", "-x", metavar="W", type=click.IntRange(1, 65_536), section=HOW, help="With -y: as --resolution."),
    option("--yres", "-y", metavar="H", type=click.IntRange(1, 65_536), section=HOW, help="With -x: as --resolution."),
    option("--engine", metavar="NAME", default="", section=HOW, help=f"{', '.join(ENGINES)}. Default: the scene's."),
    option(
        "--device",
        type=click.Choice(["gpu", "cpu", "any"]),
        default=None,
        section=HOW,
        help="gpu fails where no GPU would be used, any takes what is there. Default: the stack's.",
    ),
    option(
        "--machine",
        type=click.Choice(MACHINE_CLASSES),
        default="small",
        section=HOW,
        help="How much memory the GPU machines have, as the stack is set up: 16, 32 or 64 GiB, with 16, 22 or 44 GB on "
        "the GPU. What does not fit is tried once more on the next larger one. Default: small.",
    ),
    option(
        "--cost-limit",
        "cost_limit_usd",
        metavar="USD",
        type=Dollars(),
        default=None,
        section=HOW,
        help="Where the job ends by itself; what is rendered stays, and fewer machines are started where starting them "
        "would use that up. Default: twice the quote, where there is one.",
    ),
    option(
        "--format",
        metavar="NAME",
        default="",
        section=HOW,
        help=f"Of the images: {', '.join(FORMATS)}. Default: the scene's; PNG where it is a movie.",
    ),
    option("--container", type=click.Choice(CONTAINERS), default=None, section=VIDEO, help="Default: one that fits."),
    option("--codec", type=click.Choice(CODECS), default=None, section=VIDEO, help="Default: the scene's, or h264."),
    option(
        "--quality", type=click.Choice(QUALITIES), default=None, section=VIDEO, help="Default: the scene's, or high."
    ),
    option("--fps", metavar="RATE", callback=fps, section=VIDEO, help="25, 23.976, 24000/1001. Default: the scene's."),
    option("--audio/--no-audio", "sound", default=True, section=VIDEO, help="The scene's sound. Default: with it."),
    option(
        "--video/--no-video", default=None, section=VIDEO, help="Default: a video where there is more than one frame."
    ),
    *ALONG_OPTIONS,
    scripts_option,
    blender_option,
)
"""What the commands that render have in common: `submit` and `demo`."""


def options_in(*groups: Sequence[Callable[[Any], Any]]) -> Callable[[Decorated], Decorated]:
    """One decorator for all options of the groups, in their order."""

    def decorate(function: Decorated) -> Decorated:
        for each in reversed([*itertools.chain(*groups)]):
            function = each(function)
        return function

    return decorate


render_options = options_in(RENDER_OPTIONS)


@command("submit")
@click.argument("file", type=SCENE_FILE)
@options_in(RENDER_OPTIONS, LINE_OPTIONS, THEN_OPTIONS)
@option(
    "--dry-run", "-r", is_flag=True, section=THEN, help="Show what would be done. Needs neither network nor account."
)
def submit(
    settings: Settings, file: Path, program: str | None, wait: bool, to: Path | None, dry_run: bool, **chosen: Any
) -> int:
    """Send FILE to the cloud and render it.

    The .blend goes as it is, never saved again, with every file it needs; what the cloud has already is not sent
    again. One array job renders the frames, a last job makes the video. Stopped with Ctrl-C during the upload, the
    same command goes on where it stopped. Test frames of the unchanged scene are kept; where there are some, they say
    how many frames a machine renders in a row.
    """
    asked = datetime.now(UTC)
    options = options_of(chosen)
    stages = Stages(settings.output)
    # What costs nothing comes first: no one should wait for Blender to learn that the credentials have expired.
    farm = None if dry_run else farm_of(settings)
    examination = look_into(file, stages, program, options.use_scripts, options.frames or None)
    plan = replace(make_plan(examination, options, datetime.now(UTC)), asked=asked.isoformat())
    show_notes(settings.output, plan)
    if farm is None:
        _show_dry_run(settings.output, plan)
        return Exit.DONE
    plan = _priced(settings.output, farm, plan, may_cut=options.frames_per_job is None)
    return carry_out(settings, farm, plan, stages, kept.sent, wait, to, submit_keeping_tests)


def carry_out(
    settings: Settings,
    farm: Farm,
    plan: SubmitPlan,
    stages: Stages,
    what: Callable[[Farm, SubmitPlan, str], str],
    wait: bool,
    to: Path | None,
    hand_over: HandOver = submits.submit,
) -> int:
    """Send the plan, say what was sent (`what` gets the job's id), and watch and download as asked; the exit code."""
    if to is not None:
        check_folder(to)
    if builds.lacks(farm, plan.blender):
        settings.output.warn(f"The cloud has no Blender {plan.blender} yet: it is installed first, in some minutes.")
    try:
        job_id = send(farm, plan, stages, hand_over)
    except StoppedAfterHandOver as stopped:
        return watch.say_left_running(settings, stopped.job_id, stopped)
    try:
        if not settings.output.json:
            settings.output.say(f"Job {job_id}: {what(farm, plan, job_id)}.")
        settings.output.remark(f"Watch it: {again(settings, f'status {job_id} --watch')}")
        if wait or to is not None:
            return watch.until_end(farm, job_id, stages, settings, to=to)
    except KeyboardInterrupt as stop:
        return watch.say_left_running(settings, job_id, stop)
    settings.output.document({"job": job_id, **_planned(plan)})
    return Exit.DONE


def _priced(output: Output, farm: Farm, plan: SubmitPlan, may_cut: bool) -> SubmitPlan:
    """Cut and limited by what is known of the frames' times, which is said; else as it is."""
    quote = quote_if_known(farm, plan, 0 if may_cut else plan.frames_per_job, datetime.now(UTC))
    if quote is None:
        return plan
    first = quote.offers[0]
    plan = limited_by(plan, quote)
    if may_cut:
        plan = cut_as(plan, first)
        output.remark(f"{first.why} About {usd_range(first.usd)}, in {words.duration(first.wall_s.likely)}.")
    kept.say(output, farm, plan, quote)
    output.remark(f"It ends by itself at {usd(plan.limits.cost_usd or 0.0)}; --cost-limit sets another limit.")
    if quote.month:
        output.remark(f"This month's limit, {month.line(quote.month)}")
    month.warn_if_too_dear(output, quote)
    return plan


def options_of(chosen: dict[str, Any]) -> Options:
    """The command line's choices as the client takes them. Raises BadArguments for -x without -y, or BadFrames."""
    width, height = chosen.pop("xres"), chosen.pop("yres")
    if (width is None) != (height is None):
        raise BadArguments("-x and -y go together.", "Give both, or --resolution WxH.")
    if width is not None:
        if chosen["resolution"] is not None:
            raise BadArguments("--resolution and -x/-y say the same thing twice.", "Give one of them.")
        chosen["resolution"] = (width, height)
    if chosen["frames"]:
        ranges.parse(chosen["frames"])  # what can't be read is told before Blender opens the file
    for name in ("container", "codec", "quality"):
        chosen[name] = chosen[name] or ""
    return Options(**chosen, created_by=person())


def person() -> str:
    """The name of who is logged in here; empty if there is none."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""  # a container's user may have no name


class StoppedAfterHandOver(KeyboardInterrupt):
    """Ctrl-C came when the upload had ended and Batch had the job, or was about to."""

    def __init__(self, job_id: str) -> None:
        super().__init__(job_id)
        self.job_id = job_id


def send(farm: Farm, plan: SubmitPlan, stages: Stages, hand_over: HandOver = submits.submit) -> str:
    """Upload and hand over, with a bar; Ctrl-C ends it at a good place. Answers the job's id.

    Raises StoppedAfterHandOver where it was too late for that, and what `hand_over` raises.
    """
    with asked_to_stop() as stop_wished, stages.stage("Uploading") as stage:
        display = TransferDisplay(stage, stages)
        try:
            job_id = hand_over(farm, plan, display, stop_wished)
        except Cancelled as error:
            error.advice = "The same command goes on where it stopped."
            raise
        stage.done = _uploaded(display, len(plan.files))
    if stop_wished():
        raise StoppedAfterHandOver(job_id)
    return job_id


def _uploaded(display: TransferDisplay, files: int) -> str:
    if not display.travelled:
        return f"Nothing to upload: all of {words.size(display.size)} is there"
    there = f", {words.size(display.was_there)} was there" if display.was_there else ""
    return f"Uploaded {words.count(files, 'file')}: {words.size(display.travelled)}{there}"


def show_notes(output: Output, plan: SubmitPlan) -> None:
    for warning in plan.warnings:
        output.warn(warning.problem, warning.advice)
    for notice in plan.notices:
        output.warn(notice)
    if plan.missing:
        output.warn(f"{words.count(len(plan.missing), 'missing file')} accepted: {words.listed(plan.missing)}.")


def _planned(plan: SubmitPlan) -> dict[str, Any]:
    plain: dict[str, Any] = values.to_plain(plan)
    return {"plan": {**plain, "size": plan.size}}


def _show_dry_run(output: Output, plan: SubmitPlan) -> None:
    output.document(_planned(plan))
    for line in plan_lines(plan):
        output.say(line)
    output.say("\nNothing was sent (--dry-run).")


def plan_lines(plan: SubmitPlan) -> list[str]:
    """The plan for people, one fact a line."""
    video = plan.video
    film = f"{video.codec} in {video.container}, {video.quality}, {float(video.fps):g} fps" if video else "none"
    sound = (", with sound" if video.sound else ", no sound") if video else ""
    each = words.count(plan.frames_per_job, "frame")
    overrides = {name: value for name, value in values.to_plain(plan.overrides).items() if value is not None}
    return [
        f"Job          {plan.name}",
        f"Scene        {plan.scene}, {plan.camera or 'its own camera'}, "
        + (f"view layers {', '.join(plan.view_layers)}" if plan.view_layers else "its own view layers"),
        f"Frames       {plan.frames}: {words.count(plan.frame_count, 'frame')} in "
        f"{words.count(plan.children, 'child', 'children')} of up to {each}",
        f"Images       {plan.file_format}",
        f"Video        {film}{sound}",
        f"Changes      {', '.join(f'{name} {value}' for name, value in overrides.items()) or 'none'}",
        f"Device       {plan.device or 'as the stack has it'}",
        f"Blender      {plan.blender}" + (", Python in the file may run" if plan.use_scripts else ""),
        f"Files        {words.count(len(plan.files), 'file')}, {words.size(plan.size)}",
        *(f"  {words.size(file.size):>8}  {file.path}" for file in plan.files),
    ]
