# SPDX-License-Identifier: GPL-3.0-or-later
"""What to ask of FFmpeg for each codec, quality and container. Values in, an FFmpeg command line out; runs nothing.

Colours: frames are display-referred sRGB. Lossy video gets them as BT.709 in limited range, converted and tagged, which
is what players assume; lossless video keeps RGB, bit for bit. Alpha lies over black, as in Blender's own movie output,
except where a format for further work keeps it (FFV1, ProRes 4444).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import ffmpeg

from cloud_render.contract.errors import BadArguments
from cloud_render.contract.job import Codec, Container, Quality, Video
from worker.pictures import Format, Size

Options = Mapping[str, str | int]


@dataclass(frozen=True)
class Way:
    """One way to make a codec at a quality."""

    encoder: str
    """FFmpeg's name for it."""
    formats: str
    """The pixel format; where a second one follows after `|`, that is for images of more than 8 bits a channel."""
    options: Options
    bits_per_pixel: float
    """More than the video will take, for the look at the disk beforehand."""

    @property
    def is_rgb(self) -> bool:
        return self.formats.startswith(("gbr", "rgb", "bgr"))

    @property
    def keeps_alpha(self) -> bool:
        return "bgra" in self.formats or "yuva" in self.formats

    @property
    def halves_chroma(self) -> bool:
        """Whether its sizes must be even."""
        return self.formats.startswith(("yuv420", "yuv422"))


def _x264(crf: int) -> tuple[Way, ...]:
    return (Way("libx264", "yuv420p", {"crf": crf, "preset": "medium"}, 2),)


def _x265(crf: int) -> tuple[Way, ...]:
    return (Way("libx265", "yuv420p", {"crf": crf, "preset": "medium", **_QUIET_X265}, 2),)


def _av1(crf: int) -> tuple[Way, ...]:
    return (
        Way("libsvtav1", "yuv420p", {"crf": crf, "preset": 8}, 2),
        Way("libaom-av1", "yuv420p", {"crf": crf, "b:v": 0, "cpu-used": 6, "row-mt": 1}, 2),
    )


def _vp9(crf: int) -> tuple[Way, ...]:
    return (Way("libvpx-vp9", "yuv420p", {"crf": crf, **_VP9}, 2),)


def _prores(profile: str, formats: str, bits_per_pixel: float) -> tuple[Way, ...]:
    return (Way("prores_ks", formats, {"profile:v": profile, "vendor": "apl0"}, bits_per_pixel),)


_QUIET_X265 = {"x265-params": "log-level=error"}
_VP9: Options = {"b:v": 0, "deadline": "good", "cpu-used": 4, "row-mt": 1}

# The archives' settings (Library of Congress, FADGI): version 3, every frame by itself, a checksum a slice.
_FFV1 = (
    Way("ffv1", "bgra|gbrap16le", {"level": 3, "g": 1, "slices": 24, "slicecrc": 1, "coder": 1, "context": 0}, 64),
)

WAYS: dict[Codec, dict[Quality, tuple[Way, ...]]] = {
    # The CRFs of Blender's own High, Medium and Low. Lossless is RGB, as 8-bit 4:4:4 YUV would already round.
    "h264": {
        "lossless": (Way("libx264rgb", "rgb24", {"qp": 0, "preset": "medium"}, 24),),
        "high": _x264(20),
        "medium": _x264(23),
        "low": _x264(26),
    },
    # x265's CRF 28 looks like x264's 23 (FFmpeg wiki, Encode/H.265).
    "h265": {
        "lossless": (Way("libx265", "gbrp", {"preset": "medium", "x265-params": "log-level=error:lossless=1"}, 24),),
        "high": _x265(25),
        "medium": _x265(28),
        "low": _x265(31),
    },
    # Around SVT-AV1's own default of 35.
    "av1": {
        "lossless": (
            Way("libaom-av1", "gbrp", {"aom-params": "lossless=1", "crf": 0, "b:v": 0, "cpu-used": 6, "row-mt": 1}, 24),
        ),
        "high": _av1(28),
        "medium": _av1(35),
        "low": _av1(42),
    },
    # 31 is Google's recommendation for 1080p (VP9 settings for VOD), 24 theirs for 1440p.
    "vp9": {
        "lossless": (Way("libvpx-vp9", "gbrp", {"lossless": 1, **_VP9}, 24),),
        "high": _vp9(24),
        "medium": _vp9(31),
        "low": _vp9(38),
    },
    # ProRes is never lossless: 4444 XQ is the nearest. Bits by Apple's white paper: XQ 8, HQ 3.6, 422 2.4, LT 1.7.
    "prores": {
        "lossless": _prores("4444xq", "yuva444p10le", 14),
        "high": _prores("hq", "yuv422p10le", 6),
        "medium": _prores("standard", "yuv422p10le", 4),
        "low": _prores("lt", "yuv422p10le", 3),
    },
    "ffv1": {"lossless": _FFV1, "high": _FFV1, "medium": _FFV1, "low": _FFV1},
}
"""For each codec and quality the ways to make it, the preferred one first."""

_MUXERS: dict[Container, Options] = {
    # faststart: the index comes first, so a browser plays before it has the whole file.
    "mp4": {"f": "mp4", "movflags": "+faststart"},
    "mov": {"f": "mov", "movflags": "+faststart"},
    "mkv": {"f": "matroska"},
    "webm": {"f": "webm"},
}

CONTENT_TYPES: dict[Container, str] = {
    "mp4": "video/mp4",
    "mov": "video/quicktime",
    "mkv": "video/x-matroska",
    "webm": "video/webm",
}

_AAC: Options = {"c:a": "aac", "b:a": "192k"}
_OPUS: Options = {"c:a": "libopus", "b:a": "160k"}
_FLAC: Options = {"c:a": "flac"}

SOUND_RATE = 48_000
"""Samples a second: video's usual rate, and the only one of Opus's that matters."""


def sound_options(video: Video) -> Options:
    """AAC plays wherever MP4 does; WebM takes only Opus; what is lossless to the eye is lossless to the ear."""
    if video.container == "webm":
        return _OPUS
    if video.container == "mkv" and (video.codec == "ffv1" or video.quality == "lossless"):
        return _FLAC
    return _AAC


def way(video: Video, encoders: frozenset[str], *, with_sound: bool) -> Way:
    """The way to make `video` with an FFmpeg that has `encoders`. Raises BadArguments if there is none."""
    sound = str(sound_options(video)["c:a"])
    lacking = [sound] if with_sound and sound not in encoders else []
    for candidate in WAYS[video.codec][video.quality]:
        if candidate.encoder in encoders and not lacking:
            return candidate
    able = [codec for codec, rows in WAYS.items() if any(way.encoder in encoders for way in rows["high"])]
    wanted = " or ".join(way.encoder for way in WAYS[video.codec][video.quality])
    raise BadArguments(
        f"This FFmpeg can't make {video.codec} ({video.quality}): it has no {sound if lacking else wanted}.",
        f"It can make {', '.join(able) or 'no video'}. `pip install imageio-ffmpeg` brings one that can make all.",
    )


@dataclass(frozen=True)
class Pictures:
    """The stream of images that goes in."""

    format: Format
    size: Size
    fps: Fraction
    count: int
    is_deep: bool = False
    """More than 8 bits a channel."""

    @property
    def duration_s(self) -> Fraction:
        return self.count / self.fps


@dataclass(frozen=True)
class Strip:
    """A piece of sound in the video."""

    path: Path
    start_s: float = 0.0
    """In the video; negative where it has begun before the first frame."""
    skip_s: float = 0.0
    """How much of the file's own start is left out."""
    length_s: float | None = None
    """None: to the file's end."""
    volume: float = 1.0


def largest_size(pictures: Pictures, chosen: Way) -> int:
    """In bytes: what the video will stay below, for the look at the disk."""
    pixels = pictures.size.width * pictures.size.height * pictures.count
    return math.ceil(pixels * chosen.bits_per_pixel / 8) + (16 << 20)


def command(
    program: str, pictures: Pictures, chosen: Way, video: Video, sound: tuple[Strip, ...], target: Path
) -> list[str]:
    """The FFmpeg command that reads avi.header() and pictures on its standard input and writes `target`."""
    source = ffmpeg.input("pipe:0", **_reading(pictures.format))
    streams = [_shown(source.video, pictures, chosen)]
    options: dict[str, str | int] = {
        "c:v": chosen.encoder,
        **chosen.options,
        **_tags(chosen),
        **_MUXERS[video.container],
        # Every picture once, at the time it came with: never dropped or doubled to fit a rate.
        "fps_mode": "passthrough",
        "map_metadata": -1,
    }
    # A key frame every two seconds, as streaming services ask for, keeps scrubbing quick.
    options.setdefault("g", max(1, math.ceil(2 * pictures.fps)))
    if video.codec == "h265" and video.container in ("mp4", "mov"):
        options["tag:v"] = "hvc1"  # Apple's players refuse hev1
    if sound:
        streams.append(_mixed(sound, pictures))
        options.update(sound_options(video))
    graph = ffmpeg.output(*streams, str(target), **options)
    return [str(part) for part in graph.global_args(*_QUIET).compile(cmd=program, overwrite_output=True)]


def decode_command(program: str, image: Format) -> list[str]:
    """Decodes the images on its standard input and throws them away: the test whether they are whole."""
    graph = ffmpeg.input("pipe:0", **_reading(image)).output("-", f="null").global_args(*_QUIET)
    return [str(part) for part in graph.compile(cmd=program)]


_QUIET = ("-hide_banner", "-loglevel", "error", "-nostats", "-xerror", "-progress", "pipe:1")


def _reading(image: Format) -> Options:
    strictly: Options = {"err_detect": "explode"} if image.strict else {}
    return {"f": "avi", "c:v": image.decoder, **strictly}


def _shown(stream: ffmpeg.nodes.FilterableStream, pictures: Pictures, chosen: Way) -> ffmpeg.nodes.FilterableStream:
    size = pictures.size
    if pictures.format.has_alpha and not chosen.keeps_alpha:
        # In 16 bit, as premultiply makes 254 of an opaque 255 in 8. One format for all, as WebP mixes with and without.
        shown = stream.filter("format", "gbrap16le").filter("premultiply", inplace=1)
    else:
        shown = stream.filter("format", "gbrap|gbrap16le" if pictures.format.has_alpha else "gbrp|gbrp16le")
    if chosen.halves_chroma and (size.width % 2 or size.height % 2):
        right, bottom = size.width % 2, size.height % 2
        shown = shown.filter("pad", size.width + right, size.height + bottom)
        shown = shown.filter("fillborders", right=right, bottom=bottom, mode="smear")
    if not chosen.is_rgb:
        exact = "bicubic+accurate_rnd+full_chroma_int"
        shown = shown.filter("scale", out_color_matrix="bt709", out_range="tv", flags=exact)
    space, levels = ("gbr", "pc") if chosen.is_rgb else ("bt709", "tv")
    return shown.filter("format", chosen.formats.split("|")[-1 if pictures.is_deep else 0]).filter(
        "setparams", colorspace=space, color_primaries="bt709", color_trc="bt709", range=levels
    )


def _tags(chosen: Way) -> Options:
    """The same as setparams says, for FFmpeg before 7, whose encoders don't look at the frames."""
    space, levels = ("rgb", "pc") if chosen.is_rgb else ("bt709", "tv")
    return {"colorspace": space, "color_primaries": "bt709", "color_trc": "bt709", "color_range": levels}


def _mixed(sound: tuple[Strip, ...], pictures: Pictures) -> ffmpeg.nodes.FilterableStream:
    """All strips as one stereo stream, exactly as long as the pictures."""
    streams = [stream for path in dict.fromkeys(strip.path for strip in sound) for stream in _of_file(path, sound)]
    # Blender adds strips up and does not turn them down for being many.
    mixed = streams[0] if len(streams) == 1 else ffmpeg.filter(streams, "amix", inputs=len(streams), normalize=0)
    samples = math.ceil(pictures.duration_s * SOUND_RATE)
    return mixed.filter("apad", whole_len=samples).filter("atrim", end_sample=samples)


def _of_file(path: Path, sound: tuple[Strip, ...]) -> list[ffmpeg.nodes.FilterableStream]:
    """The strips of one file, which is read once however many there are."""
    strips = [strip for strip in sound if strip.path == path]
    heard = ffmpeg.input(str(path)).audio.filter("aresample", SOUND_RATE)
    heard = heard.filter("aformat", sample_fmts="fltp", channel_layouts="stereo")
    if len(strips) == 1:
        return [_placed(heard, strips[0])]
    copies = heard.filter_multi_output("asplit", len(strips))
    return [_placed(copies[number], strip) for number, strip in enumerate(strips)]


def _placed(heard: ffmpeg.nodes.FilterableStream, strip: Strip) -> ffmpeg.nodes.FilterableStream:
    before = max(0.0, -strip.start_s)
    length = {} if strip.length_s is None else {"duration": f"{strip.length_s - before:.6f}"}
    placed = heard.filter("atrim", start=f"{strip.skip_s + before:.6f}", **length).filter("asetpts", "PTS-STARTPTS")
    if strip.volume != 1:
        placed = placed.filter("volume", f"{strip.volume:.6f}")
    if strip.start_s > 0:
        placed = placed.filter("adelay", f"{round(strip.start_s * SOUND_RATE)}S", all=1)
    return placed
