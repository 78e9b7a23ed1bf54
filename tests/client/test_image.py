# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker's image: what it is made of, and what CodeBuild answers. No build runs here."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cloud_render.client import image
from cloud_render.client.image import Source
from cloud_render.contract.errors import CloudNotReady, CloudRenderError

OUTPUTS = {"BucketName": "farm-bucket", "RepositoryName": "farm-repository", "ImageBuild": "farm-build"}
MADE_OF = Source("0.1.0-abc", b"zip")
NO_BUILDS = "Cannot have more than 0 builds in queue for the account"


class Services:
    """ECR, CodeBuild, S3 and Logs of one account."""

    def __init__(self, status: str = "SUCCEEDED", refuses: tuple[str, ...] = (), there: bool = False) -> None:
        self.status, self.refuses, self.there = status, refuses, there
        self.looks = 0
        self.started: list[dict[str, Any]] = []
        self.objects: dict[str, bytes] = {}

    def client(self, _service: str, /) -> Services:
        return self

    def describe_images(self, **_asked: Any) -> None:
        if not self.there:
            raise ClientError({"Error": {"Code": "ImageNotFoundException", "Message": ""}}, "DescribeImages")

    def put_object(self, Bucket: str, Key: str, Body: bytes) -> None:  # noqa: N803
        self.objects[f"{Bucket}/{Key}"] = Body

    def start_build(self, **asked: Any) -> dict[str, Any]:
        if asked["computeTypeOverride"] in self.refuses:
            raise ClientError({"Error": {"Code": "AccountLimitExceededException", "Message": NO_BUILDS}}, "StartBuild")
        self.started.append(asked)
        return {"build": {"id": "build:1"}}

    def batch_get_builds(self, ids: list[str]) -> dict[str, Any]:
        self.looks += 1
        status = self.status if self.looks > 1 else "IN_PROGRESS"
        self.there = status == "SUCCEEDED"
        return {"builds": [{"buildStatus": status, "logs": {"groupName": "logs", "streamName": "image"}}]}

    def get_log_events(self, nextToken: str = "", **_asked: Any) -> dict[str, Any]:  # noqa: N803
        lines = {"": ["Step 1/20\n", "Step 2/20\n"], "b": ["the end\n"] if self.looks > 1 else []}.get(nextToken, [])
        token = {"": "b", "b": "c" if lines else "b"}.get(nextToken, nextToken)
        return {"events": [{"message": line} for line in lines], "nextForwardToken": token}


def _build(services: Services) -> tuple[bool, list[str]]:
    told: list[str] = []
    return image.build(services, OUTPUTS, MADE_OF, told.append, lambda _s: None), told


def test_the_source_is_what_the_dockerfile_copies_and_always_the_same() -> None:
    """The worker and the rooms it imports, the command line not; the same content has the same tag."""
    made_of = image.source()
    names = zipfile.ZipFile(io.BytesIO(made_of.content)).namelist()
    assert {"worker/Dockerfile", "worker/requirements.txt", "cloud_render/client/farm.py"} <= set(names)
    assert not [name for name in names if "/cli/" in name or "__pycache__" in name]
    image.source.cache_clear()
    assert image.source() == made_of
    assert len(made_of.content) < 2_000_000


def test_an_image_that_is_there_is_not_built_again() -> None:
    """Its tag is a hash of what goes into it."""
    services = Services(there=True)
    assert _build(services) == (False, [])
    assert (services.started, services.objects) == ([], {})


def test_a_build_is_followed_line_by_line_to_its_image() -> None:
    """Each line of its log once; the source goes to the bucket under the tag."""
    services = Services()
    assert _build(services) == (True, ["Step 1/20", "Step 2/20", "the end"])
    assert services.objects == {"farm-bucket/images/0.1.0-abc.zip": b"zip"}
    (asked,) = services.started
    assert asked["sourceLocationOverride"] == "farm-bucket/images/0.1.0-abc.zip"
    assert asked["environmentVariablesOverride"][0]["value"] == "0.1.0-abc"
    assert "buildspecOverride" not in asked


def test_a_small_quota_gets_a_smaller_machine() -> None:
    """Fresh accounts have none of the larger ones; with none at all the way round it is told."""
    services = Services(refuses=image.SIZES[:2])
    _build(services)
    assert services.started[0]["computeTypeOverride"] == "BUILD_GENERAL1_SMALL"
    with pytest.raises(CloudNotReady, match="more than 0 builds") as error:
        _build(Services(refuses=image.SIZES))
    assert "--image URI" in error.value.advice


def test_a_failed_build_ends_with_the_last_lines_of_its_log() -> None:
    """Where the reason is."""
    with pytest.raises(CloudRenderError, match=r"FAILED.*the end"):
        _build(Services(status="FAILED"))


def test_a_stack_with_a_prebuilt_image_builds_none() -> None:
    """And says how it would."""
    with pytest.raises(CloudNotReady, match="prebuilt"):
        image.build(Services(), {"BucketName": "b"}, MADE_OF)
