# SPDX-License-Identifier: GPL-3.0-or-later
"""Batch's evaluateOnExit: which ended attempts are tried again. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """One evaluateOnExit rule. All patterns it gives must match; a pattern's only wildcard is a `*` at its end."""

    action: str
    on_exit_code: str | None = None
    on_reason: str | None = None
    on_status_reason: str | None = None


def wants_retry(rules: Sequence[Rule], exit_code: int | None, reason: str, status_reason: str) -> bool:
    """The first rule that matches decides; where none does, Batch retries."""
    for rule in rules:
        if _matches(rule, exit_code, reason, status_reason):
            return rule.action.upper() == "RETRY"
    return True


def _matches(rule: Rule, exit_code: int | None, reason: str, status_reason: str) -> bool:
    found = (
        (rule.on_exit_code, "" if exit_code is None else str(exit_code)),
        (rule.on_reason, reason),
        (rule.on_status_reason, status_reason),
    )
    return all(pattern is None or _fits(pattern, text) for pattern, text in found)


def _fits(pattern: str, text: str) -> bool:
    return text.startswith(pattern[:-1]) if pattern.endswith("*") else text == pattern
