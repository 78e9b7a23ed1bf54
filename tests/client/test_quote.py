# SPDX-License-Identifier: GPL-3.0-or-later
"""From measured frames to machines, time and money. All of it is arithmetic."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from cloud_render.client import prices as price_lists
from cloud_render.client.frame_times import FrameFact, Measured, estimate, measured
from cloud_render.client.money import Range, total
from cloud_render.client.probes import probe_frames
from cloud_render.client.quote import Wish, quote
from cloud_render.client.slices import MOST_STARTING, Pool, schedule, schedules
from cloud_render.contract import prices
from cloud_render.contract.errors import BadArguments, DoesNotFit
from cloud_render.contract.month import Month
from cloud_render.contract.report import ChildReport, FrameReport, Machine

SMALL = Pool("small", ("g4dn.xlarge", "g5.xlarge", "g6.xlarge"), 64, True, 16, 16)
MEDIUM = Pool("medium", ("g5.2xlarge", "g6.2xlarge"), 32, True, 32, 24)
CPU = Pool("CPU", ("m6i.xlarge",), 64, False, 16, 0)
CLASSES = (SMALL, MEDIUM, CPU)
PRICES = price_lists.built_in("us-east-1", prices.MACHINES)
FRAMES = tuple(range(1, 251))


def facts(*seconds: float, instance_type: str = "g4dn.xlarge", frames: tuple[int, ...] = (1, 125, 250)) -> Measured:
    rows = [FrameFact(frame, each, instance_type, 8_000_000) for frame, each in zip(frames, seconds, strict=False)]
    return Measured("probes", tuple(rows), load_s=40.0, peak_memory=6 * 2**30, device="OPTIX")


def report(frame: int, seconds: float, **changes: object) -> ChildReport:
    day = "2026-01-01T12:00:00+00:00"
    row = FrameReport(frame, seconds, 1.0, 1_000)
    made = ChildReport("render", 0, 0, 1, 0, day, day, frames=(row,), device="OPTIX", load_s=30.0, peak_memory=7)
    return replace(made, machine=Machine("i-1", "g5.xlarge"), **changes)


# ---- Test frames ----------------------------------------------------------------------------------------------------
def test_test_frames_are_the_first_the_middle_and_the_last():
    """Whatever the frames' numbers are."""
    assert probe_frames(range(1, 252)) == (1, 126, 251)
    assert probe_frames((-5, 0, 3, 7, 100)) == (-5, 3, 100)


@pytest.mark.parametrize("frames", [(), (7,), (7, 8), (7, 8, 9)])
def test_a_short_animation_is_tested_whole(frames):
    """Where there are three frames or fewer."""
    assert probe_frames(frames) == frames


def test_more_test_frames_are_spread_evenly():
    """And one alone is the middle."""
    assert probe_frames(range(101), 5) == (0, 25, 50, 75, 100)
    assert probe_frames(range(101), 1) == (50,)


# ---- Frame times ----------------------------------------------------------------------------------------------------
def test_reports_tell_frame_times_loading_and_memory():
    """The longest start is that of a fresh machine."""
    known = measured([report(1, 5.0), report(9, 7.0, load_s=50.0)], "probes")
    assert [(fact.frame, fact.seconds) for fact in known.facts] == [(1, 5.0), (9, 7.0)]
    assert (known.load_s, known.peak_memory, known.device) == (50.0, 7, "OPTIX")


def test_the_highest_memory_on_a_gpu_counts():
    """0 where no report knows it."""
    assert measured([report(1, 5.0), report(9, 7.0)], "probes").peak_vram == 0
    assert measured([report(1, 5.0, peak_vram=8), report(9, 7.0, peak_vram=9)], "probes").peak_vram == 9


def test_a_frame_that_was_rendered_twice_counts_once():
    """Its faster time: the other one had kernels to compile."""
    assert measured([report(1, 9.0), report(1, 5.0)], "probes").facts[0].seconds == 5.0


def test_reports_without_frames_tell_nothing():
    """A failed test gives no quote."""
    assert measured([report(1, 5.0, frames=()), report(1, 5.0, action="stitch")], "probes") is None


def test_steady_frames_take_what_was_measured():
    """On the machine they were measured on."""
    assert estimate(facts(100, 100, 100), FRAMES).total_s == pytest.approx(25_000)


def test_growing_frames_are_followed():
    """The last frames take more than the first, and the sum is right."""
    times = estimate(facts(50, 100, 150), FRAMES)
    assert times.seconds[0] < times.seconds[124] < times.seconds[249]
    assert times.total_s == pytest.approx(25_000, rel=0.01)


def test_one_heavy_test_frame_is_not_taken_for_half_of_the_animation():
    """A stretch that is three times as heavy is not believed to last from the first frame to the last."""
    total_s = estimate(facts(100, 300, 100), FRAMES).total_s
    assert 25_000 < total_s < 1.45 * 25_000


def test_many_measured_frames_are_believed_as_they_are():
    """Every tenth frame draws the curve well enough."""
    frames = tuple(range(1, 251, 10))
    seconds = [300.0 if 100 <= frame < 150 else 100.0 for frame in frames]
    assert estimate(facts(*seconds, frames=frames), FRAMES).total_s == pytest.approx(35_000, rel=0.05)


def test_faster_machines_are_accounted_for():
    """100 s on a g5 are 220 s on a g4dn, by the table."""
    slow, fast = estimate(facts(100), FRAMES), estimate(facts(100, instance_type="g5.xlarge"), FRAMES)
    assert fast.total_s == pytest.approx(2.2 * slow.total_s)


def test_little_knowledge_makes_a_wide_range():
    """One frame says less than three, uneven ones less than even ones, an older scene less than this one."""
    even, uneven, one = facts(100, 100, 100), facts(50, 100, 200), facts(100)
    spreads = [estimate(known, FRAMES).spread for known in (even, uneven, one)]
    assert spreads == sorted(spreads)
    assert estimate(replace(even, basis="history"), FRAMES).spread > spreads[0] + 0.25


# ---- Slices ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("per_job", [1, 3, 7, 250, 1000])
def test_a_schedule_has_all_frames(per_job):
    """Children, machines and paid time follow from the cut."""
    found = schedule(estimate(facts(100, 100, 100), FRAMES), CPU, per_job)
    assert found.children == -(-250 // per_job)
    assert found.machines == min(found.children, 64)
    assert found.machine_hours * 3600 > 25_000


def test_more_machines_end_sooner_and_start_more():
    """The trade that the choice is about."""
    found = schedules(estimate(facts(100, 100, 100), FRAMES), replace(CPU, most_machines=250))
    for one, next_one in itertools.pairwise(sorted(found, key=lambda each: each.machines)):
        if one.machines < next_one.machines:
            assert one.starting_share < next_one.starting_share


def test_200_short_frames_get_few_machines():
    """200 frames of 5 s are 17 minutes of work: 64 machines would spend hours on starting."""
    offer = quote(facts(5, 5, 5), range(1, 201), CLASSES, PRICES).offers[0]
    assert offer.schedule.machines < 10
    assert offer.schedule.starting_share <= MOST_STARTING


def test_long_frames_get_all_machines():
    """Where starting weighs nothing, the job ends as soon as it can."""
    offer = quote(facts(900, 900, 900), FRAMES, CLASSES, PRICES).offers[0]
    assert offer.schedule.machines >= 60
    assert f"{offer.schedule.machines} machines" in offer.why


@pytest.mark.parametrize("count", [1, 2, 3, 100_000])
def test_any_number_of_frames_can_be_quoted(count):
    """One frame is one machine; 100,000 are 10,000 children at most."""
    offer = quote(facts(20, 20, 20), range(1, count + 1), CLASSES, PRICES).offers[0]
    assert 1 <= offer.schedule.children <= 10_000
    assert offer.usd.likely > 0


# ---- The quote ------------------------------------------------------------------------------------------------------
def test_the_items_add_up_to_the_price():
    """Nothing is charged that is not on the list."""
    for offer in quote(facts(60, 70, 80), FRAMES, CLASSES, PRICES).offers:
        assert offer.usd == total(item.usd for item in offer.items)
        assert offer.usd.low < offer.usd.likely < offer.usd.high


def test_what_people_forget_is_on_the_list():
    """Starting, disks, addresses, storage and the download."""
    names = " ".join(item.name for item in quote(facts(60, 70, 80), FRAMES, CLASSES, PRICES).offers[0].items)
    assert all(word in names for word in ("starting", "Disks", "IPv4", "S3", "Video", "Download"))


def test_the_download_may_be_free():
    """2 GB lie within AWS's free allowance, unless that is used up."""
    items = {item.name: item.usd for item in quote(facts(60, 70, 80), FRAMES, CLASSES, PRICES).offers[0].items}
    assert items["Download"] == Range(0.0, pytest.approx(2 * 0.09), pytest.approx(2 * 0.09))


@pytest.mark.parametrize(("frames", "said"), [(FRAMES, "2.0 GB"), (FRAMES[:3], "24 MB")])
def test_the_items_say_how_much_in_a_unit_that_fits(frames, said):
    """A short animation is no "0.0 GB"."""
    details = {item.name: item.detail for item in quote(facts(60, 70, 80), frames, CLASSES, PRICES).offers[0].items}
    assert details["Frames kept in S3"] == f"{said} for 90 days"
    assert details["Download"].startswith(f"{said}; ")


def test_the_cheapest_costs_least_and_the_fastest_ends_first():
    """The choices are what they are called."""
    balanced, cheapest, fastest = quote(facts(60, 70, 80), FRAMES, [SMALL], PRICES).offers
    assert [offer.goal for offer in (balanced, cheapest, fastest)] == ["balanced", "cheapest", "fastest"]
    assert cheapest.usd.likely <= balanced.usd.likely <= fastest.usd.likely * 1.05
    assert fastest.wall_s.likely <= balanced.wall_s.likely * 1.05 <= cheapest.wall_s.likely * 1.1


def test_other_classes_that_fit_are_offered_too():
    """Of the kind that was measured: a GPU's seconds say nothing of a CPU."""
    offers = quote(facts(60, 70, 80), FRAMES, CLASSES, PRICES).offers
    assert [offer.machines.name for offer in offers] == ["small", "small", "small", "medium"]


def test_memory_that_does_not_fit_asks_for_larger_machines():
    """A scene of 20 GiB is quoted on machines with 32."""
    known = replace(facts(60, 70, 80), peak_memory=20 * 2**30)
    assert {offer.machines.name for offer in quote(known, FRAMES, CLASSES, PRICES).offers} == {"medium"}


def test_memory_that_fits_nowhere_is_said():
    """With what the stack's largest machines have."""
    with pytest.raises(DoesNotFit, match="32 GiB"):
        quote(replace(facts(60), peak_memory=100 * 2**30), FRAMES, CLASSES, PRICES)


def test_a_gpu_that_is_too_small_is_not_offered():
    """Measured on one of 48 GB: 18 GB and a reserve don't fit 16."""
    large = facts(60, 70, 80, instance_type="g6e.xlarge")
    small_and_other = (SMALL, replace(MEDIUM, vram_gb=24))
    offers = quote(replace(large, peak_vram=18 * 10**9), FRAMES, small_and_other, PRICES).offers
    assert {offer.machines.name for offer in offers} == {"medium"}
    with pytest.raises(DoesNotFit, match="24 GB"):
        quote(replace(large, peak_vram=40 * 10**9), FRAMES, small_and_other, PRICES)


def test_a_gpu_on_which_it_was_rendered_is_large_enough():
    """However full it was; and one that no table knows is not refused."""
    full = replace(facts(60, 70, 80, instance_type="g4dn.xlarge"), peak_vram=155 * 10**8)
    assert quote(full, FRAMES, CLASSES, PRICES).offers[0].machines.name == "small"
    large = replace(facts(60, instance_type="g6e.xlarge"), peak_vram=40 * 10**9)
    assert quote(large, FRAMES, (replace(SMALL, vram_gb=0),), PRICES).peak_vram == 40 * 10**9


def test_a_stack_without_such_machines_is_said():
    """A scene measured on a CPU, and a stack of GPUs."""
    with pytest.raises(DoesNotFit, match="no CPU machines"):
        quote(replace(facts(60), device="CPU"), FRAMES, [SMALL], PRICES)


def test_a_deadline_is_met_as_cheaply_as_possible():
    """Two hours allow fewer machines than one."""
    walls = []
    for deadline_s in (3600.0, 7200.0, 20_000.0):
        offer = quote(facts(200, 200, 200), FRAMES, CLASSES, PRICES, Wish(deadline_s=deadline_s)).offers[0]
        assert offer.meets_deadline
        assert offer.wall_s.likely <= deadline_s
        walls.append((offer.wall_s.likely, -offer.schedule.machines))
    assert walls == sorted(walls)


def test_a_deadline_that_is_too_early_is_said():
    """And the soonest end is offered in its place."""
    offer = quote(facts(900, 900, 900), FRAMES, CLASSES, PRICES, Wish(deadline_s=600.0)).offers[0]
    assert not offer.meets_deadline
    assert "can't be met" in offer.why


def test_a_cut_that_is_settled_has_its_own_price_and_limit():
    """One frame a machine costs more than the best way, and must not end at twice the best way's price."""
    best = quote(facts(5, 5, 5), FRAMES, CLASSES, PRICES)
    single = quote(facts(5, 5, 5), FRAMES, CLASSES, PRICES, Wish(frames_per_job=1))
    assert {offer.schedule.frames_per_job for offer in single.offers} == {1}
    assert single.offers[0].usd.likely > 1.5 * best.offers[0].usd.likely
    assert single.limit_usd == pytest.approx(2 * single.offers[0].usd.likely, abs=0.011)
    assert single.offers[0].why.endswith("1 frame at a time: as you have it.")
    late = quote(facts(5, 5, 5), FRAMES, CLASSES, PRICES, Wish(deadline_s=60.0, frames_per_job=1)).offers[0]
    assert not late.meets_deadline


def test_a_low_limit_starts_fewer_machines():
    """A limit can stop machines from rendering, not from having been started."""
    free = quote(facts(60, 60, 60), FRAMES, CLASSES, PRICES).offers[0]
    tight = quote(facts(60, 60, 60), FRAMES, CLASSES, PRICES, Wish(limit_usd=free.usd.likely / 3)).offers[0]
    assert tight.schedule.machines < free.schedule.machines / 2


def test_the_limit_is_twice_the_price():
    """Unless the artist gives another; tiny jobs get one that a single start does not pass."""
    found = quote(facts(60, 60, 60), FRAMES, CLASSES, PRICES)
    assert found.limit_usd == pytest.approx(2 * found.offers[0].usd.likely, abs=0.01)
    assert quote(facts(0.1), (1,), CLASSES, PRICES).limit_usd == 0.25


def test_what_the_month_leaves_is_held_against_the_price():
    """Where the stack has no limit, every price fits."""
    found = quote(facts(60, 60, 60), FRAMES, CLASSES, PRICES)
    offer = found.offers[0]
    assert found.fits_month(offer)
    assert replace(found, month=Month("2026-11", 50.0, 50.0 - offer.usd.likely - 0.01)).fits_month(offer)
    assert not replace(found, month=Month("2026-11", 50.0, 50.0 - offer.usd.likely + 0.01)).fits_month(offer)


def test_on_demand_is_the_worst_case():
    """It costs two to four times as much."""
    offer = quote(facts(200, 200, 200), FRAMES, CLASSES, PRICES).offers[0]
    assert 1.5 * offer.usd.likely < offer.on_demand_usd < 4 * offer.usd.likely


def test_a_quote_says_what_it_rests_on():
    """History, a single frame, a machine that AWS doesn't have, the prices' date; and taxes once."""
    known = replace(facts(60, instance_type=""), basis="history")
    found = quote(known, FRAMES, CLASSES, PRICES)
    said = " ".join(found.notices)
    assert all(words in said for words in ("earlier state", "single frame", "none of AWS's", "without tax"))
    assert prices.DATE in found.prices


def test_no_frames_and_no_time_are_refused():
    """In words."""
    with pytest.raises(BadArguments, match="no frames"):
        quote(facts(60), (), CLASSES, PRICES)
    with pytest.raises(BadArguments, match="past"):
        quote(facts(60), FRAMES, CLASSES, PRICES, Wish(deadline_s=0.0))
