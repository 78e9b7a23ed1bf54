# SPDX-License-Identifier: GPL-3.0-or-later
"""What the stack's template must hold to: what cfn-lint misses, and what costs or leaks when it is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from cloud_render.client.stack import MAX_INLINE_BYTES, TEMPLATE

STAR_RESOURCES = {"NoResourceLevelRights"}
"""Statements that may say `Resource: "*"`: AWS knows no narrower right for their actions."""

OUTPUTS = {
    "BucketName", "RenderGpuQueue", "RenderCpuQueue", "UtilityQueue", "RenderGpuDefinition", "RenderCpuDefinition",
    "StitchDefinition", "InspectDefinition", "LogGroupName", "JobVersions", "DefaultDevice", "TemplateVersion",
}  # fmt: skip
"""What the client reads."""


class _Loader(yaml.SafeLoader):
    pass


def _tagged(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {suffix: value}


_Loader.add_multi_constructor("!", _tagged)
DOCUMENT = yaml.load(TEMPLATE.read_text("utf-8"), Loader=_Loader)


def _of(kind: str) -> dict[str, dict[str, Any]]:
    return {name: each["Properties"] for name, each in DOCUMENT["Resources"].items() if each["Type"] == kind}


def _statements() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, role in _of("AWS::IAM::Role").items():
        for policy in role.get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                yield name, statement


DEFINITIONS = _of("AWS::Batch::JobDefinition")
ENVIRONMENTS = _of("AWS::Batch::ComputeEnvironment")


def test_the_client_finds_every_output_it_reads() -> None:
    """And none more, so that nobody relies on one by accident."""
    assert set(DOCUMENT["Outputs"]) == OUTPUTS


def test_the_template_fits_into_a_request() -> None:
    """Beyond this size it would need a bucket before there is one."""
    assert len(TEMPLATE.read_bytes()) <= MAX_INLINE_BYTES


def test_no_yaml_aliases() -> None:
    """CloudFormation does not read them."""
    assert not re.search(r":\s[&*][A-Za-z]|<<:", TEMPLATE.read_text("utf-8"))


@pytest.mark.parametrize("name", DEFINITIONS)
def test_a_definition_ends_what_hangs_and_retries_only_what_may_work(name: str) -> None:
    """It has a timeout, and its rules end in EXIT: Batch's own default is to retry everything for ever."""
    definition = DEFINITIONS[name]
    strategy = definition["RetryStrategy"]
    assert definition["Timeout"]["AttemptDurationSeconds"] >= 60
    assert 1 <= strategy["Attempts"] <= 10
    assert len(strategy["EvaluateOnExit"]) <= 5
    assert strategy["EvaluateOnExit"][-1] == {"Action": "EXIT", "OnReason": "*"}
    for rule in strategy["EvaluateOnExit"]:
        assert re.fullmatch(r"[A-Za-z0-9.:\s]*\*?", rule.get("OnReason", "") + rule.get("OnStatusReason", ""))
        assert re.fullmatch(r"[0-9]*\*?", rule.get("OnExitCode", ""))


@pytest.mark.parametrize("name", DEFINITIONS)
def test_a_definition_gives_a_scene_no_more_than_it_needs(name: str) -> None:
    """A .blend is code: never privileged, never root, with the narrow job role, logging into our group."""
    container = DEFINITIONS[name]["ContainerProperties"]
    assert "Privileged" not in container
    assert container["User"].split(":")[0] not in ("0", "root")
    assert container["JobRoleArn"] == {"GetAtt": "JobRole.Arn"}
    assert container["LogConfiguration"]["Options"]["awslogs-group"] == {"Ref": "LogGroup"}
    assert not [entry for entry in container["Environment"] if entry["Name"].startswith("AWS_BATCH")]


@pytest.mark.parametrize("name", DEFINITIONS)
def test_every_reference_of_a_command_has_a_default(name: str) -> None:
    """So that a job submitted without a parameter fails in words and not with the text Ref::input."""
    definition = DEFINITIONS[name]
    references = {
        argument[5:] for argument in definition["ContainerProperties"]["Command"] if argument.startswith("Ref::")
    }
    assert references == set(definition["Parameters"])


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_an_environment_costs_nothing_when_idle_and_can_be_updated(name: str) -> None:
    """No machine is kept; a strategy is named (the default forbids updates); no service role (it would too)."""
    environment = ENVIRONMENTS[name]
    resources = environment["ComputeResources"]
    assert (resources["MinvCpus"], resources["DesiredvCpus"]) == (0, 0)
    assert resources["AllocationStrategy"] in ("SPOT_PRICE_CAPACITY_OPTIMIZED", "BEST_FIT_PROGRESSIVE")
    assert "ServiceRole" not in environment
    assert environment["ReplaceComputeEnvironment"] is False
    assert "BidPercentage" not in resources
    assert resources["LaunchTemplate"]["Version"] == {"GetAtt": "LaunchTemplate.LatestVersionNumber"}


def test_spot_machines_come_before_dear_ones() -> None:
    """A queue asks On-Demand machines only after Spot."""
    kinds = {name: environment["ComputeResources"]["Type"] for name, environment in ENVIRONMENTS.items()}
    for name, queue in _of("AWS::Batch::JobQueue").items():
        first, *later = queue["ComputeEnvironmentOrder"]
        assert first["Order"] == 1
        if name.startswith("Render"):
            assert kinds[first["ComputeEnvironment"]["Ref"]] == "SPOT"
        assert all("HasOnDemand" in str(each) for each in later)


def test_stitching_has_machines_of_its_own() -> None:
    """FFmpeg never holds a GPU, and a render's children never stand in its way."""
    queues = _of("AWS::Batch::JobQueue")
    environments = {name: str(queue["ComputeEnvironmentOrder"]) for name, queue in queues.items()}
    assert "Utility" in environments["UtilityQueue"]
    assert all("Utility" not in text for name, text in environments.items() if name != "UtilityQueue")
    assert "GPU" not in str(DEFINITIONS["StitchDefinition"]["ContainerProperties"]["ResourceRequirements"])


def test_gpu_machines_come_in_one_size() -> None:
    """A larger size of the same type has one GPU too, and costs more a frame."""
    types = DOCUMENT["Parameters"]["InstanceTypes"]["Default"].split(",")
    assert {name.partition(".")[2] for name in types} == {"xlarge"}


def test_rights_are_named_one_by_one() -> None:
    """No `*` as action, none as resource without a reason, and nobody may pass a role."""
    for _, statement in _statements():
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        assert not [action for action in actions if action == "*" or action.endswith(":*")]
        assert "iam:PassRole" not in actions
        assert statement["Resource"] != "*" or statement["Sid"] in STAR_RESOURCES


def test_the_machine_itself_has_no_right_to_the_bucket() -> None:
    """With host networking every container can use the machine's role."""
    of_instance = [statement for role, statement in _statements() if role == "InstanceRole"]
    assert of_instance
    assert "s3:" not in str(of_instance)


def test_the_worker_can_delete_nothing_and_writes_only_below_jobs() -> None:
    """What a hostile scene could do at most."""
    writes = [statement for role, statement in _statements() if role == "JobRole" and "Put" in str(statement["Action"])]
    assert [statement["Resource"] for statement in writes] == [{"Sub": "${Bucket.Arn}/jobs/*"}]
    assert "Delete" not in str([statement["Action"] for _, statement in _statements()])


def test_nothing_has_a_fixed_name() -> None:
    """So that one account can hold several stacks, and CAPABILITY_IAM is enough."""
    names = (
        "BucketName",
        "RoleName",
        "JobQueueName",
        "JobDefinitionName",
        "ComputeEnvironmentName",
        "LogGroupName",
        "LaunchTemplateName",
    )
    named = [
        (resource, name)
        for resource, each in DOCUMENT["Resources"].items()
        for name in names
        if name in each.get("Properties", {})
    ]
    assert named == []


def test_machines_accept_no_connection() -> None:
    """And speak HTTPS only; their metadata need a token; their disks are encrypted and go with them."""
    (group,) = _of("AWS::EC2::SecurityGroup").values()
    assert "SecurityGroupIngress" not in group
    assert [(rule["FromPort"], rule["ToPort"]) for rule in group["SecurityGroupEgress"]] == [(443, 443)]
    (template,) = _of("AWS::EC2::LaunchTemplate").values()
    data = template["LaunchTemplateData"]
    assert data["MetadataOptions"]["HttpTokens"] == "required"
    assert [(disk["Ebs"]["Encrypted"], disk["Ebs"]["DeleteOnTermination"]) for disk in data["BlockDeviceMappings"]] == [
        (True, True)
    ]


def test_shared_content_outlives_the_jobs_that_use_it() -> None:
    """Else a job of yesterday could lose what an older upload brought."""
    parameters = DOCUMENT["Parameters"]
    assert parameters["StoreRetentionDays"]["Default"] >= 2 * parameters["JobRetentionDays"]["Default"]


def test_frames_content_and_log_lines_do_not_pile_up() -> None:
    """Each is deleted after its time, and so are parts of uploads that never ended; nothing costs for ever."""
    bucket = DOCUMENT["Resources"]["Bucket"]["Properties"]
    rules = {rule["Prefix"]: rule for rule in bucket["LifecycleConfiguration"]["Rules"] if rule["Status"] == "Enabled"}
    assert rules["jobs/"]["ExpirationInDays"] == {"Ref": "JobRetentionDays"}
    assert rules["store/"]["ExpirationInDays"] == {"Ref": "StoreRetentionDays"}
    assert rules[""]["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"] <= 7
    (group,) = _of("AWS::Logs::LogGroup").values()
    assert group["RetentionInDays"] == {"Ref": "LogRetentionDays"}
    encryption = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption[0]["ServerSideEncryptionByDefault"]["SSEAlgorithm"]


def test_the_bucket_is_private_and_stays_when_the_stack_goes() -> None:
    """Encrypted, closed to the public and to plain HTTP, and kept with its frames."""
    bucket = DOCUMENT["Resources"]["Bucket"]
    assert (bucket["DeletionPolicy"], bucket["UpdateReplacePolicy"]) == ("Retain", "Retain")
    assert set(bucket["Properties"]["PublicAccessBlockConfiguration"].values()) == {True}
    (policy,) = _of("AWS::S3::BucketPolicy").values()
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


def test_jobs_that_can_never_start_are_ended() -> None:
    """A day for Spot capacity, an hour for a request no machine can meet; ranges as Batch has them."""
    for queue in _of("AWS::Batch::JobQueue").values():
        times = {action["Reason"]: action["MaxTimeSeconds"] for action in queue["JobStateTimeLimitActions"]}
        assert times["CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY"] == 86_400
        assert all(600 <= seconds <= 86_400 for seconds in times.values())
