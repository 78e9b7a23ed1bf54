# SPDX-License-Identifier: GPL-3.0-or-later
"""The door to cloud_render.client: the only module that imports it, loaded by the first thread that needs the cloud.

Everything here runs in threads: values in, values out, no bpy.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from cloud_render.client import (
    control,
    costs,
    doctor,
    expenses,
    logs,
    monitor,
    phases,
    pictures,
    probes,
    profiles,
    quoting,
    setup,
    signin,
    submit,
    teardown,
)
from cloud_render.client import download as downloads
from cloud_render.client.again import again as rerender
from cloud_render.client.again import old_job
from cloud_render.client.builds import builds, lacks
from cloud_render.client.farm import Connection, Farm
from cloud_render.client.monitor import JobState, JobSummary
from cloud_render.client.month import month_of
from cloud_render.client.options import Options
from cloud_render.client.plan import SubmitPlan, plan
from cloud_render.client.quote import Quote, Wish
from cloud_render.contract.errors import BadArguments, NoCredentials, NotThere, SignedOut
from cloud_render.contract.month import month_at
from cloud_render.contract.scene import Examination
from cloud_render.store import Progress, SourceFile

from .model import Account, Billed, Check, Found, KnownProfile, Remedy, Role, Running, SignIn, StackWork, Transfer

MOST_JOBS = 200
LOG_TAIL = 400
"""Lines of a log that are shown."""

_TELL_EVERY_S = 0.2
_RATE_OVER_S = 5.0

_farms: dict[Account, Farm] = {}
_monitors: dict[tuple[Account, str], monitor.Monitor] = {}
_lock = threading.Lock()


def farm_of(account: Account) -> Farm:
    """The stack, looked up once. Raises NoStack, NoCredentials or CloudUnreachable."""
    with _lock:
        if account not in _farms:
            _refuse_unfit(account)
            _farms[account] = Farm.find(_connection(account), account.stack)
        return _farms[account]


def _refuse_unfit(account: Account) -> None:
    """A profile that wants a code typed would ask on a terminal that nobody sees, and hang."""
    try:
        profile = profiles.profile_of(account.profile) if account.profile else None
    except BadArguments as error:  # chosen in the preferences, where another can be chosen
        raise NoCredentials(error.problem, error.advice) from error
    if profile is not None and not profile.works:
        raise (SignedOut if profile.needs_sign_in else NoCredentials)(profile.problem, profile.advice)


def forget() -> None:
    """Credentials or stack may be others now."""
    with _lock:
        _farms.clear()
        _monitors.clear()


class Meter(Progress):
    """Tells a Transfer a few times a second."""

    def __init__(self, tell: Callable[[Transfer], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._tell, self._clock = tell, clock
        self._total = self._present = self._sent = self._read = 0
        self._told = 0.0
        self._lately: deque[tuple[float, int]] = deque()

    def total(self, size: int) -> None:
        self._total = size
        self._say(now=True)

    def hashed(self, size: int) -> None:
        self._read += size
        self._say()

    def present(self, size: int) -> None:
        self._present += size
        self._say()

    def sent(self, size: int) -> None:
        self._sent += size
        self._say()

    def _say(self, now: bool = False) -> None:
        moment = self._clock()
        if not now and moment - self._told < _TELL_EVERY_S:
            return
        self._told = moment
        self._lately.append((moment, self._sent))
        while moment - self._lately[0][0] > _RATE_OVER_S:
            self._lately.popleft()
        began, had = self._lately[0]
        rate = (self._sent - had) / (moment - began) if moment > began else 0.0
        self._tell(Transfer(self._total, self._present + self._sent, self._sent, self._read, rate))


def find_out(
    account: Account,
    examination: Examination,
    options: Options,
    again_of: str,
    test: bool,
    tell: Callable[[Transfer], None],
    stopped: Callable[[], bool],
) -> Found:
    """What would be sent, and what of it the bucket lacks. Nothing is sent.

    Where frames of the job `again_of` are rendered again, the new job has all the old one's frames; of a `test`, it has
    a few that tell most of the others.
    """
    farm = farm_of(account)
    if again_of:
        options = replace(options, frames=old_job(farm, again_of).frames)
    made = plan(examination, options, datetime.now(UTC))
    if test:
        made = probes.probe_plan(made)
    files = [SourceFile(Path(file.path), file.scene_path) for file in made.files]
    novelty = farm.store.novelty(files, Meter(tell), stopped)
    month = month_of(farm, month_at(datetime.now(UTC)))
    return Found(made, novelty.new, builds(farm), lacks(farm, made.blender), month)


def quotes(
    account: Account, made: SubmitPlan, frames: str, frames_per_job: int
) -> Callable[[float | None], Quote] | None:
    """What gives the price of `frames`, or of all planned ones, by a deadline in seconds, or by none; it asks nobody.

    `frames_per_job`: 0 for as many as are best.
    None where no frame of the scene was ever rendered. Raises what the cloud answers; what it gives, DoesNotFit.
    """
    try:
        grounds = quoting.grounds_of(farm_of(account), replace(made, frames=frames or made.frames), datetime.now(UTC))
    except NotThere:
        return None
    return lambda deadline_s: grounds.quote(Wish(deadline_s, made.limits.cost_usd, frames_per_job))


def send(
    account: Account, made: SubmitPlan, tell: Callable[[Transfer], None], stopped: Callable[[], bool], memory: Path
) -> str:
    """The id of the job, once Batch has it; the same again goes on where it stopped."""
    return quoting.submit_keeping_tests(farm_of(account), made, Meter(tell), stopped, memory)


def kept(account: Account, made: SubmitPlan) -> int:
    """How many of the planned frames test frames are, which need not be rendered again."""
    return probes.kept(farm_of(account), made)


def bill(account: Account, job_id: str, *, final: bool) -> Billed:
    """What the job has cost up to now."""
    found = costs.job_bill(farm_of(account), job_id, datetime.now(UTC))
    return Billed(found.bills[0], found.prices, found.notices, final)


def running(account: Account) -> Running:
    """What is on and paid for at this moment."""
    farm = farm_of(account)
    machines = tuple(machine.instance_type for machine in expenses.machines_on(farm))
    going_on = [job for job in monitor.jobs(farm, MOST_JOBS) if job.phase not in phases.ENDED]
    return Running(machines, len(going_on), f"{datetime.now():%H:%M}")


def jobs(account: Account) -> tuple[JobSummary, ...]:
    return tuple(monitor.jobs(farm_of(account), MOST_JOBS))


def look(account: Account, job_id: str) -> JobState:
    """The job now; a submit that stopped half-way is finished on the way."""
    farm = farm_of(account)
    with _lock:
        watching = _monitors.setdefault((account, job_id), monitor.Monitor(farm, job_id))
    state = watching.look()
    if state.half_submitted:
        submit.resume(farm, job_id)
    return state


def previews(account: Account, job_id: str, frames: Iterable[int], folder: Path) -> Mapping[int, Path]:
    return pictures.previews(farm_of(account), job_id, frames, folder)


def frame(account: Account, job_id: str, number: int, folder: Path) -> Path:
    return pictures.frame(farm_of(account), job_id, number, folder)


def log_of_failed(account: Account, job_id: str) -> str:
    """The end of the log of the child that failed first, as text."""
    return "\n".join(line.text for line in logs.of_failed(farm_of(account), job_id, LOG_TAIL))


def download(
    account: Account, job_id: str, folder: Path, tell: Callable[[Transfer], None], stopped: Callable[[], bool]
) -> downloads.Downloaded:
    return downloads.download(farm_of(account), job_id, folder, progress=Meter(tell), outputs=True, cancelled=stopped)


def cancel(account: Account, job_id: str) -> None:
    control.cancel(farm_of(account), job_id)


def again(
    account: Account,
    made: SubmitPlan,
    job_id: str,
    frames: str,
    tell: Callable[[Transfer], None],
    stopped: Callable[[], bool],
    memory: Path,
) -> str:
    """Render `frames` of the job with the scene as it is now, as a new job that keeps the others."""
    return rerender(farm_of(account), made, job_id, frames, Meter(tell), stopped, memory)


def retry(account: Account, job_id: str, limit_usd: float) -> None:
    """`limit_usd` is of the whole job's cost; 0: as before."""
    control.retry(farm_of(account), job_id, cost_limit_usd=limit_usd or None)


def stitch(account: Account, job_id: str) -> None:
    control.stitch(farm_of(account), job_id, allow_gaps=True)


def delete(account: Account, job_id: str) -> None:
    control.delete(farm_of(account), job_id)


def known_profiles() -> tuple[KnownProfile, ...]:
    """Of the artist's AWS configuration."""
    return tuple(
        KnownProfile(profile.name, f"{profile.problem} {profile.advice}".strip(), profile.needs_sign_in)
        for profile in profiles.profiles()
    )


def sign_in(
    profile: str, start_url: str, region: str, tell: Callable[[SignIn], None], stop: threading.Event
) -> SignIn | None:
    """Sign in through the browser: for `profile`, which did before, or else at a portal, with roles to choose from.

    Tells the page to open. None where there is nothing to choose.
    """
    pending = signin.begin_again(profile) if profile else signin.begin(start_url, region)
    tell(SignIn(pending.user_code, pending.page))
    token = pending.wait(stop)
    forget()
    if profile:
        return None
    roles = [
        Role(account.id, account.name or account.id, role)
        for account in signin.accounts(token)
        for role in signin.roles(token, account.id)
    ]
    return SignIn(roles=tuple(roles), token=token)


def write_profile(token: signin.Token, role: Role, region: str) -> str:
    """The name of the new profile, in the artist's AWS configuration."""
    name = signin.name_for(signin.Account(role.account_id, role.account, ""), role.role)
    signin.write_profile(name, token, role.account_id, role.role, region)
    return name


def set_up(account: Account, tell: Callable[[StackWork], None]) -> tuple[str, ...]:
    """Make the stack, or bring it up to date, and the worker's image; what the artist should know of it."""
    forget()
    return setup.set_up(
        _connection(account), account.stack, lambda step: tell(StackWork(step.words, step.done, step.total))
    )


def remove(account: Account, tell: Callable[[StackWork], None]) -> None:
    """End all jobs, and delete all that the stack holds, and the stack."""
    connection = _connection(account)
    holdings = teardown.survey(connection, account.stack)
    forget()
    teardown.teardown(
        connection, holdings, progress=lambda event: tell(StackWork(f"{event.resource} {event.status.lower()}"))
    )


def _connection(account: Account) -> Connection:
    return Connection(account.profile, account.region, account.endpoint_url)


def check(account: Account, blender: str, tell: Callable[[Check], None]) -> None:
    """Tells one finding after another."""
    forget()
    for finding in doctor.check_up(_connection(account), account.stack, blender):
        tell(Check(finding.subject, finding.words, finding.good, REMEDIES.get(finding.remedy, "")))


REMEDIES: Mapping[str, Remedy] = {"credentials": "sign_in", "quota": "quotas"}
"""What the check-up advises, and the button for it."""
