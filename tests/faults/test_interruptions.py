# SPDX-License-Identifier: GPL-3.0-or-later
"""A kind of trouble for each child: the job ends well by itself, and none loses more than the frame in progress."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from local_cloud.small_disk import way_to_mount

Under = Callable[..., Any]

MIDDLE = {"attempts": [1], "jobs": "*-0-render", "after_s": [0.1, 0.1]}
"""Some frames of a child are done, some are not."""


def in_middle_of(child: int) -> dict[str, Any]:
    third = 10 * child + 3
    return {**MIDDLE, "children": [child], "after_text": f"frame {third}: rendered"}


NOTICED, VANISHED, BLENDER_DIED, STOOD_STILL, DISK_FULL, UNHURT = range(6)
"""Children of the job that meets each kind once."""


@pytest.fixture(scope="module")
def hurt(under: Under) -> Any:
    """The job that meets each kind once."""
    rules = {
        # Before Blender has begun: the worker asks for the notice at its start, and then each five seconds.
        "reclaim": {**MIDDLE, "children": [NOTICED], "after_s": [0, 0]},
        "reclaim-without-notice": in_middle_of(VANISHED),
        "kill-blender": in_middle_of(BLENDER_DIED),
        "hang": in_middle_of(STOOD_STILL),
    }
    return under(rules | ({"full-disk": in_middle_of(DISK_FULL)} if way_to_mount() else {}))


def of_child(result: Any, child: int) -> list[dict[str, Any]]:
    """Its reports, in the order of its attempts."""
    found = [report for report in result.reports if report["action"] == "render" and report["index"] == child]
    return sorted(found, key=lambda report: (report["submission"], report["attempt"]))


def frames_of(*reports: dict[str, Any]) -> list[int]:
    return sorted(entry["frame"] for report in reports for entry in report["frames"])


def slice_of(child: int) -> list[int]:
    return list(range(10 * child + 1, 10 * child + 11))


def kinds(result: Any) -> list[str]:
    return [fault["kind"] for fault in result.injected]


def test_after_a_spot_notice_the_rest_is_rendered_on_another_machine(hurt: Any) -> None:
    """What was finished is in S3 and isn't rendered again; the worker left by itself, with 75."""
    first, second = of_child(hurt, NOTICED)
    assert (first["exit_code"], second["exit_code"]) == (75, 0)
    (fault,) = [fault for fault in hurt.injected if fault["kind"] == "reclaim"]
    assert first["machine"]["instance_id"] == fault["instance"] != second["machine"]["instance_id"]
    assert frames_of(first, second) == slice_of(NOTICED)
    assert hurt.lost_of_child.get(NOTICED, 0) <= 1


def test_a_machine_that_vanishes_costs_at_most_two_frames(hurt: Any) -> None:
    """The one in progress, and the one that was being uploaded."""
    (second,) = of_child(hurt, VANISHED)
    assert (second["attempt"], second["exit_code"]) == (2, 0)
    assert second["skipped"]
    assert 1 <= hurt.lost_of_child[VANISHED] <= 2


def test_a_blender_that_dies_costs_one_frame(hurt: Any) -> None:
    """A fresh process goes on in the same attempt."""
    (only,) = of_child(hurt, BLENDER_DIED)
    assert frames_of(only) == slice_of(BLENDER_DIED)
    assert hurt.lost_of_child[BLENDER_DIED] == 1


def test_a_blender_that_stands_still_is_ended(hurt: Any) -> None:
    """After the job's limit for a stall; the frame is rendered once more."""
    (only,) = of_child(hurt, STOOD_STILL)
    assert any("no sign of life" in warning for warning in only["warnings"])
    assert hurt.lost_of_child[STOOD_STILL] == 1


@pytest.mark.skipif(way_to_mount() is None, reason="needs root or user namespaces")
def test_a_full_disk_hands_the_rest_to_another_attempt(hurt: Any) -> None:
    """It is no failure of the scene."""
    first, second = of_child(hurt, DISK_FULL)
    assert (first["exit_code"], second["exit_code"]) == (75, 0)
    assert "disk" in first["problem"]


def test_who_was_not_met_lost_nothing(hurt: Any) -> None:
    """One attempt, all its frames."""
    (only,) = of_child(hurt, UNHURT)
    assert frames_of(only) == slice_of(UNHURT)
    assert UNHURT not in hurt.lost_of_child


def test_what_batch_does_not_try_again_the_mender_does(under: Under) -> None:
    """Only the frames that are missing, in a submission of its own; and a notice that came too late to be read."""
    rules = {"kill-worker": in_middle_of(0), "out-of-memory": in_middle_of(1), "reclaim": in_middle_of(2)}
    result = under(rules, notice_s=1.2)
    assert sorted(kinds(result)) == sorted(rules)
    assert result.mended == 1
    assert result.most_lost <= 2
    assert result.lost_of_child[2] >= 1


def test_neither_a_restarted_scheduler_nor_a_bad_network_loses_a_frame(under: Under) -> None:
    """All children run again and skip what is in S3; a tenth of its answers are bad."""
    chances = dict.fromkeys(("s3-500", "s3-slow-down", "s3-reset", "s3-lost-answer", "s3-truncated"), 0.02)
    result = under({**chances, "restart-engine": {"after_s": [3, 3]}}, seed=3)
    assert kinds(result).count("restart-engine") == 1
    assert len(result.injected) >= 10
    assert result.most_lost <= 2
