# SPDX-License-Identifier: GPL-3.0-or-later
"""What a job's children went through: every attempt, why it ended, where it ran, what of its work was lost.

Out of three witnesses: AWS Batch (all attempts, but only for some days), the workers' reports in S3 (kept with the job,
but a machine that vanishes leaves none), and the times at which frames reached S3. Reading it changes nothing.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from cloud_render.client import batch, objects
from cloud_render.client.batch import BatchAttempt, BatchJob
from cloud_render.client.farm import Farm
from cloud_render.client.objects import Entry
from cloud_render.client.records import frames_there, no_job, record
from cloud_render.client.reports import read_all
from cloud_render.contract import frames, keys
from cloud_render.contract.job import Submission
from cloud_render.contract.report import ChildReport

log = logging.getLogger(__name__)

Cause = Literal[
    "done", "machine lost", "told to stop", "memory", "disk", "limit", "time-out", "image", "try again", "failed",
    "cancelled", "running", "no word",
]  # fmt: skip
"""How an attempt ended. "told to stop" is SIGTERM or a Spot notice that the worker heard in time, "try again" another
exit code 75, "no word" an attempt without a report that Batch has forgotten."""

INTERRUPTIONS: tuple[Cause, ...] = ("machine lost", "told to stop")

MOST_ATTEMPTS = 10
"""That Batch makes of one job."""

_UNTOLD = BatchAttempt()

_BY_WORDS: tuple[tuple[str, Cause], ...] = (
    (r"Host EC2|Spot takes this machine", "machine lost"),
    (r"told to stop", "told to stop"),
    (r"OutOfMemory", "memory"),
    (r"no space left on device|MB are free", "disk"),
    (r"CannotPull|CannotStart|CannotCreate", "image"),
    (r"timeout|timed out", "time-out"),
)
_BY_EXIT_CODE: dict[int | None, Cause] = {0: "done", 71: "memory", 72: "limit", 75: "try again", 137: "memory"}

_INSTANCE = re.compile(r"\bi-[0-9a-f]{8,}\b")
_REPORT = re.compile(r"(\d{1,6}|stitch)-(\d{1,4})\.json", re.ASCII)


@dataclass(frozen=True)
class Attempt:
    """One run of one child."""

    number: int
    """From 1."""
    cause: Cause
    reason: str
    """In the worker's words, else Batch's."""
    exit_code: int | None
    started: str
    ended: str
    """UTC, ISO 8601; empty where unknown."""
    seconds: float
    frames: tuple[int, ...]
    """That it brought to S3, in the order of the job."""
    lost_s: float
    """Seconds from its last frame in S3, else from its start, to its end, where that was not a good one."""
    machine: str
    """EC2's id of the instance; empty where unknown."""
    machine_type: str
    peak_memory: int
    """In bytes, of Blender's process; 0 where unknown."""
    peak_vram: int
    """In bytes, on the fullest GPU; 0 where unknown."""


@dataclass(frozen=True)
class Child:
    """One child of one submission, or its stitch."""

    submission: int
    index: int | None
    """Of the array, 0 for a plain job; None for the stitch."""
    state: str
    """Batch's, such as SUCCEEDED; where Batch has forgotten it, what its reports say, else UNKNOWN."""
    frames_wanted: int
    attempts: tuple[Attempt, ...]

    @property
    def seconds(self) -> float:
        return sum(attempt.seconds for attempt in self.attempts)

    @property
    def lost_s(self) -> float:
        return sum(attempt.lost_s for attempt in self.attempts)

    @property
    def peak_memory(self) -> int:
        return max((attempt.peak_memory for attempt in self.attempts), default=0)

    @property
    def peak_vram(self) -> int:
        return max((attempt.peak_vram for attempt in self.attempts), default=0)

    @property
    def interruptions(self) -> int:
        return sum(attempt.cause in INTERRUPTIONS for attempt in self.attempts)


@dataclass(frozen=True)
class Audit:
    """Of a whole job."""

    job_id: str
    submissions: int
    by_the_mender: int
    """Of the submissions."""
    frames_done: int
    frames_total: int
    children: tuple[Child, ...]
    """Those of the first submission first, its stitch last."""
    interruptions: int
    survived: int
    """Interruptions of children that succeeded in the end."""
    retries: Mapping[str, int]
    """Attempts that another one followed, by cause, the most frequent first."""
    seconds: float
    """Of all attempts, on machines."""
    lost_s: float
    """Of them without a result."""
    forgotten: int
    """Children that Batch no longer knows: attempts without a report are missing there."""
    unreadable: tuple[str, ...]
    """Keys of reports that are none."""


def audit(farm: Farm, job_id: str) -> Audit:
    """One DescribeJobs for 100 children, one small object for each attempt.

    Raises NotThere, BadJob (of job.json), CloudUnreachable, StorageUnavailable or NoCredentials.
    """
    seen = record(farm, job_id)
    job = seen.job
    if job is None:
        raise no_job(seen)
    prefix = keys.Prefix.of_job(job_id)
    submissions = _submissions(farm, prefix)
    there = frames_there(job, objects.list_below(farm, prefix.frames).entries)
    reports, unreadable = _reports(farm, prefix)
    places = [place for submission in submissions for place in _places(submission)]
    rows = batch.describe(farm, list(dict.fromkeys(place.batch_id for place in places if place.batch_id)))
    children = tuple(
        _child(place, rows.get(place.batch_id), reports.get((place.submission, place.index), {}), there)
        for place in places
    )
    return Audit(
        job_id=job_id,
        submissions=len(submissions),
        by_the_mender=sum(submission.round > 0 for submission in submissions),
        frames_done=len(there),
        frames_total=len(job.frame_list),
        children=children,
        interruptions=sum(child.interruptions for child in children),
        survived=sum(child.interruptions for child in children if child.state == "SUCCEEDED"),
        retries=_retries(children),
        seconds=sum(child.seconds for child in children),
        lost_s=sum(child.lost_s for child in children),
        forgotten=sum(place.batch_id not in rows for place in places),
        unreadable=unreadable,
    )


@dataclass(frozen=True)
class _Place:
    """A job of Batch that a submission stands for."""

    submission: int
    index: int | None
    batch_id: str
    frames: Sequence[int]


@dataclass(frozen=True)
class _Run:
    """One attempt, as the witnesses tell of it."""

    number: int
    row: BatchAttempt
    """_UNTOLD where Batch says nothing."""
    report: ChildReport | None

    @property
    def begun(self) -> datetime | None:
        return self.row.started or _parsed(self.report.started if self.report else "")

    @property
    def ended(self) -> datetime | None:
        return self.row.stopped or _parsed(self.report.ended if self.report else "")

    @property
    def words(self) -> str:
        """Batch's word for a lost machine counts more than the worker's last one."""
        told = self.report.problem if self.report else ""
        lost = self.row.status_reason
        return lost if "Host EC2" in lost else told or self.row.container_reason or lost

    @property
    def exit_code(self) -> int | None:
        code = self.row.exit_code
        return code if code is not None or self.report is None else self.report.exit_code


def _submissions(farm: Farm, prefix: keys.Prefix) -> list[Submission]:
    """All of them, in their order. Raises BadJob."""
    found = [
        Submission.from_json(objects.read(farm, entry.key))
        for entry in objects.list_below(farm, prefix.submissions).entries
        if re.fullmatch(re.escape(prefix.submissions) + r"\d{1,6}\.json", entry.key, re.ASCII)
    ]
    return sorted(found, key=lambda submission: submission.number)


def _places(submission: Submission) -> list[_Place]:
    number, wanted = submission.number, submission.frame_list
    count = frames.children(len(wanted), submission.frames_per_job) if wanted else 0
    render = submission.render_id
    ids = [f"{render}:{index}" for index in range(count)] if render and count > 1 else [render] * count
    places = [
        _Place(number, index, batch_id, frames.slice_of(wanted, index, submission.frames_per_job))
        for index, batch_id in enumerate(ids)
    ]
    return [*places, _Place(number, None, submission.stitch_id, ())] if submission.stitches else places


Reports = dict[tuple[int, int | None], dict[int, ChildReport]]
"""By submission and child, then by attempt."""


def _reports(farm: Farm, prefix: keys.Prefix) -> tuple[Reports, tuple[str, ...]]:
    """All that can be read, and the keys of the others. What a report says of its own place is not believed."""
    root = f"{prefix.root}reports/"
    entries = objects.list_below(farm, root).entries
    found: Reports = {}
    unreadable = []
    for entry, report in zip(entries, read_all(farm, entries), strict=True):
        submission, _, name = entry.key.removeprefix(root).partition("/")
        match = _REPORT.fullmatch(name)
        if report is None or match is None or not re.fullmatch(r"\d{1,6}", submission, re.ASCII):
            unreadable.append(entry.key)
            continue
        index = None if match[1] == "stitch" else int(match[1])
        found.setdefault((int(submission), index), {})[int(match[2])] = report
    return found, tuple(unreadable)


def _child(
    place: _Place, row: BatchJob | None, reports: Mapping[int, ChildReport], there: Mapping[int, Entry]
) -> Child:
    told = {frame.frame for report in reports.values() for frame in report.frames}
    untold = replace(place, frames=[frame for frame in place.frames if frame not in told])
    attempts = [_attempt(run, place if run.report else untold, row, there) for run in _runs(row, reports)]
    return Child(place.submission, place.index, _state(row, attempts), len(place.frames), tuple(attempts))


def _runs(row: BatchJob | None, reports: Mapping[int, ChildReport]) -> list[_Run]:
    """One for each in Batch's list or number up to that of the last report: a gap left none.

    Batch's list may lag behind by the attempt that has just ended; a report of a later one is a lie.
    """
    told = row.attempts if row else ()
    most = len(told) + 1 if row else MOST_ATTEMPTS
    last = max([len(told), *(number for number in reports if number <= most)])
    return [
        _Run(number, told[number - 1] if number <= len(told) else _UNTOLD, reports.get(number))
        for number in range(1, last + 1)
    ]


def _state(row: BatchJob | None, attempts: Sequence[Attempt]) -> str:
    if row is not None:
        return row.status
    if not attempts:
        return "UNKNOWN"
    return "SUCCEEDED" if attempts[-1].exit_code == 0 else "FAILED"


def _attempt(run: _Run, place: _Place, row: BatchJob | None, there: Mapping[int, Entry]) -> Attempt:
    begun, ended = run.begun, run.ended
    cause = _cause(run, row)
    brought = _brought(run, place, there)
    machine = run.report.machine if run.report else None
    instance = _INSTANCE.search(run.row.status_reason)
    return Attempt(
        number=run.number,
        cause=cause,
        reason="" if cause == "done" else run.words,
        exit_code=run.exit_code,
        started=_iso(begun),
        ended=_iso(ended),
        seconds=max(0.0, (ended - begun).total_seconds()) if begun and ended else 0.0,
        frames=brought,
        lost_s=0.0 if cause in ("done", "running", "cancelled") else _lost(begun, ended, brought, there),
        machine=(machine.instance_id if machine else "") or (instance[0] if instance else ""),
        machine_type=machine.instance_type if machine else "",
        peak_memory=run.report.peak_memory if run.report else 0,
        peak_vram=run.report.peak_vram if run.report else 0,
    )


def _cause(run: _Run, row: BatchJob | None) -> Cause:
    if row is not None and run.number == len(row.attempts) and row.status_reason == batch.CANCELLED:
        return "cancelled"
    if run.row == _UNTOLD and run.report is None:
        return "no word"
    if run.ended is None:
        return "running"
    words = " ".join((run.row.status_reason, run.row.container_reason, run.words))
    by_words = next((cause for pattern, cause in _BY_WORDS if re.search(pattern, words)), None)
    by_code = _BY_EXIT_CODE.get(run.exit_code, "failed")
    return by_words if by_words and by_code != "done" else by_code


def _brought(run: _Run, place: _Place, there: Mapping[int, Entry]) -> tuple[int, ...]:
    """As the report says, else those of the place that came while it ran. Never another child's."""
    if run.report is not None:
        told = {frame.frame for frame in run.report.frames}
        return tuple(frame for frame in place.frames if frame in told)
    begun, ended = run.begun, run.ended
    if begun is None or ended is None:
        return ()
    # S3's times are whole seconds, rounded down.
    since = begun.replace(microsecond=0)
    return tuple(frame for frame in place.frames if frame in there and since <= there[frame].modified <= ended)


def _lost(begun: datetime | None, ended: datetime | None, brought: Iterable[int], there: Mapping[int, Entry]) -> float:
    if begun is None or ended is None:
        return 0.0
    # A frame that came later was rendered again since, by another attempt.
    came = [there[frame].modified for frame in brought if frame in there and there[frame].modified <= ended]
    return (ended - max([begun, *came])).total_seconds() if ended > begun else 0.0


def _retries(children: Iterable[Child]) -> dict[str, int]:
    followed = Counter(attempt.cause for child in children for attempt in child.attempts[:-1])
    return dict(followed.most_common())


def _parsed(text: str) -> datetime | None:
    """A report's time; None for what is none: a child wrote it."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _iso(moment: datetime | None) -> str:
    return moment.isoformat(timespec="seconds") if moment else ""
