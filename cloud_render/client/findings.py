# SPDX-License-Identifier: GPL-3.0-or-later
"""One thing that a check-up looked at, and how an error becomes one: what can't be known is a line and ends nothing."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Literal, TypeVar

from cloud_render.contract import errors
from cloud_render.contract.errors import CloudRenderError

Remedy = Literal["", "credentials", "setup", "update", "install-blender", "quota", "permission"]

_REMEDIES: tuple[tuple[type[CloudRenderError], Remedy], ...] = (
    (errors.NotAllowed, "permission"),
    (errors.NoCredentials, "credentials"),
    (errors.OldStack, "update"),
    (errors.NoStack, "setup"),
)
"""The first row that fits an error counts."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    words: str
    good: bool
    """Whether nothing of it stands in the way of a render; what can't be known does not."""
    remedy: Remedy
    """What would help; also where it is good, but could be better."""


T = TypeVar("T")
Findings = Generator[Finding, None, T]
"""Tells findings, and answers a T to whoever goes on from there."""


def learned(subject: str, ask: Callable[[], T]) -> Findings[T | None]:
    """The answer; None after a finding that says why there is none."""
    try:
        return ask()
    except CloudRenderError as error:
        yield Finding(subject, str(error), False, remedy_of(error))
        return None


def remedy_of(error: CloudRenderError) -> Remedy:
    return next((remedy for kind, remedy in _REMEDIES if isinstance(error, kind)), "")


def known(subject: str, ask: Callable[[], T]) -> Findings[T | None]:
    """As learned(), for what no render needs: that it can't be known is no problem."""
    try:
        return ask()
    except CloudRenderError as error:
        yield Finding(subject, f"It is not known. {error.problem}", True, "")
        return None
