# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs of the local cloud that run in the image: Blender's installation, an array of renders, a stitch."""

from __future__ import annotations

import json
import time

import av
import pytest

GRACE_S = 30
"""Between SIGTERM and SIGKILL."""

SMALL = ("--frames", "1-4", "-k", "2", "--percentage", "20", "--samples", "1", "--device", "cpu")


@pytest.fixture(scope="module")
def job(cloud, scene, tmp_path_factory):
    """The job's id, and what came back."""
    folder = tmp_path_factory.mktemp("back")
    return cloud.cli("submit", str(scene), *SMALL, "--download", str(folder))["job"], folder


def test_frames_and_video_come_out_of_the_image(job):
    """All frames are there, and the video has as many, with the scene's sound."""
    _, folder = job
    assert len(list((folder / "frames").iterdir())) == 4
    with av.open(str(next(folder.glob("video.*")))) as video:
        assert sum(1 for _ in video.decode(video=0)) == 4
        assert video.streams.audio


def test_its_blender_came_out_of_the_bucket(job, cloud, image):
    """A job put it there, checked by its published hash, and the machine's cache holds it unpacked, once."""
    assert any(key.endswith("/build.json") for key in cloud.keys("blender/"))
    unpacked = image.python("import pathlib; print(*(p.name for p in pathlib.Path('/cache/builds').iterdir()))")
    assert len(unpacked.stdout.split()) == 1, unpacked.stderr


def test_the_reports_say_what_the_image_did(job, cloud):
    """Two children with two frames each, by Blender in the container, without a failure."""
    s3 = cloud.local.client("s3")
    keys = [key for key in cloud.keys(f"jobs/{job[0]}/reports/") if "stitch" not in key]
    reports = [json.loads(s3.get_object(Bucket=cloud.bucket, Key=key)["Body"].read()) for key in keys]
    renders = [report for report in reports if report["action"] == "render"]
    assert [(len(report["frames"]), report["exit_code"]) for report in renders] == [(2, 0), (2, 0)]
    print("\ncontainer: Blender was ready after " + ", ".join(f"{report['load_s']:.1f} s" for report in renders))


def test_no_container_is_left(job, image):
    """Ended children leave nothing behind."""
    assert image.containers() == []


def test_a_cancelled_job_leaves_its_containers_at_once(job, cloud, scene, image):
    """SIGTERM ends the worker, also before it has begun to render: a first process without a handler gets no signal."""
    long = cloud.cli("submit", str(scene), *SMALL, "--frames", "1-400", "-k", "200")["job"]
    while not image.containers():
        assert cloud.cli("status", long)["phase"] in ("submitted", "queued", "rendering")
    began = time.monotonic()
    cloud.cli("cancel", long)
    while image.containers():
        assert time.monotonic() - began < GRACE_S
