# SPDX-License-Identifier: GPL-3.0-or-later
"""The stitch without its process: which image is shown when, what is fetched ahead, which FFmpeg is used."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_render.contract.errors import BadArguments, StorageUnavailable
from cloud_render.contract.job import CONTAINERS_OF_CODEC, Video
from cloud_render.contract.keys import Prefix
from worker import encode, ffmpeg, footage, stitch, window
from worker.footage import Image, MissingFrames, Shown

PREFIX = Prefix("jobs/one/")


@given(st.sets(st.integers(-60, 60), min_size=1), st.integers(0, 2**32))
def test_a_held_gap_shows_the_nearest_frame_before_it(frames, seed):
    """For any set of frames: its own image where it has one, else the one before, else the first; gaps are told."""
    objects = {PREFIX.frame(frame, "png"): 1 for frame in frames}
    taken = footage.of_folder(PREFIX, objects, "hold")
    assert taken.frames == tuple(range(min(frames), max(frames) + 1))
    for shown in taken.shown:
        own = max(frame for frame in frames if frame <= shown.frame)
        assert shown.image.key == PREFIX.frame(own, "png")
    assert set(taken.gaps) == set(taken.frames) - frames


def test_a_scene_linear_folder_without_display_images_is_refused():
    """Linear light shown as if it were sRGB would be a dark video nobody asked for."""
    with pytest.raises(MissingFrames, match="display images are missing"):
        footage.of_folder(PREFIX, {PREFIX.frame(1, "exr"): 9, PREFIX.frame(2, "exr"): 9}, "refuse")


@dataclass
class SlowBucket:
    """Counts what is fetched and not yet taken; the first answer for each key in `breaks` breaks off."""

    breaks: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, key: str) -> bytes:
        with self.lock:
            self.asked.append(key)
            if key in self.breaks:
                self.breaks.remove(key)
                raise StorageUnavailable("The connection was reset.")
        return key.encode()


def film(count: int, size: int = 10) -> list[Shown]:
    return [Shown(frame, Image(f"{frame}.png", size)) for frame in range(count)]


def test_images_come_in_order_however_they_arrive():
    """Eight requests at a time, one row of images; a broken connection is tried again."""
    bucket = SlowBucket(breaks={"3.png", "77.png"})
    with window.contents(bucket, film(200)) as contents:
        assert list(contents) == [f"{frame}.png".encode() for frame in range(200)]
    assert len(bucket.asked) == 202


def test_only_a_window_of_images_is_fetched_ahead():
    """An animation of any length takes the same memory."""
    bucket = SlowBucket()
    with window.contents(bucket, film(1000, size=10), ahead_bytes=50) as contents:
        for _ in range(100):
            next(contents)
        assert len(bucket.asked) <= 105


def test_an_image_larger_than_the_window_still_comes():
    """One at a time, rather than never."""
    with window.contents(SlowBucket(), film(3, size=1000), ahead_bytes=50) as contents:
        assert len(list(contents)) == 3


def test_a_held_image_is_fetched_once():
    """It stands for several frames and travels for one."""
    bucket = SlowBucket()
    held = [Shown(frame, Image("1.png" if frame < 50 else "2.png", 10)) for frame in range(100)]
    with window.contents(bucket, held, ahead_bytes=15) as contents:
        assert list(contents) == [b"1.png"] * 50 + [b"2.png"] * 50
    assert sorted(bucket.asked) == ["1.png", "2.png"]


def test_every_codec_and_quality_of_a_job_has_a_way():
    """Whatever job.json may ask for, the table answers, in each container it may name."""
    for codec, containers in CONTAINERS_OF_CODEC.items():
        for container in containers:
            for quality in ("lossless", "high", "medium", "low"):
                video = Video(container, codec, quality, Fraction(24), sound=True)
                assert encode.way(video, ffmpeg.encoders(ffmpeg.programs()[-1]), with_sound=True)


def test_an_ffmpeg_without_the_encoder_says_what_it_has():
    """Debian's, a conda build, one without GPL parts: which codec is missing, and which are not."""
    video = Video("mp4", "h265", "high", Fraction(24), sound=False)
    with pytest.raises(BadArguments, match=r"it has no libx265. It can make h264, ffv1\."):
        encode.way(video, frozenset({"libx264", "ffv1"}), with_sound=False)


def test_no_ffmpeg_at_all_is_said_with_what_to_install(monkeypatch, tmp_path):
    """Neither on PATH nor in a wheel."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(ffmpeg, "_of_wheel", lambda: "")
    with pytest.raises(BadArguments, match="imageio-ffmpeg"):
        ffmpeg.program()


def test_a_disk_that_can_not_hold_the_video_is_said_before_the_first_frame(rig, video, monkeypatch, tmp_path):
    """DiskFull with figures instead of a broken file after hours."""
    from cloud_render.contract.errors import DiskFull
    from worker import cache
    from worker.s3 import Bucket

    rig.put(rig.prefix.frame(1, "png"), _png(video))
    monkeypatch.setattr(cache, "RESERVE", 1 << 60)
    taken = footage.of_folder(rig.prefix, {rig.prefix.frame(1, "png"): 100}, "refuse")
    with pytest.raises(DiskFull, match="are free"):
        stitch._encode(Bucket(rig.s3, rig.bucket), taken, stitch.WITHOUT_JOB, (), tmp_path / "video.mp4")
    assert not (tmp_path / "video.mp4").exists()


def _png(video) -> bytes:
    import io

    into = io.BytesIO()
    video.picture(1).save(into, "PNG")
    return into.getvalue()
