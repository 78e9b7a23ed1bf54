# SPDX-License-Identifier: GPL-3.0-or-later
"""`cloud-render jobs`: all jobs of the stack, the newest first."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from cloud_render.cli import watch, words
from cloud_render.cli.connect import again, farm_of
from cloud_render.cli.exit_codes import Exit
from cloud_render.cli.options import Settings, command, option
from cloud_render.client import monitor
from cloud_render.client.monitor import JobSummary
from cloud_render.contract import values


@command("jobs")
@option("--most", metavar="N", type=click.IntRange(1, 10_000), default=50, help="Show so many at most. Default: 50.")
def jobs(settings: Settings, most: int) -> int:
    """List the jobs, the newest first, whichever computer sent them."""
    found = monitor.jobs(farm_of(settings), most)
    settings.output.document({"jobs": [{"job": summary.job_id, **_rest(summary)} for summary in found]})
    for line in table(found, datetime.now(UTC)):
        settings.output.say(line)
    if any(summary.expiry for summary in found):
        settings.output.warn(
            "Frames that nobody has downloaded will soon be deleted.", f"Get them: {again(settings, 'download JOB')}"
        )
    if not found:
        settings.output.remark("There are no jobs yet. `cloud-render submit FILE` makes one.")
    return Exit.DONE


def _rest(summary: JobSummary) -> dict[str, object]:
    plain: dict[str, object] = values.to_plain(summary)
    del plain["job_id"]
    return plain


def table(found: list[JobSummary], now: datetime) -> list[str]:
    """One line a job under a heading; never cut, so that ids can be copied, also out of a pipe."""
    rows = [("JOB", "STATE", "FRAMES", "SUBMITTED", "")] if found else []
    for summary in found:
        made = words.time_of_job(summary.job_id)
        rows.append(
            (
                summary.job_id,
                watch.phase_words(summary),
                f"{summary.frames_done}/{summary.frames_total}",
                words.ago(made, now) if made else "",
                _remark(summary),
            )
        )
    return words.columns(rows)


def _remark(summary: JobSummary) -> str:
    expires = watch.expiry_words(summary.expiry) if summary.expiry else ""
    return "; ".join(filter(None, (expires, words.shortened(summary.problem, 60))))
