# SPDX-License-Identifier: GPL-3.0-or-later
"""The small picture of a frame for the panel: a JPEG of at most 512 pixels' width, made by FFmpeg."""

from __future__ import annotations

import subprocess
from pathlib import Path

from cloud_render.contract.errors import BlenderFailed
from worker import ffmpeg

WIDTH = 512
"""Pixels; narrower frames stay as they are."""

_TIMEOUT_S = 120
"""A 16K frame takes some seconds; what takes longer than this hangs."""


def make(image: Path, target: Path) -> None:
    """Raises BlenderFailed where FFmpeg can't show the image."""
    command = [ffmpeg.program(), "-v", "error", "-nostdin", "-y", "-threads", "1"]
    # Without pattern_type none a % or [ in the path would be read as a pattern.
    command += ["-f", "image2", "-pattern_type", "none", "-i", str(image)]
    # Alpha goes over black, as it does in the video.
    picture = f"scale='min({WIDTH},iw)':-1:flags=area,format=rgba,premultiply=inplace=1,format=yuvj420p"
    command += ["-frames:v", "1", "-vf", picture, "-q:v", "4", "-f", "mjpeg", str(target)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise BlenderFailed(f"FFmpeg hung on {image.name}.") from error
    if done.returncode or not target.is_file():
        words = done.stderr.decode(errors="replace").strip().splitlines()
        raise BlenderFailed(f"FFmpeg can't read {image.name}: {words[-1] if words else 'no reason given'}.")
