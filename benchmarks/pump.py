# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a tick of the extension's timer keeps Blender's main thread. Target: 5 ms for 99 of 100 ticks.

Run: python benchmarks/pump.py [--ticks 1000]
with a Python that has bpy and this checkout. The cloud is a stand-in that answers at once, so something comes in with
every tick: 200 jobs, a job of 10,000 frames, hundreds of pictures. "CPU" is the main thread's own time and holds on a
busy machine too; "wall" is what an artist would feel.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
MODULE = "bl_ext.user_default.cloud_render"
JOBS, FRAMES, PICTURES = 200, 10_000, 500
TARGET_S = 0.005


@dataclass(frozen=True)
class Tick:
    """What one tick took, in seconds."""

    cpu: float
    wall: float


class Cloud:
    """Answers as the extension's module `cloud` does, and always has something new."""

    def __init__(self, folder: Path) -> None:
        from cloud_render.client.monitor import JobState, JobSummary

        self.folder = folder
        self.asked = 0
        self.grows = False
        ids = [f"20260101-{number:06}-shot-{number:04x}" for number in range(JOBS)]
        self.summaries = tuple(JobSummary(job_id, "rendering", 0, FRAMES, "2026-01-01") for job_id in ids)
        self.state = JobState(ids[0], "shot", "rendering", 0, FRAMES)
        for frame in range(PICTURES):
            (folder / f"{frame:04}.jpg").write_bytes(b"a picture")

    def jobs(self, _account: Any) -> Any:
        """Another number of frames in each row; where the list grows, another newest job too."""
        self.asked += 1
        newest = replace(self.summaries[0], job_id=f"20260102-{self.asked:06}-shot-ffff")
        rows = [replace(row, frames_done=self.asked % FRAMES) for row in self.summaries]
        return (newest, *rows) if self.grows else tuple(rows)

    def look(self, _account: Any, _job_id: str) -> Any:
        self.asked += 1
        newest = tuple((self.asked + later) % PICTURES for later in range(10))
        return replace(self.state, frames_done=self.asked % FRAMES, newest=newest)

    def previews(self, _account: Any, _job_id: str, frames: tuple[int, ...], _folder: Path) -> dict[int, Path]:
        return {frame: self.folder / f"{frame:04}.jpg" for frame in frames}


@contextmanager
def extension() -> Iterator[SimpleNamespace]:
    """The checkout's own, enabled in a Blender with a private user folder; its modules by name."""
    with tempfile.TemporaryDirectory() as user:
        os.environ["BLENDER_USER_RESOURCES"] = user
        place = Path(user, "extensions", "user_default")
        place.mkdir(parents=True)
        (place / "cloud_render").symlink_to(ROOT / "blender_addon")
        import bpy  # finds addon_utils too, so it goes before it

        import addon_utils  # isort: skip

        bpy.context.preferences.system.use_online_access = True
        assert addon_utils.enable(MODULE, default_set=True)
        names = ("pump", "model", "polling", "remembered", "background", "thumbnails")
        yield SimpleNamespace(**{name: sys.modules[f"{MODULE}.{name}"] for name in names}, user=Path(user))
        addon_utils.disable(MODULE)


def ticks(ours: SimpleNamespace, count: int, before: Callable[[int], None]) -> list[Tick]:
    """Each after `before`, and after the threads had the time to answer."""
    taken = []
    for number in range(count):
        before(number)
        time.sleep(0.002)
        wall, cpu = time.perf_counter(), time.thread_time()
        ours.pump.pump()
        taken.append(Tick(time.thread_time() - cpu, time.perf_counter() - wall))
    return taken


def scenarios(ours: SimpleNamespace, cloud: Cloud) -> dict[str, Callable[[int], None]]:
    model, polling = ours.model.MODEL, ours.polling.POLLING

    def idle(_number: int) -> None:
        model.list_is_old, polling.list_at = False, time.monotonic() + 1000
        polling.paces.clear()
        model.states[model.active] = replace(cloud.state, phase="done")

    def listed(_number: int) -> None:
        model.list_is_old = True

    def grown(_number: int) -> None:
        cloud.grows, model.list_is_old = True, True

    def looked(_number: int) -> None:
        model.list_is_old, model.active = False, cloud.state.job_id
        model.states.pop(model.active, None)
        polling.soon()

    def uploading(number: int) -> None:
        transfer = ours.model.Transfer(total=1 << 30, done=number << 10, rate=1e6)
        model.submit = ours.model.Submit("uploading", "shot", transfer=transfer)
        model.changes += 1

    def all_at_once(number: int) -> None:
        for each in (grown, looked, uploading):
            each(number)
        model.list_is_old = True

    return {
        "nothing moves": idle,
        f"a list of {JOBS} jobs": listed,
        "a list with another job each time": grown,
        f"a look at {FRAMES:,} frames, new pictures": looked,
        "an upload that moves": uploading,
        "all at once": all_at_once,
    }


def share(values: list[float], part: float) -> float:
    return sorted(values)[min(int(len(values) * part), len(values) - 1)]


def row(name: str, taken: list[Tick]) -> str:
    cpu, wall = [tick.cpu for tick in taken], [tick.wall for tick in taken]
    figures = (share(cpu, 0.5), share(cpu, 0.99), max(cpu), share(wall, 0.5), share(wall, 0.99))
    verdict = "ok" if share(cpu, 0.99) <= TARGET_S else "MISSED"
    return f"{name:42}" + "".join(f"{figure * 1000:10.2f}" for figure in figures) + f"   {verdict}"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--ticks", type=int, default=1000)
    asked = parser.parse_args()
    with extension() as ours:
        folder = ours.user / "pictures"
        folder.mkdir()
        cloud = Cloud(folder)
        sys.modules[f"{MODULE}.cloud"] = cloud  # type: ignore[assignment]
        vars(sys.modules[MODULE])["cloud"] = cloud
        ours.remembered.use(True)
        print(f"{'milliseconds a tick':42}{'CPU 50 %':>10}{'99 %':>10}{'max':>10}{'wall 50 %':>10}{'99 %':>10}")
        for name, before in scenarios(ours, cloud).items():
            print(row(name, ticks(ours, asked.ticks, before)), flush=True)
        known = len(ours.thumbnails._loaded)
        print(f"{known} pictures known, {cloud.asked} answers of the cloud, {asked.ticks} ticks a row")


if __name__ == "__main__":
    main()
