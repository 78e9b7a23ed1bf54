# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenes of other systems through the worker itself: out of the store, laid out, rendered, the frames in the bucket."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pytest
from PIL import Image

from cloud_render.contract.job import JobFile
from cloud_render.contract.keys import Prefix
from cloud_render.store import SourceFile, Store

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Cloud:
    """A bucket, and a worker that is started on it as Batch would."""

    url: str
    bucket: str
    s3: Any

    def render(self, journey: Any, fidelity: Any, scratch: Path, blender: Any) -> dict[str, np.ndarray]:
        """The frames of the scene, made of nothing but what is in the bucket."""
        files = [path for path in journey.root.rglob("*") if path.is_file()]
        sources = [SourceFile(path, path.relative_to(journey.root).as_posix()) for path in files]
        contents = Store(self.s3, self.bucket).upload(sources, "upload")
        sent = tuple(JobFile(file.path, file.sha256, file.size) for file in contents.files)
        job = replace(fidelity.job_of(journey.examination), files=sent)
        prefix = Prefix.of_job(job.id)
        self.s3.put_object(Bucket=self.bucket, Key=prefix.contents, Body=contents.to_json_gz())
        self.s3.put_object(Bucket=self.bucket, Key=prefix.job, Body=job.to_json().encode())
        place = f"s3://{self.bucket}/{prefix.root}"
        arguments = ("render", "-i", place + "job.json", "-o", place.rstrip("/"), "-f", str(len(job.frame_list)))
        self._work(arguments, scratch, blender)
        keys = {f"{frame:04d}": prefix.frame(frame, job.image.extension) for frame in job.frame_list}
        return {name: self._pixels(key) for name, key in keys.items()}

    def _work(self, arguments: tuple[str, ...], scratch: Path, blender: Any) -> None:
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "HOME": str(scratch),
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test-secret",
            "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "CLOUD_RENDER_BLENDER": blender.command[0],
            "CLOUD_RENDER_SCRATCH": str(scratch),
            "CLOUD_RENDER_CACHE": str(scratch / "cache"),
        }
        command = [sys.executable, "-m", "worker", *arguments]
        done = subprocess.run(
            command, cwd=scratch, env=environment, capture_output=True, text=True, timeout=240, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def _pixels(self, key: str) -> np.ndarray:
        body = self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        with Image.open(io.BytesIO(body)) as opened:
            return np.asarray(opened.convert("RGB"))


@pytest.fixture(scope="module")
def s3_url() -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def cloud(s3_url: str) -> Cloud:
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test-secret"}
    s3 = boto3.client("s3", endpoint_url=s3_url, region_name="us-east-1", **keys)
    bucket = f"bucket-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=bucket)
    return Cloud(s3_url, bucket, s3)


@pytest.mark.parametrize("paths", ["windows", "unc"])
@pytest.mark.parametrize("scene", ["libraries", "textures"])
def test_scenes_of_windows_render_on_the_worker(
    scene: str,
    paths: str,
    journey: Callable[..., Any],
    cloud: Cloud,
    fidelity: Any,
    tmp_path: Path,
    the_blender: Any,
) -> None:
    """With their libraries, the libraries of those, and everybody's pictures, pixel by pixel."""
    made = journey(scene, paths)
    rendered = cloud.render(made, fidelity, tmp_path, the_blender)
    assert rendered.keys() == made.reference.keys()
    for name, expected in made.reference.items():
        np.testing.assert_array_equal(rendered[name], expected, err_msg=f"frame {name}")
