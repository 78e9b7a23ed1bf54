# SPDX-License-Identifier: GPL-3.0-or-later
"""The job calls of the Batch API: JSON in, JSON out. The engine does the rest; queues and definitions are moto's."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

import botocore.session
from botocore.validate import ParamValidator

from local_cloud.engine import Engine
from local_cloud.http_types import Answer
from local_cloud.jobs import Attempt, Job, State
from local_cloud.registry import ACCOUNT, Definition, Queue
from local_cloud.submission import Refused, spec_of

log = logging.getLogger(__name__)

MAX_SUBMIT_BYTES = 30 * 1024
MAX_DESCRIBED = 100
MAX_BULK = 50
MAX_REASON = 1024
PAGE = 1000

CONTAINER_INSTANCE = "arn:aws:ecs:us-east-1:{}:container-instance/local-cloud/{}"
"""ECS has another id for a machine than EC2; here it is the same."""
FILTERED_PAGE = 100


class Registry(Protocol):
    def queue(self, region: str, name: str) -> Queue | None: ...

    def definition(self, region: str, name: str) -> Definition | None: ...


class BatchApi:
    """Answers the calls in `paths`; every other path of Batch is not ours."""

    def __init__(self, engine: Engine, registry: Registry) -> None:
        self._engine = engine
        self._registry = registry
        model = botocore.session.get_session().get_service_model("batch")
        calls: dict[str, Callable[[dict[str, Any], str], dict[str, Any]]] = {
            "SubmitJob": self._submit,
            "DescribeJobs": self._describe,
            "ListJobs": self._list,
            "CancelJob": self._cancel,
            "TerminateJob": self._terminate,
            "CancelJobs": self._cancel_many,
            "TerminateJobs": self._terminate_many,
        }
        # A botocore of 1.40 or older does not know the bulk calls; a client as old can't make them either.
        known = {name: call for name, call in calls.items() if name in model.operation_names}
        self.paths = {
            model.operation_model(name).http["requestUri"]: (model.operation_model(name).input_shape, call)
            for name, call in known.items()
        }
        self._validator = ParamValidator()

    def answer(self, path: str, body: bytes, region: str) -> Answer:
        """The answer to a POST of `body` at one of `paths`."""
        shape, call = self.paths[path]
        assert shape is not None  # Each of these calls takes parameters.
        try:
            if path.endswith("/submitjob") and len(body) > MAX_SUBMIT_BYTES:
                raise Refused(f"a SubmitJob request has at most {MAX_SUBMIT_BYTES} bytes")
            request = _parsed(body)
            report = self._validator.validate(request, shape)
            if report.has_errors():
                raise Refused(f"Error executing request, Exception : {report.generate_report()}")
            return _json(200, call(request, region))
        except Refused as refused:
            return _json(
                400, {"__type": "ClientException", "message": str(refused)}, [("x-amzn-errortype", "ClientException")]
            )

    # ---- calls ---------------------------------------------------------------------------------------------------

    def _submit(self, request: dict[str, Any], region: str) -> dict[str, Any]:
        queue = self._registry.queue(region, request["jobQueue"])
        if queue is None:
            raise Refused(f"Job queue {request['jobQueue']} does not exist")
        definition = self._registry.definition(region, request["jobDefinition"])
        if definition is None:
            raise Refused(f"JobDefinition {request['jobDefinition']} does not exist")
        job = self._engine.submit(spec_of(request, region, queue, definition, self._engine.job))
        return {"jobArn": _arn(job), "jobName": job.spec.name, "jobId": job.id}

    def _describe(self, request: dict[str, Any], _region: str) -> dict[str, Any]:
        if not 1 <= len(request["jobs"]) <= MAX_DESCRIBED:
            raise Refused(f"jobs must name between 1 and {MAX_DESCRIBED} jobs")
        with self._engine.reading():
            found = (self._engine.job(_id(name)) for name in request["jobs"])
            return {"jobs": [described(job) for job in found if job is not None]}

    def _list(self, request: dict[str, Any], region: str) -> dict[str, Any]:
        given = [name for name in ("jobQueue", "arrayJobId", "multiNodeJobId") if request.get(name)]
        if len(given) != 1:
            raise Refused("exactly one of jobQueue, arrayJobId and multiNodeJobId must be given")
        status = request.get("jobStatus", "RUNNING")
        if status not in State.__members__:
            raise Refused(f"jobStatus {status} does not exist")
        filters = request.get("filters", [])
        if len(filters) > 1:
            raise Refused("only one filter can be used at a time")
        with self._engine.reading():
            if given == ["jobQueue"]:
                jobs = self._of_queue(request["jobQueue"], region, status, filters)
                key = _newest_first
            else:
                jobs = self._of_array(request.get("arrayJobId", ""), status)
                key = _by_index
            limit = min(request.get("maxResults") or PAGE, FILTERED_PAGE if filters else PAGE)
            page, token = _page(sorted(jobs, key=key), key, request.get("nextToken"), limit)
            listed: dict[str, Any] = {"jobSummaryList": [_summary(job) for job in page]}
        return listed | ({"nextToken": token} if token else {})

    def _of_queue(self, name: str, region: str, status: str, filters: Sequence[Mapping[str, Any]]) -> Iterable[Job]:
        queue = self._registry.queue(region, name)
        if queue is None:
            raise Refused(f"Job queue {name} does not exist")
        jobs = [job for job in self._engine.jobs() if job.spec.queue_arn == queue.arn]
        if not filters:
            return [job for job in jobs if job.state == status]
        kind, values = filters[0].get("name", ""), filters[0].get("values", [])
        if kind not in _FILTERS or not values:
            raise Refused(f"filter {kind} must be one of {', '.join(_FILTERS)} and have values")
        fits = _FILTERS[kind]
        return [job for job in jobs if any(fits(job, value) for value in values)]

    def _of_array(self, job_id: str, status: str) -> Iterable[Job]:
        parent = self._engine.job(job_id)
        if parent is None or not parent.is_array:
            raise Refused(f"Job {job_id} is not an array job")
        return [child for child in parent.children if child.state == status]

    def _cancel(self, request: dict[str, Any], _region: str) -> dict[str, Any]:
        return self._end(self._engine.cancel, request)

    def _terminate(self, request: dict[str, Any], _region: str) -> dict[str, Any]:
        return self._end(self._engine.terminate, request)

    def _cancel_many(self, request: dict[str, Any], _region: str) -> dict[str, Any]:
        return self._end_many(self._engine.cancel, request)

    def _terminate_many(self, request: dict[str, Any], _region: str) -> dict[str, Any]:
        return self._end_many(self._engine.terminate, request)

    def _end(self, end: Callable[[Job, str], None], request: dict[str, Any]) -> dict[str, Any]:
        """One job; a job that is not known counts as ended, since Batch forgets."""
        _check_reason(request)
        if job := self._engine.job(_id(request["jobId"])):
            end(job, request["reason"])
        return {}

    def _end_many(self, end: Callable[[Job, str], None], request: dict[str, Any]) -> dict[str, Any]:
        _check_reason(request)
        if not 1 <= len(request["jobs"]) <= MAX_BULK:
            raise Refused(f"jobs must name between 1 and {MAX_BULK} jobs")
        for name in request["jobs"]:
            if job := self._engine.job(_id(name)):
                end(job, request["reason"])
        return {"successful": request["jobs"], "errors": []}


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        request = json.loads(body or b"{}")
    except ValueError as error:
        raise Refused(f"the request is not JSON: {error}") from error
    if not isinstance(request, dict):
        raise Refused("the request is not a JSON object")
    return request


def _json(status: int, values: Mapping[str, Any], headers: Iterable[tuple[str, str]] = ()) -> Answer:
    return Answer(status, [("Content-Type", "application/json"), *headers], json.dumps(values).encode())


def _check_reason(request: Mapping[str, Any]) -> None:
    if not 1 <= len(request["reason"]) <= MAX_REASON:
        raise Refused(f"reason must have between 1 and {MAX_REASON} characters")


# ---- jobs as the API shows them --------------------------------------------------------------------------------------


def _id(name: str) -> str:
    """The job id of an id or ARN."""
    return name.rpartition("/")[2] if name.startswith("arn:") else name


def _arn(job: Job) -> str:
    return f"arn:aws:batch:{job.spec.region}:{ACCOUNT}:job/{job.id}"


def described(job: Job) -> dict[str, Any]:
    """As DescribeJobs answers, and as Batch's events tell. To be asked while the job holds still."""
    spec = job.spec
    last = job.attempts[-1] if job.attempts else None
    container: dict[str, Any] = dict(spec.container)
    if not job.is_array:
        container["environment"] = [*container.get("environment", [])]
        if job.log_stream:
            container["logStreamName"] = job.log_stream
        if last is not None:
            container |= _ending(last) | _place(last)
    detail = {
        **_common(job),
        "jobQueue": spec.queue_arn,
        "parameters": dict(spec.parameters),
        "dependsOn": [
            {name: value for name, value in (("jobId", one.job_id), ("type", one.kind)) if value}
            for one in spec.depends_on
        ],
        "container": container,
        "attempts": [_attempt(one) for one in job.attempts],
        "retryStrategy": {"attempts": spec.attempts, "evaluateOnExit": [_rule(rule) for rule in spec.rules]},
        "tags": dict(spec.tags),
        **spec.extras,
    }
    if spec.timeout_s is not None:
        detail["timeout"] = {"attemptDurationSeconds": int(spec.timeout_s)}
    return detail


def _summary(job: Job) -> dict[str, Any]:
    last = job.attempts[-1] if job.attempts else None
    return {**_common(job), "container": _ending(last) if last else {}}


def _common(job: Job) -> dict[str, Any]:
    common: dict[str, Any] = {
        "jobArn": _arn(job),
        "jobId": job.id,
        "jobName": job.spec.name,
        "jobDefinition": job.spec.definition_arn,
        "createdAt": job.created_at,
        "status": str(job.state),
        "isCancelled": job.ended_by == "cancel",
        "isTerminated": job.ended_by == "terminate",
    }
    optional = {"statusReason": job.status_reason or None, "startedAt": job.started_at, "stoppedAt": job.stopped_at}
    common |= {name: value for name, value in optional.items() if value is not None}
    if job.is_array:
        counts = {str(state): job.counts.get(state, 0) for state in State}
        common["arrayProperties"] = {"size": job.spec.array_size, "statusSummary": counts}
    elif job.index is not None:
        common["arrayProperties"] = {"index": job.index}
    return common


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "container": {**_ending(attempt), **_place(attempt), "logStreamName": attempt.log_stream},
        "startedAt": attempt.started_at,
        "stoppedAt": attempt.stopped_at,
        "statusReason": attempt.status_reason,
    }


def _ending(attempt: Attempt) -> dict[str, Any]:
    ending: dict[str, Any] = {}
    if attempt.exit_code is not None:
        ending["exitCode"] = attempt.exit_code
    if attempt.reason:
        ending["reason"] = attempt.reason
    return ending


def _place(attempt: Attempt) -> dict[str, str]:
    return {"containerInstanceArn": CONTAINER_INSTANCE.format(ACCOUNT, attempt.instance)} if attempt.instance else {}


def _rule(rule: Any) -> dict[str, str]:
    values = {"onExitCode": rule.on_exit_code, "onReason": rule.on_reason, "onStatusReason": rule.on_status_reason}
    return {"action": rule.action} | {name: value for name, value in values.items() if value is not None}


# ---- listing ---------------------------------------------------------------------------------------------------------


def _like(text: str, pattern: str) -> bool:
    return text.startswith(pattern[:-1]) if pattern.endswith("*") else text == pattern


def _of_definition(job: Job, value: str) -> bool:
    return job.spec.definition_arn == value if value.startswith("arn:") else _like(job.spec.definition_name, value)


_FILTERS: dict[str, Callable[[Job, str], bool]] = {
    "JOB_NAME": lambda job, value: _like(job.spec.name.lower(), value.lower()),
    "JOB_DEFINITION": _of_definition,
    "BEFORE_CREATED_AT": lambda job, value: value.isdecimal() and job.created_at < int(value),
    "AFTER_CREATED_AT": lambda job, value: value.isdecimal() and job.created_at > int(value),
    "SHARE_IDENTIFIER": lambda job, value: job.spec.extras.get("shareIdentifier") == value,
}


def _newest_first(job: Job) -> int:
    return -job.number


def _by_index(job: Job) -> int:
    return job.index or 0


def _page(
    jobs: Sequence[Job], key: Callable[[Job], int], token: str | None, limit: int
) -> tuple[list[Job], str | None]:
    """The jobs after the one the token names, so that jobs which come or go meanwhile shift nothing."""
    if token:
        after = _position(token)
        jobs = [job for job in jobs if key(job) > after]
    page = list(jobs[:limit])
    more = len(jobs) > limit
    return page, base64.urlsafe_b64encode(str(key(page[-1])).encode()).decode() if more else None


def _position(token: str) -> int:
    try:
        return int(base64.urlsafe_b64decode(token.encode()))
    except ValueError as error:
        raise Refused("nextToken is not valid") from error
