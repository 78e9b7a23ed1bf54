# SPDX-License-Identifier: GPL-3.0-or-later
"""What works and what doesn't, one finding after another: from the credentials to what runs now. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any, Literal, TypeVar

from botocore.exceptions import ClientError

from cloud_render.client import batch, builds, machines, monitor, objects
from cloud_render.client.farm import Connection, Farm, description
from cloud_render.client.machines import QUOTAS, Kind, Queue
from cloud_render.client.monitor import JobState
from cloud_render.contract import errors, keys, versions
from cloud_render.contract.errors import CloudRenderError, CloudUnreachable
from cloud_render.store.translate import translated

Remedy = Literal["", "credentials", "setup", "update", "install-blender", "quota", "permission"]

CLOCK_LIMIT = timedelta(minutes=5)
"""AWS refuses signatures that are older or newer by its own clock."""

_LOOKED_AT = 5
"""Jobs whose state is told one by one; a look at one is some four requests."""

_REMEDIES: tuple[tuple[type[CloudRenderError], Remedy], ...] = (
    (errors.NotAllowed, "permission"),
    (errors.NoCredentials, "credentials"),
    (errors.OldStack, "update"),
    (errors.NoStack, "setup"),
)
"""The first row that fits an error counts."""

_BEFORE_SET_UP = {Kind(gpu=True, spot=True): 4, Kind(gpu=False, spot=False): 4}
"""The machines that a new stack starts for frames and for the video, and the vCPUs of the smallest of each."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    words: str
    good: bool
    """Whether nothing of it stands in the way of a render; what can't be known does not."""
    remedy: Remedy
    """What would help; also where it is good, but could be better."""


T = TypeVar("T")
Findings = Generator[Finding, None, T]
"""Tells findings, and answers a T to whoever goes on from there."""


def check_up(connection: Connection, stack: str, blender: str = "") -> Iterator[Finding]:
    """Looks at one thing after another and tells each as soon as it is known; raises nothing of ours.

    What follows from something that failed is left out. `blender` is the version whose build is looked for.
    """
    if not (yield from _account(connection)):
        return
    farm = yield from _stack(connection, stack)
    if farm is None:
        yield from _quotas(connection, _BEFORE_SET_UP)
        return
    yield from _permission(farm)
    yield from _blender(farm, blender)
    queues = yield from _queues(farm)
    yield from _quotas(connection, _needed(queues))
    yield from _running(farm, queues)


def _learned(subject: str, ask: Callable[[], T]) -> Findings[T | None]:
    """The answer; None after a finding that says why there is none."""
    try:
        return ask()
    except CloudRenderError as error:
        yield Finding(subject, str(error), False, _remedy_of(error))
        return None


def _remedy_of(error: CloudRenderError) -> Remedy:
    return next((remedy for kind, remedy in _REMEDIES if isinstance(error, kind)), "")


# ---- who we are ------------------------------------------------------------------------------------------------------


def _account(connection: Connection) -> Findings[bool]:
    try:
        answer = _identity(connection)
    except CloudRenderError as error:
        cause = error.__cause__
        wrong_by = _clock_skew(cause.response) if isinstance(cause, ClientError) else None
        if wrong_by is not None and abs(wrong_by) >= CLOCK_LIMIT:
            yield _clock(wrong_by)
        else:
            yield Finding("Credentials", str(error), False, _remedy_of(error))
        return False
    region = connection.session.region_name
    who = answer["Arn"].rpartition(":")[2]
    yield Finding("Credentials", f"You are {who} of account {answer['Account']}, in {region}.", True, "")
    wrong_by = _clock_skew(answer)
    if wrong_by is not None:
        yield _clock(wrong_by)
    return True


def _identity(connection: Connection) -> Mapping[str, Any]:
    with translated("ask AWS who you are", CloudUnreachable):
        answer: Mapping[str, Any] = connection.client("sts").get_caller_identity()
        return answer


def _clock_skew(answer: Mapping[str, Any]) -> timedelta | None:
    """How far this computer's clock is ahead of the server's; None where the answer does not tell the time."""
    date = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date", "")
    try:
        return datetime.now(UTC) - parsedate_to_datetime(date).astimezone(UTC)
    except ValueError:
        return None


def _clock(wrong_by: timedelta) -> Finding:
    if abs(wrong_by) < CLOCK_LIMIT:
        return Finding("Clock", "This computer's clock is right.", True, "")
    minutes = round(abs(wrong_by).total_seconds() / 60)
    side = "ahead" if wrong_by > timedelta(0) else "behind"
    words = f"This computer's clock is {minutes:,} minutes {side}; AWS refuses what it signs. Set it right."
    return Finding("Clock", words, False, "")


# ---- the stack -------------------------------------------------------------------------------------------------------


def _stack(connection: Connection, stack: str) -> Findings[Farm | None]:
    found = yield from _learned("Stack", partial(description, connection, stack))
    if found is None:
        return None
    farm = yield from _learned("Stack", partial(Farm.of_description, connection, stack, found))
    if farm is None:
        return None
    state = found["StackStatus"]
    said = f"The stack {stack} is there, version {farm.template_version}; its state is {state}."
    if state.endswith("_FAILED"):
        yield Finding("Stack", f"{said} Something of it may be missing: set it up again.", False, "update")
    else:
        yield Finding("Stack", said, True, "")
    return farm


def _permission(farm: Farm) -> Findings[None]:
    """What S3 says before it stores anything. What Batch would say to a job, only a job shows."""
    places = (keys.JOBS, keys.PACKS)

    def try_all() -> bool:
        with translated("list the bucket"):
            farm.s3.list_objects_v2(Bucket=farm.bucket, Prefix=keys.JOBS, MaxKeys=1)
        for place in places:
            objects.try_write(farm, f"{place}check-up")
        return True

    if (yield from _learned("Permission", try_all)):
        words = f"You may read and write the bucket {farm.bucket}. Whether you may submit shows with the first job."
        yield Finding("Permission", words, True, "")


def _blender(farm: Farm, version: str) -> Findings[None]:
    there = yield from _learned("Blender", partial(builds.builds, farm))
    if there is not None:
        yield _of_builds(farm, there, version)


def _of_builds(farm: Farm, there: Sequence[str], version: str) -> Finding:
    """Missing builds are no fault by themselves: a worker may have a Blender of its own."""
    fitting = [build for build in there if versions.release(build) == versions.release(version)]
    if version in there:
        return Finding("Blender", f"Blender {version} is in the cloud.", True, "")
    if fitting:
        words = f"Blender {fitting[0]} is in the cloud and renders the files of your {version}."
        return Finding("Blender", words, True, "")
    has = f"The cloud has Blender {', '.join(there)}." if there else "The cloud has no Blender yet."
    if not version:
        return Finding("Blender", has, True, "")
    command = f"python -m worker install-blender {version} --to {farm.address(keys.BLENDER).rstrip('/')}"
    words = f"{has} For files of {version} a worker needs a Blender of its own, or this one's build: {command}"
    return Finding("Blender", words, True, "install-blender")


# ---- machines --------------------------------------------------------------------------------------------------------


def _queues(farm: Farm) -> Findings[list[Queue]]:
    named = {
        farm.render_gpu_queue: "GPU queue",
        farm.render_cpu_queue: "CPU queue",
        farm.utility_queue: "Video queue",
    }
    found = yield from _learned("Queues", partial(machines.queues, farm, list(named)))
    for name, queue in zip(named.values(), found or (), strict=False):
        yield _of_queue(name, queue)
    return found or []


def _of_queue(name: str, queue: Queue) -> Finding:
    problems = [queue.problem, *(f"{each.kind.words}: {each.problem}" for each in queue.environments if each.problem)]
    if any(problems):
        words = f"{' '.join(filter(None, problems))} If it stays so, update the stack, or set it up anew."
        return Finding(name, words, False, "update")
    each = [
        f"{environment.kind.words} ({', '.join(environment.instance_types)}), up to {environment.most_vcpus:,} vCPUs"
        for environment in queue.environments
    ]
    return Finding(name, f"It takes jobs, for {'; then '.join(each)}.", True, "")


def _needed(queues: Sequence[Queue]) -> dict[Kind, int]:
    """Kinds of machines that the stack starts, and the vCPUs of the smallest of each."""
    needed: dict[Kind, int] = {}
    for environment in (each for queue in queues for each in queue.environments):
        least = environment.least_vcpus
        needed[environment.kind] = min(least, needed.get(environment.kind, least))
    return needed


def _quotas(connection: Connection, needed: Mapping[Kind, int]) -> Iterator[Finding]:
    for kind, least in needed.items():
        yield _of_quota(connection, kind, least)


def _of_quota(connection: Connection, kind: Kind, least: int) -> Finding:
    subject = f"Quota for {kind.words}"
    try:
        value = machines.quota(connection, kind)
    except CloudRenderError as error:
        return Finding(subject, f"It is not known. {error.problem}", True, "")
    if value is None:
        return Finding(subject, "It is not known: there are no quotas here.", True, "")
    if value >= least:
        words = f"{value:,.0f} vCPUs at a time, which is up to {value // least:,.0f} machines."
        return Finding(subject, words, True, "")
    instead = " Until then render on the CPU." if kind.gpu else ""
    words = (
        f"{value:,.0f} vCPUs at a time, and the smallest machine has {least}: no job can start. Ask AWS for more: "
        f"Service Quotas, Amazon EC2, “{QUOTAS[kind].name}”.{instead}"
    )
    return Finding(subject, words, False, "quota")


# ---- what runs -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Active:
    """The jobs that Batch has not ended."""

    count: int
    newest: tuple[JobState, ...]
    """At most as many as are looked at."""


def _running(farm: Farm, queues: Sequence[Queue]) -> Findings[None]:
    active = yield from _learned("Running now", partial(_active, farm))
    if active is None:
        return
    vcpus = {each.arn: each.running_vcpus for queue in queues for each in queue.environments}
    yield Finding("Running now", _of_running(active, sum(vcpus.values())), True, "")
    for state in active.newest:
        if state.problem:
            yield Finding(f"Job {state.job_id}", state.reason, False, "")


def _active(farm: Farm) -> _Active:
    arns = (farm.render_gpu_queue, farm.render_cpu_queue, farm.utility_queue)
    names = [name for arn in arns for name in batch.names_of_active(farm, arn)]
    ids = sorted({job_id for name in names if (job_id := keys.job_id_of_name(name))}, reverse=True)
    return _Active(len(ids), tuple(monitor.snapshot(farm, job_id) for job_id in ids[:_LOOKED_AT]))


def _of_running(active: _Active, vcpus: int) -> str:
    on = f"machines with {vcpus:,} vCPUs are on" if vcpus else ""
    if not active.count:
        return f"No job, but {on}: they end by themselves within minutes." if on else "Nothing is running now."
    jobs = [f"{state.job_id} ({state.frames_done} of {state.frames_total} frames)" for state in active.newest]
    jobs += [f"{active.count - len(jobs)} more jobs"] if active.count > len(jobs) else []
    return f"{', '.join(jobs)}{f'; {on}' if on else ''}."
