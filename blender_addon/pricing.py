# SPDX-License-Identifier: GPL-3.0-or-later
"""What a submit will cost, asked for in the background before it is sent; and the plan as the artist chose it then."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from cloud_render.client.deadline import deadline_of
from cloud_render.client.plan import SubmitPlan
from cloud_render.contract.errors import BadArguments, Cancelled
from cloud_render.contract.scene import MachineClass

from .background import BACKGROUND, Task
from .model import MODEL, Account, Billed, Priced
from .trouble import problem_of

if TYPE_CHECKING:
    from cloud_render.client.quote import Offer, Quote

NAME = "price"

PATIENCE_S = 12.0
"""How long the dialog waits for a price. One that comes later is shown in the panel."""

AS_PLANNED = "PLAN"
"""The choice where there is no offer to choose from."""

_LEAST_LIMIT = 0.25
"""In USD: a single machine that starts costs some cents."""


def price(account: Account, plan: SubmitPlan, again_frames: str, frames_per_job: int = 0) -> Task:
    """Nothing that happens to it stands in the way of the submit. `frames_per_job`: 0 for as many as are best."""

    def work(cloud: Any, task: Task) -> Priced:
        quotes = cloud.quotes(account, plan, again_frames, frames_per_job)
        priced = Priced(quotes(None), quotes=quotes) if quotes else Priced()
        if task.stopped():
            raise Cancelled(NAME)
        return priced

    def failed(error: Exception) -> None:
        problem = problem_of(error)
        if problem:
            _show(Priced(why_not=problem.text))

    return Task(NAME, work, _show, failed)


def _by(deadline: str, quotes: Callable[[float | None], Quote]) -> Priced:
    """A deadline that is none is said beside the price without one."""
    if not deadline.strip():
        return Priced(quotes(None), quotes=quotes)
    now = datetime.now(UTC)
    try:
        moment = deadline_of(deadline, now)
    except BadArguments as error:
        return Priced(quotes(None), quotes=quotes, bad_deadline=str(error))
    seconds = (moment - now).total_seconds()
    return Priced(quotes(seconds), quotes=quotes, deadline=moment, deadline_s=seconds)


def meet(deadline: str) -> None:
    """Price what waits for the artist's word by this deadline, as the artist wrote it, counted from now."""
    if MODEL.submit:
        MODEL.submit = replace(MODEL.submit, deadline=deadline)
        _show(MODEL.submit.priced)


def _show(priced: Priced | None) -> None:
    """It may be late: the artist has stopped it, or sends it already."""
    if MODEL.submit and MODEL.submit.found:
        if priced and priced.quotes:
            priced = _by(MODEL.submit.deadline, priced.quotes)
        MODEL.submit = replace(MODEL.submit, priced=priced)
        MODEL.changes += 1


def forget() -> None:
    """The submit has ended, or is sent: nobody waits for its price any more."""
    BACKGROUND.stop(NAME)


def quote_now() -> Quote | None:
    """Of the submit that waits for the artist's word."""
    priced = MODEL.submit.priced if MODEL.submit else None
    return priced.quote if priced else None


def offers() -> dict[str, Offer]:
    """By what the dialog calls them, each way to render once; the first is taken unless the artist picks another.

    With a deadline the cheapest that is done by then comes first; what is not, last, the soonest end first.
    """
    quote = quote_now()
    if quote is None:
        return {}
    ways: dict[tuple[str, int], Offer] = {}
    for offer in sorted(quote.offers, key=_preference) if deadline_now() else quote.offers:
        ways.setdefault((offer.machines.name, offer.schedule.frames_per_job), offer)
    return {f"{offer.goal} {offer.machines.name}".upper(): offer for offer in ways.values()}


def deadline_now() -> datetime | None:
    """By which the offers are to be done."""
    priced = MODEL.submit.priced if MODEL.submit else None
    return priced.deadline if priced else None


def _preference(offer: Offer) -> tuple[bool, float]:
    return (not offer.meets_deadline, offer.usd.likely if offer.meets_deadline else offer.wall_s.likely)


def limit_of(choice: str) -> float:
    """Where the job ends by itself unless told otherwise: the artist's own setting, else twice the price, in USD.

    0 where there is neither.
    """
    submit = MODEL.submit
    own = submit.found.plan.limits.cost_usd if submit and submit.found else None
    offer = offers().get(choice)
    if own or offer is None:
        return own or 0.0
    return max(_LEAST_LIMIT, _cents_up(2 * offer.usd.likely))


def limit_to_go_on(billed: Billed | None, done: int, missing: int) -> float:
    """Where a job that goes on ends by itself, in USD: as before, or at twice what the missing frames are likely to
    take where the limit it had lies below that. 0 where it had none, or where that is not known.
    """
    if billed is None or billed.bill.limit_usd is None:
        return 0.0
    spent = billed.bill.usd
    rest = spent * missing / done if done else spent
    return max(billed.bill.limit_usd, _cents_up(spent + max(_LEAST_LIMIT, 2 * rest)))


def _cents_up(usd: float) -> float:
    return math.ceil(round(100 * usd, 6)) / 100


def chosen(plan: SubmitPlan, choice: str, limit_usd: float) -> SubmitPlan:
    """The plan with what was picked in the dialog. A limit of 0 is none."""
    quote = quote_now()
    limits = replace(plan.limits, cost_usd=limit_usd or None)
    plan = replace(plan, limits=limits, prices=quote.day_prices if quote else None)
    offer = offers().get(choice)
    if offer is None:
        return plan
    plan = replace(plan, frames_per_job=offer.schedule.frames_per_job, children=offer.schedule.children)
    if not offer.machines.gpu:
        return replace(plan, device="cpu")
    return replace(plan, machine=cast(MachineClass, offer.machines.name))
