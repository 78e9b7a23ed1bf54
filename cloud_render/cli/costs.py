# SPDX-License-Identifier: GPL-3.0-or-later
"""`cloud-render costs`: what jobs have cost, one by one or by scene or month."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import click

from cloud_render.cli import month as months
from cloud_render.cli import words
from cloud_render.cli.connect import farm_of, job_of
from cloud_render.cli.exit_codes import Exit
from cloud_render.cli.options import Settings, command, option
from cloud_render.client import costs as client
from cloud_render.client import month as client_month
from cloud_render.client.bill import Bill, MachineCost
from cloud_render.client.costs import By, Costs, Sum, sums
from cloud_render.client.money import usd
from cloud_render.contract import values
from cloud_render.contract.errors import BadArguments
from cloud_render.contract.month import month_at

ESTIMATE = (
    "An estimate, out of what the machines did; US dollars, without tax. AWS's own bill is the "
    "truth, and some days late."
)


@command("costs")
@click.argument("job", required=False)
@option(
    "--by",
    type=click.Choice(["job", "scene", "month"]),
    default="job",
    help="What the sums are of. Default: job.",
)
@option("--most", metavar="N", type=click.IntRange(1, 10_000), default=50, help="Of the newest N jobs. Default: 50.")
@option("--csv", "as_csv", is_flag=True, help="As a table for other programs.")
def costs(settings: Settings, job: str | None, by: By, most: int, as_csv: bool) -> int:
    """Show what jobs have cost: all of them, or JOB item by item, also while it runs.

    Machines from their start to their end, with disks and addresses, on work that came and on work that was lost. What
    S3 stores and what you download is told beside it.
    """
    if as_csv and settings.output.json:
        raise BadArguments("--csv and --json are two forms of the same.", "Choose one of them.")
    farm = farm_of(settings)
    now = datetime.now(UTC)
    if job is not None:
        found = client.job_bill(farm, job_of(farm, job), now)
        settings.output.document(plain(found))
        _say(settings, _csv(found.bills) if as_csv else bill_lines(found.bills[0]), found, as_csv)
        return Exit.DONE
    found = client.costs(farm, most, now)
    rows = sums(found.bills, by)
    month = client_month.month_of(farm, month_at(now)) if by == "month" else None
    settings.output.document({**plain(found), "by": by, "sums": values.to_plain(rows), "month": values.to_plain(month)})
    _say(settings, _csv(rows) if as_csv else sum_lines(rows, by), found, as_csv)
    if month and not as_csv:
        settings.output.say(f"This month's limit, {months.line(month)}")
    return Exit.DONE


def plain(found: Costs) -> dict[str, Any]:
    """As JSON has it."""
    answer: dict[str, Any] = values.to_plain(found)
    return {**answer, "currency": "USD", "tax": False, "estimate": True}


def _say(settings: Settings, lines: Sequence[str], found: Costs, as_csv: bool) -> None:
    for line in lines:
        settings.output.say(line)
    if as_csv:
        return
    settings.output.remark(f"{ESTIMATE} Prices: {found.prices}.")
    for notice in found.notices:
        settings.output.remark(notice)


def sum_lines(rows: Sequence[Sum], by: By) -> list[str]:
    """One line a row, and the sum of all below them."""
    if not rows:
        return ["No job has cost anything yet."]
    table = [(by.upper(), "JOBS", "FRAMES", "MACHINE HOURS", "COST", "LOST", "KEPT, A MONTH")]
    table += [_cells(row) for row in rows]
    if len(rows) > 1:
        table.append(_cells(_all(rows)))
    return words.columns(table)


def _cells(row: Sum) -> tuple[str, str, str, str, str, str, str]:
    return (
        row.name,
        f"{row.jobs:,}",
        f"{row.frames:,}",
        f"{row.hours:.1f}",
        usd(row.usd),
        usd(row.lost_usd),
        usd(row.stored_usd_month),
    )


def _all(rows: Sequence[Sum]) -> Sum:
    numbers = [field.name for field in fields(Sum) if field.name != "name"]
    return Sum("in all", **{name: sum(getattr(row, name) for row in rows) for name in numbers})


def bill_lines(bill: Bill) -> list[str]:
    """One job, item by item."""
    limit = f" of {usd(bill.limit_usd)}" if bill.limit_usd else ""
    state = "So far" if bill.running else "In all"
    each = f", {usd(bill.usd_per_frame)} a frame" if bill.frames else ""
    items = [
        ("Rendering", usd(bill.rendering_usd), f"{words.count(bill.frames, 'frame')}{each}"),
        ("Starting", usd(bill.starting_usd), f"with loading the scene {bill.starting_share:.0%} of the paid time"),
        ("Waiting", usd(bill.waiting_usd), "between children, and until Batch takes a machine down"),
        ("Lost work", usd(bill.lost_usd), words.count(bill.retries, "retry", "retries")),
        *(_machine(row) for row in bill.machines),
        ("Kept in S3", f"{usd(bill.stored_usd_month)} a month", "its frames, until they expire"),
        ("Download", usd(bill.download_usd), "of all frames once; free within AWS's allowance"),
    ]
    running = f", {words.count(bill.running, 'machine')} at work" if bill.running else ""
    return [f"Job {bill.job_id} ({bill.name})", f"{state} {usd(bill.usd)}{limit}{running}", *words.columns(items)]


def _machine(row: MachineCost) -> tuple[str, str, str]:
    market = {"spot": "Spot", "on-demand": "On-Demand", "": "market not known, counted as Spot"}[row.market]
    name = row.instance_type or "none of AWS's machines"
    detail = f"{words.count(row.machines, 'machine')}, {row.hours:.2f} hours, with disks and addresses"
    return (f"{name}, {market}" if row.instance_type else name, usd(row.usd), detail)


def _csv(rows: Sequence[Sum] | Sequence[Bill]) -> list[str]:
    """A heading and a line a row; single values alone."""
    table: list[dict[str, Any]] = [_flat(row) for row in rows]
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(table[0]) if table else ["name"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(table)
    return text.getvalue().splitlines()


def _flat(row: Sum | Bill) -> dict[str, Any]:
    cells = {field.name: getattr(row, field.name) for field in fields(row)}
    return {name: _rounded(value) for name, value in cells.items() if not isinstance(value, tuple)}


def _rounded(value: Any) -> Any:
    return round(value, 6) if isinstance(value, float) else value
