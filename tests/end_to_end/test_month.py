# SPDX-License-Identifier: GPL-3.0-or-later
"""A stack with a limit for the month: a render stops at it with nobody there, and goes on when it was raised."""

from __future__ import annotations

import json

import pytest

from cloud_render.contract import month
from local_cloud.testing import running


@pytest.fixture
def limited(cloud, tmp_path):
    """The whole cloud once more, with 50 USD a month."""
    with running(slots=1) as local:
        yield type(cloud)(local, local.deploy(MonthlyLimitUsd="50"), tmp_path)


def spend(limited, job_id: str, usd: float) -> None:
    """By another job of the same month."""
    other = f"{job_id[:6]}01-000000-other-cd34"
    bucket = limited.outputs["BucketName"]
    limited.local.client("s3").put_object(Bucket=bucket, Key=month.key(other), Body=month.content(usd))


def test_a_render_stops_at_the_months_limit_and_goes_on_when_it_is_raised(limited, scenes):
    """Batch tells its worker the limit, the bucket what another job has cost; nothing is sent until it is raised."""
    blend = str(scenes / "start101" / "start101.blend")
    queue = limited.outputs["RenderCpuQueue"]
    limited.local.set_capacity(queue, "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY")
    job_id = limited.document("submit", blend, "--frames", "102-103", "--device", "cpu")["job"]
    spend(limited, job_id, 50.5)
    limited.local.set_capacity(queue)

    limited.cli("status", job_id, "--watch")
    state = json.loads(limited.cli("--json", "status", job_id).stdout)
    assert (state["phase"], state["frames_done"]) == ("failed", 0)
    assert "month's limit of $50.00" in state["problem"]
    assert "MonthlyLimitUsd" in state["advice"]
    refused = limited.cli("retry", job_id)
    assert (refused.returncode, "nothing is left of the month's limit" in refused.stderr) == (1, True)
    assert limited.cli("submit", blend, "--frames", "102", "--device", "cpu").returncode == 1

    limited.local.deploy(MonthlyLimitUsd="60")
    assert limited.document("retry", job_id, "--wait")["phase"] == "done"
    found = limited.document("costs", "--by", "month")["month"]
    assert (found["limit_usd"], found["spent_usd"]) == (60.0, pytest.approx(50.5, abs=0.5))
    quote = limited.document("quote", blend, "--frames", "102-103", "--device", "cpu")
    assert (quote["month"], quote["offers"][0]["fits_month"]) == (found, True)
    assert f"This month's limit, {found['name']}: $50." in limited.cli("costs", "--by", "month").stdout
