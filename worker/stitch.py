# SPDX-License-Identifier: GPL-3.0-or-later
"""Action `stitch`: the frames of a job, in order and all of them, become one video beside them.

Images come from S3 while FFmpeg encodes. The video grows on the attempt's own disk, since its index (and faststart) can
only be written at the end, and replaces an older one in a single step. What is never made: a video that is short, that
mixes two jobs, or that hides a damaged image.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from cloud_render.contract import frames, rate
from cloud_render.contract.errors import BadArguments, BlenderFailed
from cloud_render.contract.job import Gaps, RenderJob, Video
from cloud_render.contract.keys import Prefix
from cloud_render.contract.report import End
from worker import attempt, avi, encode, ffmpeg, footage, interruption, pictures, sound, window
from worker.attempt import Draft
from worker.cache import require_free
from worker.encode import Pictures, Strip
from worker.footage import Footage, Shown
from worker.metadata import Metadata, address
from worker.pictures import Format, Size
from worker.s3 import Bucket, bucket_and_key

log = logging.getLogger(__name__)

WITHOUT_JOB = Video(container="mp4", codec="h264", quality="high", fps=Fraction(24), sound=False)
"""The video of frames that have no job.json, or whose job asked for none."""

LARGEST_DENOMINATOR = 1_000_000
"""Of a frame rate: AVI and FFmpeg count in 32 bits."""

PROGRESS_EVERY_S = 10.0


@dataclass(frozen=True)
class Place:
    """A folder in a bucket."""

    bucket: Bucket
    prefix: Prefix

    @classmethod
    def of_uri(cls, uri: str) -> Place:
        """Raises BadArguments."""
        bucket, key = bucket_and_key(uri)
        return cls(bucket, Prefix.of_key(key))


def run(arguments: argparse.Namespace) -> str:
    """What was made, in words. Raises CloudRenderError."""
    source, target = Place.of_uri(arguments.input), Place.of_uri(arguments.output)
    this = attempt.Attempt.of_environment()
    with (
        interruption.listening(),
        attempt.reporting("stitch", target.bucket, target.prefix, arguments.submission, this) as report,
        attempt.scratch() as scratch,
    ):
        report.add(machine=Metadata(address()).machine())
        text = source.bucket.get_if_there(source.prefix.job)
        job = RenderJob.from_json(text) if text is not None else None
        video = video_of(job, arguments.fps)
        taken = _footage(source, job, arguments.gaps)
        report.add(gaps=taken.gaps)
        if taken.gaps:
            report.warn(f"{len(taken.gaps)} missing frames show a neighbour: {frames.text_of(taken.gaps)}.")
        strips = _sound(source, job, video, scratch, report)
        path = scratch / f"video.{video.container}"
        size = _encode(source.bucket, taken, video, strips, path)
        key = target.prefix.video(video.container)
        target.bucket.put_file(key, path, encode.CONTENT_TYPES[video.container])
        _write_end(target, taken, path.name)
    return (
        f"{target.bucket.uri(key)}: {len(taken.shown)} frames of {size}, {float(len(taken.shown) / video.fps):.2f} s."
    )


def video_of(job: RenderJob | None, fps: str | None) -> Video:
    """The job's own video settings, at another rate where `fps` says one. Raises BadArguments."""
    video = (job.video if job else None) or WITHOUT_JOB
    fps_wanted = video.fps if fps is None else rate.parse(fps)
    return replace(video, fps=fps_wanted.limit_denominator(LARGEST_DENOMINATOR))


def _footage(source: Place, job: RenderJob | None, gaps: str) -> Footage:
    prefix = source.prefix
    places = [prefix.frames, prefix.output("display/")]
    objects = {item.key: item.size for place in places for item in source.bucket.list(place)}
    hold: Gaps = "hold" if gaps == "hold" else "refuse"
    if job is None:
        log.info("%s is not there: from the first frame to the last that is found", prefix.job)
        return footage.of_folder(prefix, objects, hold)
    return footage.of_job(job, prefix, objects, hold)


def _sound(source: Place, job: RenderJob | None, video: Video, scratch: Path, report: Draft) -> tuple[Strip, ...]:
    if job is None or job.video is None or not job.video.sound:
        return ()
    if video.fps != job.video.fps.limit_denominator(LARGEST_DENOMINATOR):
        report.warn("The video has no sound: its frame rate is not the scene's.")
        return ()
    return sound.of_job(source.bucket, source.prefix, job, scratch, report.warn)


def _encode(bucket: Bucket, taken: Footage, video: Video, strips: tuple[Strip, ...], path: Path) -> Size:
    """Writes the video to `path`; the size of its pictures. Raises BlenderFailed that names the frame, or DiskFull."""
    with window.contents(bucket, taken.shown) as contents:
        return _encode_all(bucket, taken, contents, video, strips, path)


def _encode_all(
    bucket: Bucket, taken: Footage, contents: Iterator[bytes], video: Video, strips: tuple[Strip, ...], path: Path
) -> Size:
    first = next(contents)
    size = _size_of(taken.shown[0], first, taken.extension)
    kind = pictures.FORMATS[taken.extension]
    source = Pictures(kind, size, video.fps, len(taken.shown), kind.is_deep(first))
    program, way = _program(video, with_sound=bool(strips))
    require_free(path.parent, encode.largest_size(source, way))
    command = encode.command(program, source, way, video, strips, path)
    log.info("encoding %d frames of %s as %s", source.count, size, way.encoder)
    fed = _Fed(taken, contents, size, first)
    try:
        with ffmpeg.Run(command) as process:
            process.write(avi.header(size.width, size.height, source.fps))
            fed.into(process)
            encoded = process.finish()
    except ffmpeg.EncodingFailed as error:
        _blame(bucket, fed.shown[error.frames :], source.format, program)
        raise
    if encoded != source.count:
        _blame(bucket, fed.shown, source.format, program)
        raise BlenderFailed(f"FFmpeg made {encoded} of {source.count} frames.", "Nothing was kept; see the log.")
    return size


class _Fed:
    """The pictures on their way into FFmpeg: each looked at, and counted."""

    def __init__(self, taken: Footage, contents: Iterator[bytes], size: Size, first: bytes) -> None:
        self.shown: list[Shown] = []
        """Those that FFmpeg has been given."""
        self._taken = taken
        self._contents = itertools.chain([first], contents)
        self._size = size

    def into(self, process: ffmpeg.Run) -> None:
        """Raises BlenderFailed that names the frame, or what process.write raises."""
        said = time.monotonic()
        for shown, content in zip(self._taken.shown, self._contents, strict=True):
            size = _size_of(shown, content, self._taken.extension)
            if size != self._size:
                first = self._taken.shown[0]
                raise BlenderFailed(
                    f"Frame {shown.frame} ({shown.image.key}) is {size}, frame {first.frame} is {self._size}.",
                    "A video has one size: render the frames that differ again.",
                )
            self.shown.append(shown)
            process.write(*avi.picture(content))
            if time.monotonic() - said > PROGRESS_EVERY_S:
                said = time.monotonic()
                log.info("encoded %d of %d frames", process.frames, len(self._taken.shown))


def _program(video: Video, *, with_sound: bool) -> tuple[str, encode.Way]:
    """An FFmpeg that can make the video, and its way to. Raises BadArguments."""
    programs = ffmpeg.programs()
    for program in programs[:-1]:
        with contextlib.suppress(BadArguments):
            return program, encode.way(video, ffmpeg.encoders(program), with_sound=with_sound)
    return programs[-1], encode.way(video, ffmpeg.encoders(programs[-1]), with_sound=with_sound)


def _size_of(shown: Shown, content: bytes, extension: str) -> Size:
    """Raises BlenderFailed that names the frame if it is damaged."""
    try:
        return pictures.size(content, extension)
    except pictures.Damaged as error:
        raise _damaged(shown, str(error)) from error


def _blame(bucket: Bucket, suspects: Sequence[Shown], image: Format, program: str) -> None:
    """Raises BlenderFailed for the first of the images that can't be decoded by itself, if there is one.

    FFmpeg decodes ahead and in threads, so its own words don't say which picture it met.
    """
    with window.contents(bucket, suspects) as contents:
        for shown, content in zip(suspects, contents, strict=True):
            try:
                with ffmpeg.Run(encode.decode_command(program, image)) as process:
                    process.write(avi.header(1, 1, Fraction(1)), *avi.picture(content))
                    decoded = process.finish()
            except ffmpeg.EncodingFailed as error:
                raise _damaged(shown, error.last_word) from error
            if not decoded:
                raise _damaged(shown, "FFmpeg can't decode it")


def _damaged(shown: Shown, how: str) -> BlenderFailed:
    return BlenderFailed(
        f"Frame {shown.frame} ({shown.image.key}) is damaged: {how}.",
        f"Remove {shown.image.key} from the bucket, and `cloud-render retry JOB` renders it again.",
    )


def _write_end(target: Place, taken: Footage, name: str) -> None:
    there = len(taken.shown) - len(taken.gaps)
    end = End("done", there, len(taken.shown), attempt.now(), video=name, gaps=taken.gaps)
    target.bucket.put(target.prefix.end, end.to_json().encode(), "application/json")
