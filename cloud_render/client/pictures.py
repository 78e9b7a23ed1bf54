# SPDX-License-Identifier: GPL-3.0-or-later
"""Single pictures of a job that may still run, for looking at: small previews, and one frame in full size."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from cloud_render.client import fetch, objects
from cloud_render.client.download import claim_folder, item_of
from cloud_render.client.farm import Farm
from cloud_render.client.fetch import Item
from cloud_render.client.records import record
from cloud_render.contract import keys
from cloud_render.contract.errors import NotThere


def previews(farm: Farm, job_id: str, frames: Iterable[int], folder: Path) -> dict[int, Path]:
    """The previews of `frames` as `folder/NNNN.jpg`; frames that have none (yet) are left out.

    Asks with one listing for the span of the frames; only what changed since the last call travels. The folder is for
    one job alone. Raises StorageUnavailable, NoCredentials, DiskFull or BadArguments.
    """
    prefix = keys.Prefix.of_job(job_id)
    frame_of_key = {prefix.preview(frame): frame for frame in frames}
    if not frame_of_key:
        return {}
    before_first = min(frame_of_key).removesuffix(".jpg")  # sorts directly before the key itself
    listing = objects.list_below(farm, prefix.previews, after=before_first, last=max(frame_of_key))
    there = [entry for entry in listing.entries if entry.key in frame_of_key]
    items = [Item(entry, folder / entry.key.removeprefix(prefix.previews)) for entry in there]
    fetch.fetch_all(farm, items)
    return {frame_of_key[item.entry.key]: item.target for item in items}


def frame(farm: Farm, job_id: str, number: int, folder: Path) -> Path:
    """The frame's primary image in full size, where a download of the job into `folder` puts it and looks for it.

    Raises NotThere if the job lacks it; else as download.download().
    """
    job = record(farm, job_id).job
    if job is None or number not in job.frame_list:
        raise NotThere(f"{job_id} has no frame {number}.", "")
    prefix = keys.Prefix.of_job(job_id)
    entry = objects.find(farm, prefix.frame(number, job.image.extension))
    if entry is None:
        raise NotThere(f"Frame {number} of {job_id} is not rendered yet.", "Wait for it, or see the job's status.")
    claim_folder(folder, job)
    item = item_of(entry, prefix, folder)
    fetch.fetch_all(farm, [item])
    return item.target
