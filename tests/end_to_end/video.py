# SPDX-License-Identifier: GPL-3.0-or-later
"""A video as PyAV sees it, and pictures with a marker that says which frame they are."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image

MARKER = 4
"""Pixels: the marker's width. It stands in the upper half, so a picture upside down shows none."""


@dataclass(frozen=True)
class Sound:
    """The audio stream."""

    codec: str
    duration_s: float
    samples: np.ndarray
    """Of one channel, from -1 to 1."""
    rate: int

    def loudness(self, start_s: float, end_s: float) -> float:
        """Root mean square between two times."""
        piece = self.samples[int(start_s * self.rate) : int(end_s * self.rate)]
        return float(np.sqrt(np.mean(piece.astype(np.float64) ** 2)))


@dataclass(frozen=True)
class Film:
    """A video, decoded."""

    codec: str
    fps: Fraction
    duration_s: float
    """Of the pictures, by their own time stamps: from the first to the end of the last."""
    container_s: float
    """As the container says."""
    pix_fmt: str
    colours: tuple[str, str, str, str]
    """Matrix, primaries, transfer, range."""
    pictures: tuple[np.ndarray, ...]
    """Rows x columns x RGB, 8 bit."""
    sound: Sound | None

    @property
    def size(self) -> tuple[int, int]:
        height, width, _ = self.pictures[0].shape
        return width, height

    @property
    def count(self) -> int:
        return len(self.pictures)

    @property
    def markers(self) -> tuple[int, ...]:
        """Where each picture's marker stands; see marker_of."""
        return tuple(marker_of(picture) for picture in self.pictures)


def watch(path: Path) -> Film:
    """The whole video in memory: for small ones."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        decoded = list(container.decode(stream))
        times = [frame.pts * frame.time_base for frame in decoded]
        first = decoded[0]
        film = {
            "codec": stream.codec_context.codec.canonical_name,
            "fps": Fraction(stream.average_rate),
            "duration_s": float(times[-1] - times[0] + 1 / Fraction(stream.average_rate)),
            "container_s": (container.duration or 0) / av.time_base,
            "pix_fmt": first.format.name,
            "colours": tuple(
                str(value) for value in (first.colorspace, first.color_primaries, first.color_trc, first.color_range)
            ),
            "pictures": tuple(frame.to_ndarray(format="rgb24") for frame in decoded),
        }
    return Film(sound=_listen(path), **film)


def _listen(path: Path) -> Sound | None:
    with av.open(str(path)) as container:
        if not container.streams.audio:
            return None
        stream = container.streams.audio[0]
        resampler = av.AudioResampler(format="flt", layout="mono")
        pieces = [out.to_ndarray()[0] for frame in container.decode(stream) for out in resampler.resample(frame)]
        samples = np.concatenate(pieces)
        return Sound(stream.codec_context.name, len(samples) / stream.rate, samples, stream.rate)


def picture(frame: int, size: tuple[int, int] = (64, 36), mode: str = "RGB") -> Image.Image:
    """A dark picture of `size` whose bright marker stands where `frame` says."""
    width, height = size
    pixels = np.full((height, width, 3), 16, np.uint8)
    left = frame % places(width) * MARKER
    pixels[: height // 2, left : left + MARKER] = 235
    return Image.fromarray(pixels).convert(mode)


def places(width: int) -> int:
    """How many places a marker has in a picture of `width` pixels."""
    return width // MARKER


def marker_of(pixels: np.ndarray) -> int:
    """The place of the marker in a picture; -1 where there is none."""
    upper = pixels[: pixels.shape[0] // 2].mean(axis=(0, 2))
    lower = pixels[pixels.shape[0] // 2 + 2 :].mean(axis=(0, 2))
    width = places(len(upper)) * MARKER
    columns = (upper - lower)[:width].reshape(-1, MARKER).mean(axis=1)
    best = int(columns.argmax())
    others = np.delete(columns, best)
    return best if columns[best] - others.max() > 60 else -1
