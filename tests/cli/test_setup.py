# SPDX-License-Identifier: GPL-3.0-or-later
"""Setting a cloud up and taking it away, as a technical director does it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cloud_render.cli import setup as setups
from cloud_render.client import stack
from cloud_render.client.farm import Connection
from cloud_render.client.machines import Kind
from cloud_render.client.preflight import Shortage
from cloud_render.contract.errors import NotAllowed
from local_cloud.testing import LocalCloud

PREBUILT = ("--image", "registry.example/cloud-render-worker:1")


def test_a_dry_run_shows_what_would_be_made_and_makes_nothing(cloud: LocalCloud, asked: Callable[..., Any]) -> None:
    """Resource by resource; the zones are chosen by the machines that they have."""
    answer = asked("setup", "--stack", "looked", *PREBUILT, "--dry-run")
    assert answer["creates"]
    assert {"action": "Add", "resource": "Bucket", "kind": "AWS::S3::Bucket", "replaces": False} in answer["changes"]
    assert stack.describe(cloud.client("cloudformation"), "looked") is None


def test_a_cloud_is_made_tried_and_taken_away(
    cloud: LocalCloud, asked: Callable[..., Any], cloud_render: Callable[..., Any], blend: Any
) -> None:
    """With a frame rendered in between; a second set-up is an update; afterwards nothing is left."""
    made = asked("setup", "--stack", "whole", "-P", "DefaultDevice=any")
    assert (made["creates"], made["smoke"]) == (True, "done")
    built = asked("image", "--stack", "whole")
    assert not built["built"]
    assert made["outputs"]["WorkerImage"].endswith(f":{built['tag']}")
    bucket = made["outputs"]["BucketName"]
    assert not cloud.client("s3").list_objects_v2(Bucket=bucket, Prefix="jobs/").get("Contents")
    again = cloud_render("setup", "--stack", "whole", "-P", "MaxvCpus=64", "--no-smoke")
    assert (again.returncode, "The cloud whole is ready." in again.stdout) == (0, True)
    gone = asked("teardown", "--stack", "whole", "--yes")
    assert (gone["removed"], gone["kept_bucket"]) == (True, "")
    assert asked("teardown", "--stack", "whole", "--yes", code=4)["error"] == "There is no stack named whole."


def test_a_removal_wants_the_name_or_a_yes(cloud: LocalCloud, cloud_render: Callable[..., Any]) -> None:
    """Without a terminal to type on it is refused, and says how."""
    done = cloud_render("teardown")
    assert done.returncode == 2
    assert "--yes" in done.stderr
    assert stack.describe(cloud.client("cloudformation"), "cloud-render") is not None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("-P", "MaxVcpu=4"), "Did you mean MaxvCpus?"),
        (("-P", "MaxvCpus"), "not of the form NAME=VALUE"),
        (("-P", "VpcId=vpc-1"), "belong together"),
        (("-P", "InstanceTypes=x9.huge"), "This region has no x9.huge"),
    ],
)
def test_what_can_not_be_is_refused_before_anything_is_made(
    cloud_render: Callable[..., Any], arguments: tuple[str, ...], words: str
) -> None:
    """In words, with exit code 2."""
    done = cloud_render("setup", "--stack", "refused", *arguments)
    assert done.returncode == 2
    assert words in done.stderr


@pytest.mark.parametrize(
    ("answer", "words"),
    [("PENDING", "64 vCPUs of Spot GPU machines: PENDING"), (NotAllowed("It is not allowed."), "AWS was not asked")],
)
def test_a_quota_that_is_asked_for_says_what_works_until_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, answer: Any, words: str
) -> None:
    """Whether or not AWS takes the request: the stack stands in any case."""

    def ask(*_: Any) -> str:
        if isinstance(answer, Exception):
            raise answer
        return str(answer)

    monkeypatch.setattr(setups.preflight, "ask_for_more", ask)
    short = [Shortage(Kind(gpu=True, spot=True), 0.0)]
    setups._ask_for_quota(Connection(), short, setups.Output())
    said = capsys.readouterr()
    assert words in said.out + said.err
    assert "--device cpu" in said.out


def test_an_update_is_shown_line_by_line(capsys: pytest.CaptureFixture[str]) -> None:
    """And that the stack is of an older version."""
    change = stack.Change("Modify", "Vpc", "AWS::EC2::VPC", True)
    setups._show(setups.Output(), stack.ChangeSet("farm", "id", "changes", False, (change,), 1, 2))
    shown = capsys.readouterr().out
    assert "older version (template 1)" in shown
    assert "~ Vpc  AWS::EC2::VPC  (a new one takes its place)" in shown
