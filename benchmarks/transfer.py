# SPDX-License-Identifier: GPL-3.0-or-later
"""Our store against `aws s3` and Deadline Cloud's library, on one local server that answers 30 ms late.

Run: python benchmarks/transfer.py --aws VENV/bin/aws --deadline VENV/bin/python [--runs 3] [--latency-ms 30]
with awscli and deadline from PyPI in environments of their own; without them only our figures are printed. It wants a
quiet machine; `--scale 0.02 --runs 1` shows in a minute that it works, with figures that mean nothing.

Every figure is from a fresh process. "call" is the time inside it for the transfer alone, with a client that was made
before; "process" is from its start to its end, imports included, which is all that can be said of a command line.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SMALL = (2000, 50 * 1024)
"""Files, and bytes of each."""

BIG = (4, 256 * 1024 * 1024)
BUCKET = "bench"


# -- what happens in a fresh process -----------------------------------------------------------------------------------


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _s3() -> Any:
    import boto3
    from botocore.config import Config

    return boto3.client("s3", config=Config(max_pool_connections=32))


def our_upload(folder: Path, state: Path) -> None:
    from cloud_render.store import SourceFile, Store

    files = [SourceFile(path, f"scene/{path.relative_to(folder)}") for path in _files(folder)]
    store = Store(_s3(), BUCKET, cache=state)
    with _timed():
        contents = store.upload(files, f"up{time.time_ns()}")
    (state / "contents").write_bytes(contents.to_json_gz())


def our_download(folder: Path, state: Path) -> None:
    from cloud_render.contract.contents import Contents
    from cloud_render.store import Store

    contents = Contents.from_json_gz((state / "contents").read_bytes())
    store = Store(_s3(), BUCKET)
    with _timed():
        store.fetch_all(contents.files, lambda file: folder / file.path)


def our_hash(folder: Path, _state: Path) -> None:
    from cloud_render.store.reading import ReadAhead
    from cloud_render.store.source import SourceFile, state_of

    with _timed(), ReadAhead() as reading:
        for number, path in enumerate(_files(folder)):
            reading.add(number, SourceFile(path, "x"), state_of(path))
        for _ in reading.batches(lambda: None):
            pass


def deadline_upload(folder: Path, state: Path) -> None:
    import boto3
    from deadline.job_attachments.models import JobAttachmentS3Settings
    from deadline.job_attachments.upload import S3AssetManager

    manager = S3AssetManager(
        farm_id="farm-0123456789abcdef0123456789abcdef",
        queue_id="queue-0123456789abcdef0123456789abcdef",
        job_attachment_settings=JobAttachmentS3Settings(s3BucketName=BUCKET, rootPrefix="root"),
        session=boto3.Session(),
    )
    paths = [str(path) for path in _files(folder)]
    with _timed():
        group = manager.prepare_paths_for_upload(paths, [], [])
        _, manifests = manager.hash_assets_and_create_manifest(
            group.asset_groups, group.total_input_files, group.total_input_bytes, hash_cache_dir=str(state)
        )
        manager.upload_assets(manifests, s3_check_cache_dir=str(state))


@contextmanager
def _timed() -> Iterator[None]:
    before, start = _memory("VmRSS"), time.perf_counter()
    yield
    seconds = time.perf_counter() - start
    print(json.dumps({"call": seconds, "memory": _memory("VmHWM") - before}))


def _memory(which: str) -> int:
    """Now (VmRSS) or at its highest (VmHWM), in bytes. Not getrusage: that begins with what the parent had."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(lines[which].split()[0]) * 1024


CHILDREN = {child.__name__: child for child in (our_upload, our_download, our_hash, deadline_upload)}


# -- the comparison ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Figure:
    call_s: float | None
    process_s: float
    cpu_s: float
    """Of the whole process: what stays the same on a busy machine."""
    requests: int
    memory: int
    """Peak above the start, in bytes."""

    def __str__(self) -> str:
        call = "     –" if self.call_s is None else f"{self.call_s:6.2f}"
        process = f"{self.process_s:6.2f} s process  {self.cpu_s:6.2f} s CPU"
        return f"{call} s call  {process}  {self.requests:5} requests  {self.memory / 1e6:5.0f} MB"


class Bench:
    """One server, the environment that leads to it, and a scratch folder."""

    def __init__(self, url: str, scratch: Path, aws: str, deadline: str, scale: float) -> None:
        self.url = url
        self.small = (round(SMALL[0] * scale), SMALL[1])
        self.big = (BIG[0], round(BIG[1] * scale))
        self.scratch = scratch
        self.aws = aws
        self.deadline = deadline
        config = scratch / "config"
        # As over https with a checksum, where the clients don't hash a body a second time for its signature.
        config.write_text("[default]\nregion = us-east-1\ns3 =\n  payload_signing_enabled = false\n")
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(scratch),
            "AWS_CONFIG_FILE": str(config),
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "PYTHONPATH": str(Path(__file__).resolve().parents[1]),
        }

    def child(self, name: str, folder: Path, state: Path) -> Figure:
        python = self.deadline if name.startswith("deadline") else sys.executable
        state.mkdir(exist_ok=True)
        return self._run([python, __file__, "--child", name, str(folder), str(state)])

    def command(self, *arguments: str) -> Figure:
        return self._run([self.aws, "s3", *arguments, "--only-show-errors"])

    def reset(self) -> None:
        self._manage("reset")

    def _run(self, command: list[str]) -> Figure:
        self._manage("counts")
        start, before = time.perf_counter(), os.times()
        ran = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        seconds, after = time.perf_counter() - start, os.times()
        cpu_s = after.children_user + after.children_system - before.children_user - before.children_system
        if ran.returncode:
            sys.exit(f"{command} failed:\n{ran.stdout[-2000:]}\n{ran.stderr[-4000:]}")
        told = json.loads(ran.stdout.splitlines()[-1]) if "--child" in command else {"call": None, "memory": 0}
        return Figure(told["call"], seconds, cpu_s, self._manage("counts")["requests"], told["memory"])

    def _manage(self, what: str) -> Any:
        return json.load(urllib.request.urlopen(urllib.request.Request(f"{self.url}/-/{what}", method="POST")))


def make(folder: Path, count: int, size: int) -> Path:
    """Random files that were settled for a while."""
    folder.mkdir()
    settled = time.time() - 60
    for number in range(count):
        path = folder / f"{number:05}.bin"
        path.write_bytes(os.urandom(size))
        os.utime(path, (settled, settled))
    return folder


def median(figures: list[Figure]) -> Figure:
    calls = [figure.call_s for figure in figures if figure.call_s is not None]
    return Figure(
        statistics.median(calls) if calls else None,
        statistics.median(figure.process_s for figure in figures),
        statistics.median(figure.cpu_s for figure in figures),
        max(figure.requests for figure in figures),
        max(figure.memory for figure in figures),
    )


def measure(bench: Bench, runs: int, only_big: bool) -> dict[str, Figure]:
    found: dict[str, list[Figure]] = {}

    def note(case: str, figure: Figure) -> None:
        print(f"{case:<34} {figure}", flush=True)
        found.setdefault(case, []).append(figure)

    small, big = make(bench.scratch / "small", *bench.small), make(bench.scratch / "big", *bench.big)
    one = bench.scratch / "one"
    one.mkdir()
    with (one / "1GiB.bin").open("wb") as whole:
        for path in _files(big):
            whole.write(path.read_bytes())
    os.utime(one / "1GiB.bin", (time.time() - 60,) * 2)
    for run in range(runs):
        ours, theirs = bench.scratch / f"ours{run}", bench.scratch / f"theirs{run}"
        if not only_big:
            bench.reset()
            note("small first: ours", bench.child("our_upload", small, ours))
            note("small unchanged: ours", bench.child("our_upload", small, ours))
            note("small, cache lost: ours", bench.child("our_upload", small, bench.scratch / f"lost{run}"))
            note("small down: ours", bench.child("our_download", bench.scratch / f"down{run}", ours))
            if bench.deadline:
                bench.reset()
                note("small first: deadline", bench.child("deadline_upload", small, theirs))
                note("small unchanged: deadline", bench.child("deadline_upload", small, theirs))
                note("small, cache lost: deadline", bench.child("deadline_upload", small, bench.scratch / f"gone{run}"))
            if bench.aws:
                bench.reset()
                note("small first: aws sync", bench.command("sync", str(small), f"s3://{BUCKET}/small"))
                note("small unchanged: aws sync", bench.command("sync", str(small), f"s3://{BUCKET}/small"))
                target = bench.scratch / f"awsdown{run}"
                note("small down: aws cp", bench.command("cp", f"s3://{BUCKET}/small", str(target), "--recursive"))
        bench.reset()
        note("big first: ours", bench.child("our_upload", big, bench.scratch / f"ourbig{run}"))
        note(
            "big down: ours",
            bench.child("our_download", bench.scratch / f"bigdown{run}", bench.scratch / f"ourbig{run}"),
        )
        shutil.rmtree(bench.scratch / f"bigdown{run}")
        if bench.deadline:
            bench.reset()
            note("big first: deadline", bench.child("deadline_upload", big, bench.scratch / f"theirbig{run}"))
        if bench.aws:
            bench.reset()
            note("big first: aws sync", bench.command("sync", str(big), f"s3://{BUCKET}/big"))
        bench.reset()
        note("hash of 1 GiB: ours", bench.child("our_hash", one, ours))
    return {case: median(figures) for case, figures in found.items()}


def rows(found: dict[str, Figure], hashed: int) -> Iterator[tuple[str, str, str]]:
    """Case, target, what was found; `hashed` is how many bytes that case had."""

    def ratio(case: str, other: str) -> str:
        us, them = found[f"{case}: ours"], found.get(f"{case}: {other}")
        if not them:
            return "not run"
        if them.call_s is None:  # a command line: whole processes on both sides
            return f"{them.process_s / us.process_s:.1f}×"
        return f"{them.call_s / (us.call_s or 1):.1f}×"

    def seconds(case: str) -> str:
        figure = found[f"{case}: ours"]
        return f"{figure.call_s:.2f} s, {figure.requests} requests"

    first, same, lost, down, big = "small first", "small unchanged", "small, cache lost", "small down", "big first"
    yield f"2,000 x 50 KiB, first: {seconds(first)}", "<= 40 requests", ""
    yield "    against Deadline", ">= 10x", ratio(first, "deadline")
    yield "    against aws s3 sync", ">= 4x", ratio(first, "aws sync")
    yield f"the same again: {seconds(same)}", "<= 0.4 s, <= 3 requests", f"deadline {ratio(same, 'deadline')}"
    yield f"after losing the cache: {seconds(lost)}", "<= 1.5 s, <= 10 requests", f"deadline {ratio(lost, 'deadline')}"
    yield f"the same down: {seconds(down)}", ">= 5x aws s3 cp", ratio(down, "aws cp")
    yield f"4 x 256 MiB, first: {seconds(big)}", ">= 1.5x Deadline", ratio(big, "deadline")
    yield "    against aws s3 sync", "", ratio(big, "aws sync")
    yield "hash of 1 GiB", ">= 1 GB/s", f"{hashed / 1e9 / (found['hash of 1 GiB: ours'].call_s or 1):.2f} GB/s"
    yield (
        "memory above start, worst of all",
        "<= 150 MB",
        f"{max(figure.memory for case, figure in found.items() if 'ours' in case) / 1e6:.0f} MB",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--aws", default="", help="the aws program")
    parser.add_argument("--deadline", default="", help="a Python that has deadline")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only-big", action="store_true", help="4 x 256 MiB and the hash alone, without the table")
    parser.add_argument("--latency-ms", default="30")
    parser.add_argument(
        "--scale", type=float, default=1.0, help="of the number of small files and the size of big ones"
    )
    parser.add_argument("--child", nargs=3)
    arguments = parser.parse_args()
    if arguments.child:
        name, folder, state = arguments.child
        CHILDREN[name](Path(folder), Path(state))
        return
    servers = Path(__file__).with_name("servers.py")
    server = subprocess.Popen(
        [sys.executable, str(servers), "--latency-ms", arguments.latency_ms], stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        with tempfile.TemporaryDirectory() as scratch:
            bench = Bench(url, Path(scratch), arguments.aws, arguments.deadline, arguments.scale)
            found = measure(bench, arguments.runs, arguments.only_big)
    finally:
        server.terminate()
        server.wait()
    if arguments.only_big:
        return
    print()
    for case, target, result in rows(found, bench.big[0] * bench.big[1]):
        print(f"{case:<62} {target:<26} {result}")


if __name__ == "__main__":
    main()
