# SPDX-License-Identifier: GPL-3.0-or-later
"""From an AWS account to a cloud that can render: account and region, the stack, the worker's image."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cloud_render.client import image, preflight, template
from cloud_render.client import stack as stacks
from cloud_render.client.farm import Connection
from cloud_render.client.preflight import Shortage
from cloud_render.client.stack_events import Event


@dataclass(frozen=True)
class Outlook:
    """What a set-up would start from, and with."""

    outputs: Mapping[str, str]
    """Of the stack that is there; empty for none."""
    parameters: Mapping[str, str]
    """To be given to the stack; others stay as they are."""
    builds_image: bool
    """Whether the stack builds the worker's image, or uses a prebuilt one."""
    notes: tuple[str, ...]
    short: tuple[Shortage, ...]
    """Machines that the account may not start yet."""


@dataclass(frozen=True)
class Step:
    """Where a set-up is."""

    words: str
    done: int = 0
    """Resources that stand."""
    total: int = 0
    """0 where that is not known."""


def look(connection: Connection, stack: str, wanted: Mapping[str, str]) -> Outlook:
    """Look at account, region and stack; changes nothing.

    Raises BadArguments for a parameter that can't be, NoCredentials, NotAllowed, CloudUnreachable.
    """
    there = stacks.standing(connection, stack)
    text = template.ours()
    stacks.check_parameters(wanted, text)
    notes = list(preflight.check_network(connection, wanted))
    parameters = dict(wanted)
    if there is None:
        choice = preflight.choose(connection, wanted, text)
        parameters = {**choice.parameters, **wanted}
        notes += choice.notes
    builds = not {**_parameters_of(there), **parameters}.get("WorkerImage")
    if builds:
        parameters.setdefault("ImageTag", image.source().tag)
    short = tuple(preflight.shortages(connection))
    notes += [shortage.words for shortage in short]
    return Outlook(_outputs_of(there), parameters, builds, tuple(notes), short)


def set_up(connection: Connection, stack: str, tell: Callable[[Step], None]) -> tuple[str, ...]:
    """Make the stack or bring it up to date, and the image; what a person should know of it afterwards.

    A failure leaves the stack as it was, or none. Raises as `look`, stack.carry_out and image.build do.
    """
    tell(Step("Looking at the account and its region"))
    outlook = look(connection, stack, {})
    notes = (*outlook.notes, *preflight.make_roles(connection))
    if outlook.builds_image and "ImageBuild" in outlook.outputs:
        _build(connection, outlook.outputs, tell)  # before the definitions name it
    tell(Step("Working out the changes"))
    change_set = stacks.prepare(connection, stack, outlook.parameters)
    counting = Counting(len(change_set.changes), tell)
    outputs = stacks.carry_out(connection, change_set, progress=counting.hear)
    if outlook.builds_image:
        _build(connection, outputs, tell)
    return notes


@dataclass
class Counting:
    """Turns CloudFormation's events into steps."""

    total: int
    tell: Callable[[Step], None]
    _done: set[str] = field(default_factory=set)

    def hear(self, event: Event) -> None:
        if event.status.endswith("_COMPLETE") and not event.of_stack:
            self._done.add(event.resource)
        self.tell(Step(f"{event.resource} {event.status.replace('_', ' ').lower()}", len(self._done), self.total))


def _build(connection: Connection, outputs: Mapping[str, str], tell: Callable[[Step], None]) -> None:
    image.build(connection, outputs, image.source(), lambda line: tell(Step(line[-80:])))


def _outputs_of(there: Mapping[str, Any] | None) -> dict[str, str]:
    return {row["OutputKey"]: row["OutputValue"] for row in (there or {}).get("Outputs", ())}


def _parameters_of(there: Mapping[str, Any] | None) -> dict[str, str]:
    return {row["ParameterKey"]: row.get("ParameterValue", "") for row in (there or {}).get("Parameters", ())}
