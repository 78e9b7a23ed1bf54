# SPDX-License-Identifier: GPL-3.0-or-later
"""What the selected job costs: so far, of what was expected, and item by item; and whether anything is on after it."""

from __future__ import annotations

from typing import Any

from ..mirror import mirror_of
from ..model import MODEL, Billed, Running
from ..remembered import remembered
from ..words import machines, money, say
from .text import in_panel


def draw(layout: Any, context: Any, job_id: str, *, ended: bool) -> None:
    """`ended`: whether the job has."""
    billed = MODEL.bills.get(job_id)
    if billed is not None and not ended:
        layout.label(text=_so_far(billed, job_id), icon="BLANK1", translate=False)
    elif billed is not None:
        _in_all(layout, mirror_of(context), billed)
    if ended and MODEL.running is not None:
        nothing = not (MODEL.running.machines or MODEL.running.jobs)
        layout.label(text=running_words(MODEL.running), icon="CHECKMARK" if nothing else "INFO", translate=False)


def running_words(running: Running) -> str:
    """Checked, with the time when that was."""
    if not (running.machines or running.jobs):
        return say("Nothing is running now ({time})", time=running.at)
    parts = [machines(len(running.machines))] if running.machines else []
    if running.jobs:
        parts.append(say("1 job") if running.jobs == 1 else say("{count} jobs", count=running.jobs))
    return say("Still on: {what} ({time})", what=", ".join(parts), time=running.at)


def _so_far(billed: Billed, job_id: str) -> str:
    """So far $0.41 of $1.20, stops at $2.40."""
    bill, expected = billed.bill, remembered().prices.get(job_id)
    so_far = money(bill.usd)
    words = (
        say("So far {usd} of {all}", usd=so_far, all=money(expected)) if expected else say("So far {usd}", usd=so_far)
    )
    return f"{words}, {say('stops at {usd}', usd=money(bill.limit_usd))}" if bill.limit_usd else words


def _in_all(layout: Any, shown: Any, billed: Billed) -> None:
    row = layout.row()
    row.alignment = "LEFT"
    words = say("Cost: about {usd}", usd=money(billed.bill.usd))
    icon = "TRIA_DOWN" if shown.shows_bill else "TRIA_RIGHT"
    row.prop(shown, "shows_bill", text=words, translate=False, icon=icon, emboss=False)
    if shown.shows_bill:
        _items(layout.box().column(align=True), billed)


def _items(column: Any, billed: Billed) -> None:
    bill = billed.bill
    for group in bill.machines:
        kind = group.instance_type or say("own machine")
        market = f" {group.market}" if group.market else ""
        _row(column, group.usd, f"{group.machines} × {kind}{market}, {group.hours:.1f} h")
    column.separator()
    for usd, words in (
        (bill.rendering_usd, say("of it rendering")),
        (bill.starting_usd, say("of it starting")),
        (bill.waiting_usd, say("of it waiting")),
        (bill.lost_usd, say("of it lost work, retries: {count}", count=bill.retries)),
    ):
        _row(column, usd, words)
    column.separator()
    _row(column, bill.stored_usd_month, say("storage a month"))
    _row(column, bill.download_usd, say("download, unless free"))
    column.separator()
    notes = (say("An estimate, without tax: AWS bills days later."), f"{billed.prices}.", *billed.notices)
    for line in (line for note in notes for line in in_panel(note)):
        column.label(text=line, translate=False)


def _row(column: Any, usd: float, words: str) -> None:
    row = column.split(factor=0.22)
    row.label(text=money(usd), translate=False)
    row.label(text=words, translate=False)
