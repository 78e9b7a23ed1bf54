# SPDX-License-Identifier: GPL-3.0-or-later
"""Ctrl-C in the middle of an upload, and the same command again."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cloud_render.contract import keys
from local_cloud.testing import LocalCloud

MEGABYTES = 96
"""More than is on its way together: what is may still arrive after the stop."""


@pytest.fixture
def packs(cloud: LocalCloud) -> Callable[[], dict[str, int]]:
    """Sizes of the packs in the bucket, by key."""
    s3 = cloud.client("s3")
    (stack,) = cloud.client("cloudformation").describe_stacks(StackName="cloud-render")["Stacks"]
    (bucket,) = [row["OutputValue"] for row in stack["Outputs"] if row["OutputKey"] == "BucketName"]

    def found() -> dict[str, int]:
        entries = s3.list_objects_v2(Bucket=bucket, Prefix=keys.PACKS).get("Contents", ())
        return {entry["Key"]: entry["Size"] for entry in entries}

    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_upload_goes_on_with_the_same_command(
    number: int, asked: Callable, started: Callable, packs: Callable, blend: Path, tmp_path: Path
) -> None:
    """It ends within a second or so with code 3 and says how to go on; what has arrived is not sent again."""
    extra = tmp_path / "cache.vdb"
    extra.write_bytes(os.urandom(MEGABYTES << 20))
    command = ["submit", blend, "--extra", extra, "--no-video"]
    before = packs()
    uploading = started(*command, "--max-upload", "8MB/s")
    end = time.monotonic() + 90
    while len(packs().keys() - before) < 2:
        assert uploading.poll() is None, uploading.communicate()
        assert time.monotonic() < end
        time.sleep(0.05)
    uploading.send_signal(number)
    stopped = time.monotonic()
    _, said = uploading.communicate(timeout=30)
    assert time.monotonic() - stopped < 5
    assert uploading.returncode == 3
    assert "What to do: The same command goes on where it stopped." in said
    assert "Traceback" not in said
    arrived = {key: size for key, size in packs().items() if key not in before}
    assert sum(arrived.values()) < MEGABYTES << 20
    job = asked(*command)["job"]
    after = {key: size for key, size in packs().items() if key not in before}
    assert arrived.items() <= after.items()
    assert sum(after.values()) <= (MEGABYTES << 20) + blend.stat().st_size
    assert job in [row["job"] for row in asked("jobs")["jobs"]]
    asked("cancel", job)


def test_an_upload_is_no_faster_than_asked(cloud_render: Callable, blend: Path, tmp_path: Path) -> None:
    """By the option, and by a variable for good; a rate that is none is refused with examples."""
    refused = cloud_render("submit", blend, "--max-upload", "fast")
    assert refused.returncode == 2
    assert "40Mbit/s" in refused.stderr
    refused = cloud_render("submit", blend, CLOUD_RENDER_MAX_UPLOAD="fast")
    assert refused.returncode == 2
    extra = tmp_path / "cache.vdb"
    extra.write_bytes(os.urandom(8 << 20))
    start = time.monotonic()
    sent = cloud_render("submit", blend, "--extra", extra, "--no-video", CLOUD_RENDER_MAX_UPLOAD="1MB/s")
    assert sent.returncode == 0, sent.stderr
    assert time.monotonic() - start > 7.5
