# SPDX-License-Identifier: GPL-3.0-or-later
"""What the stack's template must hold to: what cfn-lint misses, and what costs or leaks when it is wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from moto.events.models import EventPattern

from cloud_render.client import farm, template
from cloud_render.client.sources import TEMPLATE, WORKER
from cloud_render.client.template_source import MAX_BYTES
from cloud_render.contract import month

WITHOUT_RESOURCE_LEVEL = {
    "batch:DescribeComputeEnvironments", "batch:DescribeJobQueues", "batch:DescribeJobs", "batch:ListJobs",
    "ec2:DescribeInstances", "ec2:DescribeSpotPriceHistory", "ec2:DescribeTags", "ecr:GetAuthorizationToken",
    "ecs:DiscoverPollEndpoint", "pricing:GetProducts", "servicequotas:GetServiceQuota",
}  # fmt: skip
"""Actions that AWS grants for `*` or not at all (Service Authorization Reference)."""

FOR_PEOPLE = {
    "ArtistPolicyArn", "NoticesTopic", "SpotInterruption", "WorkerImage", "RepositoryName", "ImageBuild",
    "RenderGpuMediumQueue", "RenderGpuLargeQueue", "RenderGpuOnDemandQueue", "InstallDefinition",
    "BlenderFrom", "MendDefinition", "FairShare", "DropMachine", "MonthlyLimitUsd",
}  # fmt: skip
"""Outputs that a Farm does without: for the set-up, for the doctor, and to be looked up by a person."""


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
    return {name: each.get("Properties", {}) for name, each in DOCUMENT["Resources"].items() if each["Type"] == kind}


def _statements() -> Iterator[tuple[str, dict[str, Any]]]:
    """The role or policy, and what it grants."""
    for name, role in _of("AWS::IAM::Role").items():
        for policy in role["Policies"]:
            yield from ((name, statement) for statement in policy["PolicyDocument"]["Statement"])
    for name, policy in _of("AWS::IAM::ManagedPolicy").items():
        rows = policy["PolicyDocument"]["Statement"]
        yield from ((name, row["If"][1] if "If" in row else row) for row in rows)


def _actions(statement: dict[str, Any]) -> list[str]:
    return statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]


DEFINITIONS = _of("AWS::Batch::JobDefinition")
ROLE_OF = {"InstallDefinition": "InstallRole", "InspectDefinition": "InspectRole", "MendDefinition": "MendRole"}
STRATEGY_OF = {"SPOT": "SPOT_PRICE_CAPACITY_OPTIMIZED", "EC2": "BEST_FIT_PROGRESSIVE"}
ENVIRONMENTS = _of("AWS::Batch::ComputeEnvironment")


def test_the_client_finds_every_output_it_reads() -> None:
    """And none more than those named here, so that nobody relies on one by accident."""
    assert set(DOCUMENT["Outputs"]) == set(farm._FIELD_OF_OUTPUT) | FOR_PEOPLE


def test_an_output_of_what_may_be_absent_is_absent_with_it() -> None:
    """Else CloudFormation refuses the whole template; and what a Farm needs is always there."""
    for name, output in DOCUMENT["Outputs"].items():
        of = output["Value"].get("Ref") if isinstance(output["Value"], dict) else None
        assert output.get("Condition") == DOCUMENT["Resources"].get(of, {}).get("Condition"), name
        assert not (name in farm._FIELD_OF_OUTPUT and "Condition" in output)


def test_cloudformation_takes_a_template_of_this_size() -> None:
    """Above 51,200 bytes by a bucket of a minute, above a million not at all."""
    size = len(template.minified(template.ours()).encode())
    print(f"the minified template has {size:,} bytes")
    assert size <= MAX_BYTES / 5  # Read and worked out in seconds.


def test_the_minified_template_means_the_same() -> None:
    """Block for block, the machines' boot script included."""
    assert yaml.load(template.minified(template.ours()), Loader=_Loader) == DOCUMENT


def test_parameters_and_version_are_read_without_a_yaml_parser() -> None:
    """As YAML has them, in its order."""
    text = template.ours()
    assert template.parameters(text) == tuple(DOCUMENT["Parameters"])
    assert str(template.version(text)) == DOCUMENT["Outputs"]["TemplateVersion"]["Value"]
    for name, parameter in DOCUMENT["Parameters"].items():
        assert template.default(text, name) == str(parameter["Default"])


def test_every_parameter_is_shown_in_a_group_and_explained() -> None:
    """In CloudFormation's console, where a technical director meets them; numbers have both ends of their range."""
    groups = DOCUMENT["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    assert sorted(name for group in groups for name in group["Parameters"]) == sorted(DOCUMENT["Parameters"])
    for name, parameter in DOCUMENT["Parameters"].items():
        assert len(parameter["Description"]) > 10, name
        assert "Default" in parameter, name
        assert (
            parameter["Type"] != "Number" or {"MinValue", "MaxValue"} <= set(parameter) or "AllowedValues" in parameter
        )


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
    assert definition["ResourceRetentionPolicy"] == {"SkipDeregisterOnUpdate": True}  # jobs name older revisions
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
    assert container["User"] == "10001:10001"  # the user in worker/Dockerfile, and in the machines' firewall rule
    role = ROLE_OF.get(name, "JobRole")
    assert container["JobRoleArn"] == {"GetAtt": f"{role}.Arn"}
    assert {volume["Host"]["SourcePath"].rpartition("/")[2] for volume in container["Volumes"]} == {"cache", "scratch"}
    assert container["LogConfiguration"]["Options"]["awslogs-group"] == {"Ref": "LogGroup"}
    assert not [entry for entry in container["Environment"] if entry["Name"].startswith("AWS_BATCH")]


@pytest.mark.parametrize("name", DEFINITIONS)
def test_every_reference_of_a_command_has_a_default(name: str) -> None:
    """So that a job submitted without a parameter fails in words and not with the text Ref::input."""
    definition = DEFINITIONS[name]
    command = [argument for argument in definition["ContainerProperties"]["Command"] if isinstance(argument, str)]
    references = {argument[5:] for argument in command if argument.startswith("Ref::")}
    assert references == set(definition["Parameters"])


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_an_environment_costs_nothing_when_idle_and_can_be_updated(name: str) -> None:
    """No machine is kept; a strategy is named (the default forbids updates); no service role (it would too)."""
    environment = ENVIRONMENTS[name]
    resources = environment["ComputeResources"]
    assert resources["MinvCpus"] == 0
    assert "DesiredvCpus" not in resources  # Batch refuses an update that would lower it while jobs run
    assert STRATEGY_OF[resources["Type"]] == resources["AllocationStrategy"]
    assert resources["Ec2Configuration"][0]["ImageType"].startswith("ECS_AL2023")
    assert resources["Tags"] == {"cloud-render-stack": {"Ref": "AWS::StackName"}}
    assert environment["UpdatePolicy"] == {"TerminateJobsOnUpdate": False, "JobExecutionTimeoutMinutes": 360}
    assert "ServiceRole" not in environment
    assert environment["ReplaceComputeEnvironment"] is False
    assert "BidPercentage" not in resources
    assert resources["LaunchTemplate"]["Version"] == {"GetAtt": "LaunchTemplate.LatestVersionNumber"}


QUEUES = _of("AWS::Batch::JobQueue")


@pytest.mark.parametrize(("name", "queue"), [row for row in QUEUES.items() if "OnDemand" not in row[0]])
def test_spot_machines_come_before_dear_ones(name: str, queue: dict[str, Any]) -> None:
    """Each queue asks On-Demand machines only after Spot, and renders on them only where that is wished."""
    first, later = queue["ComputeEnvironmentOrder"]
    condition, later, nothing = later["If"] if name != "UtilityQueue" else ("", later, {"Ref": "AWS::NoValue"})
    assert nothing == {"Ref": "AWS::NoValue"}
    assert condition in ("", f"Has{name.removeprefix('RenderGpu').removesuffix('Queue')}OnDemand", "HasOnDemand")
    assert (first["Order"], later["Order"]) == (1, 2)
    order = [first["ComputeEnvironment"]["Ref"], later["ComputeEnvironment"]["Ref"]]
    assert [ENVIRONMENTS[each]["ComputeResources"]["Type"] for each in order] == ["SPOT", "EC2"]
    same = [ENVIRONMENTS[each]["ComputeResources"]["InstanceTypes"] for each in order]
    assert same[0] == same[1]


def test_what_spot_takes_away_again_and_again_can_go_where_spot_has_no_say() -> None:
    """To On-Demand machines of the sizes there are, the smallest first; the queue is there where these are."""
    order = QUEUES["RenderGpuOnDemandQueue"]["ComputeEnvironmentOrder"]
    first, *larger = order
    assert first == {"Order": 1, "ComputeEnvironment": {"Ref": "GpuOnDemand"}}
    assert [row["If"][0] for row in larger] == ["HasMedium", "HasLarge"]
    assert [row["If"][1]["ComputeEnvironment"]["Ref"] for row in larger] == ["GpuMediumOnDemand", "GpuLargeOnDemand"]
    assert [row["If"][1]["Order"] for row in larger] == [2, 3]
    assert DOCUMENT["Resources"]["RenderGpuOnDemandQueue"]["Condition"] == "HasOnDemand"


@pytest.mark.parametrize(("name", "queue"), [row for row in QUEUES.items() if row[0] != "UtilityQueue"])
def test_sharing_evenly_is_for_new_queues(name: str, queue: dict[str, Any]) -> None:
    """Batch gives a queue no policy later and takes none off, so its name, and with it the queue, changes."""
    nothing = {"Ref": "AWS::NoValue"}
    new_name = {"Sub": f"${{AWS::StackName}}-{name.removesuffix('Queue')}-fair"}
    assert queue["SchedulingPolicyArn"] == {"If": ["HasFairShare", {"GetAtt": "FairSharePolicy.Arn"}, nothing]}
    assert queue["JobQueueName"] == {"If": ["HasFairShare", new_name, nothing]}
    assert DOCUMENT["Parameters"]["FairShare"]["Default"] == "off"


def test_a_video_and_a_mender_never_wait_for_their_share() -> None:
    """They bring to an end what has been paid for."""
    assert not {"JobQueueName", "SchedulingPolicyArn"} & set(QUEUES["UtilityQueue"])


def test_stitching_has_machines_of_its_own() -> None:
    """FFmpeg never holds a GPU, and a render's children never stand in its way."""
    environments = {name: str(queue["ComputeEnvironmentOrder"]) for name, queue in QUEUES.items()}
    assert "Utility" in environments["UtilityQueue"]
    assert all("Utility" not in text for name, text in environments.items() if name != "UtilityQueue")
    assert "GPU" not in str(DEFINITIONS["StitchDefinition"]["ContainerProperties"]["ResourceRequirements"])


@pytest.mark.parametrize(
    "name", ["InstanceTypes", "MediumInstanceTypes", "LargeInstanceTypes", "CpuInstanceTypes", "UtilityInstanceTypes"]
)
def test_an_environment_has_machines_of_one_size(name: str) -> None:
    """A larger size of the same type has one GPU too, and costs more a frame; a job fits all of them or none."""
    types = DOCUMENT["Parameters"][name]["Default"].split(",")
    assert len({each.partition(".")[2] for each in types}) == 1


def test_videos_fit_into_the_quota_of_a_new_account() -> None:
    """Which may have 5 vCPUs: a job of the utility queue asks for 4 at most, and an xlarge has them."""
    for name in ("StitchDefinition", "InspectDefinition", "InstallDefinition", "MendDefinition"):
        asked = {row["Type"]: row["Value"] for row in DEFINITIONS[name]["ContainerProperties"]["ResourceRequirements"]}
        assert int(asked["VCPU"]) <= 4
    assert ".xlarge" in DOCUMENT["Parameters"]["UtilityInstanceTypes"]["Default"]


@pytest.mark.parametrize(("owner", "statement"), list(_statements()), ids=lambda each: str(each)[:12])
def test_rights_are_named_one_by_one(owner: str, statement: dict[str, Any]) -> None:
    """No `*` as action, none as resource unless AWS knows nothing narrower, and nobody may pass a role."""
    actions = _actions(statement)
    assert not [action for action in actions if "*" in action]
    assert "iam:PassRole" not in actions
    if statement["Resource"] == "*":
        assert statement["Sid"] == "NoResourceLevelRights"
        assert set(actions) <= WITHOUT_RESOURCE_LEVEL


@pytest.mark.parametrize(("name", "role"), _of("AWS::IAM::Role").items())
def test_no_other_account_can_have_a_role_used(name: str, role: dict[str, Any]) -> None:
    """The services that act for many accounts are told whose; EC2 machines take their own account's profile anyway."""
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    if name != "InstanceRole":
        assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_an_artist_submits_watches_and_cancels_and_no_more() -> None:
    """Artists register no definitions, start no builds, pass no roles and delete nothing but jobs' files."""
    mine = [statement for owner, statement in _statements() if owner == "ArtistPolicy"]
    actions = {action for statement in mine for action in _actions(statement)}
    verbs = {action for action in actions if not re.search(r":(Get|List|Describe)", action)}
    assert verbs == {
        "batch:SubmitJob", "batch:TerminateJob", "s3:PutObject", "s3:AbortMultipartUpload", "s3:DeleteObject",
        "states:StartExecution", "states:StopExecution",
    }  # fmt: skip
    (deletes,) = [statement for statement in mine if "s3:DeleteObject" in _actions(statement)]
    assert deletes["Resource"] == {"Sub": "${Bucket.Arn}/jobs/*"}
    (writes,) = [statement for statement in mine if "s3:PutObject" in _actions(statement)]
    assert {each["Sub"].partition("/")[2] for each in writes["Resource"]} == {"store/*", "jobs/*", "inbox/*"}


def test_an_artist_may_submit_to_every_queue_and_with_every_definition() -> None:
    """One that the policy forgets would work for whoever set the stack up, and for nobody else. No artist mends."""
    text = str(DOCUMENT["Resources"]["ArtistPolicy"])
    for name in {*QUEUES, *DEFINITIONS} - {"MendDefinition"}:
        assert f"'Ref': '{name}'" in text


def test_the_machine_itself_has_no_right_to_the_bucket() -> None:
    """With host networking every container can use the machine's role."""
    of_instance = [statement for role, statement in _statements() if role == "InstanceRole"]
    assert of_instance
    assert "s3:" not in str(of_instance)


def test_the_worker_can_delete_nothing_and_writes_results_and_costs_alone() -> None:
    """What a hostile scene could do at most. No other role deletes anything either."""
    writes = [each for owner, each in _statements() if owner == "JobRole" and "Put" in str(each["Action"])]
    places = [{"Sub": "${Bucket.Arn}/jobs/*"}, {"Sub": "${Bucket.Arn}/spending/*"}]
    assert [statement["Resource"] for statement in writes] == places
    roles = [each for owner, each in _statements() if owner != "ArtistPolicy"]
    assert "Delete" not in str([statement["Action"] for statement in roles])


def test_a_scene_cannot_change_the_image_it_runs_in() -> None:
    """Cache and scratch are folders of the machine; all else is read-only, and the user is not root."""
    for name, definition in DEFINITIONS.items():
        container = definition["ContainerProperties"]
        assert (name, container["ReadonlyRootFilesystem"], container["User"]) == (name, True, "10001:10001")


def test_the_mender_submits_renders_and_videos_and_nothing_else() -> None:
    """And the Blender they need. Not itself: a mender that starts menders would be paid for without end."""
    (submits,) = [each for owner, each in _statements() if owner == "MendRole" and each["Sid"] == "Submit"]
    named = str(submits["Resource"])
    assert {name for name in DEFINITIONS if f"'{name}'" in named} == {
        "RenderGpuDefinition", "RenderCpuDefinition", "StitchDefinition", "InstallDefinition",
    }  # fmt: skip
    assert {name for name in QUEUES if f"'{name}'" in named} == set(QUEUES)


def test_eventbridge_starts_the_mender_and_nothing_else() -> None:
    """With the job's name as its parameter, in the queue of small machines."""
    (target,) = _of("AWS::Events::Rule")["MendRule"]["Targets"]
    (start,) = [each for owner, each in _statements() if owner == "MendStartRole"]
    assert target["Arn"] == {"Ref": "UtilityQueue"}
    assert target["BatchParameters"] == {"JobDefinition": {"Ref": "MendDefinition"}, "JobName": "mend"}
    assert start["Resource"] == [target["Arn"], target["BatchParameters"]["JobDefinition"]]
    assert json.loads(target["InputTransformer"]["InputTemplate"]) == {"Parameters": {"name": "<name>"}}
    assert DEFINITIONS["MendDefinition"]["Parameters"] == {"action": "mend", "name": "none"}


def test_only_the_installer_writes_what_all_jobs_run() -> None:
    """A scene that could replace a build of Blender would own every job after it."""
    writers = {owner for owner, each in _statements() if "blender/" in str(each["Resource"]) and "Put" in str(each)}
    assert writers == {"InstallRole"}


def test_nothing_has_a_fixed_name() -> None:
    """So that one account can hold several stacks, and CAPABILITY_IAM is enough."""
    names = (
        "BucketName",
        "RoleName",
        "JobDefinitionName",
        "ComputeEnvironmentName",
        "LogGroupName",
        "LaunchTemplateName",
        "ManagedPolicyName",
        "InstanceProfileName",
        "RepositoryName",
        "TopicName",
        "AlarmName",
        "BudgetName",
    )
    named = [
        (resource, name)
        for resource, each in DOCUMENT["Resources"].items()
        for name in names
        if name in each.get("Properties", {})
    ]
    assert named == []
    rules_and_builds = _of("AWS::Events::Rule") | _of("AWS::CodeBuild::Project")
    assert not [resource for resource, properties in rules_and_builds.items() if "Name" in properties]


def test_machines_accept_no_connection() -> None:
    """And speak HTTPS only; their metadata need a token; their disks are encrypted and go with them."""
    (group,) = _of("AWS::EC2::SecurityGroup").values()
    assert "SecurityGroupIngress" not in group
    assert [(rule["FromPort"], rule["ToPort"]) for rule in group["SecurityGroupEgress"]] == [(443, 443)]
    (template,) = _of("AWS::EC2::LaunchTemplate").values()
    data = template["LaunchTemplateData"]
    options = data["MetadataOptions"]
    assert (options["HttpTokens"], options["HttpEndpoint"], options["HttpPutResponseHopLimit"]) == (
        "required",
        "enabled",
        1,
    )
    assert data["InstanceInitiatedShutdownBehavior"] == "terminate"
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
    assert rules["spending/"]["ExpirationInDays"] == 400  # a year can be looked back on
    everywhere = [rule for rule in bucket["LifecycleConfiguration"]["Rules"] if rule["Prefix"] == ""]
    assert [
        rule for rule in everywhere if rule.get("AbortIncompleteMultipartUpload", {}).get("DaysAfterInitiation") == 2
    ]
    assert [rule for rule in everywhere if "NoncurrentVersionExpiration" in rule]
    (group,) = _of("AWS::Logs::LogGroup").values()
    assert group["RetentionInDays"] == {"Ref": "LogRetentionDays"}
    encryption = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption[0]["ServerSideEncryptionByDefault"]["SSEAlgorithm"]


def test_the_bucket_is_private_and_stays_when_the_stack_goes() -> None:
    """Encrypted, closed to the public and to plain HTTP, and kept with its frames."""
    bucket = DOCUMENT["Resources"]["Bucket"]
    assert (bucket["DeletionPolicy"], bucket["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
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


def test_whoever_renders_knows_the_months_limit() -> None:
    """Videos and installations cost cents and are not counted; no limit is the default, which the highest one fits."""
    variable = {"Name": month.LIMIT_VARIABLE, "Value": {"Sub": "${MonthlyLimitUsd}"}}
    told = {
        name for name, each in DEFINITIONS.items() if variable in each["ContainerProperties"].get("Environment", ())
    }
    assert told == {"RenderGpuDefinition", "RenderCpuDefinition"}
    parameter = DOCUMENT["Parameters"]["MonthlyLimitUsd"]
    assert (parameter["Default"], parameter["MaxValue"]) == (0, month.MOST_USD)


def test_nothing_is_paid_for_by_the_hour() -> None:
    """No NAT gateway, no address of its own, no interface endpoint; what has a monthly price is off unless wished."""
    kinds = {each["Type"] for each in DOCUMENT["Resources"].values()}
    assert not kinds & {"AWS::EC2::NatGateway", "AWS::EC2::EIP", "AWS::KMS::Key", "AWS::EC2::Instance"}
    assert {each["VpcEndpointType"] for each in _of("AWS::EC2::VPCEndpoint").values()} == {"Gateway"}
    alarms = [each for each in DOCUMENT["Resources"].values() if each["Type"] == "AWS::CloudWatch::Alarm"]
    assert [each["Condition"] for each in alarms] == ["HasFaultTests"]
    assert DOCUMENT["Parameters"]["FaultTests"]["Default"] == "off"


def test_the_endpoint_lets_image_layers_through() -> None:
    """They lie in a bucket of ECR's own; a policy for our bucket alone would break every pull."""
    (endpoint,) = _of("AWS::EC2::VPCEndpoint").values()
    assert "PolicyDocument" not in endpoint


def test_machines_join_after_the_routes_and_leave_before_them() -> None:
    """An environment whose way out is removed first can't end its machines."""
    (group,) = _of("AWS::EC2::SecurityGroup").values()
    routes = {"DefaultRoute", *_of("AWS::EC2::SubnetRouteTableAssociation")}
    assert all(f"'Ref': '{name}'" in str(group["Tags"]) for name in routes)
    assert all("SecurityGroup.GroupId" in str(each) for each in ENVIRONMENTS.values())


def test_the_image_is_pushed_only_after_a_good_build() -> None:
    """CodeBuild runs post_build also after a failure; tags can't be written twice; builds come from images/ alone."""
    (project,) = _of("AWS::CodeBuild::Project").values()
    phases = yaml.safe_load(project["Source"]["BuildSpec"])["phases"]
    assert phases["post_build"]["commands"][0].startswith('test "$CODEBUILD_BUILD_SUCCEEDING" = 1 && docker push')
    assert 5 <= project["TimeoutInMinutes"] <= 2160
    (repository,) = _of("AWS::ECR::Repository").values()
    assert (repository["ImageTagMutability"], repository["EmptyOnDelete"]) == ("IMMUTABLE", True)
    rules = json.loads(repository["LifecyclePolicy"]["LifecyclePolicyText"])["rules"]
    assert [rule["rulePriority"] for rule in rules] == [1, 2]


def test_docker_hub_is_not_asked() -> None:
    """It answers CodeBuild with 429; the base comes from AWS's own gallery."""
    bases = re.findall(r"^(?:ARG BASE=|FROM )(\S+)", (WORKER / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    assert {base for base in bases if base != "${BASE}"} == {"public.ecr.aws/docker/library/debian:trixie-slim"}


def test_the_image_runs_as_the_user_that_the_definitions_name() -> None:
    """Its home and the firewall rule on the machine are made for that number."""
    assert "useradd --uid 10001 " in (WORKER / "Dockerfile").read_text("utf-8")
    assert "--uid-owner 10001 " in str(DOCUMENT["Resources"]["LaunchTemplate"])


def test_rules_know_whole_jobs_only() -> None:
    """Ten thousand children are one mail and one mender; every queue's jobs are told of."""
    rules = {name: each for name, each in _of("AWS::Events::Rule").items() if "aws.batch" in str(each["EventPattern"])}
    assert set(rules) == {"JobFailed", "JobSucceeded", "MendRule"}
    for rule in rules.values():
        detail = rule["EventPattern"]["detail"]
        assert detail["arrayProperties"] == {"index": [{"exists": False}]}
        assert all(f"'Ref': '{name}'" in str(detail["jobQueue"]) for name in QUEUES)


def _matches(rule: str, name: str, status: str, reason: str) -> bool:
    """Whether EventBridge gives a whole job's event to the rule; as moto works that out."""
    pattern = json.loads(json.dumps(_of("AWS::Events::Rule")[rule]["EventPattern"]))
    pattern["detail"]["jobQueue"] = ["queue"]
    detail = {"jobQueue": "queue", "jobName": name, "status": status, "statusReason": reason, "arrayProperties": {}}
    event: Any = {"source": "aws.batch", "detail-type": "Batch Job State Change", "detail": detail}
    return bool(EventPattern(None, pattern).matches_event(event))


@pytest.mark.parametrize(
    ("name", "status", "reason", "rules"),
    [
        ("hare-0-render", "FAILED", "Array Child Job failed", {"MendRule"}),
        ("hare-0-render", "FAILED", "Cancelled by the artist.", set()),
        ("hare-0-stitch", "FAILED", "Dependent Job failed", set()),
        ("hare-0-stitch", "FAILED", "Cancelled by the artist.", set()),
        ("hare-0-stitch", "FAILED", "Essential container in task exited", {"MendRule", "JobFailed"}),
        ("mend", "FAILED", "Essential container in task exited", {"JobFailed"}),
        ("install-blender-5-0-1", "FAILED", "Essential container in task exited", {"JobFailed"}),
        ("hare-0-render", "SUCCEEDED", "", {"JobSucceeded"}),
        ("hare-0-stitch", "SUCCEEDED", "", {"JobSucceeded"}),
        ("mend", "SUCCEEDED", "", set()),
        ("hare-inspect-drop", "FAILED", "Essential container in task exited", set()),
        ("hare-begin-drop", "SUCCEEDED", "", set()),
        ("end-drop", "SUCCEEDED", "", set()),
        ("hare-0-render", "RUNNING", "", set()),
    ],
)
def test_who_is_told_of_what(name: str, status: str, reason: str, rules: set[str]) -> None:
    """The mender of renders and videos that failed; a person of what is done, and of what nobody mends."""
    assert {rule for rule in ("JobFailed", "JobSucceeded", "MendRule") if _matches(rule, name, status, reason)} == rules


def test_mails_are_sentences() -> None:
    """And the topic can be published to: EventBridge can't under AWS's own key."""
    for rule in ("JobFailed", "JobSucceeded"):
        (target,) = _of("AWS::Events::Rule")[rule]["Targets"]
        assert json.loads(target["InputTransformer"]["InputTemplate"]["Sub"]).startswith("Cloud Render (")
    (topic,) = _of("AWS::SNS::Topic").values()
    assert "KmsMasterKeyId" not in topic


def _machine() -> dict[str, Any]:
    """The state machine as it is written, with its references still in it."""
    (machine,) = _of("AWS::StepFunctions::StateMachine").values()
    text, _names = machine["DefinitionString"]["Fn::Sub"]
    states: dict[str, Any] = json.loads(text)["States"]
    return states


def test_every_job_of_a_dropped_file_is_waited_for_and_every_failure_told() -> None:
    """`.sync`: stopping the execution ends the job. Each failure leads to the notice."""
    tasks = {name: state for name, state in _machine().items() if state["Type"] == "Task"}
    jobs = {name: state for name, state in tasks.items() if ":batch:" in state["Resource"]}
    after_failure = {"Inspect": "Lacking", "Install": "Installed", "Submit": "EndFailed"}
    assert set(jobs) == set(after_failure)
    for name, state in jobs.items():
        assert state["Catch"] == [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": after_failure[name]}]
        assert state["Resource"].endswith(":states:::batch:submitJob.sync")
        batch_name = state["Parameters"]["JobName.$"]
        assert re.fullmatch(r"States\.Format\('\{\}-(inspect|install|begin)-drop', \$\.id\)", batch_name)


def test_a_dropped_files_blender_is_installed_once_at_most() -> None:
    """The second inspection takes any Blender: what fails then has failed."""
    states = _machine()
    assert states["Lacking"]["Choices"] == [{"Variable": "$.blender", "StringEquals": "own", "Next": "ReadLacking"}]
    assert states["Lacking"]["Default"] == states["ReadLacking"]["Catch"][0]["Next"] == "EndFailed"
    assert (states["Installed"]["Result"], states["Installed"]["ResultPath"]) == ("any", "$.blender")
    assert states["Inspect"]["Parameters"]["Parameters"]["blender.$"] == "$.blender"


def test_a_week_of_looking_fits_into_an_executions_history() -> None:
    """Step Functions ends an execution at 25,000 events; a round has at most 5 of a task and 2 of another state."""
    machine, (resource,) = _machine(), _of("AWS::StepFunctions::StateMachine").values()
    limit_s = json.loads(resource["DefinitionString"]["Fn::Sub"][0])["TimeoutSeconds"]
    (step,) = re.findall(r"MathAdd\(\$\.wait, (\d+)\)", machine["Later"]["Parameters"]["wait.$"])
    waited, rounds = 0, 0
    while waited < limit_s:
        rounds += 1
        waited += rounds * int(step)
    kinds = [machine[name]["Type"] for name in ("Look", "Ended", "Later", "Wait")]
    assert rounds * sum(5 if kind == "Task" else 2 for kind in kinds) < 25_000 / 2


def test_a_dropped_files_own_jobs_are_the_stacks() -> None:
    """It is read and submitted by definitions of the stack, on one queue; the client's code chooses the rest."""
    (submits,) = [each for owner, each in _statements() if owner == "DropRole" and each["Sid"] == "Submit"]
    named = str(submits["Resource"])
    assert {name for name in DEFINITIONS if f"'{name}'" in named} == {
        "InspectDefinition",
        "InstallDefinition",
        "MendDefinition",
    }
    assert {name for name in QUEUES if f"'{name}'" in named} == {"UtilityQueue"}
    assert DOCUMENT["Parameters"]["DropAFile"]["Default"] == "off"


def test_an_execution_that_is_stopped_cancels_its_job() -> None:
    """With the mender's definition and rights; also where it has run for a week in vain."""
    rule = _of("AWS::Events::Rule")["DropStopRule"]
    assert rule["EventPattern"]["detail"] == {"stateMachineArn": [{"Ref": "Drop"}], "status": ["ABORTED", "TIMED_OUT"]}
    (target,) = rule["Targets"]
    given = json.loads(target["InputTransformer"]["InputTemplate"])["Parameters"]
    assert given == {"action": "end", "name": "<execution>"}
    assert set(given) == set(DEFINITIONS["MendDefinition"]["Parameters"])


def test_the_experiment_takes_machines_of_this_stack_alone() -> None:
    """By its tag, one at a time, and it stops when a job fails."""
    (experiment,) = _of("AWS::FIS::ExperimentTemplate").values()
    (target,) = experiment["Targets"].values()
    assert target["ResourceTags"] == {"cloud-render-stack": {"Ref": "AWS::StackName"}}
    assert target["SelectionMode"] == "COUNT(1)"
    assert [stop["Source"] for stop in experiment["StopConditions"]] == ["aws:cloudwatch:alarm"]
    (right,) = [each for owner, each in _statements() if owner == "FaultRole" and each["Sid"] == "Interrupt"]
    assert right["Condition"] == {"StringEquals": {"aws:ResourceTag/cloud-render-stack": {"Ref": "AWS::StackName"}}}
