# SPDX-License-Identifier: GPL-3.0-or-later
"""What works and what doesn't, one finding after another: from the credentials to what runs now. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from cloud_render.client import builds, drift, image, objects
from cloud_render.client import template as templates
from cloud_render.client.doctor_machines import BEFORE_SET_UP, needed, of_queues, of_quotas, of_region, types_of
from cloud_render.client.doctor_now import of_bill, of_jobs, of_machines, of_month, of_stored
from cloud_render.client.farm import Connection, Farm, description
from cloud_render.client.findings import Finding, Findings, known, learned, remedy_of
from cloud_render.contract import keys
from cloud_render.contract.errors import CloudRenderError, CloudUnreachable
from cloud_render.store.translate import translated

CLOCK_LIMIT = timedelta(minutes=5)
"""AWS refuses signatures that are older or newer by its own clock."""


def check_up(
    connection: Connection, stack: str, blender: str = "", *, cost: bool = False, looks_for_drift: bool = False
) -> Iterator[Finding]:
    """Looks at one thing after another and tells each as soon as it is known; raises nothing of ours.

    What follows from something that failed is left out. `blender` is the version whose build is looked for. Two things
    are looked at only if asked for: the month's `cost`, since AWS takes 0.01 USD for the answer, and whether the stack
    was changed by hand, since that takes a minute or two.
    """
    if not (yield from _account(connection)):
        return
    now = datetime.now(UTC)
    farm = yield from _stack(connection, stack)
    if farm is None:
        text = templates.ours()
        kinds = ("InstanceTypes", "CpuInstanceTypes")
        yield from of_region(connection, [each for kind in kinds for each in templates.default(text, kind).split(",")])
        yield from of_quotas(connection, BEFORE_SET_UP)
        return
    if looks_for_drift:
        yield from _drift(connection, stack)
    yield from _permission(farm)
    yield from _blender(farm, blender)
    queues = yield from of_queues(farm)
    if queues:
        yield from of_region(connection, types_of(queues))
    yield from of_quotas(connection, needed(queues))
    yield from of_jobs(farm, queues, now)
    yield from of_machines(farm, now)
    yield from of_stored(farm)
    if cost:
        yield from of_month(farm, now)
        yield from of_bill(connection, stack, now)


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
            yield Finding("Credentials", str(error), False, remedy_of(error))
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
    found = yield from learned("Stack", partial(description, connection, stack))
    if found is None:
        return None
    farm = yield from learned("Stack", partial(Farm.of_description, connection, stack, found))
    if farm is None:
        return None
    yield _of_stack(farm, found)
    yield from _image(farm, found)
    return farm


def _of_stack(farm: Farm, found: Mapping[str, Any]) -> Finding:
    state, version = found["StackStatus"], farm.template_version
    said = f"The stack {farm.stack} is there, version {version}; its state is {state}."
    if state.endswith("_FAILED"):
        return Finding("Stack", f"{said} Something of it may be missing: set it up again.", False, "update")
    if found.get("DriftInformation", {}).get("StackDriftStatus") == "DRIFTED":
        words = f"{said} It was changed by hand since: cloud-render doctor --drift names what."
        return Finding("Stack", words, False, "update")
    ours = str(templates.version(templates.ours()))
    if version.isdecimal() and int(version) < int(ours):
        return Finding(
            "Stack", f"{said} This program's is {ours}: cloud-render setup brings it up to date.", True, "update"
        )
    if version != ours:
        return Finding("Stack", f"{said} This program's is {ours}: update the program.", True, "")
    return Finding("Stack", said, True, "")


def _image(farm: Farm, found: Mapping[str, Any]) -> Findings[None]:
    """Whether the worker's image is there: without it no job can start."""
    outputs = {row["OutputKey"]: row["OutputValue"] for row in found.get("Outputs", ())}
    name, repository = outputs.get("WorkerImage", ""), outputs.get("RepositoryName", "")
    if not repository:
        yield Finding(
            "Image", f"Workers run the prebuilt image {name}; whether it is there is not looked at.", True, ""
        )
        return
    tag = name.rpartition(":")[2]
    there = yield from known("Image", partial(image.is_there, farm.connection, repository, tag))
    if there:
        yield Finding("Image", f"The worker's image {tag} is there.", True, "")
    elif there is not None:
        words = f"The worker's image {tag} is not in {repository}: no job can start. Build it: cloud-render setup."
        yield Finding("Image", words, False, "update")


def _drift(connection: Connection, stack: str) -> Findings[None]:
    found = yield from known("Changes by hand", partial(drift.detect, connection, stack))
    if found is not None and not found.resources:
        yield Finding("Changes by hand", "None: all is as the template has it.", True, "")
    elif found is not None:
        words = f"Not as the template has it: {', '.join(found.resources)}. Take the changes back, or set it up again."
        yield Finding("Changes by hand", words, False, "update")


def _permission(farm: Farm) -> Findings[None]:
    """What S3 says before it stores anything. What Batch would say to a job, only a job shows."""
    places = (keys.JOBS, keys.PACKS)

    def try_all() -> bool:
        with translated("list the bucket"):
            farm.s3.list_objects_v2(Bucket=farm.bucket, Prefix=keys.JOBS, MaxKeys=1)
        for place in places:
            objects.try_write(farm, f"{place}check-up")
        return True

    if (yield from learned("Permission", try_all)):
        words = f"You may read and write the bucket {farm.bucket}. Whether you may submit shows with the first job."
        yield Finding("Permission", words, True, "")


def _blender(farm: Farm, version: str) -> Findings[None]:
    there = yield from learned("Blender", partial(builds.builds, farm))
    if there is not None:
        yield _of_builds(farm, there, version)


def _of_builds(farm: Farm, there: Sequence[str], version: str) -> Finding:
    """A missing build is no fault: the first job that needs it brings it."""
    if version in there:
        return Finding("Blender", f"Blender {version} is in the cloud.", True, "")
    if version and (build := builds.fitting(there, version)):
        return Finding("Blender", f"Blender {build} is in the cloud and renders the files of your {version}.", True, "")
    has = f"The cloud has Blender {', '.join(there)}." if there else "The cloud has no Blender yet."
    if not version:
        return Finding("Blender", has, True, "")
    if farm.blender_from == "image":
        return Finding("Blender", f"{has} Its workers have one of their own.", True, "")
    words = f"{has} The first job of {version} installs it. Or now: cloud-render blender install {version}."
    return Finding("Blender", words, True, "install-blender")
