# SPDX-License-Identifier: GPL-3.0-or-later
"""When a job must be done, as people say it: `2h`, `18:30`, `2026-11-22T08:00`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta

from cloud_render.contract.errors import BadArguments

_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}
_PART = r"\s*(\d{1,9}(?:\.\d{1,9})?)\s*(d|h|min|m|s)"
_DURATION = re.compile(rf"(?:{_PART})+", re.ASCII)
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?\s*(?:Z|[+-]\d\d(?::?\d\d)?)?", re.ASCII | re.IGNORECASE)
_ADVICE = (
    "Write how long it may take (90min, 2h, 1h30m), a time of day (18:30), or a date with it (2026-11-22T08:00, "
    "2026-11-22T08:00+01:00)."
)


def deadline_of(text: str, now: datetime) -> datetime:
    """The moment that `text` means, in UTC and later than `now`, which has a zone.

    What has no zone is as this computer's clock shows it; a time of day that is past is tomorrow's.
    Raises BadArguments for what is none of the three, and for a moment that is past.
    """
    said = text.strip()
    if _DURATION.fullmatch(said):
        moment = _after(said, now)
    elif clock := _CLOCK.fullmatch(said):
        moment = _next(time(int(clock[1]), int(clock[2])), now)
    elif _MOMENT.fullmatch(said):
        moment = _moment(said, now)
    else:
        raise BadArguments(f"{said!r} is no deadline.", _ADVICE)
    if moment <= now:
        raise BadArguments(f"The deadline {said!r} is past: it is {_shown(now)} now.", "Choose a later one.")
    return moment


def _after(said: str, now: datetime) -> datetime:
    parts = re.findall(_PART, said, re.ASCII)
    try:
        return now.astimezone(UTC) + timedelta(seconds=sum(float(number) * _SECONDS[unit] for number, unit in parts))
    except OverflowError as error:
        raise BadArguments(f"{said!r} is later than any calendar reaches.", "Choose an earlier one.") from error


def _next(clock: time, now: datetime) -> datetime:
    """The next moment at which the clock here shows this."""
    today = now.astimezone().date()
    moment = _here(datetime.combine(today, clock), now)
    return moment if moment > now else _here(datetime.combine(today + timedelta(days=1), clock), now)


def _here(shown: datetime, now: datetime) -> datetime:
    """When the clock here shows this: of two times in autumn the one to come, after the gap where spring skips it."""
    # Not astimezone(): in spring's gap that takes the offset of one side for the time of the other.
    first, second = (datetime.fromtimestamp(shown.replace(fold=fold).timestamp(), UTC) for fold in (0, 1))
    return second if first <= now < second else first


def _moment(said: str, now: datetime) -> datetime:
    # "… 08:00 +01:00" and a small z are clear to people, not to every version of Python.
    iso = re.sub(r"(?<=\d)\s+(?=[Z+-])", "", said.upper())
    try:
        moment = datetime.fromisoformat(iso)
        return moment.astimezone(UTC) if moment.tzinfo else _here(moment, now)
    except (ValueError, OverflowError, OSError) as error:
        raise BadArguments(f"{said!r} is no date that the calendar has.", _ADVICE) from error


def _shown(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"
