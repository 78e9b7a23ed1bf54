# SPDX-License-Identifier: GPL-3.0-or-later
"""EC2's instance metadata service (IMDSv2) of every machine, each below an address of its own. Needs no signature."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from datetime import UTC, datetime

from local_cloud.http_types import Answer, Environ, header
from local_cloud.instances import Fleet, Instance

METADATA = "/_local-cloud/machines/"
"""Followed by an instance's id and the service's own path, such as /latest/meta-data/instance-id."""


class Metadata:
    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._token = secrets.token_urlsafe(24)

    def answer(self, environ: Environ) -> Answer:
        """To a request whose path begins with METADATA."""
        instance_id, _, path = environ["PATH_INFO"].removeprefix(METADATA).partition("/")
        instance = self._fleet.find(instance_id)
        if instance is None:
            return Answer(404)
        if environ["REQUEST_METHOD"] == "PUT" and path == "latest/api/token":
            return self._new_token(environ)
        if header(environ, "X-aws-ec2-metadata-token") != self._token:
            return Answer(401)
        say = _PAGES.get(path.removeprefix("latest/meta-data/"))
        text = say(instance) if say else ""
        return Answer(200, [("Content-Type", "text/plain")], text.encode()) if text else Answer(404)

    def _new_token(self, environ: Environ) -> Answer:
        seconds = header(environ, "X-aws-ec2-metadata-token-ttl-seconds") or ""
        if not seconds.isdecimal() or not 1 <= int(seconds) <= 21_600:
            return Answer(400)
        return Answer(200, [("X-aws-ec2-metadata-token-ttl-seconds", seconds)], self._token.encode())


def _action(instance: Instance) -> str:
    if instance.taken_at is None:
        return ""
    when = datetime.fromtimestamp(instance.taken_at, UTC)
    return json.dumps({"action": "terminate", "time": when.strftime("%Y-%m-%dT%H:%M:%SZ")})


_PAGES: dict[str, Callable[[Instance], str]] = {
    "instance-id": lambda instance: instance.id,
    "instance-life-cycle": lambda _: "spot",
    "instance-type": lambda instance: instance.type,
    "placement/availability-zone": lambda instance: instance.zone,
    "spot/instance-action": _action,
}
"""Path below latest/meta-data/ → the text there; empty is 404."""
