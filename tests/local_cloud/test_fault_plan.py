# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of faults: what it may say, and that a seed decides all of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from local_cloud.faults import ATTEMPT_KINDS, KINDS, BadPlan, Plan, Who, of_json, read


def plan(**values: Any) -> Plan:
    return of_json(json.dumps(values))


def drawn(made: Plan) -> list[tuple[int | None, int, str, float]]:
    """What meets a hundred children in three attempts each."""
    everyone = [Who(1, child, attempt) for child in range(100) for attempt in (1, 2, 3)]
    faults = [(who, made.of_attempt(who)) for who in everyone]
    return [(who.child, who.attempt, fault.kind, fault.after_s) for who, fault in faults if fault]


ALL = dict.fromkeys(KINDS, 0.05)


def test_the_same_seed_draws_the_same() -> None:
    """Kind and moment, for each attempt of each child."""
    assert drawn(plan(seed=7, faults=ALL)) == drawn(plan(seed=7, faults=ALL)) != []


def test_another_seed_draws_something_else() -> None:
    """So a run of many seeds is a run of many cases."""
    assert drawn(plan(seed=7, faults=ALL)) != drawn(plan(seed=8, faults=ALL))


def test_a_name_with_random_letters_changes_nothing() -> None:
    """Job ids hold the time and a random end; the draw must not."""
    made = plan(seed=7, faults={"reclaim": 0.5})
    names = ("20260101-000000-scene-ab12", "20270101-000000-scene-cd34")
    of_names = [[made.of_attempt(Who(1, child, 1, name)) for child in range(50)] for name in names]
    assert of_names[0] == of_names[1]


def test_probability_is_that_of_each_attempt() -> None:
    """Of 300 attempts some 30 % are met."""
    assert 70 <= len(drawn(plan(seed=1, faults={"reclaim": 0.3}))) <= 110


def test_every_kind_comes_up() -> None:
    """None hides behind another."""
    assert {kind for _, _, kind, _ in drawn(plan(seed=1, faults=ALL))} == set(ATTEMPT_KINDS)


def test_a_rule_may_name_children_attempts_and_jobs() -> None:
    """And then meets no one else."""
    rule = {"children": [3, 4], "attempts": [2], "jobs": "*-render", "after_s": [1, 2]}
    made = plan(faults={"hang": rule})
    fault = made.of_attempt(Who(1, 3, 2, "x-render"))
    assert fault is not None
    assert (fault.kind, 1 <= fault.after_s <= 2) == ("hang", True)
    others = (Who(1, 5, 2, "x-render"), Who(1, None, 2, "x-render"), Who(1, 3, 1, "x-render"), Who(1, 3, 2, "x-stitch"))
    assert [made.of_attempt(who) for who in others] == [None] * 4


def test_a_request_that_is_repeated_is_drawn_anew() -> None:
    """Else a retry of the same request could never succeed."""
    made = plan(seed=1, faults={"s3-500": 0.5})
    draws = [made.of_request(["s3-500"], Who(1, 0, 1), "GET /b/k", number) for number in range(40)]
    assert 10 <= sum(draw is not None for draw in draws) <= 30


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"faults": {"relcaim": 0.1}}, "faults.'relcaim' is not one of reclaim, "),
        ({"faults": {"reclaim": 1.5}}, "faults.reclaim must be a number from 0 to 1, not 1.5"),
        ({"faults": {"reclaim": {"chance": 1}}}, "faults.reclaim.'chance' is not one of probability, count"),
        ({"faults": {"reclaim": {"after_s": [3, 1]}}}, "faults.reclaim.after_s ends (1) before it begins (3)"),
        ({"faults": {"reclaim": {"children": ["a"]}}}, "faults.reclaim.children[0] must be a whole number from 0"),
        ({"faults": {"reclaim": True}}, "faults.reclaim must be a number from 0 to 1, not True"),
        ({"faults": []}, "faults must be an object of kinds, not []"),
        ({"sead": 1}, "'sead' is not one of seed, notice_s"),
        ({"seed": "x"}, "seed must be a whole number from 0 up, not 'x'"),
        ({"stall_s": -1}, "stall_s must be a number from 0 up, not -1"),
    ],
)
def test_what_is_wrong_is_named(values: Mapping[str, Any], words: str) -> None:
    """The place, what is expected there, and what was found."""
    with pytest.raises(BadPlan) as refused:
        of_json(json.dumps(values))
    assert words in str(refused.value)


def test_all_that_is_wrong_is_told_at_once() -> None:
    """Not one thing a try."""
    with pytest.raises(BadPlan) as refused:
        plan(seed=-1, notice_s="soon", faults={"hang": 2})
    assert len(refused.value.issues) == 3


@pytest.mark.parametrize("text", ["", "[1]", "{", "\xff"])
def test_a_file_that_is_no_plan_is_refused_by_name(tmp_path: Path, text: str) -> None:
    """Whatever is in it."""
    file = tmp_path / "plan.json"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(BadPlan, match=str(file)):
        read(file)
