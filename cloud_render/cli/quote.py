# SPDX-License-Identifier: GPL-3.0-or-later
"""`cloud-render quote`: what rendering a .blend will cost and how long it will take, in several ways."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from cloud_render.cli import kept, month, words
from cloud_render.cli.blenders import SCENE_FILE, look_into
from cloud_render.cli.connect import farm_of
from cloud_render.cli.exit_codes import Exit
from cloud_render.cli.options import Settings, command, option
from cloud_render.cli.output import Output
from cloud_render.cli.stages import Stages
from cloud_render.cli.submit import options_of, render_options, show_notes
from cloud_render.client.deadline import deadline_of
from cloud_render.client.money import Range, usd, usd_range
from cloud_render.client.plan import plan as make_plan
from cloud_render.client.quote import Offer, Quote, Wish
from cloud_render.client.quoting import quote_of
from cloud_render.contract import values
from cloud_render.contract.errors import BadArguments

PRICE = "The price"


def _moment(ctx: click.Context, parameter: click.Parameter, value: str | None) -> datetime | None:
    if value is None:
        return None
    try:
        return deadline_of(value, datetime.now(UTC))
    except BadArguments as error:
        raise click.BadParameter(str(error), ctx, parameter) from error


deadline_option = option(
    "--deadline",
    metavar="TIME",
    default=None,
    callback=_moment,
    section=PRICE,
    help="When it must be done: after so long (90min, 2h, 1h30m), at a time of day here (18:30), or then "
    "(2026-11-22T08:00). Takes the cheapest way that is.",
)

download_option = option(
    "--with-download/--without-download",
    "download",
    default=True,
    section=PRICE,
    help="Whether the frames are brought to this computer. Default: they are.",
)


@command("quote")
@click.argument("file", type=SCENE_FILE)
@render_options
@deadline_option
@download_option
def quote(
    settings: Settings,
    file: Path,
    program: str | None,
    deadline: datetime | None,
    download: bool,
    **chosen: Any,
) -> int:
    """Show what rendering FILE will cost, and how long it will take. Sends nothing.

    Rests on test frames of this scene (`cloud-render test`), else on frames of an earlier state of it. Prices are AWS's
    of this moment where you may ask for them. US dollars, without tax.
    """
    options = options_of(chosen)
    stages = Stages(settings.output)
    farm = farm_of(settings)
    examination = look_into(file, stages, program, options.use_scripts, options.frames or None)
    now = datetime.now(UTC)
    plan = make_plan(examination, options, now)
    show_notes(settings.output, plan)
    own_cut = 0 if options.frames_per_job is None else plan.frames_per_job
    wish = Wish(left_s(deadline, now), options.cost_limit_usd, own_cut, download=download)
    with stages.stage("Asking for prices", "Asked for prices"):
        found = quote_of(farm, plan, wish, now)
    settings.output.document(plain(found))
    say(settings.output, found)
    kept.say(settings.output, farm, plan, found)
    return Exit.DONE if found.offers[0].meets_deadline else Exit.FAILED


def left_s(deadline: datetime | None, now: datetime) -> float | None:
    """From now to the deadline, if there is one; a second where it passed meanwhile, so that what is late is shown."""
    return None if deadline is None else max(1.0, (deadline - now).total_seconds())


def plain(found: Quote) -> dict[str, Any]:
    """As JSON has it; `usd_per_frame` and `fits_month` are added for who compares."""
    answer: dict[str, Any] = values.to_plain(found)
    for row, offer in zip(answer["offers"], found.offers, strict=True):
        row["usd_per_frame"] = offer.usd.likely / found.frames
        row["fits_month"] = found.fits_month(offer)
    return answer


def say(output: Output, found: Quote) -> None:
    """The choices as a table, the first one item by item, and what it rests on."""
    for line in lines(found):
        output.say(line)
    for notice in found.notices:
        output.remark(notice)
    month.warn_if_too_dear(output, found)


def lines(found: Quote) -> list[str]:
    """For people."""
    first = found.offers[0]
    state = "test frames" if found.basis == "probes" else "frames of an earlier state"
    rest = f"{words.count(found.frames, 'frame')}, by {found.measured_frames} {state}"
    takes = words.memory(found.peak_memory, found.peak_vram)
    memory = f", memory: {takes}" if takes else ""
    return [
        f"{rest}{memory}",
        "",
        *words.columns([("", "MACHINES", "FRAMES EACH", "TIME", "PRICE", ""), *_rows(found.offers)]),
        "",
        f"{first.goal.capitalize()}: {first.why}",
        *words.columns(
            [*((f"  {item.name}", usd_range(item.usd), item.detail) for item in first.items), _total(first)]
        ),
        "",
        f"Prices: {found.prices}. Limit unless you set one: {usd(found.limit_usd)}.",
        *([f"This month's limit, {month.line(found.month)}"] if found.month else []),
    ]


def _total(offer: Offer) -> tuple[str, str, str]:
    worst = f"{usd(offer.on_demand_usd)} if no Spot machine came and On-Demand ones did it"
    return ("  In all", usd_range(offer.usd), worst if offer.machines.spot else "")


def _rows(offers: Sequence[Offer]) -> list[tuple[str, ...]]:
    """One for each way to do it: several goals may come to the same."""
    goals: dict[tuple[str, ...], list[str]] = {}
    for offer in offers:
        goals.setdefault(_way(offer), []).append(offer.goal)
    return [(", ".join(named), *way) for way, named in goals.items()]


def _way(offer: Offer) -> tuple[str, ...]:
    schedule = offer.schedule
    return (
        f"{schedule.machines} x {offer.machines.name} ({', '.join(offer.machines.types)})",
        f"{schedule.frames_per_job}",
        _time(offer.wall_s),
        usd_range(offer.usd),
        "" if offer.meets_deadline else "after the deadline",
    )


def _time(seconds: Range) -> str:
    return f"{words.duration(seconds.likely)} (up to {words.duration(seconds.high)})"
