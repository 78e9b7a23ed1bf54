# SPDX-License-Identifier: GPL-3.0-or-later
"""A running attempt as others touch it: asked to end, killed, its machine taken away, or met by a planned fault."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from local_cloud.engine import HOST_LOST
from local_cloud.fault_log import FaultLog
from local_cloud.faults import Drawn, Plan, Who
from local_cloud.instances import Fleet, Instance
from local_cloud.jobs import Outcome
from local_cloud.kin import Kin
from local_cloud.processes import signal_group
from local_cloud.small_disk import SmallDisk

OUT_OF_MEMORY = Outcome(137, "OutOfMemoryError: Container killed due to memory usage")


@dataclass(frozen=True)
class Perils:
    """What may happen to attempts, and where it is written down."""

    plan: Plan
    log: FaultLog
    fleet: Fleet


@dataclass(frozen=True)
class Place:
    """Where one attempt runs, and as what."""

    who: Who
    instance: Instance
    scratch: Path
    disk: SmallDisk | None = None
    """Where the scratch is a disk of its own, which can be full."""


class RunningProcess:
    """A running attempt. `look` is called often, by the thread that follows the process; the rest by any thread."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        place: Place,
        perils: Perils,
        drawn: Drawn | None,
        grace_s: float,
    ) -> None:
        self._process = process
        self._place = place
        self._perils = perils
        self._drawn = drawn
        self._awaited = drawn.after_text.encode() if drawn else b""
        self._printed = b""
        self._due = time.monotonic() + (drawn.after_s if drawn else 0.0)
        self._grace_s = grace_s
        self._kin = Kin(place.scratch)
        self._lock = threading.RLock()
        self._kill_at: float | None = None
        self._fate: Outcome | None = None
        """How it ends, where that is not the process's own doing."""

    def terminate(self) -> None:
        self._ask_to_end(self._grace_s)

    def take_host_away(self) -> None:
        self._perils.fleet.lose(self._place.instance)
        self.look()

    def hurt(self, kind: str) -> bool:
        """Let a fault happen now. False where it can't, such as the death of a Blender that is not there."""
        with self._lock:
            happened = self._happens(Drawn(kind, 0.0))
            self._look_at_machine()
            return happened

    def heard(self, printed: bytes) -> None:
        """What the attempt printed, as it comes."""
        if not self._awaited or self._drawn is None:
            return
        self._printed = self._printed[-len(self._awaited) :] + printed
        if self._awaited in self._printed:
            self._awaited = b""
            self._due = time.monotonic() + self._drawn.after_s

    def look(self) -> None:
        """Let happen what is due."""
        with self._lock:
            if self._drawn and not self._awaited and time.monotonic() >= self._due and self._happens(self._drawn):
                self._drawn = None
            self._look_at_machine()
            if self._kill_at is not None and time.monotonic() > self._kill_at:
                self.kill()

    def kill(self) -> None:
        """End all of it at once."""
        signal_group(self._process, signal.SIGKILL)
        self._kin.kill()

    def outcome(self, *, timed_out: bool) -> Outcome:
        """Of a process that has ended."""
        if self._fate is not None:
            return self._fate
        code = self._process.returncode
        exit_code = code if code >= 0 else 128 - code
        if timed_out:
            return Outcome(exit_code, "", "Job attempt duration exceeded timeout", timed_out=True)
        return Outcome(exit_code)

    def _look_at_machine(self) -> None:
        instance = self._place.instance
        if instance.gone:
            self._fate = self._host_lost()
            self.kill()
        elif self._fate is None and self._perils.fleet.is_due(instance):
            self._fate = self._host_lost()
            self._ask_to_end(self._perils.plan.notice_s / 4)

    def _ask_to_end(self, grace_s: float) -> None:
        if self._kill_at is None:
            self._kill_at = time.monotonic() + grace_s
            signal_group(self._process, signal.SIGTERM)

    def _host_lost(self) -> Outcome:
        return Outcome(None, "", HOST_LOST.format(self._place.instance.id))

    def _happens(self, drawn: Drawn) -> bool:
        log = self._perils.log
        if not log.take(drawn.kind, drawn.limit):
            return True  # The plan has had enough of them: this one is over too.
        if not _ACTS[drawn.kind](self):
            log.give_back(drawn.kind)
            return False
        log.note(drawn.kind, self._place.who, self._place.instance.id)
        return True

    # ---- what can happen -----------------------------------------------------------------------------------------

    def _reclaim(self) -> bool:
        self._perils.fleet.give_notice(self._place.instance, self._perils.plan.notice_s)
        return True

    def _lose_host(self) -> bool:
        self._perils.fleet.lose(self._place.instance)
        return True

    def _kill_blender(self) -> bool:
        return self._kin.signal_blender(signal.SIGKILL)

    def _stop_blender(self) -> bool:
        return self._kin.signal_blender(signal.SIGSTOP)

    def _kill_worker(self) -> bool:
        self._process.send_signal(signal.SIGKILL)
        return True

    def _run_out_of_memory(self) -> bool:
        self._fate = OUT_OF_MEMORY
        self.kill()
        return True

    def _fill_disk(self) -> bool:
        return self._place.disk is not None and self._place.disk.fill()


_ACTS: Mapping[str, Callable[[RunningProcess], bool]] = {
    "reclaim": RunningProcess._reclaim,
    "reclaim-without-notice": RunningProcess._lose_host,
    "kill-blender": RunningProcess._kill_blender,
    "kill-worker": RunningProcess._kill_worker,
    "out-of-memory": RunningProcess._run_out_of_memory,
    "hang": RunningProcess._stop_blender,
    "full-disk": RunningProcess._fill_disk,
}
"""Kind → what makes it happen; False where it can't happen (yet)."""
