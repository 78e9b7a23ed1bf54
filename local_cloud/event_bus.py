# SPDX-License-Identifier: GPL-3.0-or-later
"""EventBridge's rules at work: matches events against those that CloudFormation has deployed, and calls their targets.

moto holds the rules and matches them; delivering is left out there for the targets that we have.
"""

from __future__ import annotations

import json
import logging
import re
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from local_cloud.events import Event, Outbox
from local_cloud.registry import ACCOUNT

log = logging.getLogger(__name__)

LOOK_S = 0.5
"""How often events that wait for the first rule look for it: a restarted local cloud has no stack yet."""

_PLACE = re.compile(r"<([A-Za-z0-9_-]+)>")
_BEFORE_QUOTE = re.compile(r'(?<!\\)"')

Target = Mapping[str, Any]
Deliver = Callable[[Event, Target], None]
"""Calls one target of a rule. Raises CannotDeliver."""


class CannotDeliver(Exception):
    """Why a target could not be called, in one line."""


class EventBus:
    """Delivers what is in the outbox, one event after the other, in a thread of its own."""

    def __init__(self, outbox: Outbox, deliveries: Mapping[str, Deliver]) -> None:
        """`deliveries` are by the service in a target's ARN."""
        self._outbox = outbox
        self._deliveries = deliveries
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="event-bus", daemon=True)

    def start(self) -> EventBus:
        self._thread.start()
        return self

    def stop(self) -> None:
        self._closing.set()
        self._outbox.came.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._closing.is_set():
            self._outbox.came.wait()
            self._outbox.came.clear()
            while not self._closing.is_set() and (found := self._oldest()):
                number, event = found
                if not any(_rules(event["region"])):
                    self._closing.wait(LOOK_S)
                    continue
                self._deliver(event)
                self._outbox.done(number)

    def _oldest(self) -> tuple[int, Event] | None:
        while not self._closing.is_set():
            try:
                return self._outbox.oldest()
            except sqlite3.OperationalError as problem:  # a full disk may be in the way of reading, too
                log.warning("events can't be read: %s", problem)
                self._closing.wait(LOOK_S)
        return None

    def _deliver(self, event: Event) -> None:
        for rule in _rules(event["region"]):
            if rule.state != "ENABLED" or not rule.event_pattern or not rule.event_pattern.matches_event(event):
                continue
            for target in rule.targets:
                try:
                    self._call(event, target)
                except CannotDeliver as problem:
                    log.warning("the rule %s could not call its target %s: %s", rule.name, target["Id"], problem)
                except Exception:  # Whatever a target meets, the events after this one are others' business.
                    log.exception("the rule %s could not call its target %s", rule.name, target["Id"])

    def _call(self, event: Event, target: Target) -> None:
        service = target["Arn"].split(":")[2]
        if service not in self._deliveries:
            raise CannotDeliver(f"the local cloud calls no targets of {service}")
        self._deliveries[service](event, target)


def _rules(region: str) -> Iterator[Any]:
    from moto.events.models import events_backends

    yield from list(events_backends[ACCOUNT][region].event_buses["default"].rules.values())


def input_of(event: Event, target: Target) -> Any:
    """What the target is given: the event, or what the rule makes of it. Raises CannotDeliver."""
    if "Input" in target:
        return json.loads(target["Input"])
    if "InputPath" in target:
        return _at(event, target["InputPath"])
    if "InputTransformer" not in target:
        return event
    paths, template = target["InputTransformer"].get("InputPathsMap", {}), target["InputTransformer"]["InputTemplate"]
    text = _PLACE.sub(lambda match: _filled(match, template, event, paths), template)
    try:
        return json.loads(text)
    except ValueError as error:
        raise CannotDeliver(f"its input is not JSON: {text}") from error


def _filled(match: re.Match[str], template: str, event: Event, paths: Mapping[str, str]) -> str:
    if match[1] not in paths:
        return match[0]
    value = _at(event, paths[match[1]])
    in_string = len(_BEFORE_QUOTE.findall(template, 0, match.start())) % 2 == 1
    if not in_string:
        return json.dumps("" if value is None else value)
    text = "" if value is None else value if isinstance(value, str) else json.dumps(value)
    return json.dumps(text)[1:-1]


def _at(event: Event, path: str) -> Any:
    """What a JSON path in dot notation, the only one that rules take, names; None where there is nothing."""
    value: Any = event
    for name in path.removeprefix("$").lstrip(".").split(".") if path != "$" else ():
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
