# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames, outputs and video of a job into one folder here, which from then on is that job's."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cloud_render.client import expiry, fetch, objects
from cloud_render.client.farm import Farm
from cloud_render.client.fetch import Item
from cloud_render.client.objects import Entry
from cloud_render.client.records import Record, frames_there, record
from cloud_render.contract import keys
from cloud_render.contract.errors import BadArguments, NotThere
from cloud_render.contract.job import RenderJob
from cloud_render.contract.scene import problem_of_scene_path
from cloud_render.store import NEVER, SILENT, Progress
from cloud_render.store.landing import landing

MARK = ".cloud-render.json"
"""Says in a folder whose job's files it holds, so that no job's frames land among another's."""


@dataclass(frozen=True)
class Downloaded:
    """What is on this computer now."""

    folder: Path
    frames: tuple[Path, ...]
    outputs: tuple[Path, ...]
    video: Path | None
    """None if it was not asked for, or if there is none."""
    fetched: int
    """How many files travelled; the others were there."""
    size: int
    """Of those that travelled, in bytes."""


def download(
    farm: Farm,
    job_id: str,
    to: Path,
    frames: bool = True,
    video: bool = True,
    progress: Progress = SILENT,
    outputs: bool = False,
    cancelled: Callable[[], bool] = NEVER,
) -> Downloaded:
    """Put the job's files into the folder `to`: frames/, outputs/ and the video; of a running job, what there is.

    Stopped half-way, the same again fetches the rest. Raises BadArguments if the folder holds another job's files,
    NotThere, DiskFull, StorageUnavailable or Cancelled.
    """
    found = record(farm, job_id)
    if found.job is None:
        raise NotThere(f"{job_id} has nothing to download: its upload has not ended.", "Submit the same scene again.")
    claim_folder(to, found.job)
    there = _frames(farm, found.job) if frames else {}
    prefix = keys.Prefix.of_job(job_id)
    frame_items = [item_of(there[frame], prefix, to) for frame in sorted(there)]
    output_items = _output_items(farm, job_id, to) if outputs else []
    video_items = _video_items(farm, found, to) if video else []
    items = [*frame_items, *output_items, *video_items]
    fetched = fetch.fetch_all(farm, items, progress, cancelled)
    if there:
        expiry.note_download(farm, job_id, sorted(there), to)
    return Downloaded(
        folder=to,
        frames=tuple(item.target for item in frame_items),
        outputs=tuple(item.target for item in output_items),
        video=video_items[0].target if video_items else None,
        fetched=len(fetched),
        size=sum(item.entry.size for item in fetched),
    )


def claim_folder(folder: Path, job: RenderJob) -> None:
    """Mark the folder as this job's. Raises BadArguments if it holds other files where the job's would go."""
    mark = folder / MARK
    ours = ["frames", "outputs", *([f"video.{job.video.container}"] if job.video else [])]
    # Looked for before the mark, which is written before them: another thread may just begin with this folder.
    strangers = [name for name in ours if (folder / name).exists()]
    if mark.exists():
        if _job_of_mark(mark) != job.id:
            raise BadArguments(f"{folder} holds the files of another job.", "Choose another folder with --to.")
        return
    if strangers:
        raise BadArguments(
            f"{folder / strangers[0]} is there already, and not from this job.", "Choose another folder with --to."
        )
    with landing(mark) as temporary:
        temporary.write_text(json.dumps({"job": job.id}) + "\n")


def _job_of_mark(mark: Path) -> str:
    try:
        plain = json.loads(mark.read_text())
    except (OSError, ValueError):
        return ""
    return str(plain.get("job", "")) if isinstance(plain, dict) else ""


def _frames(farm: Farm, job: RenderJob) -> dict[int, Entry]:
    return frames_there(job, objects.list_below(farm, keys.Prefix.of_job(job.id).frames).entries)


def _output_items(farm: Farm, job_id: str, to: Path) -> list[Item]:
    prefix = keys.Prefix.of_job(job_id)
    return [item_of(entry, prefix, to) for entry in objects.list_below(farm, prefix.outputs).entries]


def _video_items(farm: Farm, found: Record, to: Path) -> list[Item]:
    if not found.video:
        return []
    prefix = keys.Prefix.of_job(found.job_id)
    entry = objects.find(farm, prefix.root + found.video)
    return [item_of(entry, prefix, to)] if entry else []


def item_of(entry: Entry, prefix: keys.Prefix, to: Path) -> Item:
    """Raises BadArguments for a key that would leave the folder: a scene may choose the names of its outputs."""
    name = entry.key.removeprefix(prefix.root)
    if problem := problem_of_scene_path(name):
        raise BadArguments(f"The output {name!r} can't be put into {to}: {problem}.")
    return Item(entry, to / name)
