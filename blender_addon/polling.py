# SPDX-License-Identifier: GPL-3.0-or-later
"""When to look at the cloud again: often while a job moves, seldom while nothing does, never before the artist did."""

from __future__ import annotations

from dataclasses import dataclass, field

from . import tasks
from .background import BACKGROUND
from .model import MODEL, Account
from .remembered import remembered

LIST_EVERY_S = 60.0
LOOK_FIRST_S = 2.0
LOOK_MOST_S = 20.0
SLOWER = 1.5
COST_EVERY_S = 60.0
"""How often the bill of a job is added up, and what is on is looked at; each costs some requests."""


@dataclass
class _Pace:
    """How often one job is looked at."""

    next_at: float = 0.0
    every_s: float = LOOK_FIRST_S
    seen: object = None


@dataclass
class Polling:
    """Decides, each tick, what is due; starts at most one look and one listing."""

    list_at: float = 0.0
    paces: dict[str, _Pace] = field(default_factory=dict)
    bill_at: float = 0.0
    billed: tuple[str, bool] = ("", False)
    """The job whose bill was asked for last, and whether it had ended."""
    running_at: float = 0.0
    at_end_of: str = ""
    """The job after which it was looked at last what is on."""

    def tick(self, account: Account, now: float) -> None:
        if not (MODEL.listed or remembered().used):
            return
        if now >= self.list_at or MODEL.list_is_old:
            self._list(account, now)
        for job_id in self._watched():
            if self._look(account, job_id, now):
                break
        self._costs(account, now)

    def soon(self) -> None:
        """Something was done: whatever is watched is looked at in the next tick."""
        self.paces.clear()

    def _list(self, account: Account, now: float) -> None:
        if BACKGROUND.start(tasks.list_jobs(account)):
            self.list_at = now + LIST_EVERY_S
            MODEL.list_is_old = False

    def _costs(self, account: Account, now: float) -> None:
        """The bill of the selected job now and then while it runs, and once more at its end; then what is still on."""
        state = MODEL.states.get(MODEL.active)
        if state is None or state.phase == "uploading":
            return
        known, wanted = MODEL.bills.get(MODEL.active), (MODEL.active, state.ended)
        due = wanted != self.billed or now >= self.bill_at
        if due and not (known and known.final) and BACKGROUND.start(tasks.bill(account, *wanted)):
            self.billed, self.bill_at = wanted, now + COST_EVERY_S
        due = state.ended and now >= self.running_at and self._may_run(MODEL.active)
        if due and BACKGROUND.start(tasks.running(account)):
            self.at_end_of, self.running_at = MODEL.active, now + COST_EVERY_S

    def _may_run(self, ended: str) -> bool:
        """Whether something may be on of which nobody knows: machines stay on for minutes after their last job."""
        found = MODEL.running
        return found is None or bool(found.machines or found.jobs) or self.at_end_of != ended

    def _watched(self) -> list[str]:
        """The selected job, and those whose results are waited for."""
        waited = [job_id for job_id in remembered().downloads if job_id != MODEL.active]
        return [job_id for job_id in (MODEL.active, *waited) if job_id and self._may_move(job_id)]

    def _may_move(self, job_id: str) -> bool:
        state = MODEL.states.get(job_id)
        return job_id not in MODEL.busy and not (state is not None and state.ended)

    def _look(self, account: Account, job_id: str, now: float) -> bool:
        pace = self.paces.setdefault(job_id, _Pace())
        if now < pace.next_at or not BACKGROUND.start(tasks.look(account, job_id)):
            return False
        state = MODEL.states.get(job_id)
        moved = state != pace.seen
        pace.seen = state
        pace.every_s = LOOK_FIRST_S if moved else min(pace.every_s * SLOWER, LOOK_MOST_S)
        pace.next_at = now + pace.every_s
        return True


POLLING = Polling()
