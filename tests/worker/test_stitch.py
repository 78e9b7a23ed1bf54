# SPDX-License-Identifier: GPL-3.0-or-later
"""The stitch as the process it is: frames in a bucket become one video, whole and right, or a clear reason why not."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from cloud_render.contract import frames as ranges
from cloud_render.contract.job import Video
from cloud_render.contract.report import ChildReport, End


def encoded(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    into = io.BytesIO()
    image.save(into, kind, **options)
    return into.getvalue()


@pytest.fixture
def put_frames(rig, video) -> Callable[..., None]:
    """Puts pictures with markers into the job's frames/."""

    def put(
        frames: Iterable[int], extension: str = "png", kind: str = "PNG", mode: str = "RGBA", size=(64, 36)
    ) -> None:
        for frame in frames:
            rig.put(rig.prefix.frame(frame, extension), encoded(video.picture(frame, size, mode), kind))

    return put


@pytest.fixture
def stitch(rig) -> Callable:
    def run(*more: str, **environment: str):
        place = f"s3://{rig.bucket}/{rig.prefix.root}".rstrip("/")
        return rig.worker("stitch", "-i", place, "-o", place, *more, **environment)

    return run


@pytest.fixture
def film(rig, video, tmp_path) -> Callable:
    """The job's video, watched."""

    def watch(extension: str = "mp4"):
        path = tmp_path / f"video.{extension}"
        path.write_bytes(rig.get(rig.prefix.video(extension)))
        return video.watch(path)

    return watch


def stitch_report(rig) -> ChildReport:
    return ChildReport.from_json(rig.get(rig.prefix.stitch_report(0, 1)))


def end(rig) -> End:
    return End.from_json(rig.get(rig.prefix.end))


def shown(frames: Iterable[int], places: int = 16) -> tuple[int, ...]:
    return tuple(frame % places for frame in frames)


@pytest.mark.parametrize(
    "frames",
    ["5-8", "101-110", "1001-1010", "9998-10003", "-5..3", "1-31x3", "1-4,9,20-22", "7", "-12"],
)
def test_the_video_shows_exactly_the_frames_of_the_job(rig, put_frames, stitch, film, frames):
    """Whatever the first number, sign or step: every frame once, in order, at the job's rate."""
    wanted = ranges.parse(frames)
    rig.job(frames=frames)
    put_frames(wanted)
    ended = stitch()
    assert ended.code == 0, ended.log
    made = film()
    assert made.markers == shown(wanted)
    assert made.fps == 24
    assert made.duration_s == pytest.approx(len(wanted) / 24, abs=1e-4)
    assert end(rig) == End("done", len(wanted), len(wanted), end(rig).ended, "video.mp4")
    assert stitch_report(rig).exit_code == 0


@pytest.mark.parametrize("fps", ["30000/1001", "24/1", "25/1", "24000/1001", "12/1", "1/2"])
def test_the_rate_of_the_scene_is_kept_exactly(rig, put_frames, stitch, film, fps):
    """NTSC rates stay fractions, and the video lasts as long as its frames say."""
    rig.job(frames="1-7", video=Video("mp4", "h264", "high", Fraction(fps), sound=False))
    put_frames(range(1, 8))
    assert stitch().code == 0
    made = film()
    assert made.fps == Fraction(fps)
    assert made.container_s == pytest.approx(float(7 / Fraction(fps)), abs=1e-3)


def test_the_default_video_plays_everywhere(rig, put_frames, stitch, film):
    """H.264 in yuv420p, limited-range BT.709, with its index in front."""
    rig.job(frames="1-5")
    put_frames(range(1, 6))
    assert stitch().code == 0
    made = film()
    assert (made.codec, made.pix_fmt, made.colours) == ("h264", "yuv420p", ("1", "1", "1", "1"))
    content = rig.get(rig.prefix.video("mp4"))
    assert content.index(b"moov") < content.index(b"mdat")
    assert rig.s3.head_object(Bucket=rig.bucket, Key=rig.prefix.video("mp4"))["ContentType"] == "video/mp4"


@pytest.mark.parametrize("colour", [(255, 0, 0), (0, 255, 0), (0, 0, 255), (200, 120, 40), (255, 255, 255), (0, 0, 0)])
def test_colours_survive_the_way_into_bt709(rig, stitch, film, colour):
    """Conversion and tags agree: who decodes by the tags sees the colours of the frame."""
    rig.job(frames="1-2")
    for frame in (1, 2):
        rig.put(rig.prefix.frame(frame, "png"), encoded(Image.new("RGB", (64, 36), colour)))
    assert stitch().code == 0
    # PyAV converts with the matrix that the frame is tagged with.
    assert np.abs(film().pictures[1][18, 32].astype(int) - colour).max() <= 3


@pytest.mark.parametrize("size", [(63, 47), (64, 47), (63, 48)])
def test_an_odd_size_is_padded_by_a_pixel_of_the_same_picture(rig, put_frames, stitch, film, size):
    """63x47 becomes 64x48; the new edge repeats the old one instead of drawing a black line."""
    rig.job(frames="1-3")
    for frame in (1, 2, 3):
        rig.put(rig.prefix.frame(frame, "png"), encoded(Image.new("RGB", size, (200, 180, 160))))
    assert stitch().code == 0
    made = film()
    assert made.size == (size[0] + size[0] % 2, size[1] + size[1] % 2)
    assert np.abs(made.pictures[0].astype(int) - (200, 180, 160)).max() <= 4


CODECS = [
    ("mp4", "h264", "high", "h264", "yuv420p"),
    ("mov", "h264", "low", "h264", "yuv420p"),
    ("mkv", "h264", "lossless", "h264", "gbrp"),
    ("mp4", "h265", "high", "hevc", "yuv420p"),
    ("mkv", "h265", "lossless", "hevc", "gbrp"),
    ("mp4", "av1", "medium", "av1", "yuv420p"),
    ("webm", "av1", "high", "av1", "yuv420p"),
    ("mkv", "av1", "lossless", "av1", "gbrp"),
    ("webm", "vp9", "high", "vp9", "yuv420p"),
    ("mp4", "vp9", "low", "vp9", "yuv420p"),
    ("webm", "vp9", "lossless", "vp9", "gbrp"),
    ("mov", "prores", "high", "prores", "yuv422p10le"),
    ("mov", "prores", "lossless", "prores", "yuva444p12le|yuva444p10le"),
    ("mkv", "ffv1", "lossless", "ffv1", "bgra"),
]


@pytest.mark.parametrize(("container", "codec", "quality", "name", "formats"), CODECS)
def test_every_codec_shows_every_frame(rig, put_frames, stitch, film, container, codec, quality, name, formats):
    """Each row of the table of codecs gives a video of the right kind, whole and in order."""
    rig.job(frames="101-110", video=Video(container, codec, quality, Fraction(30000, 1001), sound=False))
    put_frames(range(101, 111))
    ended = stitch()
    assert ended.code == 0, ended.log
    made = film(container)
    assert made.codec == name
    assert made.pix_fmt in formats.split("|")
    assert made.markers == shown(range(101, 111))
    assert float(made.fps) == pytest.approx(30000 / 1001, abs=0.01)
    assert made.container_s == pytest.approx(10 * 1001 / 30000, abs=0.002)


@pytest.mark.parametrize(
    ("container", "codec"), [("mkv", "h264"), ("mkv", "h265"), ("mkv", "av1"), ("webm", "vp9"), ("mkv", "ffv1")]
)
def test_lossless_keeps_every_bit(rig, stitch, film, container, codec):
    """The pictures of a lossless video are those of the frames, pixel by pixel."""
    noise = np.random.default_rng(1).integers(0, 256, (2, 35, 63, 3), dtype=np.uint8)
    rig.job(frames="1-2", video=Video(container, codec, "lossless", Fraction(24), sound=False))
    for frame, pixels in enumerate(noise, 1):
        rig.put(rig.prefix.frame(frame, "png"), encoded(Image.fromarray(pixels)))
    ended = stitch()
    assert ended.code == 0, ended.log
    assert np.array_equal(np.stack(film(container).pictures), noise)


@pytest.mark.parametrize(
    ("file_format", "extension", "kind", "mode"),
    [
        ("PNG", "png", "PNG", "RGB"),
        ("PNG", "png", "PNG", "L"),
        ("PNG", "png", "PNG", "I;16"),
        ("JPEG", "jpg", "JPEG", "RGB"),
        ("WEBP", "webp", "WEBP", "RGBA"),
        ("TIFF", "tif", "TIFF", "RGBA"),
        ("TIFF", "tif", "TIFF", "RGB"),
        ("BMP", "bmp", "BMP", "RGB"),
        ("TARGA", "tga", "TGA", "RGBA"),
        ("TARGA_RAW", "tga", "TGA", "RGB"),
    ],
)
def test_every_image_format_becomes_video(rig, put_frames, stitch, film, file_format, extension, kind, mode):
    """Formats that FFmpeg shows as they are, upright and in order."""
    rig.job(frames="8-14", file_format=file_format)
    put_frames(range(8, 15), extension, kind, "L" if mode == "I;16" else mode)
    if mode == "I;16":
        for frame in range(8, 15):
            eight = np.array(Image.open(io.BytesIO(rig.get(rig.prefix.frame(frame, "png")))))
            deep = Image.fromarray(eight.astype(np.uint16) * 257)
            rig.put(rig.prefix.frame(frame, "png"), encoded(deep))
    ended = stitch()
    assert ended.code == 0, ended.log
    assert film().markers == shown(range(8, 15))


def test_sixteen_bits_a_channel_stay_in_an_archive_video(rig, stitch, film):
    """FFV1 of 16-bit PNGs has 16 bits; of 8-bit ones it has 8 (see the table of codecs above)."""
    rig.job(frames="1-2", video=Video("mkv", "ffv1", "lossless", Fraction(24), sound=False))
    ramp = np.arange(64 * 36, dtype=np.uint16).reshape(36, 64) * 28
    for frame in (1, 2):
        rig.put(rig.prefix.frame(frame, "png"), encoded(Image.fromarray(ramp)))
    assert stitch().code == 0
    assert film("mkv").pix_fmt == "gbrap16le"


def test_transparent_pixels_show_black(rig, stitch, film):
    """Alpha lies over black, as in Blender's own movie output: half transparent white is middle grey."""
    rig.job(frames="1-2")
    for frame, alpha in ((1, 0), (2, 128)):
        rig.put(rig.prefix.frame(frame, "png"), encoded(Image.new("RGBA", (64, 36), (255, 255, 255, alpha))))
    assert stitch().code == 0
    clear, half = (picture[10, 10].astype(int) for picture in film().pictures)
    assert clear.max() <= 2
    assert np.abs(half - 128).max() <= 3


def test_webp_with_and_without_alpha_mix(rig, stitch, film, video):
    """An encoder that leaves out an opaque alpha channel changes nothing in the video."""
    rig.job(frames="1-6", file_format="WEBP")
    for frame in range(1, 7):
        made = video.picture(frame, mode="RGB" if frame % 2 else "RGBA")
        if frame % 2 == 0:
            made.putpixel((63, 35), (0, 0, 0, 0))
        rig.put(rig.prefix.frame(frame, "webp"), encoded(made, "WEBP", lossless=frame % 3 == 0))
    ended = stitch()
    assert ended.code == 0, ended.log
    assert film().markers == shown(range(1, 7))


def test_scene_linear_frames_are_shown_through_their_display_images(rig, stitch, film, video):
    """EXR frames are counted, and their display images are what the video shows."""
    rig.job(frames="1-4", file_format="OPEN_EXR")
    for frame in range(1, 5):
        rig.put(rig.prefix.frame(frame, "exr"), b"\x76\x2f\x31\x01 scene-linear")
        rig.put(rig.prefix.display(frame), encoded(video.picture(frame)))
    assert stitch().code == 0
    assert film().markers == shown(range(1, 5))


def test_a_display_image_without_its_frame_is_a_gap(rig, stitch, video):
    """What the render left half done (display there, frame not) does not count."""
    rig.job(frames="1-3", file_format="OPEN_EXR")
    for frame in (1, 2, 3):
        rig.put(rig.prefix.display(frame), encoded(video.picture(frame)))
    for frame in (1, 3):
        rig.put(rig.prefix.frame(frame, "exr"), b"exr")
    ended = stitch()
    assert ended.code == 66
    assert "1 of 3 frames is missing: 2." in ended.last_line


def test_a_gap_is_refused_and_named(rig, put_frames, stitch):
    """Frames 5 and 7-9 of 10 are missing: no video, their numbers, and what to do."""
    rig.job(frames="1-10")
    put_frames([1, 2, 3, 4, 6, 10])
    ended = stitch()
    assert ended.code == 66
    assert ended.last_line.startswith("error: 4 of 10 frames are missing: 5,7-9.")
    assert "retry" in ended.last_line
    assert rig.keys("video") == rig.keys("end") == []
    assert stitch_report(rig).problem == "4 of 10 frames are missing: 5,7-9."


def test_gaps_are_held_on_request(rig, put_frames, stitch, film):
    """The frame before stands in for a missing one, the first there for those before it; the report says which."""
    rig.job(frames="1-10")
    put_frames([2, 3, 4, 6, 10])
    ended = stitch("--gaps", "hold")
    assert ended.code == 0, ended.log
    assert film().markers == (2, 2, 3, 4, 4, 6, 6, 6, 6, 10)
    assert stitch_report(rig).gaps == end(rig).gaps == (1, 5, 7, 8, 9)
    assert end(rig).frames == 5
    assert "1,5,7-9" in stitch_report(rig).warnings[0]


def test_no_frame_at_all_is_no_video(rig, stitch):
    """Holding gaps needs at least one frame."""
    rig.job(frames="1-3")
    ended = stitch("--gaps", "hold")
    assert ended.code == 66
    assert "3 of 3 frames are missing: 1-3." in ended.last_line


def test_stray_files_never_enter_the_video(rig, put_frames, stitch, film):
    """Frames outside of the job's list, other formats and other names are not looked at."""
    rig.job(frames="3-6")
    put_frames([1, 2, 3, 4, 5, 6, 7, 8])
    put_frames([3, 4], "jpg", "JPEG", "RGB")
    for name in ("frames/00004.png", "frames/old/0005.png", "frames/notes.txt", "frames/Thumbs.db"):
        rig.put(rig.prefix.root + name, b"stray")
    assert stitch().code == 0
    assert film().markers == (3, 4, 5, 6)


def test_two_stitches_in_one_folder_leave_the_later_video(rig, put_frames, stitch, film):
    """The second run replaces the first one's video instead of asking or failing."""
    rig.job(frames="1-4")
    put_frames(range(1, 5))
    assert stitch().code == 0
    put_frames([4, 3, 2, 1], size=(64, 48))
    assert stitch().code == 0
    assert film().size == (64, 48)


def test_a_failed_stitch_keeps_the_video_there_was(rig, put_frames, stitch, film):
    """What can't be replaced whole is not replaced."""
    rig.job(frames="1-4")
    put_frames(range(1, 5))
    assert stitch().code == 0
    rig.put(rig.prefix.frame(2, "png"), b"not a picture")
    assert stitch().code == 70
    assert film().count == 4


def broken(content: bytes, how: str) -> bytes:
    middle = len(content) * 2 // 3
    return {
        "empty": b"",
        "truncated": content[:middle],
        "zeros": bytes(len(content)),
        "flipped": content[:middle]
        + bytes(byte ^ 0x5A for byte in content[middle : middle + 40])
        + content[middle + 40 :],
    }[how]


@pytest.mark.parametrize("how", ["empty", "truncated", "zeros", "flipped"])
@pytest.mark.parametrize("frame", [1, 30, 60])
def test_a_damaged_image_is_named(rig, stitch, how, frame):
    """Wherever it stands and however it is damaged: no video, and the frame's number in the last line."""
    rig.job(frames="1-60")
    rng = np.random.default_rng(2)
    whole = encoded(Image.fromarray(rng.integers(0, 256, (36, 64, 3), dtype=np.uint8)))
    for number in range(1, 61):
        rig.put(rig.prefix.frame(number, "png"), broken(whole, how) if number == frame else whole)
    ended = stitch()
    assert ended.code == 70
    assert f"error: Frame {frame} (jobs/" in ended.last_line
    assert "is damaged" in ended.last_line
    assert rig.keys("video") == []


@pytest.mark.parametrize(
    ("file_format", "extension", "kind"),
    [
        ("JPEG", "jpg", "JPEG"),
        ("WEBP", "webp", "WEBP"),
        ("TIFF", "tif", "TIFF"),
        ("BMP", "bmp", "BMP"),
        ("TARGA", "tga", "TGA"),
    ],
)
def test_a_truncated_image_of_any_format_is_named(rig, put_frames, stitch, file_format, extension, kind):
    """The other formats tell of their missing end as well."""
    rig.job(frames="1-5", file_format=file_format)
    put_frames(range(1, 6), extension, kind, "RGB")
    key = rig.prefix.frame(4, extension)
    rig.put(key, broken(rig.get(key), "truncated"))
    ended = stitch()
    assert ended.code == 70
    assert "error: Frame 4 (jobs/" in ended.last_line


def test_frames_of_another_size_are_named(rig, put_frames, stitch):
    """A video has one size: the frame that differs is said with both sizes."""
    rig.job(frames="1-5")
    put_frames(range(1, 6))
    put_frames([4], size=(32, 18))
    ended = stitch()
    assert ended.code == 70
    assert "Frame 4 (" in ended.last_line
    assert "is 32x18, frame 1 is 64x36." in ended.last_line


def test_without_a_job_the_frames_say_it_all(rig, put_frames, stitch, film):
    """No job.json: from the first frame found to the last, at 24 frames a second."""
    put_frames(range(1001, 1006))
    ended = stitch()
    assert ended.code == 0, ended.log
    made = film()
    assert made.markers == shown(range(1001, 1006))
    assert made.fps == 24


def test_without_a_job_the_rate_can_be_given(rig, put_frames, stitch, film):
    """People write 29.97 and mean 30000/1001."""
    put_frames(range(-2, 3), "jpg", "JPEG", "RGB")
    assert stitch("--fps", "29.97").code == 0
    assert film().fps == Fraction(30000, 1001)


def test_without_a_job_a_gap_is_refused_too(rig, put_frames, stitch):
    """Frames 1, 2 and 4: whether 3 was lost or never wanted can't be known."""
    put_frames([1, 2, 4])
    ended = stitch()
    assert ended.code == 66
    assert "1 of 4 frames is missing: 3." in ended.last_line


def test_without_a_job_two_formats_are_refused(rig, put_frames, stitch):
    """Which of them is the render can't be known."""
    put_frames([1, 2])
    put_frames([1, 2], "jpg", "JPEG", "RGB")
    ended = stitch()
    assert ended.code == 64
    assert "several formats (jpg, png)" in ended.last_line


@pytest.mark.parametrize("fps", ["0", "-3", "fast", "1/0", "1e9", "5000"])
def test_a_rate_that_is_none_is_refused(rig, put_frames, stitch, fps):
    """With an example of one that is."""
    put_frames([1])
    ended = stitch(f"--fps={fps}")
    assert ended.code == 64
    assert "30000/1001" in ended.last_line


def test_another_version_of_job_json_is_refused(rig, put_frames, stitch):
    """Never a video on a guess."""
    job = json.loads(rig.job(frames="1-2").to_json()) | {"version": 99}
    rig.put(rig.prefix.job, json.dumps(job).encode())
    put_frames([1, 2])
    ended = stitch()
    assert ended.code == 64
    assert "version" in ended.last_line


def test_frames_and_video_may_lie_in_two_places(rig, put_frames, video, tmp_path):
    """`-o` takes the video, its end.json and report; nothing is written beside the frames."""
    rig.job(frames="1-3")
    put_frames([1, 2, 3])
    before = rig.keys()
    place = f"s3://{rig.bucket}/"
    ended = rig.worker("stitch", "-i", place + rig.prefix.root, "-o", place + "films/one")
    assert ended.code == 0, ended.log
    (tmp_path / "v.mp4").write_bytes(rig.get("films/one/video.mp4"))
    assert video.watch(tmp_path / "v.mp4").markers == (1, 2, 3)
    assert rig.get("films/one/end.json")
    assert rig.keys() == before


def test_a_terminated_stitch_leaves_nothing_half_written(rig, stitch):
    """SIGTERM in the middle: exit 75 within seconds, no video, no FFmpeg left, a report that says so."""
    rig.job(frames="1-400", video=Video("mkv", "av1", "lossless", Fraction(24), sound=False))
    noise = encoded(Image.fromarray(np.random.default_rng(3).integers(0, 256, (360, 640, 3), dtype=np.uint8)))
    for frame in range(1, 401):
        rig.put(rig.prefix.frame(frame, "png"), noise)
    place = f"s3://{rig.bucket}/{rig.prefix.root}"
    process = rig.start("stitch", "-i", place, "-o", place)
    rig.wait_for("encoding 400 frames", process)
    ended, seconds = rig.terminate(process)
    assert ended.code == 75
    assert seconds < 5
    assert rig.keys("video") == []
    assert stitch_report(rig).exit_code == 75
    assert list((rig.folder / "scratch").iterdir()) == []
