# SPDX-License-Identifier: GPL-3.0-or-later
"""From a .blend to a video, through the real command, the local cloud, Blender and FFmpeg; then one looks at it."""

from __future__ import annotations

import json
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image


def pixels(path) -> np.ndarray:
    return np.array(Image.open(path).convert("RGB"))


def test_a_scene_that_starts_at_101(render, video):
    """Ten frames by four, at 30000/1001, with sound: frame n of the video shows frame n of the scene."""
    job = render("start101", "--frames-per-job", "4")
    assert job.frames == [f"{frame:04d}.png" for frame in range(101, 111)]
    film = video.watch(job.folder / "video.mp4")
    assert film.markers == tuple(range(10))
    assert (film.fps, film.size, film.pix_fmt) == (Fraction(30000, 1001), (128, 36), "yuv420p")
    assert film.container_s == pytest.approx(10 * 1001 / 30000, abs=0.03)
    assert film.colours == ("1", "1", "1", "1")
    for frame in range(101, 111):
        assert video.marker_of(pixels(job.folder / "frames" / f"{frame:04d}.png")) == frame - 101
    slices = [[row["frame"] for row in job.report(f"{child}-1")["frames"]] for child in range(3)]
    assert slices == [[101, 102, 103, 104], [105, 106, 107, 108], [109, 110]]
    end = json.loads(job.object("end.json"))
    assert (end["state"], end["frames"], end["video"]) == ("done", 10, "video.mp4")


def test_the_sound_of_a_scene_is_in_its_video(render, video, cloud):
    """The tone starts at frame 104 of 101-110: silence for three frames, then it is heard to the end."""
    job = render("start101", "--frames-per-job", "10")
    film = video.watch(job.folder / "video.mp4")
    if film.sound is None:  # only where Blender has no audio at all, and then it is said
        assert any("audio" in warning for warning in job.report("stitch-1")["warnings"])
        pytest.skip("this Blender is built without audio")
    assert film.sound.duration_s == pytest.approx(10 * 1001 / 30000, abs=0.03)
    assert film.sound.loudness(0, 0.08) < 0.01 < 0.05 < film.sound.loudness(0.13, 0.3)


def test_every_third_frame(render, video):
    """Frames 1, 4 … 31 make eleven pictures; the sound would not fit, and is left out."""
    job = render("step3")
    assert job.frames == [f"{frame:04d}.png" for frame in range(1, 32, 3)]
    film = video.watch(job.folder / "video.mp4")
    assert film.markers == tuple(range(0, 31, 3))
    assert film.sound is None


def test_negative_frames(render, video):
    """Frames -3 to 4: before zero, over it and after it, in order."""
    job = render("negative", "--frames=-3..4", "--frames-per-job", "3")
    names = [f"-{frame:04d}.png" for frame in (3, 2, 1)] + [f"{frame:04d}.png" for frame in range(5)]
    assert job.frames == sorted(names)
    assert video.watch(job.folder / "video.mp4").markers == tuple(range(8))


def test_one_frame_is_a_still(render, video):
    """One frame: a picture, and no video unless it is asked for."""
    job = render("one")
    assert job.frames == ["0007.png"]
    assert job.videos == []


def test_one_frame_makes_a_video_of_one_frame(render, video):
    """On request."""
    job = render("one", "--video", "--frames", "7")
    film = video.watch(job.folder / "video.mp4")
    assert (film.markers, film.container_s) == ((0,), pytest.approx(1 / 24, abs=0.002))


def test_an_odd_resolution(render, video):
    """63x47 stays in the frames and becomes 64x48 in the video."""
    job = render("odd")
    assert pixels(job.folder / "frames" / "0001.png").shape == (47, 63, 3)
    film = video.watch(job.folder / "video.mp4")
    assert film.size == (64, 48)
    assert tuple(video.marker_of(picture[:, :63]) for picture in film.pictures) == tuple(range(6))


def test_a_movie_output_gives_the_artists_movie(render, video):
    """A WebM with VP9 was set: PNG frames are rendered, and the video is such a WebM."""
    job = render("movie", "--frames-per-job", "3")
    assert job.frames == [f"{frame:04d}.png" for frame in range(1, 7)]
    film = video.watch(job.folder / "video.webm")
    assert (film.codec, film.markers) == ("vp9", tuple(range(6)))
    if film.sound:
        assert film.sound.codec.removeprefix("lib") == "opus"


def test_exr_frames_show_through_the_scenes_view_transform(render, video):
    """The frames stay scene-linear; the video has the exposure of -1 that the artist sees."""
    job = render("exr")
    assert job.frames == [f"{frame:04d}.exr" for frame in range(1, 7)]
    film = video.watch(job.folder / "video.mp4")
    assert film.markers == tuple(range(6))
    # 0.9 of scene light, halved, in sRGB: 1.055 * 0.45 ** (1 / 2.4) - 0.055 = 0.70 → 178.
    assert film.pictures[0][4, 2].astype(int) == pytest.approx(178, abs=5)
    assert job.object("frames/0001.exr").startswith(b"\x76\x2f\x31\x01")


def test_two_view_layers(render, video):
    """The frame is what Blender shows without compositing, its first layer; both come back in one EXR a frame."""
    job = render("layers")
    film = video.watch(job.folder / "video.mp4")
    assert film.markers == tuple(range(6))
    names = [f"outputs/layers/{frame:04d}.exr" for frame in range(1, 7)]
    assert [name for name in job.objects("outputs/") if name.startswith("outputs/layers/")] == names
    content = job.object(names[0])
    assert all(channel in content for channel in (b"Marker.Combined.G", b"Floor.Combined.G"))


def test_a_linked_library_with_its_own_texture(render, video):
    """The library travels with its texture: the panel is orange, not the pink of a missing file."""
    job = render("library")
    film = video.watch(job.folder / "video.mp4")
    assert film.markers == tuple(range(6))
    red, green, blue = film.pictures[0][31, 64].astype(int)
    assert red > 230
    assert 100 < green < 210
    assert blue < 40


@pytest.mark.scenes
@pytest.mark.parametrize("frames_per_job", ["auto", "7"])
def test_the_real_animation(render, video, pottery, frames_per_job):
    """Pottery, 199 frames, small: every frame is there, moves, and the video shows it."""
    job = render(pottery, "--percentage", "3", "--samples", "1", "--frames-per-job", frames_per_job)
    assert job.frames == [f"{frame:04d}.png" for frame in range(1, 200)]
    film = video.watch(job.folder / "video.mp4")
    assert (film.count, film.fps) == (199, 24)
    assert film.container_s == pytest.approx(199 / 24, abs=0.002)
    for frame in (1, 50, 120, 199):
        rendered = pixels(job.folder / "frames" / f"{frame:04d}.png").astype(int)
        shown = film.pictures[frame - 1][: rendered.shape[0], : rendered.shape[1]].astype(int)
        assert np.abs(rendered - shown).mean() < 12
        others = film.pictures[(frame + 60) % 199][: rendered.shape[0], : rendered.shape[1]].astype(int)
        assert np.abs(rendered - shown).mean() < np.abs(rendered - others).mean()
