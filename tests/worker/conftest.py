# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that speaks S3, jobs in it, and the worker as the process it is in production."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import boto3
import pytest

from cloud_render.contract.job import JobFile as File
from cloud_render.contract.job import RenderJob, Submission, Video
from cloud_render.contract.keys import Prefix
from cloud_render.contract.report import ChildReport
from cloud_render.store import SourceFile, Store

HERE = Path(__file__).parent
JOB_ID = "20261121-101500-scene-ab12"


@pytest.fixture(scope="session")
def s3_url() -> Iterator[str]:
    """moto on loopback: what the local cloud has behind its front."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@dataclass
class Ended:
    """A worker that has ended."""

    code: int
    log: str

    @property
    def last_line(self) -> str:
        return self.log.strip().splitlines()[-1]


@dataclass
class Rig:
    """A bucket with one job in it, a fake Blender, and workers that run on them."""

    url: str
    bucket: str
    folder: Path
    s3: Any
    environment: dict[str, str] = field(default_factory=dict)
    around: tuple[str, ...] = ()
    """A command that runs the worker."""
    prefix: Prefix = field(default_factory=lambda: Prefix.of_job(JOB_ID))

    def file(self, path: str, content: bytes = b"BLENDER-v405") -> SourceFile:
        """A file of the scene, for `job`."""
        place = self.folder / "source" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        return SourceFile(place, path)

    def job(self, *files: SourceFile, frames: str = "1-5", **fields: Any) -> RenderJob:
        """A job in the bucket, as a submit leaves it; the first file is the .blend."""
        files = files or (self.file("home/ann/scene.blend"),)
        contents = Store(self.s3, self.bucket).upload(files, "upload")
        made = RenderJob(
            id=JOB_ID,
            name="scene",
            blend=contents.files[0].path,
            files=tuple(File(file.path, file.sha256, file.size) for file in contents.files),
            scene="Scene",
            frames=frames,
            frames_per_job=5,
            file_format="PNG",
            blender="5.0.1",
            created="2026-11-21T10:15:00+00:00",
            device="cpu",
            video=Video("mp4", "h264", "high", Fraction(24), sound=False),
        )
        made = replace(made, **fields)
        self.put(self.prefix.contents, contents.to_json_gz())
        self.put(self.prefix.job, made.to_json().encode())
        return made

    def submission(self, number: int, frames: str, frames_per_job: int) -> None:
        made = Submission(number, frames, frames_per_job, "refuse", "2026-11-21T10:15:00+00:00")
        self.put(self.prefix.submission(number), made.to_json().encode())

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """`python -m worker …` with the environment that Batch would give."""
        built = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(HERE.parents[1]),  # the worker beside these tests, not an installed one
            "HOME": str(self.folder),
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test-secret",
            "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_MAX_ATTEMPTS": "2",
            "PYTHONUNBUFFERED": "1",
            "CLOUD_RENDER_SCRATCH": str(self.folder / "scratch"),
            "CLOUD_RENDER_CACHE": str(self.folder / "cache"),
        }
        (self.folder / "scratch").mkdir(exist_ok=True)
        return subprocess.Popen(
            [*self.around, sys.executable, "-m", "worker", *arguments],
            cwd=self.folder / "scratch",
            env=built | self.environment | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def worker(self, *arguments: str, **environment: str) -> Ended:
        process = self.start(*arguments, **environment)
        log, _ = process.communicate(timeout=300)
        return Ended(process.returncode, log)

    def render_arguments(self, frames_per_job: int = 5, *more: str) -> tuple[str, ...]:
        place = f"s3://{self.bucket}/{self.prefix.root}"
        return ("render", "-i", place + "job.json", "-o", place.rstrip("/"), "-f", str(frames_per_job), *more)

    def render(self, frames_per_job: int = 5, *more: str, **environment: str) -> Ended:
        return self.worker(*self.render_arguments(frames_per_job, *more), **environment)

    def fake(self, **orders: Any) -> None:
        """From now on Blender is the fake one, with these orders."""
        program = self.folder / "blender"
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{HERE / "fake_blender.py"}" "$@"\n')
        program.chmod(0o755)
        (self.folder / "state").mkdir(exist_ok=True)
        self.environment |= {
            "CLOUD_RENDER_BLENDER": str(program),
            "FAKE_BLENDER": json.dumps(orders),
            "FAKE_BLENDER_STATE": str(self.folder / "state"),
        }

    def terminate(self, process: subprocess.Popen[str]) -> tuple[Ended, float]:
        """SIGTERM; how the worker ended, and after how many seconds."""
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        log, _ = process.communicate(timeout=60)
        return Ended(process.returncode, log), time.monotonic() - started

    @staticmethod
    def wait_for(pattern: str, process: subprocess.Popen[str]) -> str:
        """The log of `process` up to the first line that matches."""
        seen = []
        for line in process.stdout or ():
            seen.append(line)
            if re.search(pattern, line):
                return "".join(seen)
        pytest.fail(f"no {pattern!r} in:\n{''.join(seen)}")

    @staticmethod
    def child(index: int, size: int, attempt: int = 1) -> dict[str, str]:
        """What Batch sets in child `index` of `size`."""
        return {
            "AWS_BATCH_JOB_ID": f"7a1c0000-0000-4000-8000-000000000000:{index}",
            "AWS_BATCH_JOB_ARRAY_INDEX": str(index),
            "AWS_BATCH_JOB_ARRAY_SIZE": str(size),
            "AWS_BATCH_JOB_ATTEMPT": str(attempt),
        }

    @property
    def rendered(self) -> list[int]:
        """The frames that the fake Blender began, in order."""
        return [int(line.split()[0]) for line in (self.folder / "state" / "rendered").read_text().splitlines()]

    def put(self, key: str, body: bytes) -> None:
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)

    def get(self, key: str) -> bytes:
        return self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()

    def keys(self, prefix: str = "") -> list[str]:
        """Below the job's prefix, without it."""
        root = self.prefix.root
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=root + prefix)
        return [item["Key"].removeprefix(root) for page in pages for item in page.get("Contents", ())]

    def report(self, attempt: int = 1, index: int = 0, submission: int = 0) -> ChildReport:
        return ChildReport.from_json(self.get(self.prefix.report(submission, index, attempt)))


@pytest.fixture
def rig(s3_url: str, tmp_path: Path) -> Rig:
    s3 = boto3.client(
        "s3",
        endpoint_url=s3_url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test-secret",
    )
    bucket = f"bucket-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=bucket)
    made = Rig(s3_url, bucket, tmp_path, s3)
    made.fake()
    return made
