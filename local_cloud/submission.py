# SPDX-License-Identifier: GPL-3.0-or-later
"""A SubmitJob request worked out: refused as Batch refuses it, or turned into the Spec of a job. Starts nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from local_cloud.jobs import Dependency, Job, Spec
from local_cloud.registry import Definition, Queue
from local_cloud.retry import Rule

MAX_ARRAY = 10_000
MAX_DEPENDENCIES = 20
MAX_ATTEMPTS = 10
MAX_RULES = 5
MIN_TIMEOUT_S = 60
MAX_TAGS = 50

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
_EXIT_CODE = re.compile(r"[0-9]{1,511}\*?|\*")
_REASON = re.compile(r"[A-Za-z0-9.:\s]{0,511}\*?")
_RESOURCES = ("GPU", "VCPU", "MEMORY")


class Refused(Exception):
    """A request that Batch answers with a ClientException."""


def spec_of(
    request: Mapping[str, Any], region: str, queue: Queue, definition: Definition, job_of: Callable[[str], Job | None]
) -> Spec:
    """What the request, whose shape is checked, asks for over what its definition says. Raises Refused."""
    _require(
        _NAME.fullmatch(request["jobName"]),
        "jobName must begin with a letter or number and have at most 128 letters, numbers, - and _",
    )
    _require(queue.enabled, f"Job queue {queue.arn} is not in ENABLED state")
    _require(definition.active, f"JobDefinition {definition.arn} is not ACTIVE")
    _require(
        not request.get("shareIdentifier") or queue.fair_share,
        "ShareIdentifier can only be set for a queue with a scheduling policy",
    )
    _require(
        bool(request.get("shareIdentifier")) or not queue.fair_share,
        "ShareIdentifier must be set for a queue with a scheduling policy",
    )
    _require(len(request.get("tags", {})) <= MAX_TAGS, f"at most {MAX_TAGS} tags")
    attempts, rules = retry_of(request.get("retryStrategy") or definition.retry_strategy)
    size = _array_size(request)
    return Spec(
        name=request["jobName"],
        region=region,
        queue_arn=queue.arn,
        compute_environment=queue.compute_environment,
        definition_arn=definition.arn,
        parameters={**definition.parameters, **request.get("parameters", {})},
        container=_overridden(definition.container, request.get("containerOverrides", {})),
        attempts=attempts,
        rules=rules,
        timeout_s=_timeout(request.get("timeout") or definition.timeout),
        depends_on=_dependencies(request.get("dependsOn", ()), size, job_of),
        array_size=size,
        tags={**definition.tags, **request.get("tags", {})},
        extras={
            "propagateTags": request.get("propagateTags", definition.propagate_tags),
            "platformCapabilities": list(definition.platform_capabilities),
            **{name: request[name] for name in ("shareIdentifier",) if request.get(name)},
        },
    )


def retry_of(strategy: Mapping[str, Any]) -> tuple[int, tuple[Rule, ...]]:
    """Attempts and rules of a retryStrategy; its keys may start with a capital, as in a template. Raises Refused."""
    strategy = _lower_first(strategy)
    attempts = int(strategy.get("attempts", 1))
    rules = [_lower_first(rule) for rule in strategy.get("evaluateOnExit", ())]
    _require(1 <= attempts <= MAX_ATTEMPTS, f"retryStrategy.attempts must be between 1 and {MAX_ATTEMPTS}")
    _require(len(rules) <= MAX_RULES, f"at most {MAX_RULES} evaluateOnExit rules")
    for rule in rules:
        _require(
            str(rule.get("action", "")).upper() in ("RETRY", "EXIT"), "evaluateOnExit.action must be RETRY or EXIT"
        )
        _require(len(rule) > 1, "evaluateOnExit needs onExitCode, onReason or onStatusReason")
        _require(
            _EXIT_CODE.fullmatch(str(rule.get("onExitCode", "*"))),
            "evaluateOnExit.onExitCode holds digits and may end in *",
        )
        for name in ("onReason", "onStatusReason"):
            _require(
                _REASON.fullmatch(rule.get(name, "")),
                f"evaluateOnExit.{name} holds letters, digits, . : and blanks and may end in *",
            )
    return attempts, tuple(
        Rule(
            str(rule["action"]).upper(), _text(rule.get("onExitCode")), rule.get("onReason"), rule.get("onStatusReason")
        )
        for rule in rules
    )


def _array_size(request: Mapping[str, Any]) -> int | None:
    size = request.get("arrayProperties", {}).get("size")
    _require(size is None or 2 <= size <= MAX_ARRAY, f"arrayProperties.size must be between 2 and {MAX_ARRAY}")
    return None if size is None else int(size)


def _timeout(timeout: Mapping[str, Any]) -> float | None:
    seconds = _lower_first(timeout).get("attemptDurationSeconds")
    _require(
        seconds is None or int(seconds) >= MIN_TIMEOUT_S,
        f"timeout.attemptDurationSeconds must be at least {MIN_TIMEOUT_S}",
    )
    return None if seconds is None else float(seconds)


def _dependencies(
    asked: Sequence[Mapping[str, str]], size: int | None, job_of: Callable[[str], Job | None]
) -> tuple[Dependency, ...]:
    _require(len(asked) <= MAX_DEPENDENCIES, f"at most {MAX_DEPENDENCIES} dependencies")
    return tuple(_dependency(one, size, job_of) for one in asked)


def _dependency(asked: Mapping[str, str], size: int | None, job_of: Callable[[str], Job | None]) -> Dependency:
    kind, job_id = asked.get("type", ""), asked.get("jobId", "")
    _require(kind in ("", "SEQUENTIAL", "N_TO_N"), f"dependsOn.type {kind} is not SEQUENTIAL or N_TO_N")
    _require(not kind or size is not None, f"dependsOn.type {kind} needs an array job")
    if kind == "SEQUENTIAL":
        _require(not job_id, "a SEQUENTIAL dependency takes no jobId")
        return Dependency("", kind)
    other = job_of(job_id)
    if other is None:
        raise Refused(f"Job {job_id or '(none)'} that dependsOn names does not exist")
    _require(kind != "N_TO_N" or other.spec.array_size == size, "an N_TO_N dependency needs an array of the same size")
    return Dependency(job_id, kind)


def _overridden(container: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    environment = {entry["name"]: entry for entry in container.get("environment", [])}
    environment |= {entry.get("name", ""): entry for entry in overrides.get("environment", [])}
    reserved = [name for name in environment if name.upper().startswith("AWS_BATCH")]
    _require(not reserved, f"environment variables must not begin with AWS_BATCH: {', '.join(reserved)}")
    resources = {entry["type"]: entry for entry in container.get("resourceRequirements", [])}
    resources |= {entry["type"]: entry for entry in overrides.get("resourceRequirements", [])}
    for kind, entry in resources.items():
        _require(kind in _RESOURCES, f"resourceRequirements.type {kind} is not one of {', '.join(_RESOURCES)}")
        _require(
            re.fullmatch(r"[0-9]+(\.[0-9]+)?", entry["value"]) and float(entry["value"]) > 0,
            f"resourceRequirements {kind} must be a number above 0",
        )
    result = {**container, "environment": list(environment.values()), "resourceRequirements": list(resources.values())}
    if overrides.get("command"):
        result["command"] = list(overrides["command"])
    if overrides.get("instanceType"):
        result["instanceType"] = overrides["instanceType"]
    return result


def _require(holds: object, message: str) -> None:
    if not holds:
        raise Refused(message)


def _lower_first(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key[:1].lower() + key[1:]: value for key, value in values.items()}


def _text(value: object) -> str | None:
    return None if value is None else str(value)
