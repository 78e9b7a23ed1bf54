# SPDX-License-Identifier: GPL-3.0-or-later
"""`cloud-render logs`: what a job's processes printed."""

from __future__ import annotations

import click

from cloud_render.cli import watch
from cloud_render.cli.connect import farm_of, job_of
from cloud_render.cli.exit_codes import Exit
from cloud_render.cli.options import Settings, command, option
from cloud_render.client import logs as client_logs
from cloud_render.client.logs import LogLine


@command("logs")
@click.argument("job")
@option("--index", metavar="N", type=click.IntRange(min=0), default=None, help="Of this child alone, counted from 0.")
@option("--stitch", is_flag=True, help="Of the job that makes the video alone.")
@option("--follow", "-f", is_flag=True, help="Go on until the job ends. Ctrl-C leaves it running.")
def logs(settings: Settings, job: str, index: int | None, stitch: bool, follow: bool) -> int:
    """Show what the processes of JOB printed, every attempt of them.

    Each line begins with the child it is from. With --json each line is a JSON object.
    """
    farm = farm_of(settings)
    job_id = job_of(farm, job)
    any_line = False
    try:
        for line in client_logs.lines(farm, job_id, index, follow, stitch):
            any_line = True
            settings.output.say(f"{source(line)} {line.text}")
            settings.output.json_line(
                {"child": line.child, "attempt": line.attempt, "time": line.time.isoformat(), "text": line.text}
            )
    except KeyboardInterrupt as stop:
        return watch.say_left_running(settings, job_id, stop)
    if not any_line:
        settings.output.remark("Nothing was printed yet.")
    return Exit.DONE


def source(line: LogLine) -> str:
    """`[3]`, `[3, attempt 2]` or `[video]`."""
    name = "video" if line.child is None else str(line.child)
    return f"[{name}, attempt {line.attempt}]" if line.attempt > 1 else f"[{name}]"
