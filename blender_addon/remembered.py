# SPDX-License-Identifier: GPL-3.0-or-later
"""What this Blender remembers over its end: a small file in the extension's own folder."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from .account import own_folder

log = logging.getLogger(__name__)

_MOST_PRICES = 200


@dataclass(frozen=True)
class Remembered:
    used: bool = False
    """Whether the cloud was ever reached: from then on the list of jobs comes by itself."""
    downloads: tuple[str, ...] = ()
    """Jobs whose results are to be brought here when they have ended."""
    prices: Mapping[str, float] = field(default_factory=dict)
    """What the artist was told that a job will cost, in USD, by job id; of the newest jobs."""


_now: Remembered | None = None


def remembered() -> Remembered:
    global _now
    if _now is None:
        _now = _read()
    return _now


def use(used: bool) -> None:
    _change(replace(remembered(), used=used))


def want_download(job_id: str) -> None:
    _change(replace(remembered(), downloads=(*remembered().downloads, job_id)))


def forget_download(job_id: str) -> None:
    _change(replace(remembered(), downloads=tuple(one for one in remembered().downloads if one != job_id)))


def price(job_id: str, usd: float) -> None:
    newest = sorted({**remembered().prices, job_id: usd}.items(), reverse=True)[:_MOST_PRICES]
    _change(replace(remembered(), prices=dict(newest)))


def _change(new: Remembered) -> None:
    global _now
    if new == remembered():
        return
    _now = new
    try:
        temporary = _file().with_suffix(".new")
        temporary.write_text(json.dumps(asdict(new)))
        temporary.replace(_file())
    except OSError as error:  # only a convenience is lost
        log.warning("can't remember: %s", error)


def _read() -> Remembered:
    try:
        plain = json.loads(_file().read_text())
        prices = {str(job_id): float(usd) for job_id, usd in plain.get("prices", {}).items()}
        return Remembered(bool(plain["used"]), tuple(map(str, plain["downloads"])), prices)
    except FileNotFoundError:
        return Remembered()
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        log.warning("can't use what was remembered: %s", error)
        return Remembered()


def _file() -> Path:
    return own_folder("state") / "remembered.json"
