# SPDX-License-Identifier: GPL-3.0-or-later
"""`cloud-render status`: one look at a job, or a watch until it ends."""

from __future__ import annotations

import click

from cloud_render.cli import watch
from cloud_render.cli.connect import again, farm_of, job_of
from cloud_render.cli.exit_codes import Exit
from cloud_render.cli.options import Settings, command, option
from cloud_render.cli.stages import Stages
from cloud_render.client import monitor


@command("status")
@click.argument("job")
@option("--watch", "-w", "watching", is_flag=True, help="Go on until the job ends. Ctrl-C leaves it running.")
def status(settings: Settings, job: str, watching: bool) -> int:
    """Show how far JOB is; if it failed, why, and what to do.

    Ends with 0 while the job goes on or is done, 1 if it failed, 3 if it was cancelled. A job whose submit was cut off
    half-way is submitted completely. With --watch --json each change is a line.
    """
    farm = farm_of(settings)
    job_id = job_of(farm, job)
    watcher = monitor.Monitor(farm, job_id)
    if not watching:
        state = watch.look_and_mend(farm, watcher)
        settings.output.document(watch.plain(state))
        for line in watch.state_lines(state):
            settings.output.say(line)
        if state.expiry:
            settings.output.warn(
                f"{watch.expiry_words(state.expiry).capitalize()}.",
                f"Get them: {again(settings, f'download {job_id}')}",
            )
        if state.problem and not settings.output.json:
            settings.output.problem(state.problem, state.advice, Exit.FAILED)
        return watch.EXIT_OF_PHASE.get(state.phase, Exit.DONE)
    try:
        state = watch.follow(
            lambda: watch.look_and_mend(farm, watcher),
            Stages(settings.output),
            heard=lambda state: settings.output.json_line(watch.plain(state)),
        )
    except KeyboardInterrupt as stop:
        return watch.say_left_running(settings, job_id, stop)
    watch.say_end(settings, state)
    return watch.EXIT_OF_PHASE[state.phase]
