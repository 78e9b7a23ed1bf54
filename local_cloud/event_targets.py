# SPDX-License-Identifier: GPL-3.0-or-later
"""The services that rules call here. Each turns a rule's target and an event into one call."""

from __future__ import annotations

import json
from typing import Any

from local_cloud import moto_steps
from local_cloud.batch_api import BatchApi
from local_cloud.event_bus import CannotDeliver, Deliver, Target, input_of
from local_cloud.events import Event
from local_cloud.registry import ACCOUNT

SUBMIT = "/v1/submitjob"

INPUT_OF_JOB = {"Parameters": "parameters", "ContainerOverrides": "containerOverrides"}
"""What a rule's input may say of the job it submits (Batch User Guide, "Input transformer")."""


def to_batch(batch: BatchApi) -> Deliver:
    def submit(event: Event, target: Target) -> None:
        asked, given = target["BatchParameters"], input_of(event, target)
        request: dict[str, Any] = {
            "jobName": asked["JobName"],
            "jobQueue": target["Arn"],
            "jobDefinition": asked["JobDefinition"],
        }
        request |= {ours: given[name] for name, ours in INPUT_OF_JOB.items() if name in given}
        if "ArrayProperties" in asked:
            request["arrayProperties"] = {"size": int(asked["ArrayProperties"]["Size"])}
        if "RetryStrategy" in asked:
            request["retryStrategy"] = {"attempts": int(asked["RetryStrategy"]["Attempts"])}
        answer = batch.answer(SUBMIT, json.dumps(request).encode(), event["region"])
        if answer.status != 200:
            raise CannotDeliver(str(answer.body))

    return submit


def to_sns(event: Event, target: Target) -> None:
    from moto.sns.models import sns_backends

    given = input_of(event, target)
    message = given if isinstance(given, str) else json.dumps(given)
    sns_backends[ACCOUNT][event["region"]].publish(message=message, arn=target["Arn"])


def to_states(event: Event, target: Target) -> None:
    # Named by the event, so that one that is delivered twice starts nothing twice.
    moto_steps.start(event["region"], target["Arn"], event["id"], json.dumps(input_of(event, target)))
