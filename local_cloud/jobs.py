# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Batch job is: its states, what was submitted, what became of it. Decides nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Protocol

from local_cloud.retry import Rule


class State(StrEnum):
    SUBMITTED = "SUBMITTED"
    PENDING = "PENDING"
    RUNNABLE = "RUNNABLE"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


ENDED = frozenset({State.SUCCEEDED, State.FAILED})
ON_A_MACHINE = frozenset({State.STARTING, State.RUNNING})


class Running(Protocol):
    """An attempt that runs somewhere, as the engine can touch it from another thread."""

    def terminate(self) -> None:
        """Ask it to end: SIGTERM, and SIGKILL when the grace is over."""

    def take_host_away(self) -> None:
        """End it at once, as if its machine had vanished."""

    def hurt(self, kind: str) -> bool:
        """Let a fault of faults.ATTEMPT_KINDS happen to it. False where it can't."""


@dataclass(frozen=True, slots=True)
class Dependency:
    """One entry of dependsOn. `SEQUENTIAL` has no job id; an empty kind waits for the whole job."""

    job_id: str
    kind: str


@dataclass(frozen=True, slots=True)
class Spec:
    """What was submitted, with its definition filled in. Shared by all children of an array."""

    name: str
    region: str
    queue_arn: str
    compute_environment: str
    definition_arn: str
    parameters: Mapping[str, str]
    container: Mapping[str, Any]
    """containerProperties of the definition with the overrides laid over it, named as in the API."""
    attempts: int
    rules: tuple[Rule, ...]
    timeout_s: float | None
    depends_on: tuple[Dependency, ...]
    array_size: int | None
    tags: Mapping[str, str]
    extras: Mapping[str, Any]
    """Fields that are only given back as they came: propagateTags, platformCapabilities, shareIdentifier, …"""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Spec:
        return cls(
            **{
                **values,
                "rules": tuple(Rule(**rule) for rule in values["rules"]),
                "depends_on": tuple(Dependency(**dependency) for dependency in values["depends_on"]),
            }
        )

    @property
    def queue_name(self) -> str:
        return self.queue_arn.rpartition("/")[2]

    @property
    def definition_name(self) -> str:
        return self.definition_arn.rpartition("/")[2].rpartition(":")[0]

    @property
    def log_group(self) -> str:
        return str(self._log_options.get("awslogs-group", "/aws/batch/job"))

    @property
    def log_prefix(self) -> str:
        return str(self._log_options.get("awslogs-stream-prefix", self.definition_name))[:200]

    @property
    def _log_options(self) -> Mapping[str, Any]:
        options: Mapping[str, Any] = (self.container.get("logConfiguration") or {}).get("options") or {}
        return options


@dataclass(frozen=True, slots=True)
class Attempt:
    """One run of a job that has ended. Times in milliseconds since 1970."""

    started_at: int
    stopped_at: int
    exit_code: int | None
    reason: str
    """What the container system said, such as `CannotPullContainerError: …`; mostly empty."""
    status_reason: str
    log_stream: str
    instance: str = ""
    """Id of the machine it ran on; empty where it never got to one."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one attempt ended."""

    exit_code: int | None
    reason: str = ""
    status_reason: str = "Essential container in task exited"
    timed_out: bool = False
    instance: str = ""


class Job:
    """A plain job, an array's parent, or a child. Changed by the engine alone, under its lock; many thousands fit."""

    __slots__ = (
        "attempts",
        "children",
        "counts",
        "created_at",
        "dependents",
        "end_reason",
        "ended_by",
        "id",
        "index",
        "log_stream",
        "number",
        "parent",
        "running",
        "spec",
        "started_at",
        "state",
        "status_reason",
        "stopped_at",
        "waiting",
    )

    def __init__(
        self, spec: Spec, job_id: str, number: int, created_at: int, parent: Job | None = None, index: int | None = None
    ):
        self.spec = spec
        self.id = job_id
        self.number = number
        """Counts up with each submission: the order in which jobs are listed."""
        self.created_at = created_at
        self.parent = parent
        self.index = index
        self.children: list[Job] = []
        self.counts: dict[State, int] = {}
        """Of a parent: how many children are in each state, kept with every change, so that asking costs nothing."""
        self.state = State.SUBMITTED
        self.status_reason = ""
        self.started_at: int | None = None
        self.stopped_at: int | None = None
        self.attempts: tuple[Attempt, ...] = ()
        self.log_stream = ""
        self.waiting: set[str] = set()
        self.dependents: list[Job] = []
        self.running: Running | None = None
        self.ended_by = ""
        """`cancel` or `terminate` once someone asked for the end; `end_reason` is what they said."""
        self.end_reason = ""

    @property
    def is_array(self) -> bool:
        return self.spec.array_size is not None and self.parent is None

    @property
    def ended(self) -> bool:
        return self.state in ENDED
