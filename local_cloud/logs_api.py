# SPDX-License-Identifier: GPL-3.0-or-later
"""GetLogEvents and DescribeLogStreams for the streams of our jobs; every other call and stream is moto's."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from local_cloud.http_types import Answer
from local_cloud.logs import PAGE_EVENTS, LogFolder, Stream
from local_cloud.registry import ACCOUNT

PREFIX = "Logs_20140328."
MAX_STREAMS = 50


class Invalid(Exception):
    """A request that CloudWatch Logs answers with an InvalidParameterException."""


class LogsApi:
    def __init__(self, folder: LogFolder) -> None:
        self._folder = folder
        self._calls: dict[str, Callable[[Mapping[str, Any], str], dict[str, Any]]] = {
            "GetLogEvents": self._get_events,
            "DescribeLogStreams": self._describe_streams,
        }

    def answer(self, target: str, body: bytes, region: str) -> Answer | None:
        """None where the call, or the stream it names, is not ours."""
        call = self._calls.get(target.removeprefix(PREFIX))
        if call is None:
            return None
        request = json.loads(body or b"{}")
        if not self._is_ours(request):
            return None
        try:
            return Answer(
                200, [("Content-Type", "application/x-amz-json-1.1")], json.dumps(call(request, region)).encode()
            )
        except Invalid as problem:
            error = {"__type": "InvalidParameterException", "message": str(problem)}
            return Answer(400, [("Content-Type", "application/x-amz-json-1.1")], json.dumps(error).encode())

    def _is_ours(self, request: Mapping[str, Any]) -> bool:
        group, stream = _group(request), request.get("logStreamName")
        return self._folder.has(group, stream) if stream else any(True for _ in self._folder.streams(group))

    def _get_events(self, request: Mapping[str, Any], _region: str) -> dict[str, Any]:
        group, stream = _group(request), request["logStreamName"]
        limit = request.get("limit", PAGE_EVENTS)
        if not 1 <= limit <= PAGE_EVENTS:
            raise Invalid(f"limit must be between 1 and {PAGE_EVENTS}")
        direction, position = _position(request.get("nextToken"), request.get("startFromHead", False))
        if direction == "f":
            page = self._folder.forwards(group, stream, position or 0, limit)
        else:
            page = self._folder.backwards(group, stream, position, limit)
        after, before = request.get("startTime", 0), request.get("endTime", 1 << 62)
        return {
            "events": [
                {"timestamp": event.timestamp, "ingestionTime": event.timestamp, "message": event.message}
                for event in page.events
                if after <= event.timestamp < before
            ],
            # The same token as was sent means: nothing more for now.
            "nextForwardToken": f"f/{page.end}",
            "nextBackwardToken": f"b/{page.start}",
        }

    def _describe_streams(self, request: Mapping[str, Any], region: str) -> dict[str, Any]:
        group = _group(request)
        limit = request.get("limit", MAX_STREAMS)
        if not 1 <= limit <= MAX_STREAMS:
            raise Invalid(f"limit must be between 1 and {MAX_STREAMS}")
        streams = list(self._folder.streams(group, request.get("logStreamNamePrefix", "")))
        if request.get("orderBy") == "LastEventTime":
            streams.sort(key=lambda stream: stream.last_event or 0)
        if request.get("descending"):
            streams.reverse()
        start = _offset(request.get("nextToken"))
        answer: dict[str, Any] = {
            "logStreams": [_described(stream, group, region) for stream in streams[start : start + limit]]
        }
        return answer | ({"nextToken": f"s/{start + limit}"} if start + limit < len(streams) else {})


def _group(request: Mapping[str, Any]) -> str:
    name = str(request.get("logGroupName") or request.get("logGroupIdentifier") or "")
    return name.partition(":log-group:")[2].removesuffix(":*") if name.startswith("arn:") else name


def _position(token: str | None, from_head: bool) -> tuple[str, int | None]:
    if token is None:
        return ("f", 0) if from_head else ("b", None)
    direction, _, position = token.partition("/")
    if direction not in ("f", "b") or not position.isdecimal():
        raise Invalid("The specified nextToken is invalid.")
    return direction, int(position)


def _offset(token: str | None) -> int:
    if token is None:
        return 0
    if not token.startswith("s/") or not token[2:].isdecimal():
        raise Invalid("The specified nextToken is invalid.")
    return int(token[2:])


def _described(stream: Stream, group: str, region: str) -> dict[str, Any]:
    described = {
        "logStreamName": stream.name,
        "creationTime": stream.created,
        "firstEventTimestamp": stream.first_event,
        "lastEventTimestamp": stream.last_event,
        "lastIngestionTime": stream.last_event,
        "arn": f"arn:aws:logs:{region}:{ACCOUNT}:log-group:{group}:log-stream:{stream.name}",
        "storedBytes": 0,  # CloudWatch itself has answered 0 here since 2019.
    }
    return {name: value for name, value in described.items() if value is not None}
