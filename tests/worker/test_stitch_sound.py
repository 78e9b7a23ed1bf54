# SPDX-License-Identifier: GPL-3.0-or-later
"""The sound of a video: as long as its pictures, in step with them, and never silently lost."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import wave
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from cloud_render import blender as door
from cloud_render.contract import frames as ranges
from cloud_render.contract.job import RenderJob, Video
from cloud_render.contract.report import ChildReport
from worker import sound
from worker.encode import Strip

BUILD = """
import sys, bpy
folder = sys.argv[sys.argv.index("--") + 1]
bpy.ops.wm.read_factory_settings(use_empty=True)
scene = bpy.context.scene
editor = scene.sequence_editor_create()
strips = editor.strips if hasattr(editor, "strips") else editor.sequences
strips.new_sound("Tone", folder + "/tone.wav", 1, 106)
bpy.ops.wm.save_as_mainfile(filepath=folder + "/scene.blend", relative_remap=False)
"""
"""Half a second of tone at frame 106: with 24 frames a second from 101 on it is heard from 5/24 s to 17/24 s."""


def tone(seconds: float) -> bytes:
    into = io.BytesIO()
    with wave.open(into, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48000)
        samples = (9000 if number % 100 < 50 else -9000 for number in range(int(48000 * seconds)))
        file.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))
    return into.getvalue()


@pytest.fixture(scope="module")
def scene(tmp_path_factory) -> Path:
    """The folder with a .blend that has a tone, made by the Blender under test."""
    folder = tmp_path_factory.mktemp("heard")
    (folder / "tone.wav").write_bytes(tone(0.5))
    (folder / "build.py").write_text(BUILD)
    command = [part if part != str(door.BOOT) else str(folder / "build.py") for part in door.find().command]
    done = subprocess.run([*command, "--", str(folder)], capture_output=True, text=True, check=False)
    if "without Audaspace" in done.stderr:
        pytest.skip("this Blender is built without audio, as the 4.2 wheel is: no strip can be made in it")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return folder


@pytest.fixture
def stitched(rig, scene, video, tmp_path):
    """The stitch of a job over that scene: the video as it is watched, and the report."""

    def run(frames: str = "101-124", container: str = "mp4", codec: str = "h264", blender: str = "", **fields):
        files = [rig.file("home/ann/scene.blend", (scene / "scene.blend").read_bytes())]
        files += [rig.file("home/ann/wood.png", b"never opened by a mixdown")]
        files += [rig.file(str(scene / "tone.wav").lstrip("/"), (scene / "tone.wav").read_bytes())]
        quality = "lossless" if codec == "ffv1" else "high"
        settings = Video(container, codec, quality, Fraction(24), sound=True)
        rig.job(*files, frames=frames, video=settings, blender=door.find().version, **fields)
        for frame in ranges.parse(frames):
            into = io.BytesIO()
            video.picture(frame).save(into, "PNG")
            rig.put(rig.prefix.frame(frame, "png"), into.getvalue())
        chosen = blender or os.environ.get("CLOUD_RENDER_BLENDER", "")
        del rig.environment["CLOUD_RENDER_BLENDER"]
        rig.environment |= {"CLOUD_RENDER_BLENDER": chosen} if chosen else {}
        place = f"s3://{rig.bucket}/{rig.prefix.root}"
        ended = rig.worker("stitch", "-i", place, "-o", place)
        assert ended.code == 0, ended.log
        path = tmp_path / f"video.{container}"
        path.write_bytes(rig.get(rig.prefix.video(container)))
        return video.watch(path), ChildReport.from_json(rig.get(rig.prefix.stitch_report(0, 1)))

    return run


@pytest.mark.parametrize(
    ("container", "codec", "name"),
    [("mp4", "h264", "aac"), ("webm", "vp9", "opus"), ("mkv", "ffv1", "flac"), ("mov", "prores", "aac")],
)
def test_the_sound_is_in_step_and_as_long_as_the_pictures(stitched, container, codec, name):
    """A tone at frame 106 of 101-124 is heard 5 frames after the start, in the container's own kind of sound."""
    film, _ = stitched(container=container, codec=codec)
    assert film.sound.codec.removeprefix("lib") == name
    assert film.sound.duration_s == pytest.approx(1, abs=0.03)  # AAC and Opus count in blocks of some 20 ms
    assert film.container_s == pytest.approx(1, abs=0.03)
    assert film.duration_s == pytest.approx(1, abs=0.002)
    assert film.sound.loudness(0, 0.18) < 0.01 < 0.1 < film.sound.loudness(0.25, 0.65)
    assert film.sound.loudness(0.75, 0.97) < 0.01


def test_a_part_of_the_scene_has_its_part_of_the_sound(stitched):
    """Frames 110-121: the tone has begun before, and ends at frame 118."""
    film, _ = stitched(frames="110-121")
    assert film.sound.duration_s == pytest.approx(0.5, abs=0.03)
    assert film.sound.loudness(0.02, 0.3) > 0.1
    assert film.sound.loudness(0.38, 0.48) < 0.02


@pytest.mark.parametrize("frames", ["101-123x2", "101-105,110-114"])
def test_frames_left_out_leave_the_sound_out_and_say_so(stitched, frames):
    """Sound would run away from pictures that skip frames."""
    film, report = stitched(frames=frames)
    assert film.sound is None
    assert "no sound" in report.warnings[0]


def test_a_blender_that_fails_costs_only_the_sound(stitched, tmp_path):
    """After hours of rendering, the video is made all the same; the report says what is wrong with its sound."""
    program = tmp_path / "no-blender"
    program.write_text("#!/bin/sh\necho Blender 99.0.0\n")
    program.chmod(0o755)
    film, report = stitched(blender=str(program))
    assert film.sound is None
    assert film.count == 24
    assert any(warning.startswith("The video has no sound: Blender") for warning in report.warnings)


def test_a_mixdown_brings_no_textures(rig, scene):
    """Only what can be heard, or leads to it, is fetched: the .blend, libraries, sounds, movies."""
    names = ["scene.blend", "lib.blend", "wood.PNG", "cache.vdb", "tone.wav", "song.mp3", "clip.mov", "odd"]
    job = rig.job(*[rig.file(f"home/ann/{name}", name.encode()) for name in names])
    kept = [file.path.rpartition("/")[2] for file in sound.audible(job).files]
    assert kept == ["scene.blend", "lib.blend", "tone.wav", "song.mp3", "clip.mov", "odd"]


def test_plain_strips_are_placed_on_the_videos_time(rig):
    """Without Blender's audio: a strip begun before the first frame starts in its middle; one after the last is out."""
    settings = Video("mp4", "h264", "high", Fraction(24), sound=True)
    job: RenderJob = replace(rig.job(frames="101-124"), video=settings)
    rows = [
        {"path": "/a.wav", "frame_start": 89, "frame_end": 113, "offset_s": 0.25, "volume": 0.5},
        {"path": "/b.wav", "frame_start": 107, "frame_end": 131, "offset_s": 0.0, "volume": 1.0},
        {"path": "/c.wav", "frame_start": 125, "frame_end": 140, "offset_s": 0.0, "volume": 1.0},
        {"path": "/d.wav", "frame_start": 80, "frame_end": 101, "offset_s": 0.0, "volume": 1.0},
    ]
    assert sound.strips_of(rows, job) == (
        Strip(Path("/a.wav"), start_s=-0.5, skip_s=0.25, length_s=1.0, volume=0.5),
        Strip(Path("/b.wav"), start_s=0.25, skip_s=0.0, length_s=1.0, volume=1.0),
    )


def test_ffmpeg_mixes_plain_strips(rig, video, tmp_path):
    """Two strips, one begun before the first frame, one late and quiet: heard where they belong, added up."""
    from worker import avi, encode, ffmpeg, pictures
    from worker.pictures import Size

    (tmp_path / "tone.wav").write_bytes(tone(1.0))
    strips = (
        Strip(tmp_path / "tone.wav", start_s=-0.75, length_s=1.0),
        Strip(tmp_path / "tone.wav", start_s=0.5, skip_s=0.5, length_s=0.25, volume=0.5),
    )
    settings = Video("mkv", "ffv1", "lossless", Fraction(24), sound=True)
    source = encode.Pictures(pictures.FORMATS["png"], Size(64, 36), Fraction(24), 24)
    program = ffmpeg.program()
    way = encode.way(settings, ffmpeg.encoders(program), with_sound=True)
    command = encode.command(program, source, way, settings, strips, tmp_path / "out.mkv")
    into = io.BytesIO()
    video.picture(1).save(into, "PNG")
    with ffmpeg.Run(command) as process:
        process.write(avi.header(64, 36, Fraction(24)))
        for _ in range(24):
            process.write(*avi.picture(into.getvalue()))
        assert process.finish() == 24
    heard = video.watch(tmp_path / "out.mkv").sound
    assert heard.duration_s == pytest.approx(1, abs=1e-4)
    full, half = heard.loudness(0.02, 0.23), heard.loudness(0.52, 0.73)
    assert full == pytest.approx(9000 / 32768, rel=0.05)
    assert half == pytest.approx(full / 2, rel=0.05)
    assert heard.loudness(0.27, 0.48) == heard.loudness(0.77, 0.99) == 0
