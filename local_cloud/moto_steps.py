# SPDX-License-Identifier: GPL-3.0-or-later
"""Step Functions: moto's interpreter of state machines, with its tasks led to this cloud."""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from local_cloud.registry import ACCOUNT

STOPS_WITHIN_S = 10.0

_SERVICES = "moto.stepfunctions.parser.asl.component.state.exec.state_task.service"

_JOBS: dict[str, list[str]] = defaultdict(list)
"""ARN of an execution → the ids of the Batch jobs that it has waited for."""


Tell = Callable[[str, Mapping[str, Any]], None]
"""Hears of the region and the details of an execution that was stopped."""


def apply(client_of: Callable[[str, str], Any], terminate: Callable[[str, str], None], tell: Tell) -> None:
    """Change moto in place. `client_of` makes a client for a service and region; `terminate` ends a job."""
    # It tells each failure of a machine many times over; DescribeExecution has it.
    logging.getLogger("moto.stepfunctions").setLevel(logging.CRITICAL)
    _interpret()
    _call_this_cloud(client_of)
    _translate_names()
    _end_jobs_of_stopped_executions(terminate, tell)


def start(region: str, machine: str, name: str, given: str) -> None:
    """Start an execution; the same name again is the same execution."""
    from moto.stepfunctions.parser.models import stepfunctions_parser_backends

    stepfunctions_parser_backends[ACCOUNT][region].start_execution(machine, name, given)


def _interpret() -> None:
    """moto's StartExecution answers from a can unless told otherwise, and CloudFormation's machines lie elsewhere."""
    from moto.core.config import default_user_config
    from moto.stepfunctions import models
    from moto.stepfunctions.parser.models import stepfunctions_parser_backends

    settings: Any = default_user_config
    settings["stepfunctions"]["execute_state_machine"] = True
    models.stepfunctions_backends = stepfunctions_parser_backends  # type: ignore[assignment]


def _call_this_cloud(client_of: Callable[[str, str], Any]) -> None:
    """moto's tasks sign with keys that nobody here knows, and find buckets by a host's name."""
    import importlib

    def boto_client_for(region: str, service: str, state_credentials: Any = None) -> Any:  # noqa: ARG001
        return client_of(service, region)

    for kind in ("aws_sdk", "batch", "sns"):
        module: Any = importlib.import_module(f"{_SERVICES}.state_task_service_{kind}")
        module.boto_client_for = boto_client_for


def _translate_names() -> None:
    """State machines write JobName and read Body as text; moto hands both on as boto3 has them."""
    import botocore.session
    from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service

    session = botocore.session.get_session()
    service: Any = state_task_service.StateTaskService

    def shapes(self: Any, service_name: str | None, action: str | None) -> Any:
        model = session.get_service_model(self._get_boto_service_name(service_name))
        wanted = self._get_boto_service_action(action).replace("_", "")
        name = next(name for name in model.operation_names if name.lower() == wanted)
        return model.operation_model(name)

    def parameters(
        self: Any, parameters: Any, boto_service_name: str | None = None, service_action_name: str | None = None
    ) -> None:
        self._to_boto_request(parameters, shapes(self, boto_service_name, service_action_name).input_shape)

    def response(
        self: Any, response: Any, boto_service_name: str | None = None, service_action_name: str | None = None
    ) -> None:
        self._from_boto_response(response, shapes(self, boto_service_name, service_action_name).output_shape)

    service._normalise_parameters, service._normalise_response = parameters, response


def _end_jobs_of_stopped_executions(terminate: Callable[[str, str], None], tell: Tell) -> None:
    """moto leaves the job that a stopped execution waits for running, and no rule hears of it."""
    import importlib

    from moto.stepfunctions.parser.models import StepFunctionsParserBackend

    tasks: Any = importlib.import_module(f"{_SERVICES}.state_task_service_batch").StateTaskServiceBatch
    backend: Any = StepFunctionsParserBackend
    evaluate, stop = tasks._eval_service_task, backend.stop_execution

    def evaluate_and_note(self: Any, env: Any, *args: Any, **kwargs: Any) -> None:
        evaluate(self, env, *args, **kwargs)
        execution = env.states.context_object.context_object_data["Execution"]["Id"]
        _JOBS[execution].append(env.stack[-1]["jobId"])

    def stop_with_jobs(self: Any, execution_arn: str, *args: Any, **kwargs: Any) -> Any:
        answer = stop(self, execution_arn, *args, **kwargs)
        # The interpreter hears of it at its next look; a job that ended first would make the execution a failed one.
        deadline = time.monotonic() + STOPS_WITHIN_S
        while self.describe_execution(execution_arn).exec_status == "RUNNING" and time.monotonic() < deadline:
            time.sleep(0.05)
        for job_id in _JOBS.pop(execution_arn, ()):
            terminate(job_id, "The execution was stopped.")
        found = self.describe_execution(execution_arn)
        detail = {
            "executionArn": execution_arn,
            "stateMachineArn": found.state_machine_arn,
            "name": found.name,
            "status": found.exec_status,
        }
        tell(self.region_name, detail)
        return answer

    tasks._eval_service_task, backend.stop_execution = evaluate_and_note, stop_with_jobs
