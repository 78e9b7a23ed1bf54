# SPDX-License-Identifier: GPL-3.0-or-later
"""CodeBuild, as far as the stack's image goes: a build ends at once, and its tag is in the repository.

Nothing is built: what runs in place of an image are processes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

PROJECTS: dict[str, Mapping[str, Any]] = {}
"""Name → properties, of the projects that CloudFormation has made here. moto's own knows no such resource type."""


def apply() -> None:
    """Change moto in place: its builds know no overrides, push nothing, and name log streams that are not there."""
    from moto.codebuild import responses
    from moto.core.responses import ActionResult
    from moto.ecr.models import ecr_backends

    answers: Any = responses.CodeBuildResponse
    start, look = answers.start_build, answers.batch_get_builds

    def start_build(request: Any) -> Any:
        name = request._get_param("projectName")
        if name not in PROJECTS:
            return start(request)
        repository = _variables(PROJECTS[name]["Environment"]["EnvironmentVariables"], "Name", "Value")["REPOSITORY"]
        tag = _variables(request._get_param("environmentVariablesOverride") or [], "name", "value")["TAG"]
        backend = ecr_backends[request.current_account][request.region]
        kind = "application/vnd.docker.distribution.manifest.v2+json"
        manifest = json.dumps({"schemaVersion": 2, "mediaType": kind, "layers": [], "config": {"digest": tag}})
        backend.put_image(repository.partition("/")[2], manifest, tag)
        return ActionResult({"build": _build(f"{name}:{tag}")})

    def batch_get_builds(request: Any) -> Any:
        ids = request._get_param("ids")
        if not {build.partition(":")[0] for build in ids} <= set(PROJECTS):
            return look(request)
        return ActionResult({"builds": [_build(build) for build in ids]})

    answers.start_build, answers.batch_get_builds = start_build, batch_get_builds


def _variables(rows: list[dict[str, str]], name: str, value: str) -> dict[str, str]:
    return {row[name]: row[value] for row in rows}


def _build(build_id: str) -> dict[str, Any]:
    return {"id": build_id, "projectName": build_id.partition(":")[0], "buildStatus": "SUCCEEDED", "logs": {}}
