# SPDX-License-Identifier: GPL-3.0-or-later
"""The price in the confirm dialog: offers to choose from, what the chosen one is made of, and where the job stops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import pricing
from ..model import Priced, Submit
from ..words import duration, machines, money, money_range, say
from .text import wrapped

if TYPE_CHECKING:
    from cloud_render.client.quote import Offer, Quote

DIALOG = 88
"""Letters that fit a line of the dialog."""

GOALS = {"cheapest": "Cheapest", "balanced": "Balanced", "fastest": "Fastest"}
CLASSES = {"small": "Small", "medium": "Medium", "large": "Large"}
"""Of machines."""


def words_of(offer: Offer) -> str:
    """Balanced · 4 machines (Medium) · 32:10 · $1.20 ($1.05 to $1.45)."""
    count = machines(offer.schedule.machines)
    kind = say(CLASSES[offer.machines.name]) if offer.machines.name in CLASSES else offer.machines.name
    usd = offer.usd
    return " · ".join(
        (
            say(GOALS[offer.goal]),
            f"{count} ({kind})",
            say("about {time}", time=duration(offer.wall_s.likely)),
            money_range(usd.low, usd.likely, usd.high),
        )
    )


def draw(layout: Any, submit: Submit, chosen: Any) -> None:
    """`chosen` has the properties `choice`, `limit_usd` and `details`."""
    if submit.test:
        layout.label(text="These frames tell what all of them will cost", icon="INFO")
    elif submit.priced is not None and submit.priced.quote is not None:
        _quote(layout, submit.priced.quote, chosen)
    else:
        _without(layout, submit.priced)
    row = layout.row()
    row.use_property_split = True
    row.prop(chosen, "limit_usd")


def _without(layout: Any, priced: Priced | None) -> None:
    if priced is None:
        layout.label(text="The price is not known yet", icon="TIME")
    elif priced.why_not:
        for number, line in enumerate(wrapped(say("No price: {why}", why=priced.why_not), DIALOG)):
            layout.label(text=line, icon="BLANK1" if number else "INFO", translate=False)
    else:
        layout.label(text="Without test frames: nothing is known of this scene's price", icon="INFO")


def _quote(layout: Any, quote: Quote, chosen: Any) -> None:
    column = layout.column(align=True)
    for name, offer in pricing.offers().items():
        column.prop_enum(chosen, "choice", name, text=words_of(offer), translate=False)
    row = layout.row()
    row.alignment = "LEFT"
    row.prop(chosen, "details", icon="TRIA_DOWN" if chosen.details else "TRIA_RIGHT", emboss=False)
    if chosen.details:
        _details(layout.box().column(align=True), quote, pricing.offers().get(chosen.choice) or quote.offers[0])


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
