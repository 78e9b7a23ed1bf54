# SPDX-License-Identifier: GPL-3.0-or-later
"""What an account and a region must have before a stack can work there, looked up before anything is made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from cloud_render.client import machines
from cloud_render.client import template as templates
from cloud_render.client.farm import Connection
from cloud_render.client.machines import QUOTAS, Kind
from cloud_render.contract.errors import BadArguments, CloudNotReady, CloudRenderError, CloudUnreachable, NotAllowed
from cloud_render.store.translate import code_of, translated

NEEDED_MACHINES = ("InstanceTypes", "CpuInstanceTypes", "UtilityInstanceTypes")
"""Parameters that must name at least one type that the region has."""

OPTIONAL_MACHINES = ("MediumInstanceTypes", "LargeInstanceTypes")

ZONES = ("ZoneA", "ZoneB", "ZoneC")

SERVICES_WITH_ROLES = ("batch", "ecs", "autoscaling", "spot")
"""Services that act through a role of their own, which an account has from its first use on. Where one is lacking, jobs
stay RUNNABLE without a word."""


@dataclass(frozen=True)
class Choice:
    """Parameters that fit the region, beside those given."""

    parameters: Mapping[str, str]
    notes: tuple[str, ...]
    """What a person should know of it."""


def choose(connection: Connection, given: Mapping[str, str], text: str) -> Choice:
    """Machines that the region has, and the zones that have most of them. `text` is the template.

    Raises BadArguments for machines that were asked for and aren't offered, CloudNotReady for a region without any.
    """
    wanted = {name: _types(name, given, text) for name in (*NEEDED_MACHINES, *OPTIONAL_MACHINES)}
    zones_of = offers(connection, sorted({each for types in wanted.values() for each in types}))
    chosen: dict[str, str] = {}
    notes = []
    for name, types in wanted.items():
        offered = [each for each in types if each in zones_of]
        lacking = [each for each in types if each not in zones_of]
        if lacking and name in given:
            raise BadArguments(
                f"This region has no {', '.join(lacking)}.", "Choose another region with --region, or other machines."
            )
        if not offered and name in NEEDED_MACHINES:
            raise CloudNotReady(
                f"This region has none of {', '.join(types)}.",
                f"Choose another region with --region, or name machines: --parameter {name}=…",
            )
        if lacking:
            chosen[name] = ",".join(offered)
            notes.append(f"This region has no {', '.join(lacking)}: left out.")
    if not given.get("VpcId") and not set(ZONES) & set(given):
        chosen |= _zones(connection, [each for each in wanted["InstanceTypes"] if each in zones_of], zones_of)
    return Choice(chosen, tuple(notes))


def _types(name: str, given: Mapping[str, str], text: str) -> list[str]:
    value = given.get(name, templates.default(text, name))
    return [each.strip() for each in value.split(",") if each.strip()]


def offers(connection: Connection, types: Sequence[str]) -> dict[str, set[str]]:
    """The region's zones that have each type; types that no zone has are left out. Raises CloudUnreachable."""
    with translated("ask which machines this region has", CloudUnreachable):
        pages = (
            connection.client("ec2")
            .get_paginator("describe_instance_type_offerings")
            .paginate(LocationType="availability-zone", Filters=[{"Name": "instance-type", "Values": list(types)}])
        )
        found: dict[str, set[str]] = {}
        for page in pages:
            for row in page["InstanceTypeOfferings"]:
                found.setdefault(row["InstanceType"], set()).add(row["Location"])
    return found


def _zones(connection: Connection, types: Sequence[str], zones_of: Mapping[str, set[str]]) -> dict[str, str]:
    """Up to three zones, those with most of the types first; a second one always, as the stack has two subnets."""
    count = Counter(zone for each in types for zone in zones_of[each])
    ranked = sorted(count, key=lambda zone: (-count[zone], zone))
    if len(ranked) < 2:
        with translated("ask for the region's zones", CloudUnreachable):
            rows = connection.client("ec2").describe_availability_zones(
                Filters=[{"Name": "zone-type", "Values": ["availability-zone"]}]
            )["AvailabilityZones"]
        ranked += sorted(row["ZoneName"] for row in rows if row["ZoneName"] not in ranked)
    return dict(zip(ZONES, ranked[:3], strict=False))


def check_network(connection: Connection, given: Mapping[str, str]) -> tuple[str, ...]:
    """Whether machines in a VPC of the person's own could reach AWS: without, they are billed, never join, and say no
    word. Notes on what costs more than it must. Raises BadArguments."""
    vpc, subnets = given.get("VpcId", ""), [each.strip() for each in given.get("SubnetIds", "").split(",")]
    if not vpc:
        return ()
    ec2 = connection.client("ec2")
    with translated("look at the network", CloudUnreachable):
        rows = ec2.describe_subnets(SubnetIds=subnets)["Subnets"]
        of_vpc = [{"Name": "vpc-id", "Values": [vpc]}]
        tables = ec2.describe_route_tables(Filters=of_vpc)["RouteTables"]
        endpoints = ec2.describe_vpc_endpoints(Filters=of_vpc)["VpcEndpoints"]
    served = {
        table for each in endpoints if each["ServiceName"].endswith(".s3") for table in each.get("RouteTableIds", ())
    }
    notes = []
    for row in rows:
        name = row["SubnetId"]
        if row["VpcId"] != vpc:
            raise BadArguments(f"The subnet {name} is not in {vpc}.", "Give subnets of that VPC.")
        table = _table_of(name, tables)
        way = _way_out(table)
        if not way:
            raise BadArguments(
                f"The subnet {name} has no way to the internet: its machines could not reach AWS Batch.",
                "Give it a route for 0.0.0.0/0 to an internet gateway or a NAT gateway.",
            )
        if way.startswith("igw-") and not row.get("MapPublicIpOnLaunch"):
            raise BadArguments(
                f"Machines in the subnet {name} get no public address, and so no way through its internet gateway.",
                "Switch on its automatic public addresses, or give subnets behind a NAT gateway.",
            )
        if table["RouteTableId"] not in served:
            notes.append(f"The subnet {name} has no S3 gateway endpoint (free): its traffic to S3 may be billed.")
    return tuple(notes)


def _table_of(subnet: str, tables: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Its own one, else the VPC's main one."""
    links = [(link, table) for table in tables for link in table.get("Associations", ())]
    own = [table for link, table in links if link.get("SubnetId") == subnet]
    main = [table for link, table in links if link.get("Main")]
    return (own or main or [{"RouteTableId": "", "Routes": []}])[0]


def _way_out(table: Mapping[str, Any]) -> str:
    """Where its default route leads; empty for none that works."""
    for route in table.get("Routes", ()):
        if route.get("DestinationCidrBlock") == "0.0.0.0/0" and route.get("State", "active") == "active":
            targets = ("GatewayId", "NatGatewayId", "TransitGatewayId", "NetworkInterfaceId", "InstanceId")
            return next((str(route[name]) for name in targets if route.get(name)), "")
    return ""


def make_roles(connection: Connection) -> tuple[str, ...]:
    """Make the services' own roles where the account lacks them; what could not be made is told."""
    iam = connection.client("iam")
    refused = [name for name in SERVICES_WITH_ROLES if not _made(iam, name)]
    if not refused:
        return ()
    return (
        f"Could not make sure that the service-linked roles of {', '.join(refused)} exist: no right to make them. "
        "In an account that never used these services jobs would wait for ever.",
    )


def _made(iam: Any, service: str) -> bool:
    try:
        with translated(f"make the role of {service}", CloudUnreachable):
            try:
                iam.create_service_linked_role(AWSServiceName=f"{service}.amazonaws.com")
            except ClientError as error:
                # "Service role name AWSServiceRoleForBatch has been taken in this account".
                if code_of(error) not in ("InvalidInput", "EntityAlreadyExists"):
                    raise
    except NotAllowed:
        return False
    return True


@dataclass(frozen=True)
class Shortage:
    """A quota of the account that is smaller than one machine."""

    kind: Kind
    vcpus: float

    @property
    def words(self) -> str:
        quota = QUOTAS[self.kind]
        return (
            f"The account may run {self.vcpus:g} vCPUs of {self.kind.words} (quota {quota.name!r}, {quota.code}): too "
            "few for one. Ask AWS for more: cloud-render setup --ask-for-quota."
        )


def shortages(connection: Connection, least: float = 4) -> tuple[Shortage, ...]:
    """Quotas below `least` vCPUs, of the kinds that jobs go to first. Empty where the account may not look."""
    found = []
    for kind in (Kind(gpu=True, spot=True), Kind(gpu=False, spot=True), Kind(gpu=False, spot=False)):
        try:
            value = machines.quota(connection, kind)
        except CloudRenderError:
            return ()  # The doctor says so line by line; a set-up goes on without.
        if value is not None and value < least:
            found.append(Shortage(kind, value))
    return tuple(found)


def until_then(short: Sequence[Shortage]) -> str:
    """What works as long as these quotas are so small; empty where nothing is short."""
    kinds = {shortage.kind for shortage in short}
    if Kind(gpu=False, spot=False) in kinds:
        return "Until then nothing works here: no video could be made, and no Blender installed. Try another region."
    if Kind(gpu=False, spot=True) in kinds:
        return "Until then nothing can be rendered here but on On-Demand machines (docs/stack.md). Try another region."
    return "Until then `cloud-render submit --device cpu` renders." if kinds else ""


def ask_for_more(connection: Connection, shortage: Shortage, vcpus: float) -> str:
    """Ask AWS to raise the quota; its word for the request's state, such as PENDING."""
    with translated("ask for a larger quota", CloudUnreachable):
        client = connection.client("service-quotas")
        try:
            answer = client.request_service_quota_increase(
                ServiceCode="ec2", QuotaCode=QUOTAS[shortage.kind].code, DesiredValue=vcpus
            )
        except ClientError as error:
            if code_of(error) == "ResourceAlreadyExistsException":
                return "PENDING"
            raise
    return str(answer["RequestedQuota"]["Status"])
