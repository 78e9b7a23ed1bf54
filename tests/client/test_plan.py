# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of a submit: values in, values out, no network."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_render.client import video
from cloud_render.client.options import Options
from cloud_render.client.plan import FORMATS, SubmitPlan, plan
from cloud_render.contract import frames, keys, values
from cloud_render.contract.contents import Contents, StoredFile
from cloud_render.contract.day_prices import DayPrices
from cloud_render.contract.errors import BadArguments, BadFrames, MissingFiles
from cloud_render.contract.job import CONTAINERS_OF_CODEC, RenderJob
from cloud_render.contract.scene import (
    Examination,
    MissingFile,
    MovieSettings,
    SceneFile,
    SceneSettings,
    SceneWarning,
)

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
Planned = Callable[..., SubmitPlan]
Examined = Callable[..., Examination]


def job_of(made: SubmitPlan) -> RenderJob:
    stored = tuple(StoredFile(file.scene_path, "0" * 64, 0, ()) for file in made.files)
    return made.job(Contents(stored), "gpu")


def test_a_plan_without_options_follows_the_scene(planned: Planned) -> None:
    """Frames, format, frame rate and camera are the scene's own; nothing is overridden."""
    job = job_of(planned(frame_start=101, frame_end=110, fps=Fraction(30000, 1001), file_format="OPEN_EXR"))
    assert (job.frames, job.file_format, job.camera, job.view_layers) == ("101-110", "OPEN_EXR", "", ())
    assert (job.overrides.width, job.overrides.samples, job.overrides.engine) == (None, None, None)
    assert job.video is not None
    assert (job.video.fps, job.video.codec, job.video.container) == (Fraction(30000, 1001), "h264", "mp4")
    assert job.name == "shot 1"


def test_every_option_changes_the_job(planned: Planned, tmp_path: Path) -> None:
    """No choice is taken and then forgotten: each alone makes a job.json that says so."""
    script = tmp_path / "hook.sh"
    script.write_text("true")
    chosen = {
        "name": "other", "camera": "Side", "view_layers": ("Mist",), "frames": "2-4", "frames_per_job": 3,
        "samples": 9, "percentage": 50, "resolution": (320, 180), "engine": "workbench", "device": "cpu",
        "machine": "medium",
        "format": "exr", "container": "mkv", "codec": "h265", "quality": "low", "fps": Fraction(12), "sound": False,
        "video": False, "extra": (script,), "use_scripts": True, "pre_hook": script, "post_hook": script,
        "frame_limit_s": 60.0, "stall_limit_s": 30.0, "cost_limit_usd": 5.0, "created_by": "ann",
    }  # fmt: skip
    elsewhere = {"scene", "allow_missing"}  # tested with a second scene and with missing files
    assert set(chosen) | elsewhere == {field.name for field in fields(Options)}
    same = {"id": keys.new_job_id("x", NOW), "created": ""}
    plain = replace(job_of(planned(has_sound=True)), **same)
    for name, value in chosen.items():
        assert replace(job_of(planned(Options(**{name: value}), has_sound=True)), **same) != plain, name


def test_another_scene_of_the_file_brings_its_own_settings(examined: Examined) -> None:
    """Range, rate and format are those of the scene that was chosen, not of the active one."""
    second = replace(_scene(7, 11, 2).scenes[0], name="Scene.001/é", fps=Fraction(25), file_format="JPEG")
    examination = examined()
    job = job_of(plan(replace(examination, scenes=(*examination.scenes, second)), Options(scene=second.name), NOW))
    assert (job.scene, job.frames, job.file_format) == ("Scene.001/é", "7-11x2", "JPEG")
    assert job.video is not None
    assert job.video.fps == 25


def test_a_plan_makes_no_connection_and_reads_no_content(examined: Examined, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dry run works without a network, and however large the files are."""
    monkeypatch.setattr(socket, "socket", None)
    examination = examined()
    os.truncate(examination.blend.path, 10**12)
    assert plan(examination, Options(), NOW).frame_count == 6


def test_a_plan_can_be_printed_as_json(planned: Planned) -> None:
    """All of it becomes JSON, fractions too."""
    plain = json.loads(values.to_json(planned(Options(name="x"))))
    assert (plain["name"], plain["video"]["fps"], plain["frames"]) == ("x", "24/1", "1-6")


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("shot\n2", "shot 2"),
        (" a\x1b[31mred\x07 ", "a [31mred"),
        ("caf\udce9", "caf"),
        ("\n", "shot 1"),
        ("日 本", "日 本"),
    ],
)
def test_a_job_s_name_is_one_line(planned: Planned, typed: str, name: str) -> None:
    """It stands in lists and terminals, which line breaks and control characters would upset."""
    assert planned(Options(name=typed)).name == name


def test_odd_names_make_a_job_that_batch_takes(planned: Planned) -> None:
    """Blanks, dots, slashes and other alphabets stay in the name and never reach an id or a key."""
    for name in ("Scene.001", "shot 1/ä", "日本", "-", "a" * 300):
        made = planned(Options(name=name))
        assert keys.is_job_id(made.job_id)
        assert len(keys.render_job_name(made.job_id, 0)) <= 128
        assert job_of(made).name == name


@given(
    start=st.integers(-20, 200),
    count=st.integers(1, 3000),
    step=st.integers(1, 7),
    wanted=st.none() | st.integers(1, 99),
)
def test_slices_cover_the_scene(start: int, count: int, step: int, wanted: int | None) -> None:
    """Whatever the range, the children's slices together are the frames Blender would render."""
    scene = _scene(start, start + count - 1, step)
    made = plan(scene, Options(frames_per_job=wanted), NOW)
    listed = frames.parse(made.frames)
    assert listed == tuple(range(start, start + count, step))
    slices = [frames.slice_of(listed, child, made.frames_per_job) for child in range(made.children)]
    assert tuple(frame for part in slices for frame in part) == listed


def test_more_slices_than_batch_takes_become_longer_ones(planned: Planned) -> None:
    """25,000 frames one by one are 8,334 children of three, and the person is told."""
    made = planned(Options(frames_per_job=1), frame_end=25_000)
    assert (made.frames_per_job, made.children) == (3, 8334)
    assert any("3 frames a job instead of 1" in notice for notice in made.notices)


def test_frames_per_job_never_exceeds_the_frames(planned: Planned) -> None:
    """25 frames a job of a 10-frame scene is one child of ten."""
    made = planned(Options(frames_per_job=25), frame_end=10)
    assert (made.frames_per_job, made.children) == (10, 1)


def test_a_single_frame_is_a_still(planned: Planned) -> None:
    """No stitch for one frame, unless a video is asked for."""
    assert planned(Options(frames="4")).video is None
    assert planned(Options(frames="4", video=True)).video is not None
    with pytest.raises(BadArguments, match="no video"):
        planned(Options(frames="4", codec="h264"))


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (Options(scene="Gone"), "'Scene'"),
        (Options(camera="Gone"), "'Camera', 'Side'"),
        (Options(view_layers=("ViewLayer", "Gone")), "'ViewLayer', 'Mist'"),
        (Options(codec="divx"), "h264"),
        (Options(container="avi"), "mp4"),
        (Options(quality="best"), "lossless"),
        (Options(engine="luxcore"), "cycles"),
        (Options(format="gif"), "exr-multilayer"),
        (Options(codec="ffv1", container="mp4"), "ffv1 goes into mkv; mp4 holds h264, h265, av1, vp9"),
    ],
)
def test_what_is_not_there_is_answered_with_what_is(planned: Planned, options: Options, named: str) -> None:
    """A wrong name or a pair that doesn't fit is refused, and the choices are listed."""
    with pytest.raises(BadArguments) as caught:
        planned(options)
    assert named in caught.value.advice


@pytest.mark.parametrize(
    "options",
    [
        Options(percentage=0),
        Options(samples=0),
        Options(resolution=(0, 5)),
        Options(frame_limit_s=-1),
        Options(cost_limit_usd=0),
        Options(frames_per_job=0),
    ],
)
def test_numbers_out_of_bounds_are_refused(planned: Planned, options: Options) -> None:
    """They are the person's mistake, said before anything is sent, and with what to do."""
    with pytest.raises(BadArguments) as caught:
        planned(options)
    assert caught.value.advice


def test_frames_that_cannot_be_read_are_shown(planned: Planned) -> None:
    """The wrong part is in the error."""
    with pytest.raises(BadFrames, match="five"):
        planned(Options(frames="1-3,five"))


def test_a_scene_that_ends_before_it_starts_needs_frames(planned: Planned) -> None:
    """It has no frames of its own, but any can be asked for."""
    with pytest.raises(BadArguments, match="before it starts"):
        planned(frame_start=10, frame_end=1)
    assert planned(Options(frames="5"), frame_start=10, frame_end=1).frames == "5"


@pytest.mark.parametrize(
    ("movie", "expected"),
    [
        (MovieSettings("QUICKTIME", "PRORES", "HIGH", "AAC"), ("mov", "prores", "high", 0)),
        (MovieSettings("MKV", "FFV1", "LOSSLESS", "FLAC"), ("mkv", "ffv1", "lossless", 0)),
        (MovieSettings("WEBM", "WEBM", "LOWEST", "OPUS"), ("webm", "vp9", "low", 0)),
        (MovieSettings("MPEG4", "H265", "NONE", "AAC"), ("mp4", "h265", "high", 0)),
        (MovieSettings("AVI", "H264", "MEDIUM", "MP3"), ("mp4", "h264", "medium", 1)),
        (MovieSettings("OGG", "THEORA", "MEDIUM", "VORBIS"), ("mp4", "h264", "medium", 2)),
    ],
)
def test_the_artists_movie_settings_are_the_videos(
    planned: Planned, movie: MovieSettings, expected: tuple[str, str, str, int]
) -> None:
    """Container, codec and quality are kept; what no one plays any more is replaced, and said."""
    made = planned(movie=movie)
    assert made.video is not None
    replaced = [notice for notice in made.notices if "replaced" in notice]
    assert (made.video.container, made.video.codec, made.video.quality, len(replaced)) == expected
    assert made.file_format == "PNG"


@given(
    codec=st.sampled_from(["", *video.CODECS]),
    container=st.sampled_from(["", *video.CONTAINERS]),
    artist=st.none()
    | st.builds(
        MovieSettings,
        st.sampled_from(["MPEG4", "MKV", "WEBM", "QUICKTIME", "AVI"]),
        st.sampled_from(["H264", "H265", "AV1", "WEBM", "PRORES", "FFV1", "MPEG2"]),
        st.sampled_from(["NONE", "LOSSLESS", "HIGH", "LOW"]),
        st.just("AAC"),
    ),
)
def test_options_and_artist_never_make_a_video_that_does_not_play(
    codec: str, container: str, artist: MovieSettings | None
) -> None:
    """Every pair that comes out fits, or what was asked for in so many words is refused."""
    scene = _scene(1, 9, 1, movie=artist)
    if codec and container and container not in CONTAINERS_OF_CODEC[codec]:
        with pytest.raises(BadArguments):
            plan(scene, Options(codec=codec, container=container), NOW)
        return
    made = plan(scene, Options(codec=codec, container=container), NOW).video
    assert made is not None
    assert made.container in CONTAINERS_OF_CODEC[made.codec]
    assert codec in ("", made.codec)
    assert container in ("", made.container)


@pytest.mark.parametrize(
    ("options", "changes", "sound", "said"),
    [
        (Options(), {"has_sound": True}, True, False),
        (Options(), {"has_sound": False}, False, False),
        (Options(sound=False), {"has_sound": True}, False, False),
        (Options(), {"has_sound": True, "frame_step": 2}, False, True),
        (Options(frames="1-3,5"), {"has_sound": True}, False, True),
        (Options(fps=Fraction(12)), {"has_sound": True}, False, True),
    ],
)
def test_sound_goes_along_where_it_fits(
    planned: Planned, options: Options, changes: dict[str, object], sound: bool, said: bool
) -> None:
    """It is on for every frame at the scene's own rate; else off, with a word where that is not by choice."""
    made = planned(options, **changes)
    assert made.video is not None
    assert made.video.sound == sound
    assert any("no sound" in notice for notice in made.notices) == said


def test_missing_files_stop_the_plan_unless_they_are_allowed(examined: Examined) -> None:
    """They are named with their owner; allowed, they travel as a list of paths."""
    gone = MissingFile("/p/wood.png", "Image 'wood'")
    examination = replace(examined(), missing=(gone,))
    with pytest.raises(MissingFiles, match=r"Image 'wood': /p/wood\.png"):
        plan(examination, Options(), NOW)
    assert plan(examination, Options(allow_missing=True), NOW).missing == ("/p/wood.png",)


def test_warnings_are_passed_on(examined: Examined) -> None:
    """What Blender finds odd reaches the person."""
    warning = SceneWarning("The simulation isn't baked.", "Bake it.")
    assert plan(replace(examined(), warnings=(warning,)), Options(), NOW).warnings == (warning,)


@pytest.mark.parametrize(("word", "identifier"), sorted(FORMATS.items()))
def test_every_format_word_is_one_of_blenders(planned: Planned, word: str, identifier: str) -> None:
    """Words in any case, and Blender's own identifiers."""
    assert planned(Options(format=word.upper())).file_format == identifier
    assert planned(Options(format=identifier)).file_format == identifier


def test_the_stack_chooses_the_device_unless_the_person_does(planned: Planned) -> None:
    """None in the plan is the stack's choice in the job."""
    assert job_of(planned()).device == "gpu"
    assert job_of(planned(Options(device="cpu"))).device == "cpu"


def test_extra_files_with_one_name_keep_their_folders(planned: Planned, tmp_path: Path) -> None:
    """a/t.png and b/t.png both travel, as do all files of a folder."""
    for name in ("a/t.png", "b/t.png", "b/deep/u.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    made = planned(Options(extra=(tmp_path / "a" / "t.png", tmp_path / "b")))
    extra = [file.scene_path for file in made.files if file.kind == "extra"]
    top = str(tmp_path).lstrip("/")
    assert extra == [f"{top}/a/t.png", f"{top}/b/deep/u.png", f"{top}/b/t.png"]


def test_links_that_lead_out_of_an_extra_folder_are_refused(planned: Planned, tmp_path: Path) -> None:
    """A link to a file elsewhere would carry away what no one meant to send."""
    (tmp_path / "in").mkdir()
    (tmp_path / "secret").write_text("s")
    (tmp_path / "in" / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(BadArguments, match="leads out"):
        planned(Options(extra=(tmp_path / "in",)))


@pytest.mark.parametrize("path", [Path("/"), Path.home()])
def test_a_whole_disk_or_home_is_never_walked(planned: Planned, path: Path) -> None:
    """It is refused at once, not after an hour."""
    with pytest.raises(BadArguments, match="too much"):
        planned(Options(extra=(path,)))


def test_hooks_travel_as_files_of_the_job(planned: Planned, tmp_path: Path) -> None:
    """job.json names their place below the root; a hook that is not there is said."""
    (tmp_path / "pre.sh").write_text("true")
    job = job_of(planned(Options(pre_hook=tmp_path / "pre.sh")))
    assert job.hooks.pre_render == f"{str(tmp_path).lstrip('/')}/pre.sh"
    assert job.hooks.pre_render in {file.path for file in job.files}
    with pytest.raises(MissingFiles, match=r"gone\.sh"):
        planned(Options(post_hook=tmp_path / "gone.sh"))


def test_the_same_work_has_the_same_fingerprint(examined: Examined) -> None:
    """Planned at another time it is the same; another option or place makes it another."""
    first = plan(examined(), Options(), NOW)
    again = plan(examined(), Options(), datetime.now(UTC))
    assert first.job_id != again.job_id
    assert first.fingerprint("here") == again.fingerprint("here")
    assert first.fingerprint("here") == replace(first, prices=DayPrices("AWS", ())).fingerprint("here")
    assert first.fingerprint("here") != first.fingerprint("there")
    assert first.fingerprint("here") != plan(examined(), Options(samples=9), NOW).fingerprint("here")


def _scene(start: int, end: int, step: int, movie: MovieSettings | None = None) -> Examination:
    settings = SceneSettings(
        "Scene", start, end, step, start, Fraction(24), 64, 36, 100, "CYCLES", 4, "PNG", movie, "Camera", ("Camera",),
        ("ViewLayer",), ("ViewLayer",), has_sound=False, multiview=False,
    )  # fmt: skip
    blend = SceneFile("/p/s.blend", "p/s.blend", 10, "blend", "")
    return Examination("5.0.1", "5.0.1", blend, "Scene", (settings,), ())
