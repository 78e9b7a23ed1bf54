# SPDX-License-Identifier: GPL-3.0-or-later
"""How moto makes, updates and deletes a stack: what fails, what changes, what stays."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

log = logging.getLogger(__name__)


def apply() -> None:
    """Change moto in place."""
    _see_what_stays()
    _fail_stacks_as_aws_does()
    _update_what_moto_can_not()
    _delete_what_moto_leaves()
    _forget_deleted_stacks()


def _see_what_stays() -> None:
    """moto takes a parameter that an update keeps for a change, and one that only a condition names for none."""
    from moto.cloudformation import models, parsing

    stacks: Any = models.Stack
    resources: Any = parsing.ResourceMap
    difference = resources.build_resource_diff

    def has_parameters(stack: Any, others: dict[str, Any]) -> bool:
        ours = stack.resource_map.resolved_parameters
        return all(_as_text(ours.get(name, "")) == _as_text(value) for name, value in others.items())

    def build_resource_diff(self: Any, template: dict[str, Any], parameters: dict[str, Any] | None = None) -> Any:
        found = difference(self, template, parameters)
        if parameters:
            kept = {name for name in template["Resources"] if name in self._resource_json_map}
            found["Modify"] += sorted(kept - set(found["Modify"]))
        return found

    stacks.has_parameters = has_parameters
    resources.build_resource_diff = build_resource_diff


def _as_text(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


class _ResourceFailed(Exception):
    def __init__(self, logical_id: str, error: Exception) -> None:
        super().__init__(str(getattr(error, "message", "") or error) or type(error).__name__)
        self.logical_id = logical_id


def _fail_stacks_as_aws_does() -> None:
    """moto's CreateStack itself fails with the first resource and leaves the stack in CREATE_IN_PROGRESS for ever."""
    from moto.cloudformation import models, parsing

    stacks: Any = models.Stack
    backend: Any = models.CloudFormationBackend
    change_sets: Any = models.ChangeSet
    create_resource, create_all = parsing.parse_and_create_resource, stacks.create_resources
    execute, apply_update = backend.execute_change_set, change_sets.apply

    def create_named(logical_id: str, *args: Any, **kwargs: Any) -> Any:
        try:
            return create_resource(logical_id, *args, **kwargs)
        except _ResourceFailed:
            raise
        except Exception as error:  # Whatever moto or one of its services raises, this resource is what failed.
            raise _ResourceFailed(logical_id, error) from error

    def create_resources(stack: Any) -> None:
        try:
            create_all(stack)
        except _ResourceFailed as failure:
            _roll_back(stack, failure)

    def apply(change_set: Any) -> None:
        # moto itself makes the resources of an empty template and adds ours to it; the Outputs it forgets.
        stack = change_set.stack
        stack.template, stack.parameters = change_set.template, change_set.parameters
        if change_set.change_set_type == "CREATE":
            stack._parse_template()
            stack.resource_map = stack._create_resource_map()
            create_all(stack)
        else:
            apply_update(change_set)
            stack._parse_template()
        stack.output_map = stack._create_output_map()

    def execute_change_set(backend: Any, change_set_name: str, stack_name: str | None = None) -> None:
        try:
            execute(backend, change_set_name, stack_name)
        except _ResourceFailed as failure:
            _roll_back(backend.stacks[backend.change_sets[change_set_name].stack_id], failure)

    parsing.parse_and_create_resource = create_named
    stacks.create_resources = create_resources
    backend.execute_change_set = execute_change_set
    change_sets.apply = apply


def _roll_back(stack: Any, failure: _ResourceFailed) -> None:
    from moto.cloudformation.models import Event

    log.warning("the stack %s failed: %s", stack.name, failure, exc_info=failure)
    stack.events.append(
        Event(stack.stack_id, stack.name, failure.logical_id, "", "", "CREATE_FAILED", str(failure), None)
    )
    stack._add_stack_event("ROLLBACK_COMPLETE")
    stack.status = "ROLLBACK_COMPLETE"


def _update_what_moto_can_not() -> None:
    """moto's update drops resources of types that it can't update, and their Outputs. Here they stay as they are, but a
    job definition gets a new revision and a queue of another name is a new queue, as on AWS."""
    from moto.cloudformation import parsing as moto_parsing

    parsing: Any = moto_parsing
    original = parsing.parse_and_update_resource

    def update(logical_id: str, resource_json: dict[str, Any], resources_map: Any, **where: str) -> Any:
        condition = resource_json.get("Condition")
        if condition and not resources_map.lazy_condition_map[condition]:
            return None
        before = resources_map._parsed_resources.get(logical_id)
        kind = resource_json["Type"]
        if before is None or kind == "AWS::Batch::JobDefinition":
            return parsing.parse_and_create_resource(logical_id, resource_json, resources_map, **where)
        name = parsing.parse_resource_and_generate_name(logical_id, resource_json, resources_map)[-1]
        if kind == "AWS::Batch::JobQueue" and name != before.name:
            before.backend.delete_job_queue(before.arn)
            return parsing.parse_and_create_resource(logical_id, resource_json, resources_map, **where)
        return original(logical_id, resource_json, resources_map, **where) or before

    parsing.parse_and_update_resource = update


def _delete_what_moto_leaves() -> None:
    """moto leaves all of Batch and each managed policy behind when a stack is deleted, and then refuses a new one of
    the same name."""
    from moto.batch.models import ComputeEnvironment, JobDefinition, JobQueue, batch_backends
    from moto.iam.models import ManagedPolicy, iam_backends

    def deletes(model: Any, delete: Callable[[str, str, str], None]) -> None:
        model.delete = lambda resource, account_id, region: delete(account_id, region, resource.arn)

    deletes(JobQueue, lambda account, region, arn: batch_backends[account][region].delete_job_queue(arn))
    deletes(
        ComputeEnvironment, lambda account, region, arn: batch_backends[account][region].delete_compute_environment(arn)
    )
    deletes(JobDefinition, lambda account, region, arn: batch_backends[account][region].deregister_job_definition(arn))
    deletes(ManagedPolicy, lambda account, _region, arn: iam_backends[account]["aws"].delete_policy(arn))


def _forget_deleted_stacks() -> None:
    """moto finds no order in which to delete a network, and takes RetainExceptOnCreate for Delete. Here a stack that is
    deleted is forgotten, whatever of its resources moto keeps: none of them costs anything."""
    from moto.cloudformation.parsing import ResourceMap

    resources: Any = ResourceMap
    original = resources.delete

    def delete(self: Any) -> None:
        for resource in self._resource_json_map.values():
            if resource.get("DeletionPolicy") == "RetainExceptOnCreate":
                resource["DeletionPolicy"] = "Retain"
        try:
            original(self)
        except Exception as error:  # noqa: BLE001 - whatever moto or one of its services raises
            log.info("not all of a deleted stack is gone: %s", error)

    resources.delete = delete
