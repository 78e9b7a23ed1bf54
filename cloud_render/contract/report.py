# SPDX-License-Identifier: GPL-3.0-or-later
"""What a worker says about what it did: a report a child and attempt, and the small end.json of a finished job."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cloud_render.contract import values


@dataclass(frozen=True)
class FrameReport:
    """One frame that this attempt rendered and uploaded."""

    frame: int
    render_s: float
    upload_s: float
    bytes: int
    """Of everything uploaded for it."""


@dataclass(frozen=True)
class Machine:
    """Where it ran; empty texts where that can't be known (not on EC2)."""

    instance_id: str = ""
    instance_type: str = ""
    availability_zone: str = ""
    cpus: int = 0
    market: Literal["spot", "on-demand", ""] = ""
    """How it is paid."""


@dataclass(frozen=True)
class ChildReport:
    """What one attempt of one child did, good or bad."""

    action: Literal["render", "stitch", "inspect"]
    submission: int
    index: int
    """Of the array; 0 for a plain job."""
    attempt: int
    """From 1."""
    exit_code: int
    started: str
    ended: str
    """UTC, ISO 8601."""
    problem: str = ""
    advice: str = ""
    """In words, where exit_code is not 0."""
    frames: tuple[FrameReport, ...] = ()
    skipped: tuple[int, ...] = ()
    """Frames that S3 had already."""
    gaps: tuple[int, ...] = ()
    """Frames a stitch found missing."""
    blender: str = ""
    device: str = ""
    """OPTIX, CUDA, CPU …: what Cycles really used; the renderer's name for EEVEE and Workbench."""
    devices: tuple[str, ...] = ()
    load_s: float = 0.0
    """Seconds from the worker's start to Blender being ready for its first frame."""
    peak_memory: int = 0
    """In bytes, of Blender's process."""
    peak_vram: int = 0
    """In bytes, on the fullest GPU; 0 where there is none or it is not known."""
    machine: Machine = Machine()
    warnings: tuple[str, ...] = ()

    def to_json(self) -> str:
        return values.to_json(self)

    @classmethod
    def from_json(cls, text: str | bytes) -> ChildReport:
        return values.from_json(cls, text, "The report")


@dataclass(frozen=True)
class End:
    """end.json: how a job ended, so that a list of many jobs costs one small object each."""

    state: Literal["done", "failed", "cancelled"]
    frames: int
    """How many there are in S3."""
    frames_total: int
    ended: str
    """UTC, ISO 8601."""
    video: str = ""
    """The video's name below the job's prefix, such as video.mp4; empty if there is none."""
    gaps: tuple[int, ...] = ()
    """Frames that the video holds from their neighbour because they are missing."""
    problem: str = ""
    advice: str = ""
    """Where it failed: why, and what to do next, in words."""

    def to_json(self) -> str:
        return values.to_json(self)

    @classmethod
    def from_json(cls, text: str | bytes) -> End:
        return values.from_json(cls, text, "end.json")
