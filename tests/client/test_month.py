# SPDX-License-Identifier: GPL-3.0-or-later
"""The stack's limit for a month, as a client keeps it: what is left is told, and nothing is sent beyond it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from cloud_render.client import control, mend, month, objects
from cloud_render.client.doctor_now import of_month
from cloud_render.client.farm import Farm
from cloud_render.client.monitor import JobState
from cloud_render.client.options import Options
from cloud_render.client.plan import SubmitPlan
from cloud_render.client.submit import begin, submit
from cloud_render.contract import keys
from cloud_render.contract import month as months
from cloud_render.contract.errors import StoppedByLimit

NOW = datetime.now(UTC)
OTHER = f"{NOW:%Y%m}01-000000-other-cd34"

Planned = Callable[..., SubmitPlan]


@pytest.fixture
def limited(farm: Farm) -> Iterator[Farm]:
    """A stack with 50 USD a month, of which another job has had 12.30."""
    objects.write(farm, months.key(OTHER), months.content(12.3))
    yield replace(farm, monthly_limit="50")
    objects.delete(farm, [months.key(OTHER)])


def spend(farm: Farm, usd: float) -> None:
    """By the other job."""
    objects.write(farm, months.key(OTHER), months.content(usd))


def test_a_month_is_told_by_one_listing(limited: Farm) -> None:
    """What is spent and what is left; another month is another sum."""
    found = month.month_of(limited, months.month_at(NOW))
    assert (found.limit_usd, found.spent_usd, round(found.left_usd, 2)) == (50.0, 12.3, 37.7)
    assert month.month_of(limited, "2001-01").spent_usd == 0


@pytest.mark.parametrize("limit", ["", "0"])
def test_a_stack_without_a_limit_is_asked_nothing(farm: Farm, limit: str) -> None:
    """No request at all, from an older stack's client either."""
    gone = replace(farm, monthly_limit=limit, bucket="")  # which no request would survive
    assert month.month_of(gone, "2026-11") is None
    month.check(gone, OTHER)


def test_nothing_is_sent_when_nothing_is_left(limited: Farm, planned: Planned) -> None:
    """Refused before anything is uploaded, in words with both amounts and what to do."""
    spend(limited, 50.0)
    plan = planned(Options(name="too late"))
    with pytest.raises(StoppedByLimit, match=r"about \$50\.00: nothing is left of the month's limit") as refused:
        submit(limited, plan)
    assert "cloud-render setup --parameter MonthlyLimitUsd=" in refused.value.advice
    assert not objects.list_below(limited, keys.Prefix.of_job(plan.job_id).root).entries
    later = planned(Options(name="too late"))  # whose month may be another: nothing was remembered
    assert submit(replace(limited, monthly_limit="60"), later) == later.job_id


def test_a_dropped_file_is_not_begun_when_nothing_is_left(limited: Farm, planned: Planned) -> None:
    """Its job.json is there; one that was begun before goes on, and its workers keep the limit."""
    plan = planned(Options(name="dropped", frames="1"))
    job_id = submit(limited, plan)
    spend(limited, 50.0)
    assert begin(limited, job_id).number == 0
    objects.delete(limited, [keys.Prefix.of_job(job_id).submission(0)])
    with pytest.raises(StoppedByLimit, match="nothing is left"):
        begin(limited, job_id)


def test_a_retry_waits_for_a_raised_limit(limited: Farm, planned: Planned, wait_for: Callable[..., JobState]) -> None:
    """And goes on with it; the job counts in its own month."""
    job_id = submit(limited, planned(Options(name="once fail=3", frames_per_job=2)))
    wait_for(job_id)
    spend(limited, 51.0)
    with pytest.raises(StoppedByLimit, match="nothing is left"):
        control.retry(limited, job_id)
    control.retry(replace(limited, monthly_limit="60"), job_id)
    assert wait_for(job_id).phase == "done"


def test_the_mender_submits_nothing_beyond_the_limit(
    limited: Farm, planned: Planned, wait_for: Callable[..., JobState]
) -> None:
    """It ends the job with the month's words instead."""
    job_id = submit(limited, planned(Options(name="once lost=4", frames_per_job=2)))
    wait_for(job_id)
    spend(limited, 51.0)
    assert "has failed: The cloud's jobs of" in mend.mend(limited, f"{job_id}-0-render")
    assert "month's limit of $50.00" in wait_for(job_id).problem


def test_the_doctor_tells_what_the_month_leaves(limited: Farm) -> None:
    """Where it is used up, that is a problem, with what to do; a stack without a limit has no such line."""
    (found,) = of_month(limited, NOW)
    assert (found.good, "$12.30 of $50.00 spent in" in found.words) == (True, True)
    spend(limited, 50.0)
    (found,) = of_month(limited, NOW)
    assert (found.good, "MonthlyLimitUsd=" in found.words) == (False, True)
    assert not list(of_month(replace(limited, monthly_limit=""), NOW))


def test_a_deleted_job_stays_spent(limited: Farm, planned: Planned, wait_for: Callable[..., JobState]) -> None:
    """Its total lies beside the jobs, not in them."""
    job_id = submit(limited, planned(Options(name="gone", frames="1")))
    wait_for(job_id)
    objects.write(limited, months.key(job_id), months.content(1.5))
    control.delete(limited, job_id)
    assert month.month_of(limited, months.month_at(NOW)).spent_usd == 13.8
    objects.delete(limited, [months.key(job_id)])
