# SPDX-License-Identifier: GPL-3.0-or-later
"""One kind of trouble at a time: the job ends well by itself, and loses no more than the frame in progress."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from local_cloud.small_disk import way_to_mount

MIDDLE = {"children": [0], "attempts": [1], "after_s": [2.5, 2.5]}
"""Of the first child's first attempt: some frames are done, some are not."""

Under = Callable[..., Any]


def of_child(result: Any, child: int) -> list[dict[str, Any]]:
    found = [report for report in result.reports if report["action"] == "render" and report["index"] == child]
    return sorted(found, key=lambda report: (report["submission"], report["attempt"]))


def frames_of(report: dict[str, Any]) -> list[int]:
    return [entry["frame"] for entry in report["frames"]]


def kinds(result: Any) -> list[str]:
    return [fault["kind"] for fault in result.injected]


def test_after_a_spot_notice_the_rest_is_rendered_on_another_machine(under: Under) -> None:
    """What was finished is in S3 and isn't rendered again; the worker left by itself, with 75."""
    # Before Blender has begun: the worker asks for the notice at its start, and then each five seconds.
    result = under({"reclaim": {**MIDDLE, "after_s": [0, 0]}}, notice_s=120)
    first, second = of_child(result, 0)
    assert kinds(result) == ["reclaim"]
    assert (first["exit_code"], second["exit_code"]) == (75, 0)
    assert first["machine"]["instance_id"] == result.injected[0]["instance"] != second["machine"]["instance_id"]
    assert sorted(frames_of(first) + frames_of(second)) == list(range(1, 11))
    assert result.rendered_twice == 0
    assert result.most_lost <= 1


def test_sigterm_without_a_notice_read_loses_the_frame_in_progress(under: Under) -> None:
    """The notice came between two looks; SIGTERM came first."""
    result = under({"reclaim": MIDDLE}, notice_s=1.2)
    assert kinds(result) == ["reclaim"]
    assert result.most_lost <= 1


def test_a_machine_that_vanishes_costs_at_most_two_frames(under: Under) -> None:
    """The one in progress, and the one that was being uploaded."""
    result = under({"reclaim-without-notice": MIDDLE})
    (second,) = of_child(result, 0)
    assert (second["attempt"], second["exit_code"]) == (2, 0)
    assert second["skipped"]
    assert 1 <= result.most_lost <= 2


def test_a_blender_that_dies_costs_one_frame(under: Under) -> None:
    """A fresh process goes on in the same attempt."""
    result = under({"kill-blender": MIDDLE})
    (only,) = of_child(result, 0)
    assert frames_of(only) == list(range(1, 11))
    assert (result.most_lost, result.rendered_twice) == (1, 0)


def test_a_blender_that_stands_still_is_ended(under: Under) -> None:
    """After the job's limit for a stall; the frame is rendered once more."""
    result = under({"hang": MIDDLE})
    (only,) = of_child(result, 0)
    assert any("no sign of life" in warning for warning in only["warnings"])
    assert (result.most_lost, result.rendered_twice) == (1, 0)


@pytest.mark.skipif(way_to_mount() is None, reason="needs root or user namespaces")
def test_a_full_disk_hands_the_rest_to_another_attempt(under: Under) -> None:
    """It is no failure of the scene."""
    result = under({"full-disk": MIDDLE})
    first, second = of_child(result, 0)
    assert (first["exit_code"], second["exit_code"]) == (75, 0)
    assert "disk is full" in first["problem"]


@pytest.mark.parametrize("kind", ["kill-worker", "out-of-memory"])
def test_what_batch_does_not_try_again_the_mender_does(under: Under, kind: str) -> None:
    """Only the frames that are missing, in a submission of its own."""
    result = under({kind: MIDDLE})
    assert result.mended == 1
    assert result.most_lost <= 2
    assert result.rendered_twice <= 1


def test_a_restarted_scheduler_loses_no_job(under: Under) -> None:
    """Both children run again and skip what is in S3."""
    result = under({"restart-engine": {"after_s": [3, 3]}})
    assert kinds(result) == ["restart-engine"]
    assert result.most_lost <= 2


def test_a_bad_network_alone_renders_nothing_twice(under: Under) -> None:
    """A tenth of all answers of S3 are bad; what the worker can repeat costs no frame."""
    chances = dict.fromkeys(("s3-500", "s3-slow-down", "s3-reset", "s3-lost-answer", "s3-truncated"), 0.02)
    result = under(chances, seed=3)
    assert len(result.injected) >= 5
    assert result.rendered_twice == 0
