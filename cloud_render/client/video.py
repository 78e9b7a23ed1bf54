# SPDX-License-Identifier: GPL-3.0-or-later
"""Which video a job makes, from the artist's movie settings and the options: values in, values and notices out."""

from __future__ import annotations

import typing
from collections.abc import Sequence

from cloud_render.client.options import Options
from cloud_render.contract import frames
from cloud_render.contract.errors import BadArguments
from cloud_render.contract.job import CONTAINERS_OF_CODEC, Codec, Container, Quality, Video
from cloud_render.contract.scene import MovieSettings, SceneSettings

CODECS: tuple[str, ...] = typing.get_args(Codec)
CONTAINERS: tuple[str, ...] = typing.get_args(Container)
QUALITIES: tuple[str, ...] = typing.get_args(Quality)

_CODEC_OF_BLENDER = {
    "H264": "h264",
    "H265": "h265",
    "AV1": "av1",
    "WEBM": "vp9",
    "PRORES": "prores",
    "FFV1": "ffv1",
}
"""`render.ffmpeg.codec` of Blender 4.2 to 5.2; WEBM is how it calls VP9. The others are of the last century."""

_CONTAINER_OF_BLENDER = {"MPEG4": "mp4", "QUICKTIME": "mov", "MKV": "mkv", "WEBM": "webm"}
"""`render.ffmpeg.format`."""

_QUALITY_OF_BLENDER: dict[str, Quality] = {
    "LOSSLESS": "lossless",
    "PERC_LOSSLESS": "high",
    "HIGH": "high",
    "MEDIUM": "medium",
    "LOW": "low",
    "VERYLOW": "low",
    "LOWEST": "low",
    "NONE": "high",
}
"""`render.ffmpeg.constant_rate_factor`; NONE is a fixed bit rate, for which we choose by quality all the same."""

_CODEC_OF_CONTAINER = {"webm": "vp9"}
"""The codec for a container that was asked for without one; h264 for all others."""


def of_scene(settings: SceneSettings, frame_list: Sequence[int], options: Options) -> tuple[Video | None, list[str]]:
    """The video, None for none, and what the person should know about the choice. Raises BadArguments."""
    wanted = len(frame_list) > 1 if options.video is None else options.video
    if not wanted:
        if options.codec or options.container:
            raise BadArguments("A codec or container was chosen for a job that makes no video.", "Ask for the video.")
        return None, []
    container, codec, notices = _kind(settings.movie, options)
    quality = _quality(settings.movie, options)
    sound, silence = _sound(settings, frame_list, options)
    video = Video(container, codec, quality, options.fps or settings.fps, sound)
    return video, notices + silence


def _kind(movie: MovieSettings | None, options: Options) -> tuple[Container, Codec, list[str]]:
    _check("codec", options.codec, CODECS)
    _check("container", options.container, CONTAINERS)
    artist_codec = _CODEC_OF_BLENDER.get(movie.codec, "") if movie else ""
    artist_container = _CONTAINER_OF_BLENDER.get(movie.container, "") if movie else ""
    notices = []
    if movie and not artist_codec and not options.codec:
        notices.append(f"The scene's video codec {movie.codec} is replaced by H.264.")
    if options.container and not options.codec and options.container not in CONTAINERS_OF_CODEC.get(artist_codec, ()):
        artist_codec = _CODEC_OF_CONTAINER.get(options.container, "h264")
    codec = options.codec or artist_codec or "h264"
    fitting = CONTAINERS_OF_CODEC[codec]
    if options.container and options.container not in fitting:
        fits = ", ".join(name for name in CODECS if options.container in CONTAINERS_OF_CODEC[name])
        raise BadArguments(
            f"{codec} does not go into {options.container}.",
            f"{codec} goes into {', '.join(fitting)}; {options.container} holds {fits}.",
        )
    container = options.container or (artist_container if artist_container in fitting else fitting[0])
    if movie and not options.container and container != artist_container:
        notices.append(f"The scene's video container {movie.container} is replaced by {container}.")
    return typing.cast(Container, container), typing.cast(Codec, codec), notices


def _quality(movie: MovieSettings | None, options: Options) -> Quality:
    _check("quality", options.quality, QUALITIES)
    if options.quality:
        return typing.cast(Quality, options.quality)
    return _QUALITY_OF_BLENDER.get(movie.quality, "high") if movie else "high"


def _sound(settings: SceneSettings, frame_list: Sequence[int], options: Options) -> tuple[bool, list[str]]:
    if not settings.has_sound or not options.sound:
        return False, []
    if frames.step_of(frame_list) != 1:
        return False, ["The video has no sound, as it leaves frames out."]
    if options.fps and options.fps != settings.fps:
        return False, ["The video has no sound, as its frame rate is not the scene's."]
    return True, []


def _check(what: str, value: str, known: Sequence[str]) -> None:
    if value and value not in known:
        raise BadArguments(f"There is no {what} {value!r}.", f"Choose one of {', '.join(known)}.")
