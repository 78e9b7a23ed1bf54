# SPDX-License-Identifier: GPL-3.0-or-later
"""What ended jobs have used, kept on this computer: their reports are read once. Prices are not in it.

Only a memory: it counts for the end.json of which it was made, and losing it costs time.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from cloud_render.client.bill import Account, Work
from cloud_render.contract import values
from cloud_render.contract.day_prices import DayPrices
from cloud_render.contract.errors import BadJob, CloudRenderError
from cloud_render.store.landing import landing
from cloud_render.store.memory import default_folder

log = logging.getLogger(__name__)

SETTLED_AFTER = timedelta(hours=1)
"""From the end of a job on: children that were cancelled report until minutes after it, and their machines go."""


@dataclass(frozen=True)
class Entry:
    """A job that was submitted, with what its bill is made of."""

    work: Work
    prices: DayPrices | None
    """Of its day; None where job.json has none."""
    used: Account


@dataclass(frozen=True)
class _Page:
    """An entry, as it lies in its file."""

    end: str
    entry: Entry


class Ledger:
    """The entries of one bucket's ended jobs. Any thread, and any process, may use it."""

    def __init__(self, bucket: str, folder: Path | None = None) -> None:
        self._folder = (folder or default_folder()) / "costs" / bucket

    def find(self, job_id: str, end: str) -> Entry | None:
        """None where there is none for this `end`, the mark of the job's end.json."""
        file = self._file(job_id)
        try:
            page = values.from_json(_Page, file.read_bytes(), file.name)
        except FileNotFoundError:
            return None
        except (OSError, BadJob) as error:
            log.info("%s does not count: %s", file, error)
            return None
        return page.entry if page.end == end else None

    def keep(self, job_id: str, end: str, entry: Entry) -> None:
        """Where it can't be kept, it is worked out again the next time."""
        file = self._file(job_id)
        try:
            with landing(file) as temporary:
                temporary.write_text(values.to_json(_Page(end, entry)), "utf-8")
        except (OSError, CloudRenderError) as error:
            log.info("could not keep %s: %s", file, error)

    def forget_all_but(self, job_ids: Collection[str]) -> None:
        """Of jobs that are no longer in the bucket."""
        kept = {self._file(job_id).name for job_id in job_ids}
        try:
            for file in self._folder.glob("*.json"):
                if file.name not in kept:
                    file.unlink(missing_ok=True)
        except OSError as error:
            log.info("could not tidy %s: %s", self._folder, error)

    def _file(self, job_id: str) -> Path:
        return self._folder / f"{job_id}.json"
