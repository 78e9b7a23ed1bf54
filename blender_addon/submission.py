# SPDX-License-Identifier: GPL-3.0-or-later
"""One submit, from the press to the job: pack in the main thread, find out and send in a thread.

    packing -> saving -> checking -> pricing -> ready (the artist decides) -> uploading -> a job in the list

The copy of the scene and the plan lie in a folder of their own until the job stands, so that after a crash or a closed
Blender the same upload can go on.
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import bpy

from cloud_render.client.options import Options
from cloud_render.client.plan import SubmitPlan
from cloud_render.contract import keys, values
from cloud_render.contract.errors import BadArguments, BadInput, CloudRenderError
from cloud_render.contract.scene import Examination
from cloud_render.inblender import examine, save_copy

from . import pricing, remembered, settings, tested
from .account import own_folder
from .background import BACKGROUND, Task
from .model import MODEL, Account, Found, Stage, Submit, Transfer
from .polling import POLLING
from .tested import Tested, Verdict
from .trouble import problem_of
from .words import say

NAME = "submit"
"""Of every task of a submit: there is one at a time."""

PLAN, ACCOUNT, WISHES = "plan.json", "account.json", "wishes.json"

ALIVE = "alive"
"""A file that is touched while its upload goes on, be it in another Blender."""

DEAD_AFTER_S = 30.0


@dataclass(frozen=True)
class Wishes:
    """What the artist wants beside the render itself."""

    download: bool
    again_of: str = ""
    """A job whose frames are rendered again; empty for a new job."""
    again_frames: str = ""
    test: bool = False
    """A few test frames instead of all."""
    priced_usd: float = 0.0
    """What the artist was told that it will cost; 0 where that was not known."""
    deadline: str = ""
    """By when it is to be done, as the artist wrote it: what the price goes by."""


@dataclass(frozen=True)
class Packed:
    """The scene as it was when the artist pressed the button."""

    examination: Examination
    options: Options
    wishes: Wishes
    folder: Path
    """Holds the copy of the .blend; ours."""


def begin() -> None:
    """Show that a submit has begun."""
    MODEL.submit = Submit("packing", Path(bpy.data.filepath).stem)
    MODEL.problem = None
    MODEL.changes += 1


def show(stage: Stage) -> None:
    _change(stage=stage)


def fail(error: Exception) -> None:
    """It ended before anything was there to resume."""
    MODEL.submit, MODEL.problem = None, problem_of(error)
    MODEL.changes += 1


def pack(context: Any, wishes: Wishes) -> Generator[Stage, None, Packed]:
    """Steps in the main thread; each yields the stage that comes next, so that it can be drawn before it blocks.

    Returns (as the generator's value) what was Packed. Raises CloudRenderError.
    """
    name = context.scene.name
    options = settings.options_of(context.scene, allow_missing=True)
    if wishes.again_frames:
        options = replace(options, frames=wishes.again_frames)
    yield "packing"
    folder = _fresh_folder()
    try:
        yield "saving"
        copy = save_copy.save_copy(folder)
        examination = examine.examination(options.frames or None, copy, _scene(name))
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return Packed(examination, options, wishes, folder)


def _scene(name: str) -> Any:
    """Timers have no active scene."""
    scenes: Any = bpy.data.scenes
    if name not in scenes:
        raise BadArguments(say("The scene {name} is no longer there.", name=name), say("Press the button again."))
    return scenes[name]


def find_out(account: Account, packed: Packed, ready: Callable[[], None]) -> Task:
    """What would be sent; then the artist decides, asked by `ready`."""

    def told(transfer: Transfer) -> None:
        _change(stage="checking", transfer=transfer)

    test = Tested.of(own_folder("tested"), packed.examination.blend.scene_path)

    def work(cloud: Any, task: Task) -> tuple[Found, Verdict]:
        wishes, options = packed.wishes, packed.options
        copy = Path(packed.examination.blend.path)
        verdict = tested.NO_TEST if wishes.again_of else test.take_over(copy, scripts=options.use_scripts)
        examination = _with_size(packed.examination, copy.stat().st_size)
        found = cloud.find_out(account, examination, options, wishes.again_of, wishes.test, task.tell, task.stopped)
        kept = cloud.kept(account, found.plan) if verdict.same else 0
        return found, replace(verdict, kept=kept)

    def done(answer: tuple[Found, Verdict]) -> None:
        wishes, missing = packed.wishes, packed.examination.missing
        found = _with_notice(answer[0], tested.words(answer[1]))
        _keep(packed.folder, account, found.plan, wishes)
        _change(
            stage="ready",
            found=found,
            again_frames=wishes.again_frames,
            test=wishes.test,
            deadline=wishes.deadline,
            missing=missing,
        )
        ready()

    def failed(error: Exception) -> None:
        _end(packed.folder, error)

    return Task(
        NAME,
        work,
        done,
        failed,
        told,
    )


def _with_size(examination: Examination, size: int) -> Examination:
    """Of the copy that is sent: the one of the test may hold other windows."""
    return replace(examination, blend=replace(examination.blend, size=size))


def _with_notice(found: Found, words: str) -> Found:
    notices = (*found.plan.notices, words) if words else found.plan.notices
    return replace(found, plan=replace(found.plan, notices=notices))


def send(account: Account, plan: SubmitPlan, wishes: Wishes, folder: Path) -> Task:
    """Send what was found. Stopped or broken off it can be resumed; the folder stays until the job stands."""

    def work(cloud: Any, task: Task) -> str:
        hears = (task.tell, task.stopped, folder)
        if wishes.again_of:
            return str(cloud.again(account, plan, wishes.again_of, wishes.again_frames, *hears))
        return str(cloud.send(account, plan, *hears))

    def told(transfer: Transfer) -> None:
        (folder / ALIVE).touch()
        _change(stage="uploading", transfer=transfer)

    def done(job_id: str) -> None:
        if wishes.test:
            Tested.of(own_folder("tested"), plan.blend).keep(_copy_of(plan))
        MODEL.active = job_id
        MODEL.list_is_old = True
        if wishes.download:
            remembered.want_download(job_id)
        if wishes.priced_usd:
            remembered.price(job_id, wishes.priced_usd)
        remembered.use(True)
        POLLING.soon()
        _end(folder)

    def failed(error: Exception) -> None:
        if isinstance(error, BadInput):
            _end(folder, error)  # the same again would fail again
            return
        MODEL.submit = None
        MODEL.changes += 1
        (folder / ALIVE).unlink(missing_ok=True)
        MODEL.problem = problem_of(error)
        find_interrupted()

    (folder / ALIVE).touch()
    MODEL.submit = Submit("uploading", plan.name)
    MODEL.changes += 1
    return Task(NAME, work, done, failed, told)


def choose(folder: Path, plan: SubmitPlan, priced_usd: float) -> None:
    """What is sent is this plan, which the artist saw priced."""
    wishes = values.from_json(Wishes, (folder / WISHES).read_bytes(), WISHES)
    (folder / PLAN).write_text(values.to_json(plan), "utf-8")
    (folder / WISHES).write_text(values.to_json(replace(wishes, priced_usd=priced_usd)), "utf-8")


def resume(folder_name: str) -> Task:
    """Go on with an upload that was broken off. Raises CloudRenderError if what it takes is gone."""
    folder = _pending() / folder_name
    try:
        account = values.from_json(Account, (folder / ACCOUNT).read_bytes(), ACCOUNT)
        plan = values.from_json(SubmitPlan, (folder / PLAN).read_bytes(), PLAN)
        wishes = values.from_json(Wishes, (folder / WISHES).read_bytes(), WISHES)
    except OSError as error:
        raise CloudRenderError(
            say("This upload can't go on: {error}", error=error), say("Discard it, and submit the scene again.")
        ) from error
    return send(account, plan, wishes, folder)


def discard(folder_name: str) -> None:
    """Forget an upload that did not end, or the one that waits for the artist's word."""
    shutil.rmtree(_pending() / folder_name, ignore_errors=True)
    find_interrupted()


def folder_of(plan: SubmitPlan) -> Path:
    """Where the copy and the plan lie."""
    return _copy_of(plan).parent


def _copy_of(plan: SubmitPlan) -> Path:
    return Path(next(file.path for file in plan.files if file.scene_path == plan.blend))


def find_interrupted() -> None:
    """Uploads that did not end, of this Blender or an earlier one."""
    ready = folder_of(MODEL.submit.found.plan).name if MODEL.submit and MODEL.submit.found else ""
    found = sorted(path.parent for path in _pending().glob(f"*/{WISHES}"))
    interrupted = tuple(folder.name for folder in found if folder.name != ready and not _is_alive(folder))
    if interrupted != MODEL.interrupted:
        MODEL.interrupted = interrupted
        MODEL.changes += 1


def _is_alive(folder: Path) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return time.time() - (folder / ALIVE).stat().st_mtime < DEAD_AFTER_S
    return False


def stop() -> None:
    """Leave what is going on; an upload that has begun can be resumed."""
    pricing.forget()
    if BACKGROUND.runs(NAME):
        BACKGROUND.stop(NAME)  # its thread says when it has ended
    elif MODEL.submit and MODEL.submit.found:
        _end(folder_of(MODEL.submit.found.plan))
    else:
        MODEL.submit = None
        MODEL.changes += 1


def _keep(folder: Path, account: Account, plan: SubmitPlan, wishes: Wishes) -> None:
    for name, value in ((PLAN, plan), (ACCOUNT, account), (WISHES, wishes)):
        (folder / name).write_text(values.to_json(value), "utf-8")


def _change(**changes: Any) -> None:
    if MODEL.submit:
        MODEL.submit = replace(MODEL.submit, **changes)
        MODEL.changes += 1


def _end(folder: Path, error: Exception | None = None) -> None:
    MODEL.submit = None
    MODEL.problem = problem_of(error) if error else None
    MODEL.changes += 1
    shutil.rmtree(folder, ignore_errors=True)
    find_interrupted()


def _pending() -> Path:
    return own_folder("pending")


def _fresh_folder() -> Path:
    folder = _pending() / keys.new_job_id(Path(bpy.data.filepath).stem, datetime.now(UTC))
    folder.mkdir(parents=True)
    return folder
