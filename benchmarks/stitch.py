# SPDX-License-Identifier: GPL-3.0-or-later
"""How much the stitch costs on top of FFmpeg: python benchmarks/stitch.py [--frames 500] [--rounds 2]

The same encode twice: FFmpeg alone on local PNG files, and the worker's stitch with frames that it downloads from
SeaweedFS while it encodes and a video that it uploads. SeaweedFS runs on this machine, so the processor time it takes
(spread over the cores) is subtracted from the stitch; on AWS it runs elsewhere. Prints the ratios as JSON; the one
without the server should stay at 1.15 or below. Wall time wants a quiet machine; the ratio of processor times hardly
does.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import boto3
import numpy as np
from PIL import Image

from local_cloud.processes import Groups
from local_cloud.seaweed import Seaweed
from worker import encode, ffmpeg, pictures
from worker.pictures import Size
from worker.stitch import WITHOUT_JOB

WIDTH, HEIGHT = 1920, 1080
DISTINCT = 60
"""Different pictures, shown in turns: making 500 would take longer than the measurement."""
KEY, SECRET = "benchmark", "benchmark-secret"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    options.add_argument("--frames", type=int, default=500)
    options.add_argument("--rounds", type=int, default=2, help="both in turns; the best of each counts")
    wanted = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_pictures(folder / "frames", wanted.frames)
        with seaweed(folder / "seaweed") as (url, server):
            upload(url, folder / "frames")
            print(json.dumps(compare(folder, url, server, wanted), indent=1))


def compare(folder: Path, url: str, server: int, wanted: argparse.Namespace) -> dict[str, Any]:
    alone, whole, net, alone_cpu, stitch_cpu = [], [], [], [], []
    for _ in range(wanted.rounds):
        wall, cpu = timed(local_command(folder, wanted.frames), {})
        alone.append(wall)
        alone_cpu.append(cpu)
        before = cpu_seconds(server)
        wall, cpu = timed(stitch_command(), environment(url))
        whole.append(wall)
        stitch_cpu.append(cpu)
        net.append(wall - (cpu_seconds(server) - before) / (os.cpu_count() or 1))
    return {
        "frames": wanted.frames,
        "ffmpeg_alone_s": round(min(alone), 2),
        "stitch_s": round(min(whole), 2),
        "stitch_without_server_s": round(min(net), 2),
        "cpu_ratio": round(min(stitch_cpu) / min(alone_cpu), 3),
        "ratio": round(min(whole) / min(alone), 3),
        "ratio_without_server": round(min(net) / min(alone), 3),
    }


def make_pictures(folder: Path, count: int) -> None:
    """Smooth shading, a moving disc and grain, as PNGs with alpha like Blender's own: some 2.7 MB each."""
    folder.mkdir()
    rng = np.random.default_rng(1)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    grain = rng.normal(0, 1.5, (HEIGHT + 100, WIDTH + 100)).astype(np.float32)
    for number in range(min(count, DISTINCT)):
        waves = (
            127 + 90 * np.sin((x + 8 * number) / 170) * np.cos(y / 130),
            110 + 80 * np.sin((x - y + 5 * number) / 210),
            100 + 70 * np.cos((y + 3 * number) / 90),
        )
        pixels = np.stack(waves, -1)
        disc = (x - 960 - 400 * np.sin(number / 20)) ** 2 + (y - 540) ** 2 < 200**2
        pixels[disc] = pixels[disc] * 0.4 + np.array([90, 36, 18])
        down, right = rng.integers(0, 100, 2)
        pixels += grain[down : down + HEIGHT, right : right + WIDTH, None]
        image = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
        image.putalpha(255)
        image.save(folder / f"{number + 1:04d}.png", compress_level=1)
    for number in range(DISTINCT, count):
        (folder / f"{number + 1:04d}.png").hardlink_to(folder / f"{number % DISTINCT + 1:04d}.png")


@contextmanager
def seaweed(folder: Path) -> Iterator[tuple[str, int]]:
    """A SeaweedFS: its URL, and the number of its process."""
    folder.mkdir()
    groups = Groups()
    server = Seaweed(folder, KEY, SECRET, groups)
    try:
        yield server.url, server._process.pid
    finally:
        server.stop()


def upload(url: str, folder: Path) -> None:
    s3 = boto3.client("s3", endpoint_url=url, **_credentials())
    s3.create_bucket(Bucket="films")
    for path in sorted(folder.iterdir()):
        s3.put_object(Bucket="films", Key=f"one/frames/{path.name}", Body=path.read_bytes())


def local_command(folder: Path, count: int) -> list[str]:
    """The stitch's own FFmpeg command, reading files instead of a pipe."""
    source = encode.Pictures(pictures.FORMATS["png"], Size(WIDTH, HEIGHT), Fraction(24), count)
    program = ffmpeg.program()
    way = encode.way(WITHOUT_JOB, ffmpeg.encoders(program), with_sound=False)
    command = encode.command(program, source, way, WITHOUT_JOB, (), folder / "alone.mp4")
    after = command.index("pipe:0") + 1
    return [program, "-framerate", "24", "-i", str(folder / "frames" / "%04d.png"), *command[after:]]


def stitch_command() -> list[str]:
    return [sys.executable, "-m", "worker", "stitch", "-i", "s3://films/one", "-o", "s3://films/one"]


def environment(url: str) -> dict[str, str]:
    names = {"aws_access_key_id": "AWS_ACCESS_KEY_ID", "aws_secret_access_key": "AWS_SECRET_ACCESS_KEY"}
    keys = {names[name]: value for name, value in _credentials().items() if name in names}
    return {**keys, "AWS_ENDPOINT_URL": url, "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1"}


def _credentials() -> dict[str, str]:
    return {"aws_access_key_id": KEY, "aws_secret_access_key": SECRET, "region_name": "us-east-1"}


def timed(command: list[str], extra: dict[str, str]) -> tuple[float, float]:
    """Seconds of wall time, and of processor time."""
    started, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env=os.environ | extra, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.monotonic() - started, cpu


def cpu_seconds(process: int) -> float:
    """Processor time of a process and of its children that still run."""
    total = 0.0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended meanwhile
            continue
        if int(stat.parent.name) == process or int(fields[2]) == process:  # fields[2]: its process group
            total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


if __name__ == "__main__":
    main()
