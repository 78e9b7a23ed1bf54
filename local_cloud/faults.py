# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan of faults: what goes wrong, how often, and when, read from JSON and drawn from a seed. Injects nothing.

Whatever is drawn for child k of the n-th job in its attempt a depends on the seed alone, never on which process was
quicker. A request is known by who sends it, what it asks for, and how often that was asked before.
"""

from __future__ import annotations

import fnmatch
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from random import Random
from typing import Any

ATTEMPT_KINDS = {
    "reclaim": "Spot gives notice, then takes the machine",
    "reclaim-without-notice": "the machine vanishes",
    "kill-blender": "Blender is killed",
    "kill-worker": "the worker is killed",
    "out-of-memory": "the container is killed because its memory ran out: exit code 137",
    "hang": "Blender stands still",
    "full-disk": "the scratch disk is full",
}
"""What happens to a running attempt."""

REQUEST_KINDS = {
    "s3-500": "InternalError",
    "s3-slow-down": "503 SlowDown",
    "s3-expired-token": "ExpiredToken",
    "s3-reset": "the connection is reset in the middle of a body",
    "s3-lost-answer": "a write is done, and the connection breaks before its answer",
    "s3-stall": "the answer, or its second half, comes stall_s late",
    "s3-truncated": "the connection closes after half of an object",
    "clock-jump": "the clocks of cloud and caller are an hour apart: RequestTimeTooSkewed",
    "batch-throttled": "TooManyRequestsException",
}
"""What happens to a request. All but the last meet S3."""

ENGINE_KINDS = {"restart-engine": "the scheduler is killed with all that runs, and starts again from its journal"}

KINDS = ATTEMPT_KINDS | REQUEST_KINDS | ENGINE_KINDS


class BadPlan(Exception):
    """A plan that can't be used; `issues` names each place and what is wrong there."""

    def __init__(self, issues: Sequence[str]) -> None:
        super().__init__("; ".join(issues))
        self.issues = tuple(issues)


@dataclass(frozen=True)
class Rule:
    """When one kind of fault happens. A number in the JSON stands for its probability."""

    probability: float = 1.0
    """Of each attempt or request that the other fields let through."""
    count: int | None = None
    """At most so many in all; the first ones that come."""
    jobs: str = "*"
    """Glob of Batch job names. For requests: of the sender's, which only children have."""
    children: tuple[int, ...] | None = None
    """Indices in the array. None is every child, and plain jobs too."""
    attempts: tuple[int, ...] | None = None
    """Numbers from 1; None is all."""
    after_s: tuple[float, float] = (0.5, 5.0)
    """A random moment between these, counted from the attempt's start (for restart-engine: from the last one)."""
    after_text: str = ""
    """The moment counts from when the attempt has printed this; empty: from its start."""
    requests: tuple[str, ...] = ("*",)
    """Globs of `METHOD /bucket/key`; one of them has to fit."""


@dataclass(frozen=True)
class Who:
    """An attempt, as everything is drawn for it: the same in each run of the same commands."""

    submission: int
    """The how-many-th job this is; jobs count from 1 as they are submitted."""
    child: int | None
    """None for a plain job."""
    attempt: int
    name: str = field(default="", compare=False, repr=False)
    """Of the job. Not drawn from: it may hold random letters."""


NOBODY = Who(0, None, 0)
"""Who sends a request that comes from no child: a client."""


@dataclass(frozen=True)
class Drawn:
    """A fault that is to happen."""

    kind: str
    after_s: float
    """Seconds; 0 for a request."""
    limit: int | None = None
    """The rule's count."""
    after_text: str = ""


@dataclass(frozen=True)
class Plan:
    """All that a plan file says."""

    seed: int = 0
    notice_s: float = 120.0
    """Between a Spot notice and SIGTERM; SIGKILL follows after a quarter of it."""
    stall_s: float = 30.0
    """How long `s3-stall` lasts."""
    machine_places: int = 1
    """Attempts that share an instance, and its end."""
    faults: Mapping[str, Rule] = field(default_factory=dict)
    """Kind → rule."""

    def of_attempt(self, who: Who) -> Drawn | None:
        """The fault of this attempt: at most one."""
        for kind in ATTEMPT_KINDS:
            rule = self.faults.get(kind)
            if rule and _concerns(rule, who) and (random := self._random(kind, who)).random() < rule.probability:
                return Drawn(kind, random.uniform(*rule.after_s), rule.count, rule.after_text)
        return None

    def of_request(self, kinds: Sequence[str], who: Who, request: str, number: int) -> Drawn | None:
        """The fault among `kinds` of the `number`-th `request` (`METHOD /bucket/key`) of this sender."""
        for kind in kinds:
            rule = self.faults.get(kind)
            if rule is None or not _concerns(rule, who):
                continue
            if not any(fnmatch.fnmatchcase(request, glob) for glob in rule.requests):
                continue
            if self._random(kind, who, request, number).random() < rule.probability:
                return Drawn(kind, 0.0, rule.count)
        return None

    def restarts(self) -> Sequence[float]:
        """Seconds before each restart of the engine, counted from the one before."""
        rule = self.faults.get("restart-engine")
        if rule is None:
            return ()
        return [self._random("restart-engine", NOBODY, n).uniform(*rule.after_s) for n in range(rule.count or 1)]

    def _random(self, *of: object) -> Random:
        return Random("/".join(map(repr, (self.seed, *of))))


def _concerns(rule: Rule, who: Who) -> bool:
    return (
        fnmatch.fnmatchcase(who.name, rule.jobs)
        and (rule.children is None or who.child in rule.children)
        and (rule.attempts is None or who.attempt in rule.attempts)
    )


# ---- reading ---------------------------------------------------------------------------------------------------------


def read(path: Path) -> Plan:
    """Raises BadPlan, which names the file."""
    try:
        return of_json(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadPlan([f"{path} can't be read: {error}"]) from error
    except BadPlan as problem:
        raise BadPlan([f"{path}: {problem}"]) from problem


def of_json(text: str) -> Plan:
    """Raises BadPlan with all that is wrong."""
    try:
        values = json.loads(text)
    except ValueError as error:
        raise BadPlan([f"it is not JSON: {error}"]) from error
    if not isinstance(values, dict):
        raise BadPlan(["it is not a JSON object"])
    issues: list[str] = []
    made = Plan(**{name: _PLAN[name](name, value, issues) for name, value in _known(values, _PLAN, "", issues)})
    if issues:
        raise BadPlan(issues)
    return made


def _known(values: Mapping[str, Any], table: Mapping[str, Any], where: str, issues: list[str]) -> list[tuple[str, Any]]:
    """The entries that the table has; the others are issues."""
    strange = sorted(set(values) - set(table))
    issues += [f"{where}{name!r} is not one of {', '.join(table)}" for name in strange]
    return [(name, value) for name, value in values.items() if name in table]


def _number(least: float, most: float = math.inf) -> Any:
    def read(name: str, value: Any, issues: list[str]) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            issues.append(f"{name} must be a number {_span(least, most)}, not {value!r}")
            return least
        return float(value)

    return read


def _whole(least: int) -> Any:
    def read(name: str, value: Any, issues: list[str]) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            issues.append(f"{name} must be a whole number from {least} up, not {value!r}")
            return least
        return value

    return read


def _wholes(least: int) -> Any:
    def read(name: str, value: Any, issues: list[str]) -> tuple[int, ...]:
        if not isinstance(value, list):
            issues.append(f"{name} must be a list of whole numbers, not {value!r}")
            return ()
        return tuple(_whole(least)(f"{name}[{n}]", one, issues) for n, one in enumerate(value))

    return read


def _text(name: str, value: Any, issues: list[str]) -> str:
    if not isinstance(value, str) or not value:
        issues.append(f"{name} must be a text such as '*', not {value!r}")
    return str(value)


def _texts(name: str, value: Any, issues: list[str]) -> tuple[str, ...]:
    if not isinstance(value, list):
        issues.append(f"{name} must be a list of texts such as 'GET *', not {value!r}")
        return ()
    return tuple(_text(f"{name}[{n}]", one, issues) for n, one in enumerate(value))


def _times(name: str, value: Any, issues: list[str]) -> tuple[float, float]:
    if not isinstance(value, list) or len(value) != 2:
        issues.append(f"{name} must be [from, to] in seconds, not {value!r}")
        return (0.0, 0.0)
    start, end = (_number(0)(name, one, issues) for one in value)
    if start > end:
        issues.append(f"{name} ends ({end:g}) before it begins ({start:g})")
    return (start, end)


def _faults(name: str, value: Any, issues: list[str]) -> dict[str, Rule]:
    if not isinstance(value, dict):
        issues.append(f"{name} must be an object of kinds, not {value!r}")
        return {}
    return {kind: _rule(f"{name}.{kind}", rule, issues) for kind, rule in _known(value, KINDS, f"{name}.", issues)}


def _rule(name: str, value: Any, issues: list[str]) -> Rule:
    if not isinstance(value, dict):
        return Rule(probability=_number(0, 1)(name, value, issues))
    known = _known(value, _RULE, f"{name}.", issues)
    return Rule(**{each: _RULE[each](f"{name}.{each}", one, issues) for each, one in known})


def _span(least: float, most: float) -> str:
    return f"from {least:g} up" if most == math.inf else f"from {least:g} to {most:g}"


_PLAN = {
    "seed": _whole(0),
    "notice_s": _number(0),
    "stall_s": _number(0),
    "machine_places": _whole(1),
    "faults": _faults,
}
_RULE = {
    "probability": _number(0, 1),
    "count": _whole(0),
    "jobs": _text,
    "children": _wholes(0),
    "attempts": _wholes(1),
    "after_s": _times,
    "after_text": _text,
    "requests": _texts,
}
assert set(_PLAN) == {each.name for each in fields(Plan)}
assert set(_RULE) == {each.name for each in fields(Rule)}
