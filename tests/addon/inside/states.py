# SPDX-License-Identifier: GPL-3.0-or-later
"""States of the model by name, as the artist may meet them; each is put into a model that has just begun."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any, get_args

import bpy
from blender import FOLDER, model, part

from cloud_render.client import prices, quote
from cloud_render.client.bill import Bill, MachineCost
from cloud_render.client.expiry import Expiry
from cloud_render.client.frame_times import FrameFact, Measured
from cloud_render.client.monitor import JobState, JobSummary
from cloud_render.client.options import Options
from cloud_render.client.phases import Phase
from cloud_render.client.plan import SubmitPlan, plan
from cloud_render.client.slices import Pool
from cloud_render.contract.month import Month
from cloud_render.contract.scene import Examination, MissingFile, SceneFile, SceneSettings, SceneWarning
from cloud_render.contract.spending import over_limit

LONG = "a_name_that_never_ends_" * 12
JOB = "20260102-030405-shot 010-ab12"
OTHER_JOB = f"20260102-030406-{LONG}-cd34"
PHASES = get_args(Phase)
OVER_LIMIT = f"4 children failed. {over_limit(0.5, 0.45).problem}"


def planned(
    missing: int = 0, warnings: int = 0, notices: int = 0, name: str = "shot", frames: str = "1-20"
) -> SubmitPlan:
    settings = SceneSettings(
        "Scene", 1, 20, 1, 1, Fraction(24), 64, 36, 100, "CYCLES", 4, "PNG", None, "Camera", ("Camera",),
        ("ViewLayer",), ("ViewLayer",), has_sound=False, multiview=False,
    )  # fmt: skip
    blend = SceneFile(str(FOLDER / f"{name}.blend"), f"home/{name[:200]}.blend", 1_234_567, "blend", "the scene itself")
    examination = Examination(
        "5.0.1", "5.0", blend, "Scene", (settings,), (),
        tuple(MissingFile(f"/textures/{LONG}{number}.png", f"Image 'wood {number}'") for number in range(missing)),
        tuple(SceneWarning(f"{LONG} {number} is odd.", "Look at it.") for number in range(warnings)),
    )  # fmt: skip
    made = plan(examination, Options(frames=frames, allow_missing=True), datetime.now(UTC))
    vars(made)["notices"] = tuple(f"Notice {number}." for number in range(notices))
    return made


def submit(stage: str, **values: Any) -> Callable[[Any], None]:
    def put(model: Any) -> None:
        model.submit = part("model").Submit(stage, values.pop("name", "shot"), **values)

    return put


SMALL = Pool("small", ("g5.xlarge",), 8, gpu=True, memory_gib=16, vram_gb=24)
LARGE = Pool("large", ("g6e.2xlarge",), 4, gpu=True, memory_gib=64, vram_gb=48)


def quoted(
    *pools: Pool, seconds: float = 40.0, device: str = "OPTIX", frames: int = 20, deadline_s: float | None = None
) -> Any:
    """A price from three measured frames."""
    facts = tuple(FrameFact(frame, seconds, "g5.xlarge", 2_000_000) for frame in (1, frames // 2, frames))
    known = Measured("probes", facts, 30.0, 4 * 2**30, device)
    price_list = prices.built_in("us-east-1", ("g5.xlarge", "g6e.2xlarge"))
    wish = quote.Wish(deadline_s=deadline_s)
    return quote.quote(known, range(1, frames + 1), pools or (SMALL, LARGE), price_list, wish)


def priced(**more: Any) -> Any:
    """Why there is no price, or a quote."""
    usual = {"quote": quoted(), "quotes": lambda deadline_s: quoted(deadline_s=deadline_s)}
    return part("model").Priced(**(more or usual))


def by(deadline: str, **more: Any) -> Callable[[Any], None]:
    """Ready to be sent, with that deadline."""

    def put(model: Any) -> None:
        ready(price=priced(), **more)(model)
        part("pricing").meet(deadline)

    return put


def ready(
    missing: int = 0,
    new_bytes: int = 1_000_000,
    builds: tuple[str, ...] = ("5.0.1",),
    price: Any = None,
    test: bool = False,
    installs: bool = False,
    month: Any = None,
    deadline: str = "",
    **more: Any,
) -> Any:
    def put(model: Any) -> None:
        made = planned(missing, **more)
        found = part("model").Found(made, new_bytes, builds, installs, month)
        files = tuple(MissingFile(path, f"Image 'wood {number}'") for number, path in enumerate(made.missing))
        values = {"priced": price, "test": test, "deadline": deadline}
        model.submit = part("model").Submit("ready", made.name, files, found, **values)

    return put


def transfer(**values: Any) -> Any:
    return part("model").Transfer(**values)


def problem(text: str, advice: str = "", remedy: str = "") -> Callable[[Any], None]:
    def put(model: Any) -> None:
        model.problem = part("model").Problem(text, advice, remedy)

    return put


def job(phase: str, done: int = 5, total: int = 20, looked: bool = True, **more: Any) -> Callable[[Any], None]:
    """Two jobs, of which the first is selected and looked at."""

    def put(model: Any) -> None:
        created = "2026-01-02T03:04:05+00:00"
        model.jobs = (JobSummary(JOB, phase, done, total, created), JobSummary(OTHER_JOB, "done", 3, 3, created))
        model.listed, model.active = True, JOB
        if looked:
            model.states[JOB] = JobState(JOB, "shot 010", phase, done, total, **more)

    return put


def bill(usd: float = 0.41, limit_usd: float | None = 2.4, final: bool = False) -> Any:
    """With a machine of AWS's and one that is none, and a retry."""
    found = Bill(
        JOB, "shot 010", "Scene", "2026-01-02T03:04:05+00:00", 5,
        (MachineCost("g5.xlarge", "spot", 2, 0.8, usd), MachineCost("", "", 1, 0.1, 0.0)),
        usd, 0.3 * usd, 0.2 * usd, 0.1 * usd, 0.4 * usd, 0.2, 4, 1, 1, 0.002, 0.05, limit_usd,
    )  # fmt: skip
    return part("model").Billed(found, "built-in table of 2026-06", ("A notice. " * 9,), final)


def running(machines: int = 0, jobs: int = 0) -> Any:
    return part("model").Running(("g5.xlarge",) * machines, jobs, "12:03")


def also(first: Callable[[Any], None], **changes: Any) -> Callable[[Any], None]:
    """The state, and some fields of the model."""

    def put(model: Any) -> None:
        first(model)
        for name, value in changes.items():
            setattr(model, name, value)

    return put


def nothing(_model: Any) -> None:
    pass


def states() -> dict[str, Callable[[Any], None]]:
    check = part("model").Check
    half = transfer(total=80_000_000, done=12_400_000, sent=10_000_000, read=80_000_000, rate=3_100_000.0)
    return {
        "nothing yet": nothing,
        "no jobs": also(nothing, listed=True),
        **{
            f"a problem, remedy {remedy or 'none'}": problem("There is no stack 'x'.", "Set it up.", remedy)
            for remedy in get_args(part("model").Remedy)
        },
        "a very long problem": problem(LONG * 3 + " and words " * 200, "advice " * 100),
        "an interrupted upload": also(nothing, interrupted=(JOB,)),
        "interrupted uploads": also(nothing, interrupted=(JOB, OTHER_JOB, JOB)),
        "packing": submit("packing"),
        "packing a long name": submit("packing", name=LONG),
        "saving": submit("saving"),
        "checking begins": submit("checking"),
        "checking": submit("checking", transfer=half),
        "pricing": submit("pricing"),
        "ready": ready(),
        "ready with a price": ready(price=priced()),
        "ready by a deadline": by("2h"),
        "ready by a time of day": by("23:59"),
        "ready, too late": by("1min"),
        "ready, no deadline": by(LONG),
        "ready in a month that has a rest": ready(price=priced(), month=Month("2026-11", 50.0, 12.3)),
        "ready in a month that is used up": ready(month=Month("2026-11", 50.0, 50.0)),
        "ready by a deadline without a price": ready(price=priced(quote=None), deadline="18:30"),
        "ready without test frames": ready(price=priced(quote=None)),
        "ready with a price that could not be asked for": ready(price=priced(why_not=f"{LONG} can't be reached. " * 9)),
        "ready to test": ready(test=True, frames="1,10,20"),
        "ready, nothing new": ready(new_bytes=0),
        "ready, no build": ready(builds=()),
        "ready, another build": ready(builds=("4.5.3", "5.1.0")),
        "ready, one frame": ready(frames="7"),
        "ready, one file missing": ready(missing=1),
        "ready, many files missing": ready(missing=30),
        "ready, much to say": ready(missing=7, warnings=30, notices=12),
        "ready, long name": ready(name=LONG),
        "uploading begins": submit("uploading"),
        "uploading": submit("uploading", transfer=half),
        "uploading ends": submit("uploading", transfer=transfer(total=10, done=10, sent=10)),
        **{f"a job {phase}": job(phase) for phase in PHASES},
        **{f"a job {phase}, not looked at": job(phase, looked=False) for phase in PHASES},
        "a job of no frames": job("uploading", 0, 0),
        "a job with time left": job("rendering", seconds_left=4_000.4),
        "a job in trouble": job("rendering", problem=f"{LONG} failed. " * 9, children={"FAILED": 2, "RUNNING": 1}),
        "a failed job": job("failed", problem="Blender wrote no picture for frame 3."),
        "a job that its limit stopped": also(job("failed", problem=OVER_LIMIT), bills={JOB: bill(0.45, 0.5)}),
        "a complete failed job": job("failed", 20, 20, problem="FFmpeg made no video."),
        "a job that waits": job("queued", 0, waiting_because="CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY"),
        "a job whose Blender is being installed": job("queued", 0, installs="5.0.1"),
        "a job that expires": job("done", 20, expiry=Expiry("2026-04-02T00:00:00+00:00", 5, 12, 20)),
        "a job that expires today": job("failed", expiry=Expiry("2026-04-02T00:00:00+00:00", 0, 1, 5)),
        "a job with pictures": also(
            job("rendering", newest=(5, 4, 3, 2, 1)), previews={JOB: {5: FOLDER / "5.jpg", 4: FOLDER / "4.jpg"}}
        ),
        "a job that costs": also(job("rendering"), bills={JOB: bill()}),
        "a job that costs without a limit": also(job("rendering"), bills={JOB: bill(0.001, None)}),
        "a job that has cost": also(job("done", 20), bills={JOB: bill(final=True)}, running=running()),
        "a job after which something is on": also(job("failed"), bills={JOB: bill()}, running=running(2, 1)),
        "a busy job": also(job("rendering"), busy={JOB: "Cancelling…"}),
        "a download begins": also(job("done", 20), downloads={JOB: transfer()}),
        "a download": also(job("done", 20), downloads={JOB: half}),
        "a selected job that is gone": also(job("done"), active="20250101-000000-gone-0000"),
        "checks begin": also(nothing, checking=True),
        "checks": also(
            nothing,
            checks=(check("Sign-in", "Account 1", good=True), check("Stack", LONG, good=False, remedy="sign_in")),
            checking=True,
        ),
        "everything at once": also(
            job("failed", problem=LONG), problem=part("model").Problem(LONG), interrupted=(JOB, OTHER_JOB)
        ),
    }


@contextmanager
def showing(put: Callable[[Any], None]) -> Iterator[Any]:
    """The state in the model and in the properties that mirror it; afterwards the model is empty again."""
    shown = model()
    put(shown)
    part("mirror").update(bpy.context)
    try:
        yield shown
    finally:
        shown.reset()
        part("mirror").update(bpy.context)


def saved(name: str = "shot") -> Path:
    """Save the open file, so that it can be sent."""
    path = FOLDER / f"{name}.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    return path
