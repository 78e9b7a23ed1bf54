# SPDX-License-Identifier: GPL-3.0-or-later
"""A job of some time ago is submitted once more only where its content is still there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cloud_render.client import objects
from cloud_render.client.control import retry
from cloud_render.client.farm import Farm
from cloud_render.client.options import Options
from cloud_render.client.plan import SubmitPlan
from cloud_render.client.submit import resume, submit
from cloud_render.contract import keys
from cloud_render.contract.errors import MissingFiles

Submitted = Callable[..., str]
WaitFor = Callable[..., Any]


def expire(farm: Farm, job_id: str) -> None:
    """Delete the packs that the job's upload brought, as the bucket's rule does."""
    packs = objects.list_below(farm, keys.PACKS).entries
    objects.delete(farm, [pack.key for pack in packs])


def submissions(farm: Farm, job_id: str) -> int:
    return len(objects.list_below(farm, keys.Prefix.of_job(job_id).submissions).entries)


def test_a_retry_whose_content_has_expired_is_refused(farm: Farm, submitted: Submitted, wait_for: WaitFor) -> None:
    """Before anything is submitted; the words name the file, and how to render what is missing."""
    job_id = submitted("fail=3", frames_per_job=1)
    assert wait_for(job_id).phase == "failed"
    expire(farm, job_id)
    with pytest.raises(MissingFiles, match=r"shot 1\.blend is no longer in the cloud.*--frames 3") as caught:
        retry(farm, job_id)
    assert len(caught.value.missing) == 1
    assert submissions(farm, job_id) == 1


def test_a_retry_whose_content_could_expire_is_refused(farm: Farm, submitted: Submitted, wait_for: WaitFor) -> None:
    """A queue may be long: what is there now may be gone when a machine comes."""
    job_id = submitted("fail=3", frames_per_job=1)
    assert wait_for(job_id).phase == "failed"
    with pytest.raises(MissingFiles):
        retry(replace(farm, store_lifetime=timedelta(seconds=1)), job_id)
    assert submissions(farm, job_id) == 1


def test_a_missing_video_needs_no_content(farm: Farm, submitted: Submitted, wait_for: WaitFor) -> None:
    """Frames become a video whether or not the scene is still there."""
    job_id = submitted("bad-stitch once")
    assert wait_for(job_id).phase == "failed"
    expire(farm, job_id)
    retry(farm, job_id)
    assert wait_for(job_id).phase == "done"


def test_a_submit_that_was_never_handed_over_is_not_resumed_without_content(
    farm: Farm, planned: Callable[..., SubmitPlan]
) -> None:
    """Its upload had ended, its hand-over never began, and weeks later its content is gone."""
    stop: list[bool] = []
    plan = planned(Options(name="hold"))
    prefix = keys.Prefix.of_job(plan.job_id)

    def once_uploaded() -> bool:
        stop.extend([True] if objects.read_if_there(farm, prefix.job) else [])
        return bool(stop)

    with pytest.raises(Exception, match="cancelled"):
        submit(farm, plan, cancelled=once_uploaded)
    expire(farm, plan.job_id)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cloud_render.client.batch.CLAIM_LASTS", timedelta(0))
        with pytest.raises(MissingFiles, match="Submit the scene again"):
            resume(farm, plan.job_id)
    assert submissions(farm, plan.job_id) == 0
