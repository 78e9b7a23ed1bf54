# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames, outputs and video to this computer: in parallel, verified, and only what isn't there yet."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from concurrent import futures
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from cloud_render.client import objects
from cloud_render.client.farm import Farm
from cloud_render.client.objects import Entry
from cloud_render.client.records import Record, frames_there, record
from cloud_render.contract import keys
from cloud_render.contract.errors import BadArguments, Cancelled, NotThere, StorageUnavailable
from cloud_render.contract.job import RenderJob
from cloud_render.contract.scene import problem_of_scene_path
from cloud_render.store import NEVER, SILENT, Progress, ranges
from cloud_render.store.landing import landing

MARK = ".cloud-render.json"
"""Says in a folder whose job's files it holds, so that no job's frames land among another's."""

_AT_ONCE = 8
_LOOK_S = 0.1


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


@dataclass(frozen=True)
class _Item:
    entry: Entry
    target: Path


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
    _claim_folder(to, found.job)
    frame_items = _frame_items(farm, found.job, to) if frames else []
    output_items = _output_items(farm, job_id, to) if outputs else []
    video_items = _video_items(farm, found, to) if video else []
    items = [*frame_items, *output_items, *video_items]
    fetched = _fetch_all(farm, items, progress, cancelled)
    return Downloaded(
        folder=to,
        frames=tuple(item.target for item in frame_items),
        outputs=tuple(item.target for item in output_items),
        video=video_items[0].target if video_items else None,
        fetched=len(fetched),
        size=sum(item.entry.size for item in fetched),
    )


def _claim_folder(folder: Path, job: RenderJob) -> None:
    mark = folder / MARK
    if mark.exists():
        if _job_of_mark(mark) != job.id:
            raise BadArguments(f"{folder} holds the files of another job.", "Choose another folder with --to.")
        return
    ours = ["frames", "outputs", *([f"video.{job.video.container}"] if job.video else [])]
    strangers = [name for name in ours if (folder / name).exists()]
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


def _frame_items(farm: Farm, job: RenderJob, to: Path) -> list[_Item]:
    prefix = keys.Prefix.of_job(job.id)
    there = frames_there(job, objects.list_below(farm, prefix.frames).entries)
    return [_item(there[frame], prefix, to) for frame in sorted(there)]


def _output_items(farm: Farm, job_id: str, to: Path) -> list[_Item]:
    prefix = keys.Prefix.of_job(job_id)
    return [_item(entry, prefix, to) for entry in objects.list_below(farm, prefix.outputs).entries]


def _video_items(farm: Farm, found: Record, to: Path) -> list[_Item]:
    if not found.video:
        return []
    prefix = keys.Prefix.of_job(found.job_id)
    entry = objects.list_below(farm, prefix.root + found.video).find(prefix.root + found.video)
    return [_item(entry, prefix, to)] if entry else []


def _item(entry: Entry, prefix: keys.Prefix, to: Path) -> _Item:
    """Raises BadArguments for a key that would leave the folder: a scene may choose the names of its outputs."""
    name = entry.key.removeprefix(prefix.root)
    if problem := problem_of_scene_path(name):
        raise BadArguments(f"The output {name!r} can't be put into {to}: {problem}.")
    return _Item(entry, to / name)


def _fetch_all(farm: Farm, items: list[_Item], progress: Progress, cancelled: Callable[[], bool]) -> list[_Item]:
    """Those that travelled. The first error stops what has not begun; what has arrived stays."""
    progress.total(sum(item.entry.size for item in items))
    fetched: list[_Item] = []
    pool = ThreadPoolExecutor(max_workers=_AT_ONCE)
    try:
        travelled: SimpleQueue[int] = SimpleQueue()
        waiting = {pool.submit(_fetch, farm, item, travelled.put): item for item in items}
        while waiting:
            done, _ = futures.wait(waiting, _LOOK_S, futures.FIRST_COMPLETED)
            while not travelled.empty():
                progress.sent(travelled.get())
            for future in done:
                item = waiting.pop(future)
                if future.result():
                    fetched.append(item)
                else:
                    progress.present(item.entry.size)
            if cancelled():
                raise Cancelled("The download")
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    return fetched


def _fetch(farm: Farm, item: _Item, travelled: Callable[[int], None]) -> bool:
    """Whether it had to travel."""
    if _is_there(item):
        return False
    digest = hashlib.md5(usedforsecurity=False)
    with landing(item.target) as temporary:
        with temporary.open("wb") as file:
            for content in _parts(farm, item.entry):
                digest.update(content)
                file.write(content)
                travelled(len(content))
        if _is_md5(item.entry.etag) and digest.hexdigest() != item.entry.etag:
            raise StorageUnavailable(f"{item.target.name} arrived damaged.", "Try again; nothing of it was kept.")
        stamp = item.entry.modified.timestamp()
        os.utime(temporary, (stamp, stamp))
    return True


def _parts(farm: Farm, entry: Entry) -> Iterator[bytes]:
    """All of one version, even if a new one is written meanwhile."""
    for offset in range(0, entry.size, ranges.PART_BYTES):
        length = min(ranges.PART_BYTES, entry.size - offset)
        yield ranges.read(farm.s3, farm.bucket, entry.key, offset, length, if_match=f'"{entry.etag}"')


def _is_there(item: _Item) -> bool:
    """A file lands in one step, so one of the right size is whole; content or time says whether it is this one."""
    try:
        status = item.target.stat()
    except OSError:
        return False
    if status.st_size != item.entry.size:
        return False
    if not _is_md5(item.entry.etag):
        return int(status.st_mtime) == int(item.entry.modified.timestamp())
    with item.target.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest() == item.entry.etag


def _is_md5(etag: str) -> bool:
    """Objects that came in one request have their MD5 as ETag; those of many parts, `<hash>-<parts>`, have not."""
    return len(etag) == 32 and all(character in "0123456789abcdef" for character in etag)
