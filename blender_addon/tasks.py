# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be done with the cloud, each as a Task: the thread's part, and how the model changes when it has ended."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from cloud_render.contract.errors import Cancelled, CloudNotReady, NotThere, StorageUnavailable

from . import local, remembered
from .background import Task
from .model import MODEL, Account, Check, Role, SignIn, StackWork, Transfer
from .trouble import for_artists, problem_of
from .words import say

log = logging.getLogger(__name__)

LIST, LOOK, PREVIEWS, CHECK = "list jobs", "look", "previews", "check"
PROFILES, SIGN_IN, STACK = "profiles", "sign in", "stack"
BILL, RUNNING = "bill", "running"
"""Names of tasks that are not of one job."""


def _failed(error: Exception) -> None:
    MODEL.problem = problem_of(error) or MODEL.problem
    MODEL.changes += 1


def _asked(ask: Callable[[Any], Any]) -> Callable[[Any, Task], Any]:
    """Work that asks the cloud for something; nobody hears the answer if the account was changed meanwhile."""

    def work(cloud: Any, task: Task) -> Any:
        answer = ask(cloud)
        if task.stopped():
            raise Cancelled(task.name)
        return answer

    return work


def _no_answer(error: Exception) -> None:
    """What the artist did not ask for may fail in silence while another problem is shown."""
    problem = problem_of(error)
    if problem and (MODEL.problem is None or MODEL.problem.passes):
        MODEL.problem = replace(problem, passes=True)
        MODEL.changes += 1


def _unheard(error: Exception) -> None:
    log.info("not known: %s", error)


def _answered() -> None:
    if MODEL.problem and MODEL.problem.passes:
        MODEL.problem = None
        MODEL.changes += 1


def _gone() -> None:
    """A job was deleted meanwhile: the list shows what there is."""
    MODEL.list_is_old = True
    MODEL.changes += 1


def list_jobs(account: Account) -> Task:
    def done(jobs: Any) -> None:
        _answered()
        MODEL.jobs, MODEL.listed = jobs, True
        remembered.use(True)
        if MODEL.job(MODEL.active) is None and not MODEL.list_is_old:
            MODEL.active = jobs[0].job_id if jobs else ""
        MODEL.changes += 1

    return Task(LIST, _asked(lambda cloud: cloud.jobs(account)), done, _no_answer)


def look(account: Account, job_id: str) -> Task:
    def done(state: Any) -> None:
        _answered()
        if MODEL.states.get(job_id) != state:
            MODEL.states[job_id] = state
            MODEL.changes += 1

    def failed(error: Exception) -> None:
        if isinstance(error, NotThere):
            _gone()
        else:
            _no_answer(error)

    return Task(LOOK, _asked(lambda cloud: cloud.look(account, job_id)), done, failed)


def bill(account: Account, job_id: str, final: bool) -> Task:
    """What the job has cost. Nobody asked for it, so what goes wrong is no more than said in the log."""

    def done(billed: Any) -> None:
        MODEL.bills[job_id] = billed
        MODEL.changes += 1

    return Task(BILL, _asked(lambda cloud: cloud.bill(account, job_id, final=final)), done, _unheard)


def running(account: Account) -> Task:
    """What is on in the cloud, and so is paid for."""

    def done(found: Any) -> None:
        MODEL.running = found
        MODEL.changes += 1

    return Task(RUNNING, _asked(lambda cloud: cloud.running(account)), done, _unheard)


def previews(account: Account, job_id: str, frames: tuple[int, ...], folder: Path) -> Task:
    def done(found: Any) -> None:
        MODEL.previews[job_id] = found
        MODEL.changes += 1

    return Task(PREVIEWS, _asked(lambda cloud: cloud.previews(account, job_id, frames, folder)), done, _no_answer)


def download(account: Account, job_id: str, folder: Path) -> Task:
    def told(transfer: Transfer) -> None:
        MODEL.downloads[job_id] = transfer
        MODEL.changes += 1

    def done(downloaded: Any) -> None:
        MODEL.downloads.pop(job_id, None)
        MODEL.downloaded[job_id] = downloaded.folder
        if downloaded.video:
            MODEL.videos[job_id] = downloaded.video
        _look_whether_it_expires(job_id)
        remembered.forget_download(job_id)
        MODEL.changes += 1

    def failed(error: Exception) -> None:
        MODEL.downloads.pop(job_id, None)
        if isinstance(error, CloudNotReady | StorageUnavailable):
            MODEL.states.pop(job_id, None)  # once the cloud answers a look again, it goes on
        elif not isinstance(error, Cancelled):
            remembered.forget_download(job_id)
        if isinstance(error, NotThere):
            _gone()
        else:
            _failed(error)

    MODEL.downloads[job_id] = Transfer()
    MODEL.changes += 1
    return Task(
        download_name(job_id),
        lambda cloud, task: cloud.download(account, job_id, folder, task.tell, task.stopped),
        done,
        failed,
        told,
    )


def _look_whether_it_expires(job_id: str) -> None:
    """It has ended, and would not be looked at again: what was downloaded is no longer lost with it."""
    state = MODEL.states.get(job_id)
    if state is not None and state.expiry:
        MODEL.states.pop(job_id)
        MODEL.list_is_old = True


def download_name(job_id: str) -> str:
    return f"download {job_id}"


def change(
    account: Account, job_id: str, verb: str, words: str, then: Callable[[], None] | None = None, **more: Any
) -> Task:
    """Something done to a job by the function `verb` of the cloud, which gets `more`; `words` say it meanwhile."""

    def ended() -> None:
        for known in (MODEL.busy, MODEL.states, MODEL.bills):
            known.pop(job_id, None)
        MODEL.list_is_old = True
        MODEL.changes += 1

    def done(_: Any) -> None:
        ended()
        if then:
            then()

    def failed(error: Exception) -> None:
        ended()
        _failed(error)

    MODEL.busy[job_id] = words
    MODEL.changes += 1
    return Task(f"change {job_id}", lambda cloud, _: getattr(cloud, verb)(account, job_id, **more), done, failed)


def show_frame(account: Account, job_id: str, frame: int, folder: Path, show: Callable[[Path], None]) -> Task:
    def done(path: Path) -> None:
        local.look(job_id, folder)
        show(path)

    return Task(
        f"frame {frame} of {job_id}", lambda cloud, _: cloud.frame(account, job_id, frame, folder), done, _failed
    )


def show_log(account: Account, job_id: str, show: Callable[[str], None]) -> Task:
    return Task(f"log of {job_id}", lambda cloud, _: cloud.log_of_failed(account, job_id), show, _failed)


def known_profiles() -> Task:
    def done(profiles: Any) -> None:
        MODEL.profiles = profiles
        MODEL.changes += 1

    def failed(error: Exception) -> None:
        MODEL.profiles = ()
        _failed(error)

    return Task(PROFILES, lambda cloud, _: cloud.known_profiles(), done, failed)


def sign_in(
    profile: str, start_url: str, region: str, open_page: Callable[[str], None], then: Callable[[], None]
) -> Task:
    """Through the browser, which `open_page` opens; `then` is called once there is nothing left to choose."""

    def told(pending: SignIn) -> None:
        MODEL.sign_in = pending
        MODEL.changes += 1
        open_page(pending.page)

    def done(signed_in: SignIn | None) -> None:
        MODEL.sign_in, MODEL.problem, MODEL.profiles = signed_in, None, None
        MODEL.changes += 1
        if signed_in is None:
            then()

    def failed(error: Exception) -> None:
        MODEL.sign_in = None
        _failed(error)

    MODEL.sign_in = SignIn()
    MODEL.changes += 1
    return Task(
        SIGN_IN, lambda cloud, task: cloud.sign_in(profile, start_url, region, task.tell, task.stop), done, failed, told
    )


def write_profile(token: Any, role: Role, region: str, use: Callable[[str], None]) -> Task:
    def done(name: str) -> None:
        MODEL.sign_in, MODEL.profiles = None, None
        MODEL.changes += 1
        use(name)

    return Task(SIGN_IN, lambda cloud, _: cloud.write_profile(token, role, region), done, _failed)


def set_up(account: Account) -> Task:
    """Its end, good or bad, is told where the check-up's findings stand."""

    def done(notes: Any) -> None:
        told = (*notes, say("The cloud is ready."))
        MODEL.checks = tuple(Check(say("Set-up"), words, good=True) for words in told)
        _other_stack()

    return Task(STACK, lambda cloud, task: cloud.set_up(account, task.tell), done, _stack_failed, _stack_told)


def remove(account: Account) -> Task:
    def done(_: Any) -> None:
        MODEL.forget_cloud()
        remembered.use(False)
        _other_stack()

    return Task(STACK, lambda cloud, task: cloud.remove(account, task.tell), done, _stack_failed, _stack_told)


def _stack_told(work: StackWork) -> None:
    MODEL.stack_work = work
    MODEL.changes += 1


def _other_stack() -> None:
    MODEL.stack_work, MODEL.list_is_old = None, True
    MODEL.changes += 1


def _stack_failed(error: Exception) -> None:
    if problem := problem_of(error):
        words = f"{problem.text} {problem.advice}".strip()
        MODEL.checks = (Check(say("Set-up"), words, good=False, remedy=problem.remedy),)
    _other_stack()


def check(account: Account, blender: str) -> Task:
    def told(finding: Check) -> None:
        words = for_artists(finding.words) or finding.words
        MODEL.checks = (*MODEL.checks, replace(finding, words=words))
        MODEL.changes += 1

    def ended(_: Any) -> None:
        MODEL.checking = False
        MODEL.changes += 1

    def failed(error: Exception) -> None:
        if problem := problem_of(error):
            told(Check("Cloud Render", f"{problem.text} {problem.advice}".strip(), good=False, remedy=problem.remedy))
        ended(None)

    MODEL.checks, MODEL.checking = (), True
    MODEL.changes += 1
    return Task(CHECK, lambda cloud, task: cloud.check(account, blender, task.tell), ended, failed, told)
