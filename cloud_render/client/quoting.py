# SPDX-License-Identifier: GPL-3.0-or-later
"""A quote for a plan: what is known of its frames, the stack's machines and today's prices, brought together."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from cloud_render.client import history, month, prices, probes, submit
from cloud_render.client.farm import Farm
from cloud_render.client.frame_times import Measured
from cloud_render.client.plan import SubmitPlan
from cloud_render.client.pools import pools
from cloud_render.client.prices import PriceList
from cloud_render.client.quote import VIDEO_TYPE, Offer, Quote, Wish, quote
from cloud_render.client.slices import Pool
from cloud_render.contract import frames as ranges
from cloud_render.contract import month as months
from cloud_render.contract.errors import CloudRenderError, NotThere
from cloud_render.contract.month import Month
from cloud_render.store import NEVER, SILENT, Progress

log = logging.getLogger(__name__)

NO_TEST = "Nothing is known of this scene's frames yet."
TEST_IT = "Render test frames first: cloud-render test FILE, or Test in Blender's panel."


@dataclass(frozen=True)
class Grounds:
    """What quotes for a plan rest on. Once it is known, another wish needs nobody to be asked."""

    known: Measured
    frames: tuple[int, ...]
    classes: tuple[Pool, ...]
    """In the order in which they are preferred."""
    price_list: PriceList
    video: bool
    month: Month | None

    def quote(self, wish: Wish) -> Quote:
        """Pure. Raises DoesNotFit, and BadArguments for a deadline that is none."""
        wish = replace(wish, video=self.video, limit_usd=_least(wish.limit_usd, self.month))
        return replace(quote(self.known, self.frames, self.classes, self.price_list, wish), month=self.month)


def quote_of(farm: Farm, plan: SubmitPlan, wish: Wish, now: datetime) -> Quote:
    """Raises as grounds_of() and Grounds.quote()."""
    return grounds_of(farm, plan, now).quote(wish)


def grounds_of(farm: Farm, plan: SubmitPlan, now: datetime) -> Grounds:
    """The class of machines that the plan names comes first among the offers.

    Raises NotThere where no frame of the scene was ever rendered, and what S3, Batch and EC2 make of being asked;
    prices that AWS does not tell are no error.
    """
    known = history.known(farm, plan)
    if known is None:
        raise NotThere(NO_TEST, TEST_IT)
    found = sorted(pools(farm), key=lambda pool: pool.name != plan.machine)
    types = sorted({VIDEO_TYPE, *(name for pool in found for name in pool.types)})
    price_list = prices.current(farm.connection, types, now)
    this_month = month.month_of(farm, months.month_at(now))
    return Grounds(known, ranges.parse(plan.frames), tuple(found), price_list, plan.video is not None, this_month)


def _least(limit_usd: float | None, this_month: Month | None) -> float | None:
    """The job's limit or the month's rest: neither should be used up by machines that start."""
    limits = (limit_usd, this_month.left_usd if this_month else None)
    return min((limit for limit in limits if limit is not None), default=None)


def cut_as(plan: SubmitPlan, offer: Offer) -> SubmitPlan:
    """The plan, cut into children as the offer has it."""
    per_job = ranges.fitted_frames_per_job(plan.frame_count, offer.schedule.frames_per_job)
    return replace(plan, frames_per_job=per_job, children=ranges.children(plan.frame_count, per_job))


def quote_if_known(farm: Farm, plan: SubmitPlan, frames_per_job: int, now: datetime) -> Quote | None:
    """Below the plan's own cost limit; `frames_per_job` as in Wish. None where there can be no quote: no error."""
    try:
        return quote_of(farm, plan, Wish(limit_usd=plan.limits.cost_usd, frames_per_job=frames_per_job), now)
    except CloudRenderError as error:
        log.info("no quote for %s: %s", plan.name, error)
        return None


def limited_by(plan: SubmitPlan, found: Quote) -> SubmitPlan:
    """The plan with its quote's prices, and the limit it has, else that of its quote."""
    limits = replace(plan.limits, cost_usd=plan.limits.cost_usd or found.limit_usd)
    return replace(plan, limits=limits, prices=found.day_prices)


def submit_keeping_tests(
    farm: Farm,
    plan: SubmitPlan,
    progress: Progress = SILENT,
    cancelled: Callable[[], bool] = NEVER,
    memory: Path | None = None,
) -> str:
    """submit.submit(), but test frames of the scene as it is now are kept and not rendered again."""
    inherited = probes.inherited(farm, plan, cancelled)
    return submit.submit(farm, plan, progress, cancelled, memory, inherited=inherited)
