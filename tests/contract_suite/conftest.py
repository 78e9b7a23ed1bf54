# SPDX-License-Identifier: GPL-3.0-or-later
"""The servers that one suite runs against: the local cloud, SeaweedFS, and a real AWS stack where one is named.

`CLOUD_RENDER_TEST_AWS_STACK=name` runs it against that stack too, with the developer's own credentials.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from local_cloud.processes import Groups
from local_cloud.seaweed import Seaweed
from local_cloud.testing import LocalCloud, running

AWS_STACK = os.environ.get("CLOUD_RENDER_TEST_AWS_STACK", "")
ON_AWS = ["aws"] if AWS_STACK else []
SHELL = {"shell": ("/bin/sh", "-c")}


@dataclass(frozen=True)
class Objects:
    """A bucket somewhere, and a place in it that is this test's own."""

    where: str
    bucket: str
    prefix: str
    connection: dict[str, Any]

    def client(self, **changes: Any) -> Any:
        """A client that tries once, so that a test sees each refusal."""
        config = Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}, signature_version="s3v4")
        session: Any = boto3.session.Session()
        return session.client("s3", **{"config": config, **self.connection, **changes})

    def key(self, name: str) -> dict[str, str]:
        return {"Bucket": self.bucket, "Key": self.prefix + name}


@dataclass(frozen=True)
class BatchQueue:
    """A stack's queue for small jobs, and a definition that runs there."""

    where: str
    client: Any
    queue: str
    definition: str


@pytest.fixture(scope="session")
def stay() -> Iterator[ExitStack]:
    """Servers started for the first test that needs them, ended after the last."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture(scope="session")
def started() -> dict[str, Any]:
    return {}


@pytest.fixture(params=["local", "local with --data", "seaweedfs", *ON_AWS])
def objects(request: pytest.FixtureRequest, stay: ExitStack, started: dict[str, Any], tmp_path_factory: Any) -> Objects:
    """A bucket on each server in turn."""
    where: str = request.param
    if where not in started:
        started[where] = _STARTS[where](stay, tmp_path_factory.mktemp("server"))
    bucket, connection = started[where]
    return Objects(where, bucket, f"jobs/contract-{secrets.token_hex(4)}/", connection)


@pytest.fixture(scope="session")
def local(stay: ExitStack) -> LocalCloud:
    """A local cloud that runs shell lines."""
    return stay.enter_context(running(slots=2, images=SHELL))


@pytest.fixture(params=["local", *ON_AWS])
def batch(request: pytest.FixtureRequest) -> BatchQueue:
    """Batch with the deployed template: the local cloud's, and a real one."""
    if request.param == "local":
        cloud: LocalCloud = request.getfixturevalue("local")
        outputs = cloud.deploy()
        return BatchQueue("local", cloud.client("batch"), outputs["UtilityQueue"], outputs["InspectDefinition"])
    outputs = _outputs_on_aws()
    return BatchQueue("aws", boto3.client("batch"), outputs["UtilityQueue"], outputs["InspectDefinition"])


def _local(stay: ExitStack, folder: Path) -> tuple[str, dict[str, Any]]:
    return _bucket_of(stay.enter_context(running(slots=1)))


def _local_with_data(stay: ExitStack, folder: Path) -> tuple[str, dict[str, Any]]:
    return _bucket_of(stay.enter_context(running(slots=1, data=folder)))


def _bucket_of(cloud: LocalCloud) -> tuple[str, dict[str, Any]]:
    return cloud.deploy()["BucketName"], _connection(cloud.endpoint_url, cloud.access_key, cloud.secret_key)


def _seaweedfs(stay: ExitStack, folder: Path) -> tuple[str, dict[str, Any]]:
    groups = Groups()
    stay.callback(groups.close)
    server = Seaweed(folder, "key", "secret", groups)
    stay.callback(server.stop)
    connection = _connection(server.url, "key", "secret")
    boto3.client("s3", **connection).create_bucket(Bucket="contract")
    return "contract", connection


def _aws(stay: ExitStack, folder: Path) -> tuple[str, dict[str, Any]]:
    return _outputs_on_aws()["BucketName"], {}


def _outputs_on_aws() -> dict[str, str]:
    (stack,) = boto3.client("cloudformation").describe_stacks(StackName=AWS_STACK)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def _connection(url: str, access_key: str, secret_key: str) -> dict[str, Any]:
    return {
        "endpoint_url": url,
        "region_name": "us-east-1",
        "aws_access_key_id": access_key,
        "aws_secret_access_key": secret_key,
    }


_STARTS = {"local": _local, "local with --data": _local_with_data, "seaweedfs": _seaweedfs, "aws": _aws}
