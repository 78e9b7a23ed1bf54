# SPDX-License-Identifier: GPL-3.0-or-later
"""How much the worker costs on top of Blender: python benchmarks/worker_slice.py [--frames 24] [--seconds 2]

Three ways to render the same frames: one bare Blender process (the least there is), the worker with its uploads, and
one Blender process a frame (what the workshop's scripts do). The S3 server is a process of its own, whose CPU time is
subtracted (spread over the cores, as it was while Blender used them all): on AWS it runs elsewhere. Prints the two
ratios; the first should stay at 1.05 or below. Wall time needs a quiet machine; the ratio of CPU times hardly does.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cloud_render import blender as door
from cloud_render.contract.job import JobFile, RenderJob
from cloud_render.contract.keys import Prefix, new_job_id
from cloud_render.store import SourceFile, Store
from local_cloud.testing import LocalCloud, running

_SCENE = """
import bpy, sys
folder, samples = sys.argv[-2], int(sys.argv[-1])
bpy.ops.wm.read_factory_settings(use_empty=True)
scene = bpy.context.scene
scene.render.engine = "CYCLES"
scene.cycles.samples, scene.cycles.use_denoising, scene.cycles.use_adaptive_sampling = samples, False, False
scene.render.resolution_x, scene.render.resolution_y = 640, 360
bpy.ops.mesh.primitive_monkey_add()
monkey = bpy.context.object
monkey.modifiers.new("Subdivision", "SUBSURF").render_levels = 2
for frame in (1, 250):
    monkey.rotation_euler.z = frame / 40
    monkey.keyframe_insert("rotation_euler", frame=frame)
bpy.ops.object.light_add(type="SUN", rotation=(0.6, 0.3, 0))
bpy.ops.object.camera_add(location=(0, -5, 0), rotation=(1.5708, 0, 0))
scene.camera = bpy.context.object
bpy.ops.wm.save_as_mainfile(filepath=folder + "/scene.blend")
"""

_BARE = """
import bpy, sys
blend, out, frames = sys.argv[-3], sys.argv[-2], [int(frame) for frame in sys.argv[-1].split(",")]
bpy.ops.wm.open_mainfile(filepath=blend)
scene = bpy.context.scene
for frame in frames:
    scene.frame_set(frame)
    scene.render.filepath = f"{out}/{frame:04d}"
    bpy.ops.render.render(write_still=True)
"""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    options.add_argument("--frames", type=int, default=24)
    options.add_argument("--seconds", type=float, default=2.0, help="how long a frame should take")
    options.add_argument(
        "--single", type=int, default=3, help="frames rendered by a process each, to estimate them all"
    )
    options.add_argument("--rounds", type=int, default=2, help="bare and worker in turns; the best of each counts")
    wanted = options.parse_args()
    with tempfile.TemporaryDirectory() as name, running(slots=1) as cloud:
        print(json.dumps(compare(Path(name), cloud, wanted), indent=1))


def compare(folder: Path, cloud: LocalCloud, wanted: argparse.Namespace) -> dict[str, Any]:
    samples = samples_for(folder, wanted.seconds)
    frames = list(range(1, wanted.frames + 1))
    bare, worker, bare_cpu, worker_cpu = [], [], [], []
    for number in range(wanted.rounds):
        start = cpu_of_children()
        bare.append(render_bare(folder, frames))
        between = cpu_of_children()
        took, server = render_worker(folder, cloud, frames, number)
        worker.append(took - server / (os.cpu_count() or 1))
        bare_cpu.append(between - start)
        worker_cpu.append(cpu_of_children() - between)
    single = statistics.mean(render_bare(folder, [frame]) for frame in frames[: wanted.single]) * len(frames)
    return {
        "frames": len(frames),
        "samples": samples,
        "bare_s": [round(seconds, 2) for seconds in bare],
        "worker_s_without_server": [round(seconds, 2) for seconds in worker],
        "one_process_a_frame_s": round(single, 2),
        "worker_against_bare": round(min(worker) / min(bare), 3),
        "worker_against_bare_cpu": round(min(worker_cpu) / min(bare_cpu), 3),
        "one_process_a_frame_against_worker": round(single / min(worker), 2),
    }


def samples_for(folder: Path, seconds: float) -> int:
    """Writes the scene with as many samples as make a frame take `seconds`."""
    samples = 16
    build(folder, samples)
    render_bare(folder, [1])  # warms the disk cache
    start_up = render_bare(folder, [1])
    more = (render_bare(folder, [1, 2, 3]) - start_up) / 2
    samples = max(1, round(samples * seconds * 1.1 / more))
    build(folder, samples)
    return samples


def build(folder: Path, samples: int) -> None:
    run(_SCENE, str(folder), str(samples))


def render_bare(folder: Path, frames: list[int]) -> float:
    """Seconds of one Blender process that renders `frames`."""
    started = time.monotonic()
    run(_BARE, str(folder / "scene.blend"), str(folder / "bare"), ",".join(map(str, frames)))
    return time.monotonic() - started


def render_worker(folder: Path, cloud: LocalCloud, frames: list[int], number: int) -> tuple[float, float]:
    """Seconds of the worker from its start to its end, and the CPU seconds that the S3 server took meanwhile."""
    bucket, key = submit(folder, cloud, frames, number)
    environment = cloud.environment() | {
        "CLOUD_RENDER_SCRATCH": str(folder),
        "CLOUD_RENDER_CACHE": str(folder / "cache"),
    }
    output = f"s3://{bucket}/{key}"
    command = ["render", "-i", f"{output}job.json", "-o", output, "-f", str(len(frames)), "-t", str(len(frames))]
    before, started = cpu_of(cloud.process.pid), time.monotonic()
    subprocess.run([sys.executable, "-m", "worker", *command], env=environment, check=True, stderr=subprocess.DEVNULL)
    return time.monotonic() - started, cpu_of(cloud.process.pid) - before


def submit(folder: Path, cloud: LocalCloud, frames: list[int], number: int) -> tuple[str, str]:
    """A job in the local cloud: its bucket and its prefix."""
    s3, bucket = cloud.client("s3"), "benchmark"
    s3.create_bucket(Bucket=bucket)
    contents = Store(s3, bucket).upload([SourceFile(folder / "scene.blend", "scene.blend")], f"benchmark-{number}")
    now = datetime.now(UTC)
    job = RenderJob(
        id=new_job_id("benchmark", now),
        name="benchmark",
        blend="scene.blend",
        files=tuple(JobFile(file.path, file.sha256, file.size) for file in contents.files),
        scene="Scene",
        frames=f"1-{len(frames)}",
        frames_per_job=len(frames),
        file_format="PNG",
        blender=door.find().version,
        created=now.isoformat(timespec="seconds"),
        device="cpu",
    )
    prefix = Prefix.of_job(job.id)
    s3.put_object(Bucket=bucket, Key=prefix.contents, Body=contents.to_json_gz())
    s3.put_object(Bucket=bucket, Key=prefix.job, Body=job.to_json().encode())
    return bucket, prefix.root


def cpu_of(process: int) -> float:
    """CPU seconds that a process has used, its ended children included."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return sum(int(field) for field in fields[11:15]) / os.sysconf("SC_CLK_TCK")


def cpu_of_children() -> float:
    """CPU seconds of all children that have ended; the server has not."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run(script: str, *arguments: str) -> None:
    """A script in the Blender that the worker would take."""
    blender = door.find()
    with tempfile.NamedTemporaryFile("w", suffix=".py") as file:
        file.write(script)
        file.flush()
        command = [part if part != str(door.BOOT) else file.name for part in blender.command]
        subprocess.run([*command, "--", *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
