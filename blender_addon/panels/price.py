# SPDX-License-Identifier: GPL-3.0-or-later
"""The price in the confirm dialog: offers to choose from, what the chosen one is made of, and where the job stops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .. import pricing
from ..model import Priced, Submit
from ..settings import DEADLINE_SUCH_AS
from ..words import duration, machines, moment, money, money_range, say, span
from .text import wrapped

if TYPE_CHECKING:
    from cloud_render.client.quote import Offer, Quote
    from cloud_render.contract.month import Month

DIALOG = 88
"""Letters that fit a line of the dialog."""

MONTH_USED_UP = "Nothing is left of the month's limit: raise it, or wait for the next month"

GOALS = {"cheapest": "Cheapest", "balanced": "Balanced", "fastest": "Fastest"}
CLASSES = {"small": "Small", "medium": "Medium", "large": "Large"}
"""Of machines."""


def words_of(offer: Offer) -> str:
    """Balanced · 4 machines (Medium) · about 32:10 · $1.20 ($1.05 to $1.45)."""
    count = machines(offer.schedule.machines)
    kind = say(CLASSES[offer.machines.name]) if offer.machines.name in CLASSES else offer.machines.name
    usd = offer.usd
    return " · ".join(
        (
            _name(offer),
            f"{count} ({kind})",
            say("about {time}", time=duration(offer.wall_s.likely)),
            money_range(usd.low, usd.likely, usd.high),
        )
    )


def _name(offer: Offer) -> str:
    """What it is good for. With a deadline that is whether it is met."""
    if pricing.deadline_now() is None or (offer.goal == "fastest" and offer.meets_deadline):
        return say(GOALS[offer.goal])
    return say("In time") if offer.meets_deadline else say("Too late")


def draw(layout: Any, submit: Submit, chosen: Any) -> None:
    """`chosen` has the properties `choice`, `deadline`, `limit_usd` and `details`."""
    if submit.test:
        layout.label(text="These frames tell what all of them will cost", icon="INFO")
    elif submit.priced is not None and submit.priced.quote is not None:
        _quote(layout, submit.priced, submit.priced.quote, chosen)
    else:
        _without(layout, submit.priced)
        if submit.deadline.strip():
            words = say("Whether it is done by {deadline} is not known", deadline=submit.deadline.strip())
            layout.label(text=words, icon="BLANK1", translate=False)
    column = fields(layout)
    column.prop(chosen, "limit_usd")
    if submit.found and submit.found.month:
        offer = pricing.offers().get(chosen.choice)
        _month(column, submit.found.month, offer.usd.likely if offer else 0.0)


def fields(layout: Any) -> Any:
    """A column of fields with their names on the left."""
    column = layout.column()
    column.use_property_split = True
    column.use_property_decorate = False
    return column


def _below_field(column: Any, text: str) -> None:
    """Where Blender puts the field itself."""
    row = column.split(factor=0.4)
    row.label(text="")
    row.label(text=text, translate=False)


def _month(layout: Any, month: Month, usd: float) -> None:
    """Red where a job of so many USD does not fit in what is left of it."""
    words = say("This month: {spent} of {all}", spent=money(month.spent_usd), all=money(month.limit_usd))
    if month.left_usd <= 0:
        _alarm(layout, f"{words}. {say(MONTH_USED_UP)}")
    elif usd > month.left_usd:
        _alarm(layout, f"{words}. {say('The job will stop there: the rest is less than its price')}")
    else:
        _below_field(layout, words)


def _without(layout: Any, priced: Priced | None) -> None:
    if priced is None:
        layout.label(text="The price is not known yet", icon="TIME")
    elif priced.why_not:
        for number, line in enumerate(wrapped(say("No price: {why}", why=priced.why_not), DIALOG)):
            layout.label(text=line, icon="BLANK1" if number else "INFO", translate=False)
    else:
        layout.label(text="Without test frames: nothing is known of this scene's price", icon="INFO")


def _quote(layout: Any, priced: Priced, quote: Quote, chosen: Any) -> None:
    offers = pricing.offers()
    column = layout.column(align=True)
    for name, offer in offers.items():
        column.prop_enum(chosen, "choice", name, text=words_of(offer), translate=False)
    row = layout.row()
    row.alignment = "LEFT"
    row.prop(chosen, "details", icon="TRIA_DOWN" if chosen.details else "TRIA_RIGHT", emboss=False)
    if chosen.details:
        _details(layout.box().column(align=True), quote, offers.get(chosen.choice) or quote.offers[0])
    _deadline(layout, priced, list(offers.values()), chosen)


def _deadline(layout: Any, priced: Priced, offers: Sequence[Offer], chosen: Any) -> None:
    """The field, and what became of what was written in it."""
    column = fields(layout)
    column.prop(chosen, "deadline", placeholder=DEADLINE_SUCH_AS)
    if priced.bad_deadline:
        _alarm(column, priced.bad_deadline)
    elif priced.deadline and not offers[0].meets_deadline:
        _alarm(column, _too_late(offers, priced.deadline_s))
    elif priced.deadline:
        left = span(priced.deadline_s)
        _below_field(column, say("By {moment}, in {span}", moment=moment(priced.deadline), span=left))


def _alarm(layout: Any, text: str) -> None:
    column = layout.column(align=True)
    column.alert = True
    for number, line in enumerate(wrapped(text, DIALOG)):
        column.label(text=line, icon="BLANK1" if number else "ERROR", translate=False)


def _too_late(offers: Sequence[Offer], seconds: float) -> str:
    soonest = min((offer.wall_s for offer in offers), key=lambda wall_s: wall_s.likely)
    left, likely, most = map(span, (seconds, soonest.likely, soonest.high))
    if soonest.likely > seconds:
        return say("Can't be done in {time}: the fastest takes about {likely}", time=left, likely=likely)
    return say("May not be done in {time}: the fastest may take {most}", time=left, most=most)


def _details(column: Any, quote: Quote, offer: Offer) -> None:
    for item in offer.items:
        row = column.split(factor=0.12)
        row.label(text=money(item.usd.likely), translate=False)
        row.label(text=f"{item.name}: {item.detail}", translate=False)
    column.separator()
    worst = say("{usd} if no Spot machine came at all", usd=money(offer.on_demand_usd))
    measured = say("From {count} measured frames", count=quote.measured_frames)
    for text in (offer.why, worst, f"{measured}. {quote.prices}.", *quote.notices):
        for line in wrapped(text, DIALOG):
            column.label(text=line, translate=False)
