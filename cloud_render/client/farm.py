# SPDX-License-Identifier: GPL-3.0-or-later
"""The one door to AWS: a connection, and what one deployed stack is made of."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from cloud_render.contract import job, keys
from cloud_render.contract.errors import BadArguments, CloudUnreachable, NoStack, OldStack
from cloud_render.contract.scene import MACHINE_CLASSES, Device, MachineClass
from cloud_render.store import LIFETIME, Store
from cloud_render.store.translate import code_of, translated

if TYPE_CHECKING:
    import boto3

DEFAULT_STACK = "cloud-render"

JOB_LIFETIME = timedelta(days=90)
"""The template's, where a stack doesn't tell its own."""

ATTEMPTS = 8
"""Of one request: some 20 s of back-off on throttling, server errors and resets, then an error a person can act on."""

_SET_UP = "Set it up (cloud-render setup), or name another: --stack, or --profile and --region for where it is."


class Connection:
    """An AWS account and region and the line to them, as the AWS configuration has it unless told otherwise.

    `ca_bundle` is a file of certificates in place of AWS_CA_BUNDLE, `proxy` a URL in place of HTTPS_PROXY; the limits
    are in bytes a second in place of the profile's `s3.max_bandwidth`. `attempts` is how often a request is made
    before its failure is believed. Clients are made once.
    """

    def __init__(
        self,
        profile: str = "",
        region: str = "",
        endpoint_url: str = "",
        *,
        ca_bundle: str = "",
        proxy: str = "",
        max_upload: int = 0,
        max_download: int = 0,
        attempts: int = ATTEMPTS,
    ) -> None:
        self.profile = profile
        self.region = region
        self.endpoint_url = endpoint_url
        self.ca_bundle = ca_bundle
        self.proxy = proxy
        self.max_upload = max_upload
        self.max_download = max_download
        self._attempts = attempts
        self._clients: dict[tuple[str, bool], Any] = {}
        self._lock = threading.Lock()  # making boto3 clients is not thread-safe, using them is

    @cached_property
    def session(self) -> boto3.Session:
        """Raises NoCredentials for a profile that does not exist, BadArguments for a line that can't be."""
        import boto3  # 0.1 s that `--help` and `--dry-run` need not pay

        with translated("read the AWS configuration", CloudUnreachable):
            return boto3.Session(
                botocore_session=_line(self.ca_bundle, self.proxy),
                profile_name=self.profile or None,
                # boto3 alone would know AWS_DEFAULT_REGION only, unlike other tools of AWS.
                region_name=self.region or os.environ.get("AWS_REGION") or None,
            )

    def client(self, service: str, repeats: bool = True) -> Any:
        """A boto3 client; with `repeats` off, it makes each request once. Raises CloudNotReady."""
        with self._lock:
            if (service, repeats) not in self._clients:
                self._clients[service, repeats] = self._new_client(service, repeats)
            return self._clients[service, repeats]

    def _new_client(self, service: str, repeats: bool) -> Any:
        from botocore.config import Config
        from botocore.exceptions import NoRegionError

        config = Config(
            retries={"mode": "standard", "total_max_attempts": self._attempts if repeats else 1},
            connect_timeout=10,
            read_timeout=60,
            max_pool_connections=16,
            tcp_keepalive=True,
        )
        with translated(f"reach {service}", CloudUnreachable):
            if not self.session.region_name:
                raise NoRegionError  # as boto3 does, but not where there is an endpoint
            return self.session.client(service, endpoint_url=self.endpoint_url or None, config=config)  # type: ignore[call-overload]


def _line(ca_bundle: str, proxy: str) -> Any:
    """A botocore session whose clients, also those that fetch credentials, go this way."""
    from botocore.config import Config
    from botocore.session import Session

    session = Session()
    if ca_bundle:
        if not Path(ca_bundle).exists():
            raise BadArguments(f"There is no file {ca_bundle}.", "Name a file of certificates in PEM format.")
        session.set_config_variable("ca_bundle", ca_bundle)
    if proxy:
        parts = urlsplit(proxy)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise BadArguments(f"{proxy!r} is not a proxy's address.", "Write it as http://proxy.example:3128.")
        session.set_default_client_config(Config(proxies={"http": proxy, "https": proxy}))
    return session


@dataclass(frozen=True)
class Farm:
    """One deployed stack: its Outputs, and the connection to it."""

    connection: Connection
    stack: str
    bucket: str
    render_gpu_queue: str
    render_cpu_queue: str
    utility_queue: str
    render_gpu_definition: str
    render_cpu_definition: str
    stitch_definition: str
    inspect_definition: str
    log_group: str
    default_device: Device
    template_version: str
    store_lifetime: timedelta = LIFETIME
    """How long the bucket keeps the content of scenes."""
    job_lifetime: timedelta = JOB_LIFETIME
    """How long it keeps jobs, with their frames."""
    render_gpu_medium_queue: str = ""
    render_gpu_large_queue: str = ""
    render_gpu_on_demand_queue: str = ""
    """Empty, like the two above, where the stack has no such machines."""
    install_definition: str = ""
    mend_definition: str = ""
    notices_topic: str = ""
    fair_share: str = "off"
    """Whether its render queues share the machines out among people: on or off."""
    monthly_limit: str = ""
    """USD that the jobs of a month may cost, as the stack's parameter has it; empty or 0: no limit."""
    blender_from: str = "bucket"
    """`image` where the workers have a Blender of their own, so that none is to be installed."""

    @classmethod
    def find(cls, connection: Connection, stack: str = DEFAULT_STACK) -> Farm:
        """The stack of that name. Raises NoStack, OldStack, NoCredentials or CloudUnreachable."""
        return cls.of_description(connection, stack, description(connection, stack))

    @classmethod
    def of_description(cls, connection: Connection, stack: str, found: Mapping[str, Any]) -> Farm:
        """The stack as CloudFormation has described it. Raises NoStack or OldStack."""
        outputs = _outputs(stack, found)
        absent = sorted(set(_FIELD_OF_OUTPUT) - set(outputs))
        if absent:
            raise OldStack(
                f"The stack {stack!r} is no Cloud Render stack, or an older one: it has no {', '.join(absent)}.",
                _SET_UP,
            )
        _check_versions(stack, outputs["JobVersions"])
        known = _FIELD_OF_OUTPUT | {output: field for output, field in _FIELD_OF_OPTION.items() if output in outputs}
        fields = {field: outputs[output] for output, field in known.items() if field}
        return cls(
            connection=connection,
            stack=stack,
            store_lifetime=_lifetime(found, "StoreRetentionDays", LIFETIME),
            job_lifetime=_lifetime(found, "JobRetentionDays", JOB_LIFETIME),
            **fields,  # type: ignore[arg-type]
        )

    @property
    def s3(self) -> Any:
        return self.connection.client("s3")

    @property
    def batch(self) -> Any:
        return self.connection.client("batch")

    @property
    def store(self) -> Store:
        return Store(self.s3, self.bucket, self.store_lifetime, rate=self.connection.max_upload)

    def machine_classes(self, device: Device) -> tuple[MachineClass, ...]:
        """Those that the stack has, from least memory to most."""
        if device == "cpu":
            return ("small",)
        return tuple(machine for machine in MACHINE_CLASSES if self._gpu_queues[machine])

    def render_queue(self, device: Device, machine: MachineClass = "small", on_demand: bool = False) -> str:
        """Raises BadArguments for a class of machines that the stack has not."""
        if machine not in self.machine_classes(device):
            kind = "CPU" if device == "cpu" else "GPU"
            raise BadArguments(
                f"The stack {self.stack!r} has no {machine} {kind} machines.",
                f"It has {', '.join(self.machine_classes(device))}; see the stack's InstanceTypes for more.",
            )
        if device == "cpu":
            return self.render_cpu_queue
        return (on_demand and self.render_gpu_on_demand_queue) or self._gpu_queues[machine]

    @property
    def _gpu_queues(self) -> dict[MachineClass, str]:
        return {
            "small": self.render_gpu_queue,
            "medium": self.render_gpu_medium_queue,
            "large": self.render_gpu_large_queue,
        }

    def render_definition(self, device: Device) -> str:
        """With its revision, so that an update of the stack can't change a job in flight."""
        return self.render_cpu_definition if device == "cpu" else self.render_gpu_definition

    def address(self, key: str) -> str:
        return f"s3://{self.bucket}/{key}"

    def address_of_job(self, job_id: str) -> str:
        """Without a slash at its end, as the worker takes it."""
        return self.address(keys.Prefix.of_job(job_id).root).rstrip("/")


_FIELD_OF_OUTPUT = {
    "BucketName": "bucket",
    "RenderGpuQueue": "render_gpu_queue",
    "RenderCpuQueue": "render_cpu_queue",
    "UtilityQueue": "utility_queue",
    "RenderGpuDefinition": "render_gpu_definition",
    "RenderCpuDefinition": "render_cpu_definition",
    "StitchDefinition": "stitch_definition",
    "InspectDefinition": "inspect_definition",
    "LogGroupName": "log_group",
    "DefaultDevice": "default_device",
    "TemplateVersion": "template_version",
    "JobVersions": "",  # looked at once, in of_description()
}

_FIELD_OF_OPTION = {
    "RenderGpuMediumQueue": "render_gpu_medium_queue",
    "RenderGpuLargeQueue": "render_gpu_large_queue",
    "RenderGpuOnDemandQueue": "render_gpu_on_demand_queue",
    "InstallDefinition": "install_definition",
    "MendDefinition": "mend_definition",
    "NoticesTopic": "notices_topic",
    "FairShare": "fair_share",
    "MonthlyLimitUsd": "monthly_limit",
    "BlenderFrom": "blender_from",
}
"""Outputs that a stack may lack: by its parameters, or because it's older."""


def description(connection: Connection, stack: str) -> Mapping[str, Any]:
    """What DescribeStacks says of it. Raises NoStack, NoCredentials or CloudUnreachable."""
    with translated(f"read the stack {stack!r}", CloudUnreachable):
        try:
            (found,) = connection.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
        except ClientError as error:
            if code_of(error) == "ValidationError":
                raise NoStack(f"There is no stack {stack!r} in this account and region.", _SET_UP) from error
            raise
    described: Mapping[str, Any] = found
    return described


def _outputs(stack: str, found: Mapping[str, Any]) -> dict[str, str]:
    status = found["StackStatus"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", ())}
    if not outputs or status.startswith("DELETE"):
        raise NoStack(f"The stack {stack!r} can't be used: its state is {status}.", "Wait for it, or set it up again.")
    return outputs


def _lifetime(found: Mapping[str, Any], parameter: str, otherwise: timedelta) -> timedelta:
    parameters = {row["ParameterKey"]: row.get("ParameterValue", "") for row in found.get("Parameters", ())}
    days = parameters.get(parameter, "")
    return timedelta(days=int(days)) if days.isdecimal() else otherwise


def _check_versions(stack: str, versions: str) -> None:
    if str(job.VERSION) not in [version.strip() for version in versions.split(",")]:
        raise OldStack(
            f"The workers of the stack {stack!r} read job.json version {versions}, this program writes {job.VERSION}.",
            "Update the stack (cloud-render setup), or install the version of Cloud Render that it was set up with.",
        )
