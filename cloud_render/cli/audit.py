# SPDX-License-Identifier: GPL-3.0-or-later
"""`cloud-render audit`: what a job's machines went through, and what it cost in time."""

from __future__ import annotations

import click

from cloud_render.cli import words
from cloud_render.cli.connect import farm_of, job_of
from cloud_render.cli.exit_codes import Exit
from cloud_render.cli.options import Settings, command, option
from cloud_render.client import audit as client_audit
from cloud_render.client.audit import Attempt, Audit, Child
from cloud_render.contract import values

FEW = 20
"""Children that are all shown; of more only those that something happened to."""

MOST = 40
"""Lines of the table."""


@command("audit")
@click.argument("job")
@option("--all", "every", is_flag=True, help="Every child, also those that nothing happened to.")
def audit(settings: Settings, job: str, every: bool) -> int:
    """Show what the machines of JOB went through: attempts, why they ended, what of their work was lost.

    Changes nothing. AWS Batch forgets a job's attempts after some days; then the workers' own reports are left.
    """
    farm = farm_of(settings)
    found = client_audit.audit(farm, job_of(farm, job))
    settings.output.document(values.to_plain(found))
    for line in [*summary(found), "", *table(found, every)]:
        settings.output.say(line)
    for problem in notes(found):
        settings.output.warn(problem)
    return Exit.DONE


def summary(found: Audit) -> list[str]:
    """What matters in a few lines."""
    renders = [child for child in found.children if child.index is not None]
    attempts = sum(len(child.attempts) for child in found.children)
    sent = words.count(found.submissions, "submission")
    mender = f", {found.by_the_mender} of them by the mender" if found.by_the_mender else ""
    lines = [
        f"{found.job_id}: {found.frames_done:,}/{found.frames_total:,} frames",
        f"Sent:           {words.count(len(renders), 'child', 'children')} in {sent}{mender}",
        f"Attempts:       {attempts:,}, {words.duration(found.seconds)} on machines",
        f"Interruptions:  {found.interruptions:,}, {found.survived:,} survived",
        f"Lost work:      {words.duration(found.lost_s)}{_share(found)}",
    ]
    if memory := words.memory(
        max((child.peak_memory for child in renders), default=0), max((child.peak_vram for child in renders), default=0)
    ):
        lines.append(f"Memory:         {memory} at most")
    if found.retries:
        causes = [f"{cause} {count:,}" for cause, count in found.retries.items()]
        lines.append(f"Tried again:    {sum(found.retries.values()):,}: {', '.join(causes)}")
    return lines


def _share(found: Audit) -> str:
    return f", {found.lost_s / found.seconds:.1%} of the time" if found.lost_s and found.seconds else ""


def table(found: Audit, every: bool) -> list[str]:
    """One line an attempt that did not end well, else one a child; nothing is cut but reasons."""
    chosen = [child for child in found.children if every or len(found.children) <= FEW or _troubled(child)]
    if not every:
        chosen.sort(key=lambda child: child.state != "FAILED")  # what was cut off must not be the failures
    rows = [row for child in chosen for row in _rows(child, found.submissions > 1)]
    if not rows:
        return ["Every child ended well at its first attempt."]
    shown = rows if every else rows[:MOST]
    lines = words.columns([("CHILD", "ATTEMPT", "ENDED", "FRAMES", "TIME", "LOST", "MACHINE", "WHY"), *shown])
    quiet = len(found.children) - len(chosen)
    if len(rows) > len(shown):
        more = words.count(len(rows) - len(shown), "more attempt")
        lines.append(f"… and {more}: --all or --json shows all.")
    if quiet:
        lines.append(f"Nothing happened to {words.count(quiet, 'other child', 'other children')}.")
    return lines


def notes(found: Audit) -> list[str]:
    """What the figures leave out."""
    told = []
    if found.forgotten:
        who = words.count(found.forgotten, "child", "children")
        told.append(
            f"AWS Batch has forgotten {who}: attempts whose machine vanished left no report, and are missing or stand "
            "here without a word."
        )
    if found.unreadable:
        what = words.count(len(found.unreadable), "report")
        told.append(f"{what} can't be read: {words.listed(found.unreadable, 3)}.")
    return told


def _troubled(child: Child) -> bool:
    return len(child.attempts) > 1 or child.state in ("FAILED", "UNKNOWN")


def _rows(child: Child, several: bool) -> list[tuple[str, ...]]:
    name = _name(child, several)
    if not child.attempts:
        return [(name, "-", child.state.lower(), f"0/{child.frames_wanted}", "", "", "", "")]
    return [_row(name, child, attempt) for attempt in child.attempts]


def _name(child: Child, several: bool) -> str:
    """`7`, `video`; of several submissions `1: 7`."""
    name = "video" if child.index is None else str(child.index)
    return f"{child.submission}: {name}" if several else name


def _row(name: str, child: Child, attempt: Attempt) -> tuple[str, ...]:
    return (
        name,
        str(attempt.number),
        attempt.cause,
        f"{len(attempt.frames)}/{child.frames_wanted}" if child.index is not None else "",
        words.duration(attempt.seconds),
        words.duration(attempt.lost_s) if attempt.lost_s else "",
        " ".join(filter(None, (attempt.machine, attempt.machine_type))),
        words.shortened(attempt.reason, 70),
    )
