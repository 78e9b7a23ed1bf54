# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that the workers of a job have left about themselves: their reports, and their pulses."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from cloud_render.client import objects
from cloud_render.client.farm import Farm
from cloud_render.client.objects import Entry
from cloud_render.contract import keys, spending
from cloud_render.contract.errors import BadJob, NotThere
from cloud_render.contract.report import ChildReport
from cloud_render.contract.spending import Pulse

log = logging.getLogger(__name__)

MOST = 4 * 2**20
"""Bytes of a report. One of 10,000 frames has under 1 MiB."""

_READERS = 16


@dataclass(frozen=True)
class Traces:
    """What a job's attempts left."""

    reports: tuple[ChildReport, ...]
    pulses: tuple[tuple[Pulse, float], ...]
    """Each with its last sign of life, in seconds since 1970 by S3's clock."""
    now: float
    """By the same clock."""


def traces(farm: Farm, job_id: str) -> Traces:
    """Two listings, and a small object for each attempt. A report that can't be read is left out, with a warning in the
    log. Raises BadArguments, StorageUnavailable or NoCredentials.
    """
    prefix = keys.Prefix.of_job(job_id)
    beats = objects.list_below(farm, spending.pulses(prefix))
    pulses = [(pulse, entry.modified.timestamp()) for entry in beats.entries if (pulse := Pulse.of_key(entry.key))]
    return Traces(tuple(reports(farm, job_id)), tuple(pulses), beats.now.timestamp())


def reports(farm: Farm, job_id: str, most: int | None = None) -> list[ChildReport]:
    """In the order of their keys; the first `most` of them where so many are enough."""
    listing = objects.list_below(farm, keys.Prefix.of_job(job_id).root + "reports/")
    wanted = [entry for entry in listing.entries if entry.key.endswith(".json")][:most]
    return [report for report in read_all(farm, wanted) if report]


def read_all(farm: Farm, entries: Sequence[Entry]) -> list[ChildReport | None]:
    """As read(), in the order of `entries`."""
    if not entries:
        return []
    with ThreadPoolExecutor(min(_READERS, len(entries))) as pool:
        return list(pool.map(partial(read, farm), entries))


def read(farm: Farm, entry: Entry) -> ChildReport | None:
    """None for what is none, or is gone: a child's scene could leave anything there."""
    if entry.size > MOST:
        log.warning("%s does not count: it has %d bytes", entry.key, entry.size)
        return None
    try:
        return ChildReport.from_json(objects.read(farm, entry.key))
    except (NotThere, BadJob) as error:
        log.warning("%s does not count: %s", entry.key, error)
        return None
