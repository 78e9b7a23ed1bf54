# SPDX-License-Identifier: GPL-3.0-or-later
"""Restarts the engine at the moments that a plan of faults has drawn."""

from __future__ import annotations

import threading

from local_cloud.engine import Engine
from local_cloud.fault_log import FaultLog
from local_cloud.faults import NOBODY, Plan

KIND = "restart-engine"


class Restarts:
    """A thread that lives until the last restart, or `stop`. The clock begins to run with the first job."""

    def __init__(self, engine: Engine, plan: Plan, log: FaultLog) -> None:
        self._engine = engine
        self._pauses = plan.restarts()
        self._log = log
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="restarts", daemon=True)

    def start(self) -> Restarts:
        if self._pauses:
            self._thread.start()
        return self

    def stop(self) -> None:
        self._over.set()
        if self._pauses:
            self._thread.join()

    def _run(self) -> None:
        while not self._engine.jobs():
            if self._over.wait(0.1):
                return
        for pause in self._pauses:
            if self._over.wait(pause):
                return
            self._log.note(KIND, NOBODY)
            self._engine.restart()
