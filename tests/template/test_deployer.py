# SPDX-License-Identifier: GPL-3.0-or-later
"""The policy of whoever deploys: no more than this template needs, as far as that can be told without AWS."""

from __future__ import annotations

import json
import re
from typing import Any

from cloud_render.client.preflight import SERVICES_WITH_ROLES
from cloud_render.client.sources import TEMPLATE

TEXT = TEMPLATE.read_text("utf-8")
POLICY: dict[str, Any] = json.loads(TEMPLATE.with_name("deployer-policy.json").read_text("utf-8"))
STATEMENTS = {statement["Sid"]: statement for statement in POLICY["Statement"]}

PREFIX_OF = {"Logs": "logs", "CodeBuild": "codebuild", "CloudWatch": "cloudwatch", "StepFunctions": "states"}
"""Where IAM calls a service other than CloudFormation's type, lower-cased."""


def _actions() -> list[str]:
    named = [statement["Action"] for statement in STATEMENTS.values()]
    return [action for each in named for action in ([each] if isinstance(each, str) else each)]


def test_it_can_be_attached() -> None:
    """A managed policy has 6,144 characters at most, white space not counted."""
    assert len(re.sub(r"\s", "", json.dumps(POLICY))) <= 6_144


def test_every_service_of_the_template_is_in_it() -> None:
    """A resource type without its rights would stop a set-up half-way."""
    services = set(re.findall(r"Type: AWS::(\w+)::", TEXT)) - {"CloudFormation"}
    granted = {action.partition(":")[0] for action in _actions()}
    assert {PREFIX_OF.get(name, name.lower()) for name in services} <= granted


def test_nothing_is_granted_by_the_dozen() -> None:
    """Wildcards only for reading."""
    assert not [action for action in _actions() if "*" in action and not re.search(r":(Get|Describe|List)\*$", action)]


def test_roles_are_passed_to_those_who_act_in_them_and_to_nobody_else() -> None:
    """And only the stack's own: a deployer who could pass any role would be its administrator."""
    trusted = set(re.findall(r"Principal: \{Service: ([\w.-]+)\}", TEXT))
    passed = STATEMENTS["PassRoles"]
    assert set(passed["Condition"]["StringEquals"]["iam:PassedToService"]) == trusted
    assert passed["Resource"] == "arn:*:iam::*:role/cloud-render*"
    assert [name for name, each in STATEMENTS.items() if "iam:PassRole" in str(each)] == ["PassRoles"]


def test_roles_of_services_can_be_made_for_all_that_need_one() -> None:
    """Those that the set-up looks after, and FIS, which makes its own with the first experiment."""
    names = STATEMENTS["RolesOfServices"]["Condition"]["StringEquals"]["iam:AWSServiceName"]
    assert set(names) == {f"{name}.amazonaws.com" for name in (*SERVICES_WITH_ROLES, "fis")}


def test_whatever_can_be_named_is_limited_to_stacks_of_ours() -> None:
    """Networks, launch templates and Batch have no names that a policy could hold to; these two statements are wide."""
    wide = {name for name, each in STATEMENTS.items() if each["Resource"] == "*"}
    assert wide == {"NetworkAndMachines", "Services"}
