# SPDX-License-Identifier: GPL-3.0-or-later
"""What moto makes of Batch's resources in a template: properties that it misses, demands or ignores."""

from __future__ import annotations

from typing import Any


def apply() -> None:
    """Change moto in place."""
    _give_environments_a_role()
    _complete_definitions()
    _share_queues_fairly()


def _give_environments_a_role() -> None:
    """moto fails (KeyError) without ServiceRole; AWS then uses its service-linked role, just as our template wants."""
    from moto.batch.models import ComputeEnvironment
    from moto.iam.models import iam_backends

    model: Any = ComputeEnvironment
    original = model.create_from_cloudformation_json.__func__

    def create(
        cls: Any, resource_name: str, cloudformation_json: dict[str, Any], account_id: str, *args: Any, **kwargs: Any
    ) -> Any:
        role = _service_role(iam_backends[account_id]["aws"])
        cloudformation_json["Properties"].setdefault("ServiceRole", role.arn)
        return original(cls, resource_name, cloudformation_json, account_id, *args, **kwargs)

    model.create_from_cloudformation_json = classmethod(create)


def _service_role(iam: Any) -> Any:
    name = "AWSServiceRoleForBatch"
    found = next((role for role in iam.roles.values() if role.name == name), None)
    return found or iam.create_role(
        role_name=name,
        assume_role_policy_document="{}",
        path="/aws-service-role/batch.amazonaws.com/",
        permissions_boundary=None,
        description="",
        tags=[],
        max_session_duration="3600",
    )


def _complete_definitions() -> None:
    """moto fails without RetryStrategy, and ignores Timeout (it asks for `timeout`), PropagateTags and platforms."""
    from moto.batch.models import JobDefinition

    model: Any = JobDefinition
    original = model.create_from_cloudformation_json.__func__

    def create(cls: Any, resource_name: str, cloudformation_json: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        properties = cloudformation_json["Properties"]
        properties.setdefault("RetryStrategy", {})
        properties["timeout"] = {key: int(value) for key, value in properties.get("Timeout", {}).items()}
        definition = original(cls, resource_name, cloudformation_json, *args, **kwargs)
        definition.propagate_tags = properties.get("PropagateTags", False)
        definition.platform_capabilities = properties.get("PlatformCapabilities", ["EC2"])
        return definition

    model.create_from_cloudformation_json = classmethod(create)


def _share_queues_fairly() -> None:
    """moto leaves a queue's scheduling policy out, and so takes jobs that Batch refuses."""
    from moto.batch.models import JobQueue

    model: Any = JobQueue
    original = model.create_from_cloudformation_json.__func__

    def create(cls: Any, resource_name: str, cloudformation_json: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        queue = original(cls, resource_name, cloudformation_json, *args, **kwargs)
        queue.schedule_policy = cloudformation_json["Properties"].get("SchedulingPolicyArn")
        return queue

    model.create_from_cloudformation_json = classmethod(create)
