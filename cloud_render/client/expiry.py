# SPDX-License-Identifier: GPL-3.0-or-later
"""When the bucket's lifecycle deletes a job, and how many of its frames nobody has downloaded by then.

Each download leaves a note of its frames beside them, so that a download by any computer counts.
"""

from __future__ import annotations

import hashlib
import logging
import platform
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cloud_render.client import objects
from cloud_render.client.farm import Farm
from cloud_render.client.objects import Entry
from cloud_render.contract import keys, values
from cloud_render.contract.errors import BadJob, CloudRenderError, NotThere

log = logging.getLogger(__name__)

WARNS_FOR = timedelta(days=7)
"""Before the end; a quarter of the job's life where that is shorter, but a day at least."""

_SHORTEST_WARNING = timedelta(days=1)
_MOST_BYTES = 4 * 2**20
"""Of a note. One of 100,000 frames has a fifth of it."""
_READERS = 8


@dataclass(frozen=True)
class Expiry:
    """Frames that nobody has downloaded, and that will soon be gone."""

    at: str
    """Until when they are there for sure; UTC, ISO 8601. From then on a download finds nothing."""
    days_left: int
    """Whole ones; 0 on the last day, and after it."""
    not_downloaded: int
    """Frames."""
    frames_there: int


@dataclass(frozen=True)
class _Note:
    """What a download brought: jobs/<job-id>/downloads/<folder>.json."""

    frames: tuple[int, ...]
    """One by one: a short range expression could mean a million of them, thousands of times."""


def expiry(farm: Farm, job_id: str, frames_there: int, now: datetime) -> Expiry | None:
    """None while there is time, and where all frames have been downloaded or there are none.

    Asks S3 only in the last days of a job. Raises StorageUnavailable or NoCredentials.
    """
    at = end_of(job_id, farm.job_lifetime)
    if not frames_there or at - now > _warns_for(farm.job_lifetime):
        return None
    missing = frames_there - len(_downloaded(farm, job_id))
    if missing <= 0:
        return None
    return Expiry(at.isoformat(), max(0, (at - now).days), missing, frames_there)


def expiries(farm: Farm, frames_there: Mapping[str, int], now: datetime) -> dict[str, Expiry]:
    """By job id, of those for which expiry() has something to say; `frames_there` is their number of each job."""
    with ThreadPoolExecutor(_READERS) as pool:
        found = pool.map(lambda job_id: expiry(farm, job_id, frames_there[job_id], now), frames_there)
        return {job_id: each for job_id, each in zip(frames_there, found, strict=True) if each}


def note_download(farm: Farm, job_id: str, brought: Iterable[int], folder: Path) -> None:
    """Leave a note that these frames are in `folder` of this computer, in place of an earlier note of that folder.

    Where this person may not write into the bucket, there is none; the download is none the worse for it.
    """
    name = hashlib.sha256(f"{platform.node()} {folder.absolute()}".encode(errors="replace")).hexdigest()[:16]
    note = _Note(tuple(brought))
    try:
        objects.write(farm, keys.Prefix.of_job(job_id).download(name), values.to_json(note))
    except CloudRenderError as error:
        log.info("could not note the download of %s: %s", job_id, error)


def end_of(job_id: str, lifetime: timedelta) -> datetime:
    """When the first of the job's objects goes: a download needs job.json, which is older than all frames.

    S3 deletes at the midnight (UTC) after an object's last day. The job's id is older than its objects, by as much as
    the upload took: they may be there a little longer.
    """
    last_day = (keys.time_of_job(job_id) + lifetime).replace(hour=0, minute=0, second=0)
    return last_day + timedelta(days=1)


def _warns_for(lifetime: timedelta) -> timedelta:
    return max(min(WARNS_FOR, lifetime / 4), _SHORTEST_WARNING)


def _downloaded(farm: Farm, job_id: str) -> set[int]:
    """Frames that some computer has, as the notes say."""
    notes = objects.list_below(farm, keys.Prefix.of_job(job_id).downloads).entries
    return {frame for note in notes for frame in _frames_of(farm, note)}


def _frames_of(farm: Farm, note: Entry) -> tuple[int, ...]:
    """None of what is no note: a child's scene could leave anything there."""
    try:
        if note.size > _MOST_BYTES:
            raise BadJob("The note of a download", [f"it has {note.size} bytes"])
        return values.from_json(_Note, objects.read(farm, note.key), "The note of a download").frames
    except (NotThere, BadJob) as error:
        log.warning("%s does not count: %s", note.key, error)
        return ()
