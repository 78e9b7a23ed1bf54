# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker's image: built by AWS CodeBuild out of the source that this program carries, once for each content."""

from __future__ import annotations

import hashlib
import io
import logging
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

import cloud_render
from cloud_render.client.sources import BUNDLE, PACKAGE, WORKER
from cloud_render.client.stack_events import Sleep
from cloud_render.client.template_source import Clients
from cloud_render.contract.errors import CloudNotReady, CloudRenderError, CloudUnreachable
from cloud_render.store.translate import code_of, translated

log = logging.getLogger(__name__)

SIZES = ("BUILD_GENERAL1_LARGE", "BUILD_GENERAL1_MEDIUM", "BUILD_GENERAL1_SMALL")
"""CodeBuild's machines. New accounts have a quota of none of the larger ones."""

_LEFT_OUT = ("__pycache__", BUNDLE, "cli")
"""Folders of the package that no worker imports."""

_POLL_S = 5.0
_DATE = (1980, 1, 1, 0, 0, 0)
"""Of every file in the zip, so that the same content has the same hash."""


@dataclass(frozen=True)
class Source:
    """What an image is built from."""

    tag: str
    """Names the content: the program's version and a hash."""
    content: bytes
    """A zip."""

    @property
    def key(self) -> str:
        return f"images/{self.tag}.zip"


@cache
def source() -> Source:
    """Of the worker that came with this program."""
    files = {f"cloud_render/{name}": data for name, data in _files(PACKAGE)}
    files |= {f"worker/{name}": data for name, data in _files(WORKER)}
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name, _DATE), data, zipfile.ZIP_DEFLATED)
    digest = hashlib.sha256(b"".join(name.encode() + b"\0" + data for name, data in sorted(files.items())))
    return Source(f"{cloud_render.__version__}-{digest.hexdigest()[:12]}", memory.getvalue())


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        if path.is_file() and path.suffix != ".pyc" and not set(name.parts) & set(_LEFT_OUT):
            yield name.as_posix(), path.read_bytes()


def is_there(clients: Clients, repository: str, tag: str) -> bool:
    """Whether the repository has an image of that tag."""
    with translated(f"look for the image {tag}", CloudUnreachable):
        try:
            clients.client("ecr").describe_images(repositoryName=repository, imageIds=[{"imageTag": tag}])
        except ClientError as error:
            if code_of(error) == "ImageNotFoundException":
                return False
            raise
    return True


def build(
    clients: Clients,
    outputs: Mapping[str, str],
    made_of: Source,
    told: Callable[[str], None] = lambda _line: None,
    sleep: Sleep = time.sleep,
) -> bool:
    """Build the image unless it is there, and wait for it; whether there was anything to do. `told` hears the log.

    Raises CloudNotReady where the stack builds no images or CodeBuild has no machine, CloudRenderError with the last
    lines of the log for a build that fails.
    """
    repository, project = outputs.get("RepositoryName", ""), outputs.get("ImageBuild", "")
    if not repository or not project:
        raise CloudNotReady(
            "This stack builds no images: it uses a prebuilt one.", "Set it up with --parameter WorkerImage= to build."
        )
    if is_there(clients, repository, made_of.tag):
        return False
    with translated("build the worker's image", CloudUnreachable):
        bucket = outputs["BucketName"]
        clients.client("s3").put_object(Bucket=bucket, Key=made_of.key, Body=made_of.content)
        started = _start(clients.client("codebuild"), project, f"{bucket}/{made_of.key}", made_of.tag)
        ended, lines = _follow(clients, started, told, sleep)
    if ended["buildStatus"] != "SUCCEEDED":
        last = " ".join(" ".join(lines[-5:]).split())
        raise CloudRenderError(
            f"The worker's image could not be built ({ended['buildStatus']}): {last or 'no log'}",
            "Try again: cloud-render image. Or use a prebuilt one: cloud-render setup --image URI.",
        )
    if not is_there(clients, repository, made_of.tag):
        raise CloudRenderError(
            f"The build ended well, but the image {made_of.tag} is not in {repository}.", "Try again in a minute."
        )
    return True


def _start(codebuild: Any, project: str, location: str, tag: str) -> dict[str, Any]:
    """On the largest machine that the account's quota allows. Raises CloudNotReady for none."""
    refused = ""
    for size in SIZES:
        try:
            started: dict[str, Any] = codebuild.start_build(
                projectName=project,
                sourceLocationOverride=location,
                environmentVariablesOverride=[{"name": "TAG", "value": tag, "type": "PLAINTEXT"}],
                computeTypeOverride=size,
                # Twice the same request within five minutes is one build; another size is another request.
                idempotencyToken=f"{tag}-{size}",
            )["build"]
        except ClientError as error:
            # "Cannot have more than 0 builds in queue for the account."
            if code_of(error) != "AccountLimitExceededException":
                raise
            refused = error.response["Error"]["Message"]
        else:
            return started
    raise CloudNotReady(
        f"CodeBuild has no machine for this account yet: {refused}",
        "New accounts get them within a day, or when they ask AWS (Service Quotas, AWS CodeBuild). Until then use a "
        "prebuilt image: cloud-render setup --image URI.",
    )


def _follow(
    clients: Clients, started: Mapping[str, Any], told: Callable[[str], None], sleep: Sleep
) -> tuple[Mapping[str, Any], list[str]]:
    """Until the build has ended: its last description, and its log."""
    codebuild, lines, token = clients.client("codebuild"), list[str](), ""
    while True:
        (found,) = codebuild.batch_get_builds(ids=[started["id"]])["builds"]
        fresh, token = _log(clients, found.get("logs", {}), token)
        for line in fresh:
            told(line)
        lines += fresh
        if found["buildStatus"] != "IN_PROGRESS":
            return found, lines
        sleep(_POLL_S)


def _log(clients: Clients, place: Mapping[str, str], token: str) -> tuple[list[str], str]:
    """The lines after `token`, and the next one. A log that can't be read hinders no build."""
    if not place.get("groupName") or not place.get("streamName"):
        return [], token
    lines: list[str] = []
    while True:
        try:
            answer = clients.client("logs").get_log_events(
                logGroupName=place["groupName"],
                logStreamName=place["streamName"],
                startFromHead=True,
                **({"nextToken": token} if token else {}),
            )
        except ClientError as error:
            log.info("the build's log can't be read: %s", error)
            return lines, token
        lines += [event["message"].rstrip("\n") for event in answer["events"]]
        if answer["nextForwardToken"] == token:
            return lines, token
        token = answer["nextForwardToken"]
