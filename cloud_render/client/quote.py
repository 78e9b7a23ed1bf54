# SPDX-License-Identifier: GPL-3.0-or-later
"""The price before a job is sent: machines, time and money with their ranges, itemised, and the choices there are.

Pure: what was measured, the classes of machines and the prices come in. US dollars, without tax.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cloud_render.client.frame_times import Basis, FrameTimes, Measured, estimate
from cloud_render.client.money import NOTHING, Range, combined, total
from cloud_render.client.prices import PriceList
from cloud_render.client.sizes import size
from cloud_render.client.slices import (
    LAUNCH_S,
    Choice,
    Goal,
    Pool,
    Schedule,
    choose,
    schedule,
    schedules,
    settled,
    within,
)
from cloud_render.contract import prices
from cloud_render.contract.day_prices import DayPrices
from cloud_render.contract.errors import BadArguments, DoesNotFit
from cloud_render.contract.month import Month
from cloud_render.contract.spending import IDLE_S, STARTING_S

TAX = "US dollars, without tax."

_GB = 10**9
_STARTS_SPREAD = 0.30
"""Of the time that machines need to come and to go."""

VIDEO_TYPE = "m6i.xlarge"
"""What makes the video, mostly."""
_STITCH_S, _STITCH_FRAME_S = 10.0, 0.06
_PUTS_A_FRAME = 2
_LOG_BYTES_A_FRAME = 2_000
_RESERVE = 1.15
"""A scene may need a little more memory on another frame than on those measured."""

_LARGER = "Set the stack up with larger ones (cloud-render setup), or make the scene smaller."

SYSTEM_GIB = 1.5
"""Of a machine's memory that a job doesn't get."""


@dataclass(frozen=True)
class Item:
    """A line of a quote."""

    name: str
    usd: Range
    detail: str
    """The amount it is made of, in words."""


@dataclass(frozen=True)
class Offer:
    """One way to render the job."""

    goal: Goal
    machines: Pool
    schedule: Schedule
    why: str
    meets_deadline: bool
    wall_s: Range
    """From the submission to the video."""
    usd: Range
    """All items together."""
    items: tuple[Item, ...]
    on_demand_usd: float
    """The same if no Spot machine came at all and On-Demand ones did it: the worst case."""


@dataclass(frozen=True)
class Quote:
    """What a job will cost, in several ways to do it."""

    frames: int
    basis: Basis
    measured_frames: int
    peak_memory: int
    """In bytes; 0 if not known."""
    peak_vram: int
    """In bytes, on one GPU; 0 if not known."""
    offers: tuple[Offer, ...]
    """The one to take unless the artist picks another is the first."""
    limit_usd: float
    """Twice the first offer's price: the limit that a job gets unless told otherwise."""
    prices: str
    """Where the prices come from."""
    notices: tuple[str, ...]
    day_prices: DayPrices | None = None
    """The same as job.json carries them; None where they are the table's."""
    month: Month | None = None
    """What the stack's limit of this month leaves; None where it has no limit."""

    def fits_month(self, offer: Offer) -> bool:
        """Whether the offer's likely price fits in what is left of the month."""
        return self.month is None or offer.usd.likely <= self.month.left_usd


@dataclass(frozen=True)
class Wish:
    """What the artist asks for, beside the frames."""

    deadline_s: float | None = None
    limit_usd: float | None = None
    """The most that the job may cost."""
    frames_per_job: int = 0
    """Of an array child, if that is settled; 0: as many as are best."""
    video: bool = True
    kept_days: int = 90
    """How long the stack keeps frames."""
    disk_gib: int = 100
    download: bool = True
    """Whether the frames come to the artist's computer."""


def quote(
    known: Measured, frames: Sequence[int], classes: Sequence[Pool], price_list: PriceList, wish: Wish = Wish()
) -> Quote:
    """`classes` in the order in which they are preferred; those that the scene does not fit are left out.

    Raises BadArguments without frames or for a deadline that is none, DoesNotFit where no class is large enough.
    """
    if not frames:
        raise BadArguments("There are no frames to quote.")
    if wish.deadline_s is not None and wish.deadline_s <= 0:
        raise BadArguments("The deadline lies in the past.", "Choose a later one.")
    fitting = fitting_classes(classes, known)
    times = estimate(known, frames)
    first = [_offer(times, fitting[0], price_list, goal, wish) for goal in _GOALS]
    others = [_offer(times, machines, price_list, "balanced", wish) for machines in fitting[1:]]
    offers = (*first, *others)
    return Quote(
        frames=len(frames),
        basis=known.basis,
        measured_frames=len(known.facts),
        peak_memory=known.peak_memory,
        peak_vram=known.peak_vram,
        offers=offers,
        limit_usd=_limit(offers[0].usd.likely),
        prices=price_list.source,
        day_prices=price_list.of_the_day,
        notices=(*_notices(known), *price_list.notices),
    )


_GOALS: tuple[Goal, ...] = ("balanced", "cheapest", "fastest")


def fitting_classes(classes: Sequence[Pool], known: Measured) -> list[Pool]:
    """Those of the kind that was measured, large enough in memory, the GPU's too. Raises DoesNotFit without any."""
    of_kind = [machines for machines in classes if machines.gpu != known.cpu or not known.device]
    need = known.peak_memory * _RESERVE / 2**30
    enough = [machines for machines in of_kind if machines.memory_gib - SYSTEM_GIB >= need]
    need_gb = _vram_gb(known)
    # A GPU that no table knows is left to the render to find out.
    fitting = [machines for machines in enough if machines.vram_gb >= need_gb or not machines.vram_gb]
    if fitting:
        return fitting
    if not of_kind:
        kind = "CPU" if known.cpu else "GPU"
        raise DoesNotFit(f"The stack has no {kind} machines.", "Update it: cloud-render setup.")
    if enough:
        most = max(machines.vram_gb for machines in enough)
        raise DoesNotFit(
            f"The scene needs {need_gb:.0f} GB of memory on the GPU, the stack's largest GPUs have {most} GB.", _LARGER
        )
    most = max(machines.memory_gib for machines in of_kind)
    raise DoesNotFit(
        f"The scene needs {need:.0f} GiB of memory, the stack's largest machines have {most} GiB.", _LARGER
    )


def _vram_gb(known: Measured) -> float:
    """What a GPU should have; never more than the smallest on which frames were rendered: that one was enough."""
    rendered_on = [row.vram_gb for fact in known.facts if (row := prices.machine(fact.instance_type))]
    need = known.peak_vram * _RESERVE / 10**9
    return min(need, *rendered_on) if rendered_on else need


def _offer(times: FrameTimes, machines: Pool, price_list: PriceList, goal: Goal, wish: Wish) -> Offer:
    render_s = None if wish.deadline_s is None else wish.deadline_s - _video_s(len(times.seconds), wish)
    deadline_s = None if render_s is None else max(1.0, render_s)
    if wish.frames_per_job:
        choice = settled(schedule(times, machines, wish.frames_per_job), goal, deadline_s)
    else:
        choice = choose(
            within(schedules(times, machines), wish.limit_usd, _coming_and_going(times, machines, price_list, wish)),
            goal,
            lambda each: _machines_usd(each, machines, price_list, wish).likely,
            deadline_s,
        )
    items = _items(times, machines, choice, price_list, wish)
    return Offer(
        goal=goal,
        machines=machines,
        schedule=choice.schedule,
        why=choice.why + ".",
        meets_deadline=choice.meets_deadline,
        wall_s=_wall(times, choice.schedule, wish),
        usd=total(item.usd for item in items),
        items=items,
        on_demand_usd=_on_demand(choice.schedule, price_list) + total(item.usd for item in items[1:]).likely,
    )


def _machines_usd(each: Schedule, machines: Pool, price_list: PriceList, wish: Wish) -> Range:
    beside = prices.host_hour(wish.disk_gib) * each.machine_hours
    return _compute(each, machines, price_list) + Range.exactly(beside)


def _coming_and_going(times: FrameTimes, machines: Pool, price_list: PriceList, wish: Wish) -> float:
    """USD of a machine that renders nothing."""
    hour = max(price_list.spot(name).likely for name in machines.types) + prices.host_hour(wish.disk_gib)
    return hour * (STARTING_S + times.load_s + IDLE_S) / 3600


def _compute(each: Schedule, machines: Pool, price_list: PriceList) -> Range:
    def hour(name: str) -> Range:
        return price_list.spot(name) if machines.spot else Range.exactly(price_list.on_demand(name))

    return total(hour(name).times(seconds / 3600) for name, seconds in each.paid_s.items())


def _on_demand(each: Schedule, price_list: PriceList) -> float:
    return sum(price_list.on_demand(name) * seconds / 3600 for name, seconds in each.paid_s.items())


def _items(times: FrameTimes, machines: Pool, choice: Choice, price_list: PriceList, wish: Wish) -> tuple[Item, ...]:
    chosen, count = choice.schedule, len(times.seconds)
    rates, hours = prices.RATES, chosen.machine_hours
    compute = _compute(chosen, machines, price_list)
    spread = combined(_spread(times, chosen), compute.share, _mix(chosen, price_list))
    starting = chosen.starting_share
    frames_size = round(count * times.bytes)
    gigabytes = frames_size / _GB
    disk_hour = prices.host_hour(wish.disk_gib) - rates.ipv4_hour
    market = "Spot" if machines.spot else "On-Demand"
    return (
        Item(
            f"{market} machines, rendering",
            Range.around(compute.likely * (1 - starting), spread),
            f"{hours * (1 - starting):.1f} of {hours:.1f} machine hours",
        ),
        Item(
            f"{market} machines, starting",
            Range.around(compute.likely * starting, combined(_STARTS_SPREAD, compute.share)),
            f"{starting:.0%} of the machine hours: boot, image, Blender, scene",
        ),
        Item("Disks", Range.around(disk_hour * hours, _spread(times, chosen)), f"{wish.disk_gib} GiB a machine"),
        Item("Public IPv4 addresses", Range.around(rates.ipv4_hour * hours, _spread(times, chosen)), "one a machine"),
        Item("Video", _video_usd(count, price_list, wish), VIDEO_TYPE if wish.video and count > 1 else "none"),
        Item(
            "S3 and logs",
            Range.around(count * (_PUTS_A_FRAME * rates.put + _LOG_BYTES_A_FRAME / _GB * rates.log_gb), 0.5),
            "requests and log lines",
        ),
        Item(
            "Frames kept in S3",
            Range.around(gigabytes * rates.stored_gb_month * wish.kept_days / 30, 0.2),
            f"{size(frames_size)} for {wish.kept_days} days",
        ),
        Item(
            "Download",
            _download(gigabytes if wish.download else 0.0),
            f"{size(frames_size)}; free within AWS's {prices.FREE_DOWNLOAD_GB} GB a month"
            if wish.download
            else "not downloaded",
        ),
    )


def _download(gigabytes: float) -> Range:
    """The account's free allowance may be used up, or not."""
    charged = gigabytes * prices.RATES.download_gb
    return Range(max(0.0, gigabytes - prices.FREE_DOWNLOAD_GB) * prices.RATES.download_gb, charged, charged)


def _spread(times: FrameTimes, chosen: Schedule) -> float:
    return combined(times.spread * (1 - chosen.starting_share), _STARTS_SPREAD * chosen.starting_share)


def _mix(chosen: Schedule, price_list: PriceList) -> float:
    """Which types Spot gives is its own choice: how far a frame's price differs between them."""
    a_frame = [price_list.spot(name).likely / prices.speed(name) for name in chosen.paid_s]
    return (max(a_frame) - min(a_frame)) / (max(a_frame) + min(a_frame)) if len(a_frame) > 1 else 0.0


def _wall(times: FrameTimes, chosen: Schedule, wish: Wish) -> Range:
    starts = LAUNCH_S + STARTING_S + times.load_s
    rendering = max(0.0, chosen.wall_s - starts)
    video = _video_s(len(times.seconds), wish)
    return Range.around(rendering, times.spread) + Range.around(starts + video, _STARTS_SPREAD)


def _video_s(count: int, wish: Wish) -> float:
    return LAUNCH_S + STARTING_S + _STITCH_S + _STITCH_FRAME_S * count if wish.video and count > 1 else 0.0


def _video_usd(count: int, price_list: PriceList, wish: Wish) -> Range:
    if not wish.video or count < 2:
        return NOTHING
    hours = (STARTING_S + _STITCH_S + _STITCH_FRAME_S * count + IDLE_S) / 3600
    hour = price_list.spot(VIDEO_TYPE).likely + prices.host_hour(wish.disk_gib)
    return Range.around(hour * hours, _STARTS_SPREAD)


def _limit(usd: float) -> float:
    """Twice the price, rounded up to cents; never so low that a single start would pass it."""
    return max(0.25, round(2 * usd + 0.005, 2))


def _notices(known: Measured) -> list[str]:
    notices = [TAX]
    if known.basis == "history":
        notices.append("Frames of an earlier state of this scene are what it rests on: test frames make it better.")
    if len(known.facts) == 1:
        notices.append("It rests on a single frame: others may take longer.")
    unknown = {fact.instance_type for fact in known.facts if prices.machine(fact.instance_type) is None}
    if unknown:
        named = ", ".join(sorted(name or "a machine that is none of AWS's" for name in unknown))
        notices.append(f"Measured on {named}: how AWS's machines compare to it is not known.")
    return notices
