# SPDX-License-Identifier: GPL-3.0-or-later
"""Where moto's CloudFormation falls short of our template: what it refuses, skips or names at random.

Applied once, before the first template is read. Each shim says what moto does without it (moto 5.2).
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote, urlsplit

from local_cloud import moto_builds
from local_cloud.registry import ACCOUNT

log = logging.getLogger(__name__)

NAME_DIGITS = 12


@dataclass(frozen=True)
class Objects:
    """Where the objects really are, if not in moto."""

    make_bucket: Callable[[str], None]
    read: Callable[[str, str], bytes]
    """The object of a bucket and key."""


def apply(objects: Objects | None = None) -> None:
    """Change moto in place."""
    _name_resources_after_their_stack()
    _split_default_lists()
    _keep_dollars()
    _leave_out_no_value()
    _join_conditions()
    _keep_templates_as_they_came()
    _see_what_stays()
    _fail_stacks_as_aws_does()
    _update_what_moto_can_not()
    _forget_deleted_stacks()
    _give_environments_a_role()
    _complete_definitions()
    _share_queues_fairly()
    _accept_nominal_types()
    _notice_eventful_buckets()
    moto_builds.apply()
    _read_templates(objects.read if objects else _object_of_moto)
    if objects:
        _make_buckets_elsewhere(objects.make_bucket)


def _name_resources_after_their_stack() -> None:
    """moto's random names would give a restarted local cloud another bucket than the one that holds its objects."""
    from moto.cloudformation import parsing

    def name_of(resource_type: str, stack_name: str, logical_id: str) -> str:
        digest = hashlib.sha256(f"{ACCOUNT}/{stack_name}/{logical_id}".encode()).hexdigest()[:NAME_DIGITS]
        if resource_type == "AWS::S3::Bucket":
            return f"{stack_name[:40]}-{logical_id[:9]}-{digest}".lower()
        name = f"{stack_name[:40]}-{logical_id[:40]}-{digest}"
        return name.lower() if resource_type == "AWS::ECR::Repository" else name

    parsing.generate_resource_name = name_of


def _split_default_lists() -> None:
    """moto splits a given list parameter at its commas, but leaves a default one whole: instance types g, 4, d, n."""
    from moto.cloudformation.parsing import ResourceMap

    resources: Any = ResourceMap
    original = resources.load_parameters

    def load_parameters(self: Any) -> None:
        for name, parameter in self._template.get("Parameters", {}).items():
            kind = str(parameter.get("Type", ""))
            if "Default" in parameter and (kind == "CommaDelimitedList" or kind.startswith("List")):
                self.input_parameters.setdefault(name, str(parameter["Default"]))
        # An update that keeps a parameter gives its value already split.
        for name, value in self.input_parameters.items():
            if isinstance(value, list):
                self.input_parameters[name] = ",".join(value)
        original(self)

    resources.load_parameters = load_parameters


class _Text:
    """In place of string.Template: each `${name}` of a Fn::Sub and nothing else, where Python makes `$$` a `$`."""

    def __init__(self, text: str) -> None:
        self._text = text

    def safe_substitute(self, **values: str) -> str:
        for name, value in values.items():
            self._text = self._text.replace(f"${{{name}}}", value)
        return self._text


def _keep_dollars() -> None:
    """moto takes `$$` in a Fn::Sub for an escaped `$`; state machines write `$$` for their context."""
    from moto.cloudformation import parsing as moto_parsing

    parsing: Any = moto_parsing
    parsing.string = SimpleNamespace(Template=_Text)


def _leave_out_no_value() -> None:
    """moto makes `AWS::NoValue` in a list a None, where CloudFormation leaves the entry out."""
    from moto.cloudformation import parsing

    original = parsing.clean_json

    def clean_json(resource_json: Any, resources_map: Any) -> Any:
        cleaned = original(resource_json, resources_map)
        return [item for item in cleaned if item is not None] if isinstance(cleaned, list) else cleaned

    parsing.clean_json = clean_json


def _join_conditions() -> None:
    """moto takes `!Condition Name` for a function of that name, and every !And of conditions for untrue."""
    from moto.cloudformation import parsing

    original = parsing.parse_condition

    def parse_condition(condition: Any, resources_map: Any, condition_map: Any) -> bool:
        if not isinstance(condition, dict):
            return original(condition, resources_map, condition_map)
        ((operator, values),) = condition.items()
        named = [_named_condition(value) for value in values]
        return original({operator: named}, resources_map, condition_map)

    parsing.parse_condition = parse_condition


def _named_condition(value: Any) -> Any:
    named = isinstance(value, dict) and "Fn::Condition" in value
    return {"Condition": value["Fn::Condition"]} if named else value


def _keep_templates_as_they_came() -> None:
    """moto adds empty Properties to a resource without, and then sees a change where there is none."""
    from moto.cloudformation import parsing

    original = parsing.parse_resource

    def parse_resource(resource_json: dict[str, Any], resources_map: Any) -> Any:
        return original({"Properties": {}, **resource_json}, resources_map)

    parsing.parse_resource = parse_resource


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


class _ResourceFailed(Exception):
    def __init__(self, logical_id: str, error: Exception) -> None:
        super().__init__(str(getattr(error, "message", "") or error) or type(error).__name__)
        self.logical_id = logical_id


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


NOMINAL = (
    "AWS::Batch::SchedulingPolicy",
    "AWS::Budgets::Budget",
    "AWS::CloudWatch::Alarm",
    "AWS::CodeBuild::Project",
    "AWS::FIS::ExperimentTemplate",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Subscription",
    "AWS::SNS::TopicPolicy",
)
"""Types that moto does not know. Here they are a name and an ARN, and do nothing. Not even a bucket policy is applied:
moto would ignore its conditions, and so turn "deny what is not TLS" into "deny all"."""


def _accept_nominal_types() -> None:
    """moto leaves resources of types that it does not know out, and Outputs that name them fail or vanish."""
    _KEPT.extend(map(_nominal, NOMINAL))


def _nominal(kind: str) -> type:
    from moto.core.common_models import CloudFormationModel

    class Nominal(CloudFormationModel):
        def __init__(self, name: str) -> None:
            self.name = name

        @property
        def physical_resource_id(self) -> str:
            return self.name

        @staticmethod
        def cloudformation_name_type() -> str:
            return ""

        @staticmethod
        def cloudformation_type() -> str:
            return kind

        @classmethod
        def has_cfn_attr(cls, attr: str) -> bool:
            return attr == "Arn"

        def get_cfn_attribute(self, _attribute: str) -> str:
            return f"arn:aws:local-cloud:::{self.name}"

        @classmethod
        def create_from_cloudformation_json(  # type: ignore[override]
            cls, resource_name: str, cloudformation_json: dict[str, Any], _account_id: str, _region: str, **_: Any
        ) -> Nominal:
            if kind == "AWS::CodeBuild::Project":
                moto_builds.PROJECTS[resource_name] = cloudformation_json["Properties"]
            return cls(resource_name)

    return Nominal


_KEPT: list[type] = []
"""moto finds resource types among the living subclasses; without a reference ours would be collected."""


def _read_templates(read: Callable[[str, str], bytes]) -> None:
    """moto looks for the bucket in the host's name, and for its objects in moto alone."""
    from moto.cloudformation import responses as moto_responses

    responses: Any = moto_responses

    def read_template(url: str, **_where: str) -> str:
        bucket, _, key = unquote(urlsplit(url).path).lstrip("/").partition("/")
        return read(bucket, key).decode()

    responses.get_stack_from_s3_url = read_template


_EVENTFUL: set[str] = set()


def tells_events(bucket: str) -> bool:
    """Whether a template has switched EventBridge on for the bucket."""
    return bucket in _EVENTFUL


def _notice_eventful_buckets() -> None:
    """moto ignores a bucket's NotificationConfiguration in a template."""
    from moto.s3.models import FakeBucket

    model: Any = FakeBucket
    original = model.create_from_cloudformation_json.__func__

    def create(cls: Any, resource_name: str, cloudformation_json: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        wanted = cloudformation_json.get("Properties", {}).get("NotificationConfiguration", {})
        if "EventBridgeConfiguration" in wanted:
            _EVENTFUL.add(resource_name)
        return original(cls, resource_name, cloudformation_json, *args, **kwargs)

    model.create_from_cloudformation_json = classmethod(create)


def _object_of_moto(bucket: str, key: str) -> bytes:
    from moto.s3.models import s3_backends

    found: Any = s3_backends[ACCOUNT]["aws"].get_object(bucket, key)
    return bytes(found.value)


def _make_buckets_elsewhere(make_bucket: Callable[[str], None]) -> None:
    """moto keeps a bucket of its own, which only CloudFormation sees; the objects go to the other server."""
    from moto.s3.models import FakeBucket

    model: Any = FakeBucket
    original = model.create_from_cloudformation_json.__func__

    def create(cls: Any, resource_name: str, *args: Any, **kwargs: Any) -> Any:
        make_bucket(resource_name)
        return original(cls, resource_name, *args, **kwargs)

    model.create_from_cloudformation_json = classmethod(create)
