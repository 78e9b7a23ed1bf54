# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames on their way to S3 while Blender renders on."""

from __future__ import annotations

import functools
import hashlib
import threading
from base64 import b64encode
from pathlib import Path

import pytest

from cloud_render import blender as door
from cloud_render.contract.errors import StorageUnavailable
from cloud_render.contract.job import Limits
from cloud_render.contract.report import ChildReport
from worker.attempt import Draft
from worker.interruption import Interruption
from worker.quiet_log import QuietLog
from worker.s3 import Bucket
from worker.session import Session
from worker.uploads import Uploads


class Watched(Bucket):
    """A real bucket that tells of each file before it is sent."""

    def __init__(self, rig, before=lambda key: None) -> None:
        super().__init__(rig.s3, rig.bucket)
        self.sent: list[str] = []
        self._root = rig.prefix.root
        self._before = before

    def put_file(self, key: str, path: Path, content_type: str = "") -> int:
        self._before(key.removeprefix(self._root))
        self.sent.append(key.removeprefix(self._root))
        return super().put_file(key, path, content_type)


@pytest.fixture
def render(rig, tmp_path, monkeypatch):
    """Renders frames with the fake Blender into a bucket, as the worker does."""

    def run(bucket: Bucket, frames: list[int], **orders) -> list[int]:
        rig.fake(**orders)
        for name, value in rig.environment.items():
            monkeypatch.setenv(name, value)
        blender = door.find(rig.environment["CLOUD_RENDER_BLENDER"])
        request = {"action": "render", "out": str(tmp_path / "out")}
        draft = Draft(ChildReport("render", 0, 0, 1, 0, "", ""))
        quiet = QuietLog()
        start = functools.partial(door.run, blender, request)
        out = tmp_path / "out"
        session = Session(start, Limits(), Interruption(), draft, quiet, lambda _: None, out)
        session.uploads = Uploads(bucket, rig.prefix, "png", session.wake, draft.warn)
        session.render(frames)
        return [done.frame for done in session.uploads.done]

    return run


def test_the_primary_image_is_uploaded_after_everything_else_of_its_frame(rig, render):
    """So frames/ alone says what is done."""
    bucket = Watched(rig)
    render(bucket, [1, 2], outputs=["depth"])
    assert bucket.sent == [
        "outputs/depth/0001.png",
        "previews/0001.jpg",
        "frames/0001.png",
        "outputs/depth/0002.png",
        "previews/0002.jpg",
        "frames/0002.png",
    ]


def test_a_frame_is_uploaded_while_the_next_one_renders_and_no_third_begins(rig, render):
    """Blender is one frame ahead of the upload, never two."""
    seen: dict[str, list[int]] = {}

    def before(key: str) -> None:
        if key == "frames/0001.png":
            while 2 not in rig.rendered:
                threading.Event().wait(0.01)
        seen[key] = rig.rendered

    assert render(Watched(rig, before), [1, 2, 3, 4]) == [1, 2, 3, 4]
    assert seen["frames/0001.png"] == [1, 2]
    assert 4 not in seen["frames/0002.png"]


def test_an_upload_that_fails_ends_the_render(rig, render):
    """Frames that can't be brought to S3 are not rendered on."""

    def before(key: str) -> None:
        if key == "frames/0002.png":
            raise StorageUnavailable("S3 is away.")

    bucket = Watched(rig, before)
    with pytest.raises(StorageUnavailable):
        render(bucket, list(range(1, 30)))
    assert rig.keys("frames/") == ["frames/0001.png"]
    assert len(rig.rendered) < 6


def test_a_preview_that_cannot_be_made_does_not_cost_the_frame(rig, render, monkeypatch):
    """The picture for the panel is a help, not a result."""
    monkeypatch.setattr("worker.preview.ffmpeg.program", lambda: "false")
    bucket = Watched(rig)
    assert render(bucket, [1]) == [1]
    assert bucket.sent == ["frames/0001.png"]


def test_rendered_files_do_not_stay_on_the_disk(rig, render, tmp_path):
    """A slice of thousands of frames needs the room of two."""
    render(Watched(rig), [1, 2, 3], outputs=["depth"])
    assert [path for path in (tmp_path / "out").rglob("*") if path.is_file()] == []


def test_every_frame_carries_its_hash_for_s3_to_check(rig, tmp_path):
    """S3 refuses a body that does not fit its SHA-256, so a damaged frame is never stored."""
    path = tmp_path / "a.png"
    path.write_bytes(b"image")
    sent = {}
    rig.s3.meta.events.register("before-send.s3.PutObject", lambda request, **_: sent.update(request.headers))
    Bucket(rig.s3, rig.bucket).put_file("k", path)
    assert sent["x-amz-checksum-sha256"] == b64encode(hashlib.sha256(b"image").digest())
