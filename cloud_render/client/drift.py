# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether somebody changed what a stack is made of by hand, as CloudFormation finds out when it is asked to look."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cloud_render.client.stack_events import Sleep
from cloud_render.client.template_source import Clients
from cloud_render.contract.errors import CloudNotReady, CloudUnreachable
from cloud_render.store.translate import translated

_POLL_S = 5.0


@dataclass(frozen=True)
class Drift:
    """What differs from the template."""

    resources: tuple[str, ...]
    """`RenderGpuQueue (modified)`; empty where all is as it was made."""


def detect(clients: Clients, stack: str, sleep: Sleep = time.sleep) -> Drift:
    """Have CloudFormation look at each resource, which takes a minute or two and changes nothing.

    Raises CloudNotReady where it could not look at all of them, CloudUnreachable, NoCredentials.
    """
    cloudformation = clients.client("cloudformation")
    with translated("look for changes by hand", CloudUnreachable):
        detection = cloudformation.detect_stack_drift(StackName=stack)["StackDriftDetectionId"]
        ended = _ended(cloudformation, detection, sleep)
        if ended["DetectionStatus"] != "DETECTION_COMPLETE":
            raise CloudNotReady(
                f"CloudFormation could not look at all of it: {ended.get('DetectionStatusReason', 'no reason given')}",
                "Its credentials must be allowed to read each kind of resource.",
            )
        if ended["StackDriftStatus"] != "DRIFTED":
            return Drift(())
        rows = list(_drifted(cloudformation, stack))
    return Drift(tuple(f"{row['LogicalResourceId']} ({row['StackResourceDriftStatus'].lower()})" for row in rows))


def _drifted(cloudformation: Any, stack: str) -> Iterator[dict[str, str]]:
    asked: dict[str, Any] = {"StackName": stack, "StackResourceDriftStatusFilters": ["MODIFIED", "DELETED"]}
    while True:
        answer = cloudformation.describe_stack_resource_drifts(**asked)  # boto3 has no pages for it
        yield from answer["StackResourceDrifts"]
        if not answer.get("NextToken"):
            return
        asked["NextToken"] = answer["NextToken"]


def _ended(cloudformation: Any, detection: str, sleep: Sleep) -> dict[str, Any]:
    while True:
        found: dict[str, Any] = cloudformation.describe_stack_drift_detection_status(StackDriftDetectionId=detection)
        if found["DetectionStatus"] != "DETECTION_IN_PROGRESS":
            return found
        sleep(_POLL_S)
