# SPDX-License-Identifier: GPL-3.0-or-later
"""What this Blender knows of the cloud: plain values, changed in the main thread only. Knows neither bpy nor AWS.

Properties of Blender are emptied by File ▸ New and Open and rewound by undo, so this is the truth, and they mirror it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from cloud_render.client.bill import Bill
    from cloud_render.client.monitor import JobState, JobSummary
    from cloud_render.client.plan import SubmitPlan
    from cloud_render.client.quote import Quote
    from cloud_render.client.signin import Token
    from cloud_render.contract.month import Month
    from cloud_render.contract.scene import MissingFile

Remedy = Literal["", "preferences", "sign_in", "quotas"]
"""What a button beside a problem does; empty: there is no button."""


@dataclass(frozen=True)
class Account:
    """An AWS account and region by profile, and the stack in it. Empty texts: as the AWS configuration says."""

    profile: str
    region: str
    stack: str
    endpoint_url: str
    """Of a local cloud; empty for AWS."""


@dataclass(frozen=True)
class Problem:
    """What stands in the way, and what to do about it."""

    text: str
    advice: str = ""
    remedy: Remedy = ""
    passes: bool = False
    """It is over as soon as the cloud answers; any other stays until the artist has read it."""


@dataclass(frozen=True)
class Transfer:
    """How an upload or a download goes. All sizes in bytes."""

    total: int = 0
    done: int = 0
    """Sent, or there already."""
    sent: int = 0
    read: int = 0
    rate: float = 0.0
    """Bytes a second, lately."""

    @property
    def factor(self) -> float:
        return min(self.done / self.total, 1.0) if self.total else 0.0

    @property
    def seconds_left(self) -> float | None:
        return (self.total - self.done) / self.rate if self.rate > 0 else None


Stage = Literal["packing", "saving", "checking", "pricing", "ready", "uploading"]


@dataclass(frozen=True)
class Found:
    """What was found before anything is sent: the confirm dialog's content."""

    plan: SubmitPlan
    new_bytes: int = 0
    """Of the files, not in the bucket yet."""
    builds: tuple[str, ...] = ()
    """Versions of Blender that the farm has; empty: none, or not known."""
    installs: bool = False
    """Whether the job first installs its Blender in the cloud."""
    month: Month | None = None
    """What the cloud's limit of this month leaves; None where it has none."""


@dataclass(frozen=True)
class Priced:
    """What a submit will cost, or why that is not known."""

    quote: Quote | None = None
    """None where no frame of the scene was ever rendered in the cloud, and where something stood in the way."""
    why_not: str = ""
    """What stood in the way."""
    quotes: Callable[[float | None], Quote] | None = None
    """Gives the quote for another deadline, in seconds from now; None for none. Asks nobody."""
    deadline: datetime | None = None
    """By which the quote's ways are to be done."""
    deadline_s: float = 0.0
    """From the quote to it."""
    bad_deadline: str = ""
    """Why what the artist wrote is no deadline."""


@dataclass(frozen=True)
class Billed:
    """What a job has cost."""

    bill: Bill
    prices: str
    """Where the prices come from."""
    notices: tuple[str, ...] = ()
    final: bool = False
    """Whether the job had ended by then."""


@dataclass(frozen=True)
class Running:
    """What is on in the cloud, and so is paid for, when it was looked at last."""

    machines: tuple[str, ...]
    """Types, a name each."""
    jobs: int
    """That have not ended."""
    at: str
    """Hours and minutes of this computer's clock."""


@dataclass(frozen=True)
class Submit:
    """The one submit that this Blender is busy with."""

    stage: Stage
    name: str
    missing: tuple[MissingFile, ...] = ()
    found: Found | None = None
    transfer: Transfer = Transfer()
    again_frames: str = ""
    """Those of an older job that are rendered again; empty for a new job."""
    test: bool = False
    """Whether it is a few test frames, not the job itself."""
    deadline: str = ""
    """By when it is to be done, as the artist wrote it."""
    priced: Priced | None = None
    """None until the price is known, and where nobody asked for it."""


@dataclass(frozen=True)
class Check:
    """A line of what `Check` in the preferences found."""

    subject: str
    words: str
    good: bool
    remedy: Remedy = ""


@dataclass(frozen=True)
class KnownProfile:
    """A profile of the artist's AWS configuration."""

    name: str
    problem: str = ""
    """Why it can't work now, with what to do; empty where nothing speaks against it."""
    needs_sign_in: bool = False
    """Signing in is all that is missing."""


@dataclass(frozen=True)
class Role:
    """What a person who signed in may use."""

    account_id: str
    account: str
    role: str


@dataclass(frozen=True)
class SignIn:
    """A sign-in through the browser that goes on."""

    code: str = ""
    """What the browser shows too; empty until it is known."""
    page: str = ""
    """The address that was opened."""
    roles: tuple[Role, ...] = ()
    """What can be chosen from, once the person has confirmed."""
    token: Token | None = None


@dataclass(frozen=True)
class StackWork:
    """Setting the cloud up, or taking it away."""

    words: str
    """What is being done, as AWS names it."""
    done: int = 0
    total: int = 0
    """0 where that is not known."""


@dataclass
class Model:
    """One for each Blender."""

    problem: Problem | None = None
    submit: Submit | None = None
    interrupted: tuple[str, ...] = ()
    """Jobs whose upload did not end; this computer has what it takes to go on."""
    jobs: tuple[JobSummary, ...] = ()
    active: str = ""
    """The job that is selected in the list."""
    listed: bool = False
    """Whether the jobs were ever listed."""
    list_is_old: bool = True
    """Something was done since: it is to be listed now, not when it is due."""
    states: dict[str, JobState] = field(default_factory=dict)
    """The last look at the jobs that were looked at, by job id."""
    downloads: dict[str, Transfer] = field(default_factory=dict)
    """Those that go on, by job id."""
    downloaded: dict[str, Path] = field(default_factory=dict)
    """The folder of each job whose files were brought here."""
    looked_into: dict[str, Path] = field(default_factory=dict)
    """Where such files were looked for last, by job id."""
    videos: dict[str, Path] = field(default_factory=dict)
    busy: dict[str, str] = field(default_factory=dict)
    """What is being done to a job, in words, by job id."""
    previews: dict[str, Mapping[int, Path]] = field(default_factory=dict)
    """Preview files on this computer, by job id and frame."""
    bills: dict[str, Billed] = field(default_factory=dict)
    """What the jobs that were looked at have cost, by job id."""
    running: Running | None = None
    """None until it was looked at, which is when a job has ended."""
    profiles: tuple[KnownProfile, ...] | None = None
    """None until they were read, which is when the preferences are shown."""
    profiles_wanted: bool = False
    sign_in: SignIn | None = None
    stack_work: StackWork | None = None
    checks: tuple[Check, ...] = ()
    checking: bool = False
    changes: int = 0
    """Counts up with every change, so that the mirror knows when to look."""

    def job(self, job_id: str) -> JobSummary | None:
        return next((job for job in self.jobs if job.job_id == job_id), None)

    def reset(self) -> None:
        """As at the start: the extension was switched off, and its threads with it."""
        vars(self).update(vars(Model()), changes=self.changes + 1)

    def forget_cloud(self) -> None:
        """Another account, region or stack: nothing of the last one holds."""
        self.problem, self.jobs, self.listed, self.list_is_old, self.checks = None, (), False, True, ()
        self.running = None
        for known in (self.states, self.previews, self.bills):
            known.clear()
        self.changes += 1


MODEL = Model()
