# SPDX-License-Identifier: GPL-3.0-or-later
"""The machines that attempts run on. An instance is a name with a fate: no process is started or ended here.

As on ECS, a machine that is to be taken back gets no new attempt; another one is started in its place.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from local_cloud.jobs import Spec

TYPES = {True: "g6.xlarge", False: "m6i.xlarge"}
"""Whether a GPU is asked for → what stands in."""

ZONES = "abc"


@dataclass(eq=False)
class Instance:
    """One EC2 machine. Changed by the fleet alone; whoever reads it sees the newest."""

    id: str
    type: str
    zone: str
    taken_at: float | None = None
    """time.time() when Spot takes it, once there was a notice."""
    gone: bool = False
    busy: int = 0
    """Attempts on it."""


class Fleet:
    """The machines of one local cloud. `places` is how many attempts fit on one."""

    def __init__(
        self, region: str, places: int = 1, random: Random | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self._region = region
        self._places = places
        self._random = random or Random()
        self._clock = clock
        self._lock = threading.Lock()
        self._instances: dict[str, Instance] = {}

    def place(self, spec: Spec) -> Instance:
        """A machine with room for one more attempt, started if there is none. `leave` it afterwards."""
        kind = TYPES[any(need.get("type") == "GPU" for need in spec.container.get("resourceRequirements") or ())]
        with self._lock:
            self._forget_the_gone()
            found = next((each for each in self._instances.values() if self._fits(each, kind)), None) or self._new(kind)
            found.busy += 1
            return found

    def leave(self, instance: Instance) -> None:
        with self._lock:
            instance.busy -= 1

    def find(self, instance_id: str) -> Instance | None:
        """One that is still there."""
        instance = self._instances.get(instance_id)
        return None if instance is None or instance.gone else instance

    def give_notice(self, instance: Instance, seconds: float) -> None:
        """Spot takes it in so many seconds; an earlier notice stands."""
        with self._lock:
            if instance.taken_at is None:
                instance.taken_at = self._clock() + seconds

    def lose(self, instance: Instance) -> None:
        """It vanishes, with all that runs on it."""
        instance.gone = True

    def is_due(self, instance: Instance) -> bool:
        """Whether the time of its notice is over."""
        return instance.taken_at is not None and self._clock() >= instance.taken_at

    def _fits(self, instance: Instance, kind: str) -> bool:
        fresh = not instance.gone and instance.taken_at is None
        return fresh and instance.type == kind and instance.busy < self._places

    def _new(self, kind: str) -> Instance:
        made = Instance(f"i-{self._random.getrandbits(68):017x}", kind, self._region + self._random.choice(ZONES))
        self._instances[made.id] = made
        return made

    def _forget_the_gone(self) -> None:
        over = [each for each in self._instances.values() if not each.busy and (each.gone or self.is_due(each))]
        for each in over:
            del self._instances[each.id]
