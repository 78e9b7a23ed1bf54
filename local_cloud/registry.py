# SPDX-License-Identifier: GPL-3.0-or-later
"""The queues and job definitions that moto holds, so that what CloudFormation deployed is what runs. Read only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ACCOUNT = "123456789012"
"""moto's account; the one every request of the local cloud belongs to."""


@dataclass(frozen=True)
class Queue:
    arn: str
    enabled: bool = True
    compute_environment: str = "local"
    """The name of its first environment."""
    fair_share: bool = False


@dataclass(frozen=True)
class Definition:
    arn: str
    """With its revision."""
    container: Mapping[str, Any]
    active: bool = True
    parameters: Mapping[str, str] = field(default_factory=dict)
    retry_strategy: Mapping[str, Any] = field(default_factory=dict)
    timeout: Mapping[str, int] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    propagate_tags: bool = False
    platform_capabilities: tuple[str, ...] = ("EC2",)


class MotoRegistry:
    """Asks moto's Batch backend at each call, since stacks come and go."""

    def queue(self, region: str, name: str) -> Queue | None:
        """By name or ARN."""
        found = _backend(region).get_job_queue(name)
        if found is None:
            return None
        environment = found.environments[0].name if found.environments else "local"
        return Queue(found.arn, found.state == "ENABLED", environment, bool(found.schedule_policy))

    def definition(self, region: str, name: str) -> Definition | None:
        """By ARN, name:revision, or name (its latest revision)."""
        found = _backend(region).get_job_definition(name)
        if found is None or found.container_properties is None:
            return None
        described = found.describe()
        return Definition(
            described["jobDefinitionArn"],
            described["containerProperties"],
            described["status"] == "ACTIVE",
            described["parameters"],
            described["retryStrategy"] or {},
            described.get("timeout") or {},
            described["tags"],
            bool(described["propagateTags"]),
            tuple(described["platformCapabilities"] or ("EC2",)),
        )


def _backend(region: str) -> Any:
    from moto.batch.models import batch_backends  # moto takes a second to load; only the process that serves needs it.

    return batch_backends[ACCOUNT][region]
