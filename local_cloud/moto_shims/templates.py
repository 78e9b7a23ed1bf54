# SPDX-License-Identifier: GPL-3.0-or-later
"""How moto reads a template: what it takes for something else, leaves out or looks for in the wrong place."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote, urlsplit

from local_cloud.registry import ACCOUNT

NAME_DIGITS = 12


def apply(read: Callable[[str, str], bytes]) -> None:
    """Change moto in place. `read` gives the object of a bucket and key."""
    _name_resources_after_their_stack()
    _split_default_lists()
    _keep_dollars()
    _leave_out_no_value()
    _join_conditions()
    _keep_templates_as_they_came()
    _read_templates(read)


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


def _read_templates(read: Callable[[str, str], bytes]) -> None:
    """moto looks for the bucket in the host's name, and for its objects in moto alone."""
    from moto.cloudformation import responses as moto_responses

    responses: Any = moto_responses

    def read_template(url: str, **_where: str) -> str:
        bucket, _, key = unquote(urlsplit(url).path).lstrip("/").partition("/")
        return read(bucket, key).decode()

    responses.get_stack_from_s3_url = read_template
