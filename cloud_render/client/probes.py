# SPDX-License-Identifier: GPL-3.0-or-later
"""Test frames: which tell most of an animation, the tiny job that renders them, and how the real job keeps them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from cloud_render.client import history, objects
from cloud_render.client.farm import Farm
from cloud_render.client.objects import Entry
from cloud_render.client.plan import SubmitPlan
from cloud_render.client.records import frames_there
from cloud_render.client.submit import NOTHING, Inherited
from cloud_render.contract import frames as ranges
from cloud_render.contract import keys
from cloud_render.contract.contents import Contents
from cloud_render.contract.errors import BadArguments, Cancelled
from cloud_render.contract.job import RenderJob
from cloud_render.store import NEVER

PROBES = 3

MOST_PROBES = 12
"""A job of more frames is no test, and its frames are not taken for one."""

_AT_ONCE = 16


def probe_frames(frames: Sequence[int], count: int = PROBES) -> tuple[int, ...]:
    """First, middle and last, or `count` evenly spread ones; all of them where there are no more."""
    if len(frames) <= count:
        return tuple(frames)
    if count == 1:
        return (frames[len(frames) // 2],)
    return tuple(frames[round(step * (len(frames) - 1) / (count - 1))] for step in range(count))


def probe_plan(plan: SubmitPlan, frames_text: str = "") -> SubmitPlan:
    """The tiny job for the test frames of `plan`: full quality, one frame a machine so that no one waits for three.

    The frames of `frames_text`, else probe_frames(). Raises BadFrames, or BadArguments for frames the plan has not.
    """
    planned = ranges.parse(plan.frames)
    chosen = ranges.parse(frames_text) if frames_text else probe_frames(planned)
    if len(chosen) > MOST_PROBES:
        raise BadArguments(f"{len(chosen)} test frames are too many.", f"Choose {MOST_PROBES} at most, or submit them.")
    strangers = sorted(set(chosen).difference(planned))
    if strangers:
        raise BadArguments(
            f"The animation has no frame {strangers[0]}: its frames are {plan.frames}.", "Choose test frames of these."
        )
    return replace(
        plan,
        frames=ranges.text_of(chosen),
        frame_count=len(chosen),
        frames_per_job=1,
        children=len(chosen),
        video=None,
    )


def inherited(farm: Farm, plan: SubmitPlan, cancelled: Callable[[], bool] = NEVER) -> Inherited:
    """The frames of `plan` that test jobs have rendered already; submit() keeps them if the files are still the same.

    Whether they are is known once the files were read: then the hashes of all of them must agree.
    """
    tested = _tested(farm, plan)
    if not tested:
        return NOTHING
    keeper = _Keeper(farm, plan, tested, cancelled)
    return Inherited("/" + ",".join(job.id for job in tested), keeper.copy_to)


def kept(farm: Farm, plan: SubmitPlan) -> int:
    """How many frames a submit of `plan` will find rendered, as far as the sizes of its files tell.

    Raises StorageUnavailable or NoCredentials.
    """
    there: set[int] = set()
    for job in _tested(farm, plan):
        there |= set(frames_there(job, objects.list_below(farm, keys.Prefix.of_job(job.id).frames).entries))
    return len(there.intersection(_may_be_kept(plan)))


def _tested(farm: Farm, plan: SubmitPlan) -> list[RenderJob]:
    """Test jobs of the same scene; none where a hook may do something to each frame."""
    if plan.hooks.pre_render or plan.hooks.post_render:
        return []
    return [each.job for each in history.past_jobs(farm, plan) if each.same and _is_test(each.job, plan)]


def _may_be_kept(plan: SubmitPlan) -> tuple[int, ...]:
    """A job without a video must render something: it would have no job in Batch at all."""
    planned = ranges.parse(plan.frames)
    return planned if plan.video else planned[:-1]


def _is_test(job: RenderJob, plan: SubmitPlan) -> bool:
    """A job of a few single frames without a video, which are frames of the plan."""
    few = len(job.frame_list) <= MOST_PROBES and job.frames_per_job == 1
    return few and job.video is None and set(job.frame_list) <= set(ranges.parse(plan.frames))


class _Keeper:
    """Copies test frames into a job."""

    def __init__(
        self, farm: Farm, plan: SubmitPlan, tested: Sequence[RenderJob], cancelled: Callable[[], bool]
    ) -> None:
        self._farm = farm
        self._plan = plan
        self._tested = tested
        self._cancelled = cancelled

    def copy_to(self, job_id: str) -> None:
        """Doing it again copies the rest. Raises StorageUnavailable or Cancelled."""
        new = keys.Prefix.of_job(job_id)
        hashes = _hashes(Contents.from_json_gz(objects.read(self._farm, new.contents)))
        wanted = set(_may_be_kept(self._plan))
        there = {entry.key for entry in objects.list_below(self._farm, new.root).entries}
        for job in self._tested:
            if job.id != job_id and {file.path: file.sha256 for file in job.files} == hashes:
                there |= self._copy(keys.Prefix.of_job(job.id), new, wanted, there)

    def _copy(self, old: keys.Prefix, new: keys.Prefix, wanted: set[int], there: set[str]) -> set[str]:
        """The primary images last: where one is, its frame is whole. The new keys."""
        copied: set[str] = set()
        for place in (old.outputs, old.previews, old.frames):
            entries = objects.list_below(self._farm, place).entries
            pairs = [(entry, new.root + entry.key.removeprefix(old.root)) for entry in entries]
            pairs = [pair for pair in pairs if _frame(pair[0]) in wanted and pair[1] not in there]
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                for _ in pool.map(lambda pair: objects.copy(self._farm, *pair), pairs):
                    if self._cancelled():
                        raise Cancelled("The submit")
            copied |= {key for _, key in pairs}
        return copied


def _frame(entry: Entry) -> int | None:
    return keys.frame_of_name(entry.key.rpartition("/")[2])


def _hashes(contents: Contents) -> dict[str, str]:
    return {file.path: file.sha256 for file in contents.files}
