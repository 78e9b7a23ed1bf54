# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWS brings by itself and a test has to ask for: faults, no capacity; and what was injected. All signed."""

from __future__ import annotations

import json
from typing import Any

from local_cloud.engine import Engine
from local_cloud.fault_log import FaultLog
from local_cloud.faults import ATTEMPT_KINDS
from local_cloud.http_types import Answer

CONTROL = "/_local-cloud/"
"""Paths below this belong to no AWS service."""


class Control:
    def __init__(self, engine: Engine, faults: FaultLog) -> None:
        self._engine = engine
        self._faults = faults
        self._calls = {
            "take-host-away": self._take_host_away,
            "set-capacity": self._set_capacity,
            "hurt": self._hurt,
            "restart-engine": self._restart_engine,
            "faults": self._injected,
        }

    def answer(self, path: str, request: dict[str, Any]) -> Answer:
        call = self._calls.get(path.removeprefix(CONTROL))
        if call is None:
            return Answer(404, [("Content-Type", "application/json")], b"{}")
        return Answer(200, [("Content-Type", "application/json")], json.dumps(call(request)).encode())

    def _take_host_away(self, request: dict[str, Any]) -> dict[str, Any]:
        """`{"jobId": …}` → `{"taken": whether it was running}`"""
        job = self._engine.job(request["jobId"])
        return {"taken": job is not None and self._engine.take_host_away(job)}

    def _set_capacity(self, request: dict[str, Any]) -> dict[str, Any]:
        """`{"jobQueue": ARN, "missing": Batch's reason, or "" for capacity again}` → `{}`"""
        self._engine.set_capacity(request["jobQueue"], request["missing"])
        return {}

    def _hurt(self, request: dict[str, Any]) -> dict[str, Any]:
        """`{"jobId": …, "kind": one of faults.ATTEMPT_KINDS}` → `{"happened": whether it could}`"""
        job = self._engine.job(request["jobId"])
        kind = request["kind"]
        return {"happened": kind in ATTEMPT_KINDS and job is not None and self._engine.hurt(job, kind)}

    def _restart_engine(self, _request: dict[str, Any]) -> dict[str, Any]:
        """`{}` → `{}`"""
        self._engine.restart()
        return {}

    def _injected(self, _request: dict[str, Any]) -> dict[str, Any]:
        """`{}` → `{"faults": [what happened, oldest first; see fault_log.Injected]}`"""
        return {"faults": self._faults.entries()}
