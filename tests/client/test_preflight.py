# SPDX-License-Identifier: GPL-3.0-or-later
"""Regions that lack machines, networks without a way out, accounts without rights: seen before anything is made."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from cloud_render.client import preflight, template
from cloud_render.client.machines import Kind
from cloud_render.contract.errors import BadArguments, CloudNotReady

TEXT = template.ours()
EVERYWHERE = {
    name: ["z-1a", "z-1b", "z-1c"]
    for names in (template.default(TEXT, each) for each in (*preflight.NEEDED_MACHINES, *preflight.OPTIONAL_MACHINES))
    for name in names.split(",")
}
IGW, NAT = {"GatewayId": "igw-1"}, {"NatGatewayId": "nat-1"}


class Account:
    """Answers of EC2, IAM and Service Quotas; `answers` maps an operation to its answer, or to an error's code."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def client(self, _service: str, repeats: bool = True) -> Account:
        return self

    def get_paginator(self, operation: str) -> Any:
        return type("Pages", (), {"paginate": lambda _self, **asked: [self._answer(operation, asked)]})()

    def __getattr__(self, operation: str) -> Any:
        return lambda **asked: self._answer(operation, asked)

    def _answer(self, operation: str, asked: dict[str, Any]) -> Any:
        self.asked.append((operation, asked))
        answer = self.answers[operation]
        if isinstance(answer, str):
            raise ClientError({"Error": {"Code": answer, "Message": "no"}}, operation)
        return answer


def _region(zones: dict[str, list[str]], *others: str) -> Any:
    rows = [{"InstanceType": name, "Location": zone} for name, places in zones.items() for zone in places]
    return Account(
        describe_instance_type_offerings={"InstanceTypeOfferings": rows},
        describe_availability_zones={"AvailabilityZones": [{"ZoneName": zone} for zone in others]},
    )


def test_a_region_with_everything_needs_only_zones() -> None:
    """Three of them; the machines stay as the template has them."""
    choice = preflight.choose(_region(EVERYWHERE), {}, TEXT)
    assert choice == preflight.Choice({"ZoneA": "z-1a", "ZoneB": "z-1b", "ZoneC": "z-1c"}, ())


def test_machines_that_the_region_lacks_are_left_out() -> None:
    """Batch refuses an environment with a type it does not know there; without large ones there is no large class."""
    there = {name: zones for name, zones in EVERYWHERE.items() if not name.startswith(("g6.", "g6e."))}
    choice = preflight.choose(_region(there), {}, TEXT)
    assert choice.parameters["InstanceTypes"] == "g4dn.xlarge,g5.xlarge"
    assert choice.parameters["LargeInstanceTypes"] == ""
    assert "g6.xlarge" in choice.notes[0]


def test_zones_with_most_kinds_of_machines_come_first() -> None:
    """More kinds are more Spot capacity; a region with GPUs in one zone gets a second zone all the same."""
    there = {**EVERYWHERE, "g4dn.xlarge": ["z-1c"], "g5.xlarge": ["z-1c", "z-1b"], "g6.xlarge": ["z-1c"]}
    assert list(preflight.choose(_region(there), {}, TEXT).parameters.values()) == ["z-1c", "z-1b"]
    one = {**EVERYWHERE, **{key: ["z-1c"] for key in ("g4dn.xlarge", "g5.xlarge", "g6.xlarge")}}
    assert preflight.choose(_region(one, "z-1a", "z-1c"), {}, TEXT).parameters == {"ZoneA": "z-1c", "ZoneB": "z-1a"}


def test_a_region_without_gpus_is_no_place() -> None:
    """And machines asked for by name are never silently left out."""
    without = {name: zones for name, zones in EVERYWHERE.items() if not name.startswith("g")}
    with pytest.raises(CloudNotReady, match=r"none of g4dn\.xlarge"):
        preflight.choose(_region(without), {}, TEXT)
    with pytest.raises(BadArguments, match=r"no p9\.xlarge"):
        preflight.choose(_region(EVERYWHERE), {"InstanceTypes": "g5.xlarge,p9.xlarge"}, TEXT)


def _network(route: dict[str, str] | None, public: bool = True, endpoint: bool = True, own_table: bool = True) -> Any:
    routes = [{"DestinationCidrBlock": "0.0.0.0/0", "State": "active", **route}] if route else []
    link = {"SubnetId": "subnet-1"} if own_table else {"Main": True}
    endpoints = [{"ServiceName": "com.amazonaws.eu-west-1.s3", "RouteTableIds": ["rtb-1"]}] if endpoint else []
    return Account(
        describe_subnets={"Subnets": [{"SubnetId": "subnet-1", "VpcId": "vpc-1", "MapPublicIpOnLaunch": public}]},
        describe_route_tables={
            "RouteTables": [{"RouteTableId": "rtb-1", "Associations": [link], "Routes": routes}],
        },
        describe_vpc_endpoints={"VpcEndpoints": endpoints},
    )


NETWORK = {"VpcId": "vpc-1", "SubnetIds": "subnet-1"}


@pytest.mark.parametrize("network", [_network(IGW), _network(NAT, public=False), _network(IGW, own_table=False)])
def test_a_network_with_a_way_out_is_taken(network: Any) -> None:
    """Through an internet gateway with public addresses, or a NAT gateway; by the VPC's main routes too."""
    assert preflight.check_network(network, NETWORK) == ()


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (_network(None), "no way to the internet"),
        (_network({**IGW, "State": "blackhole"}), "no way to the internet"),
        (_network(IGW, public=False), "no public address"),
    ],
)
def test_a_network_without_a_way_out_is_refused(network: Any, words: str) -> None:
    """Machines in it would be billed, never join, and no queue would say why."""
    with pytest.raises(BadArguments, match=words):
        preflight.check_network(network, NETWORK)


def test_dear_traffic_is_told() -> None:
    """Through a NAT gateway each gigabyte from S3 is billed; the gateway endpoint is free."""
    (note,) = preflight.check_network(_network(NAT, endpoint=False), NETWORK)
    assert "S3 gateway endpoint" in note
    assert preflight.check_network(Account(), {}) == ()


def test_roles_of_the_services_are_made_once() -> None:
    """ "Service role name … has been taken in this account" is as good as made; no right to make them is told."""
    assert preflight.make_roles(Account(create_service_linked_role={})) == ()  # type: ignore[arg-type]
    assert preflight.make_roles(Account(create_service_linked_role="InvalidInput")) == ()  # type: ignore[arg-type]
    (note,) = preflight.make_roles(Account(create_service_linked_role="AccessDenied"))  # type: ignore[arg-type]
    assert "batch, ecs, autoscaling, spot" in note


@pytest.mark.parametrize(
    ("kinds", "words"),
    [
        ((), ""),
        (((True, True),), "--device cpu"),
        (((True, True), (False, True)), "nothing can be rendered here"),
        (((True, True), (False, True), (False, False)), "nothing works here"),
    ],
)
def test_what_works_until_a_quota_is_granted_is_told(kinds: tuple[tuple[bool, bool], ...], words: str) -> None:
    """The kind that is not short decides."""
    short = [preflight.Shortage(Kind(gpu, spot), 0.0) for gpu, spot in kinds]
    assert words in preflight.until_then(short)
    assert bool(preflight.until_then(short)) is bool(short)


def test_a_quota_of_nothing_is_told_and_can_be_raised() -> None:
    """A new account may start no GPU machine; a request that is under way already is no error."""
    account: Any = Account(get_service_quota={"Quota": {"Value": 0.0}})
    short = preflight.shortages(account)
    assert short[0] == preflight.Shortage(Kind(gpu=True, spot=True), 0.0)
    assert "L-3819A6DF" in short[0].words
    account.answers["request_service_quota_increase"] = {"RequestedQuota": {"Status": "CASE_OPENED"}}
    assert preflight.ask_for_more(account, short[0], 64.0) == "CASE_OPENED"
    account.answers["request_service_quota_increase"] = "ResourceAlreadyExistsException"
    assert preflight.ask_for_more(account, short[0], 64.0) == "PENDING"
    assert account.asked[-1][1] == {"ServiceCode": "ec2", "QuotaCode": "L-3819A6DF", "DesiredValue": 64.0}
