# SPDX-License-Identifier: GPL-3.0-or-later
"""`cloud-render test`: a few frames at full quality first, to see them and to know the price of the rest."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from cloud_render.cli import quote as quotes
from cloud_render.cli import watch, words
from cloud_render.cli.blenders import SCENE_FILE, look_into
from cloud_render.cli.connect import again, farm_of
from cloud_render.cli.download import check_folder, fetch_rendered
from cloud_render.cli.exit_codes import Exit
from cloud_render.cli.options import Settings, command, option
from cloud_render.cli.stages import Stages
from cloud_render.cli.submit import StoppedAfterHandOver, options_of, render_options, send, show_notes
from cloud_render.client import monitor, reports
from cloud_render.client.download import Downloaded
from cloud_render.client.farm import Farm
from cloud_render.client.frame_times import Measured, measured
from cloud_render.client.plan import SubmitPlan
from cloud_render.client.plan import plan as make_plan
from cloud_render.client.probes import probe_plan
from cloud_render.client.quote import Quote, Wish
from cloud_render.client.quoting import quote_of
from cloud_render.contract import frames as ranges
from cloud_render.contract import keys, values
from cloud_render.contract.errors import CloudRenderError

TEST = "The test"


@command("test")
@click.argument("file", type=SCENE_FILE)
@option(
    "--at",
    metavar="RANGE",
    default="",
    section=TEST,
    help="Test these frames of the animation: 1,120,250. Default: the first, the middle and the last.",
)
@option(
    "--to",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    default=None,
    section=TEST,
    help="Where the frames go. Default: a folder here, named like the job.",
)
@render_options
@quotes.deadline_option
def test(
    settings: Settings,
    file: Path,
    program: str | None,
    at: str,
    to: Path | None,
    deadline: datetime | None,
    **chosen: Any,
) -> int:
    """Render a few frames of FILE in the cloud, show them, and say what the rest will cost.

    They are rendered as they will be in the whole animation, each on a machine of its own, and brought here. A submit
    of the same scene keeps them: only the other frames are rendered then.
    """
    options = options_of(chosen)
    if at:
        ranges.parse(at)  # what can't be read is told before Blender opens the file
    check_folder(to or Path.cwd())
    stages = Stages(settings.output)
    farm = farm_of(settings)
    examination = look_into(file, stages, program, options.use_scripts, options.frames or None)
    plan = make_plan(examination, options, datetime.now(UTC))
    show_notes(settings.output, plan)
    probes = probe_plan(plan, at)
    try:
        job_id = send(farm, probes, stages)
    except StoppedAfterHandOver as stopped:
        return watch.say_left_running(settings, stopped.job_id, stopped)
    settings.output.say(f"Job {job_id}: {words.count(probes.frame_count, 'test frame')}, {probes.frames}.")
    watcher = monitor.Monitor(farm, job_id)
    try:
        state = watch.follow(lambda: watch.look_and_mend(farm, watcher), stages)
    except KeyboardInterrupt as stop:
        return watch.say_left_running(settings, job_id, stop)
    if state.phase != "done":
        settings.output.document(watch.plain(state))
        watch.say_end(settings, state)
        return watch.EXIT_OF_PHASE[state.phase]
    fetched = fetch_rendered(settings, farm, job_id, to or Path(job_id), stages, video=False)
    return _tell(settings, farm, plan, job_id, fetched, Wish(quotes.left_s(deadline, datetime.now(UTC))))


def _tell(settings: Settings, farm: Farm, plan: SubmitPlan, job_id: str, fetched: Downloaded, wish: Wish) -> int:
    known = measured(reports.reports(farm, job_id), "probes")
    paths = {keys.frame_of_name(path.name): path for path in fetched.frames}
    for line in _lines(known, paths):
        settings.output.say(line)
    found, problem = _quote(farm, plan, wish)
    settings.output.document(
        {
            "job": job_id,
            "frames": [
                {"frame": frame, "path": str(path.absolute()), "seconds": _seconds(known, frame)}
                for frame, path in sorted(paths.items(), key=lambda item: item[0] or 0)
            ],
            "peak_memory": known.peak_memory if known else 0,
            "peak_vram": known.peak_vram if known else 0,
            "quote": quotes.plain(found) if found else None,
            "no_quote": values.to_plain(problem.problem) if problem else "",
        }
    )
    if found:
        settings.output.say()
        quotes.say(settings.output, found)
    if problem:
        settings.output.warn(f"No price: {problem.problem}", problem.advice)
    settings.output.remark(f"Render all of it: {again(settings, 'submit')} FILE")
    return Exit.DONE


def _quote(farm: Farm, plan: SubmitPlan, wish: Wish) -> tuple[Quote | None, CloudRenderError | None]:
    """The test has succeeded even where no price can be told."""
    try:
        return quote_of(farm, plan, wish, datetime.now(UTC)), None
    except CloudRenderError as error:
        return None, error


def _lines(known: Measured | None, paths: dict[int | None, Path]) -> list[str]:
    rows = [
        (f"Frame {frame}", _words(_seconds(known, frame)), str(path))
        for frame, path in sorted(paths.items(), key=lambda item: item[0] or 0)
    ]
    gpu = known is not None and bool(known.device) and not known.cpu
    takes = words.memory(known.peak_memory, known.peak_vram, gpu) if known else ""
    memory = [f"Memory   {takes} at most"] if takes else []
    return [*words.columns(rows), *memory] if rows else memory


def _seconds(known: Measured | None, frame: int | None) -> float | None:
    facts = known.facts if known else ()
    return next((fact.seconds for fact in facts if fact.frame == frame), None)


def _words(seconds: float | None) -> str:
    return words.duration(seconds) if seconds is not None else "kept from an earlier test"
