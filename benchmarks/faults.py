# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole jobs in a local cloud that hurts: what is lost, what is done twice, how much longer it takes.

    python benchmarks/faults.py --seed 7 --faults 500

The real client submits, watches, mends and downloads; the real worker renders, with a stand-in for Blender whose
pictures are the same in every run (`--scene FILE.blend`: with Blender itself), and makes the video. One job runs
undisturbed; then jobs follow, each with a plan of its own from the seed, until that many faults were injected. Every
frame and the video must equal those of the undisturbed job. Exit code 1 where anything differs. `--json` prints all
that was measured.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shlex
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

import av
from fake_blender import BAR, BARS
from PIL import Image

from cloud_render import blender as door
from cloud_render.client import objects
from cloud_render.client.download import download
from cloud_render.client.examine import examine
from cloud_render.client.farm import Connection, Farm
from cloud_render.client.mend import mend
from cloud_render.client.monitor import JobState, Monitor
from cloud_render.client.options import Options
from cloud_render.client.plan import SubmitPlan, plan
from cloud_render.client.records import record
from cloud_render.client.submit import resume, submit
from cloud_render.contract import keys
from cloud_render.contract.errors import CloudNotReady, TryAgain
from cloud_render.contract.scene import Examination, SceneFile, SceneSettings, scene_path
from local_cloud.testing import LocalCloud, running

STALL_S = 6
"""The job's limit for a Blender that stands still."""

PATIENCE_S = 600
"""For one job."""

REPEATS = 30
"""Of one thing that the client does, as a person would press a button again."""

T = TypeVar("T")


@dataclass(frozen=True)
class Size:
    """Of each job."""

    frames: int
    frames_per_job: int
    slots: int
    seconds: float
    """A frame takes in the stand-in."""


@dataclass(frozen=True)
class Result:
    """What came of one job."""

    phase: str
    problem: str
    frames: Mapping[str, str]
    """Name → hash of its pixels."""
    video: Sequence[str]
    """Hash of each picture."""
    seconds: float
    injected: Sequence[Mapping[str, Any]]
    reports: Sequence[Mapping[str, Any]] = ()
    """Of all attempts that could write one."""
    begun: int = 0
    """Frames that a Blender began; 0 where Blender is real."""
    rendered_twice: int = 0
    lost_seconds: float = 0.0
    """Of Blender's time: from the beginning of each frame that was begun once more."""
    most_lost: int = 0
    """Frames that one process began in vain, at most."""
    lost_of_child: Mapping[int, int] = field(default_factory=dict)
    """The same of each array child that lost any."""
    mended: int = 0
    """Submissions by the mender."""
    repeated: int = 0
    """Things the client did once more because they had failed."""


@dataclass
class Bench:
    """Runs jobs of one size."""

    size: Size
    folder: Path
    scene: Path | None
    repeated: int = field(default=0)

    def run(self, name: str, faults: Mapping[str, Any]) -> Result:
        folder = self.folder / name
        folder.mkdir()
        environment = {} if self.scene else {"CLOUD_RENDER_BLENDER": str(self._stand_in(folder))}
        self.repeated = 0
        with running(slots=self.size.slots, environment=environment, faults=faults) as cloud:
            enter(cloud, folder)
            return self._run(cloud, folder)

    def _run(self, cloud: LocalCloud, folder: Path) -> Result:
        planned = self._planned(folder)
        self.insist(cloud.deploy)
        farm = self.insist(lambda: Farm.find(Connection()))
        started = time.monotonic()
        job_id = self.insist(lambda: submit(farm, planned))
        state, mended = self._watch(farm, job_id)
        seconds = time.monotonic() - started
        injected = cloud.faults()
        got = self.insist(lambda: download(farm, job_id, folder / "got"))
        return Result(
            phase=state.phase,
            problem=state.problem,
            frames={path.name: pixels(path) for path in sorted(got.frames)},
            video=pictures(got.video) if got.video else (),
            seconds=seconds,
            injected=injected,
            reports=self.insist(lambda: reports_of(farm, job_id)),
            mended=mended,
            repeated=self.repeated,
            **(asdict(work_of(folder / "log", self.size.seconds)) if not self.scene else {}),
        )

    def _watch(self, farm: Farm, job_id: str) -> tuple[JobState, int]:
        """Until the job has ended. Where its array or stitch fails, the mender comes, as EventBridge has it on AWS."""
        monitor, deadline = Monitor(farm, job_id), time.monotonic() + PATIENCE_S
        while True:
            state = self.insist(monitor.look)
            if state.phase == "done" or time.monotonic() > deadline:
                return state, state.submission
            if state.half_submitted:
                self.insist(lambda: resume(farm, job_id))
            if state.phase in ("failed", "mending"):
                found = self.insist(lambda: record(farm, job_id))
                if found.end is not None:
                    return self.insist(monitor.look), state.submission
                number = state.submission
                for name in (keys.render_job_name(job_id, number), keys.stitch_job_name(job_id, number)):
                    self.insist(lambda name=name: mend(farm, name))  # type: ignore[misc]
            time.sleep(0.3)

    def insist(self, do: Callable[[], T]) -> T:
        """What `do` answers; once more after errors that say "try again"."""
        for _ in range(REPEATS):
            try:
                return do()
            except (TryAgain, CloudNotReady) as error:
                self.repeated += 1
                print(f"  client: {error}", file=sys.stderr)
                time.sleep(0.2)
        return do()

    def _stand_in(self, folder: Path) -> Path:
        program = folder / "blender"
        fake = Path(__file__).with_name("fake_blender.py")
        options = ("--seconds", str(self.size.seconds), "--log", str(folder / "log"))
        command = shlex.join([sys.executable, "-S", str(fake), *options])
        program.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        program.chmod(0o755)
        return program

    def _planned(self, folder: Path) -> SubmitPlan:
        options = Options(
            frames=f"1-{self.size.frames}", frames_per_job=self.size.frames_per_job, stall_limit_s=STALL_S
        )
        if self.scene:
            return plan(examine(door.find(), self.scene), options, datetime.now(UTC))
        blend = folder / "scene.blend"
        blend.write_bytes(b"BLENDER-v500" + bytes(100_000))
        file = SceneFile(str(blend), scene_path(str(blend)), blend.stat().st_size, "blend", "the scene")
        return plan(Examination("5.0.1", "5.0.1", file, "Scene", (SETTINGS,), ()), options, datetime.now(UTC))


SETTINGS = SceneSettings(
    name="Scene",
    frame_start=1,
    frame_end=6,
    frame_step=1,
    frame_current=1,
    fps=Fraction(24),
    width=160,
    height=48,
    percentage=100,
    engine="CYCLES",
    samples=1,
    file_format="PNG",
    movie=None,
    camera="Camera",
    cameras=("Camera",),
    view_layers=("ViewLayer",),
    active_view_layers=("ViewLayer",),
    has_sound=False,
    multiview=False,
)


def enter(cloud: LocalCloud, folder: Path) -> None:
    """Let this process's client use the cloud, and remember nothing of an earlier one."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update(cloud.environment({}), CLOUD_RENDER_STATE=str(folder / "state"))


def plan_of(seed: int, number: int, size: Size) -> dict[str, Any]:
    """The faults of the `number`-th job: more than 30 % of children are interrupted, 5 % of S3's answers are bad."""
    # A worker needs a second to begin; some moments lie after the end, and then nothing happens.
    span = [0.8, 1.0 + size.frames_per_job * size.seconds]
    attempts = {
        "reclaim": 0.12,
        "reclaim-without-notice": 0.12,
        "kill-blender": 0.12,
        "kill-worker": 0.06,
        "out-of-memory": 0.06,
        "hang": 0.06,
        "full-disk": 0.12,
    }
    requests = {
        "s3-500": 0.012,
        "s3-slow-down": 0.012,
        "s3-reset": 0.009,
        "s3-lost-answer": 0.009,
        "s3-truncated": 0.006,
        "s3-stall": 0.004,
        "s3-expired-token": 0.003,
        "clock-jump": 0.003,
        "batch-throttled": 0.1,
    }
    return {
        "seed": 1000 * seed + number,
        # Long enough for a worker to read it and go, or so short that SIGTERM comes first.
        "notice_s": (30, 3)[number % 2],
        "stall_s": 2,
        "faults": {
            **{kind: {"probability": chance, "after_s": span} for kind, chance in attempts.items()},
            **requests,
            "restart-engine": {"count": 1, "after_s": [3, 10]},
        },
    }


def reports_of(farm: Farm, job_id: str) -> list[dict[str, Any]]:
    """Of all submissions."""
    below = f"{keys.Prefix.of_job(job_id).root}reports/"
    entries = objects.list_below(farm, below).entries
    return [json.loads(objects.read(farm, entry.key)) for entry in entries]


# ---- what came of it -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Work:
    """Of the Blenders of one job."""

    begun: int
    rendered_twice: int
    lost_seconds: float
    most_lost: int
    lost_of_child: Mapping[int, int]


def work_of(log: Path, seconds: float) -> Work:
    """From what the stand-ins wrote down: a frame that was begun once more was lost by who had begun it before."""
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    begun = [line for line in lines if line["what"] == "begun"]
    last = {line["frame"]: line for line in begun}
    in_vain = [line for line in begun if last[line["frame"]] is not line]
    whole = Counter(line["frame"] for line in lines if line["what"] == "rendered")
    by_process = Counter((line["id"], line["attempt"], line["process"]) for line in in_vain)
    by_child: dict[int, int] = {}
    for (batch_id, _, _), count in by_process.items():
        index = int(batch_id.partition(":")[2] or 0)
        by_child[index] = max(count, by_child.get(index, 0))
    return Work(
        begun=len(begun),
        rendered_twice=sum(count - 1 for count in whole.values()),
        lost_seconds=round(len(in_vain) * seconds, 2),
        most_lost=max(by_process.values(), default=0),
        lost_of_child=by_child,
    )


def pixels(path: Path) -> str:
    """A picture's hash, whatever else its file holds. Raises OSError for a damaged one."""
    with Image.open(path) as image:
        return hashlib.sha256(image.convert("RGB").tobytes()).hexdigest()


def pictures(video: Path) -> list[str]:
    with av.open(str(video)) as container:
        return [hashlib.sha256(frame.to_ndarray(format="rgb24")).hexdigest() for frame in container.decode(video=0)]


def numbers(video: Path) -> list[int]:
    """The frames that the stand-in's pictures say they are, in the order of the video."""
    with av.open(str(video)) as container:
        grey = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    return [sum(int(rows[10, BAR * bit + BAR // 2] > 128) << (BARS - 1 - bit) for bit in range(BARS)) for rows in grey]


def wrong(result: Result, undisturbed: Result) -> list[str]:
    """All that differs from the undisturbed job; empty where nothing does."""
    issues = [] if result.phase == "done" else [f"it has {result.phase}: {result.problem}"]
    lost = [name for name in undisturbed.frames if name not in result.frames]
    issues += [f"frames are lost: {', '.join(lost)}"] if lost else []
    other = [name for name, content in result.frames.items() if undisturbed.frames.get(name) != content]
    issues += [f"frames are not the same: {', '.join(other)}"] if other else []
    return issues + (["the video is not the same"] if result.video != undisturbed.video else [])


def table(undisturbed: Result, results: Sequence[Result], seconds: float) -> str:
    injected = Counter(fault["kind"] for result in results for fault in result.injected)
    survived = Counter(
        fault["kind"] for result in results if not wrong(result, undisturbed) for fault in result.injected
    )
    expected = len(undisturbed.frames)
    lost = sum(expected - len(set(result.frames.items()) & set(undisturbed.frames.items())) for result in results)
    videos = sum(result.video != undisturbed.video for result in results)
    lines = ["| fault | injected | survived |", "|---|---|---|"]
    lines += [f"| {kind} | {count} | {survived[kind]} |" for kind, count in sorted(injected.items())]
    lines += [f"| **all** | **{injected.total()}** | **{survived.total()}** |", ""]
    mean_s = sum(result.seconds for result in results) / len(results)
    rows = {
        "jobs, frames each": f"{len(results)}, {expected}",
        "frames lost or wrong": lost,
        "videos wrong": videos,
        "frames rendered twice": sum(result.rendered_twice for result in results),
        "Blender's seconds lost": f"{sum(result.lost_seconds for result in results):.1f} of "
        f"{sum(result.begun for result in results) * seconds:.1f}",
        "frames that one interruption cost, at most": max(result.most_lost for result in results),
        "submissions by the mender": sum(result.mended for result in results),
        "client commands that were repeated": sum(result.repeated for result in results),
        "time against the undisturbed job": f"{mean_s / undisturbed.seconds:.2f}",
    }
    return "\n".join([*lines, "| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows.items())])


def main() -> int:
    options = _options()
    size = Size(options.frames, options.frames_per_job, options.slots, options.seconds)
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        bench = Bench(size, Path(folder), options.scene)
        undisturbed = bench.run("undisturbed", {})
        issues = [f"undisturbed: {issue}" for issue in wrong(undisturbed, undisturbed)]
        if not options.scene and numbers(Path(folder) / "undisturbed/got/video.mp4") != list(range(1, size.frames + 1)):
            issues.append("undisturbed: the video's pictures are not in order")
        results: list[Result] = []
        while not issues and sum(len(result.injected) for result in results) < options.faults:
            number = len(results)
            results.append(bench.run(f"job-{number}", plan_of(options.seed, number, size)))
            found = wrong(results[-1], undisturbed)
            issues += [f"job {number}: {issue}" for issue in found]
            words = "; ".join(found) or "all right"
            print(f"job {number}: {len(results[-1].injected)} faults, {words}", file=sys.stderr)
    if options.json:
        print(
            json.dumps({"undisturbed": asdict(undisturbed), "jobs": [asdict(one) for one in results], "wrong": issues})
        )
    else:
        print(table(undisturbed, results, size.seconds) if results else "")
        print("\n".join(issues))
    return 1 if issues else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--faults", type=int, default=500, help="go on until so many were injected")
    parser.add_argument("--frames", type=int, default=120, help="of each job")
    parser.add_argument("--frames-per-job", type=int, default=8)
    parser.add_argument("--slots", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.25, help="that the stand-in takes for a frame")
    parser.add_argument("--scene", type=Path, help="a .blend to render with Blender instead")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
