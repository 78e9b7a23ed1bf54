# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person may choose for one submit; everything left alone follows the scene or the stack."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from cloud_render.contract.scene import Device, MachineClass


@dataclass(frozen=True)
class Options:
    """Empty texts, None and empty tuples leave the choice to the scene, the stack, or a sensible default."""

    name: str = ""
    """For people; else the .blend's name."""
    scene: str = ""
    camera: str = ""
    view_layers: tuple[str, ...] = ()
    frames: str = ""
    """A range expression, see contract.frames; else the scene's start, end and step."""
    frames_per_job: int | None = None
    """None: chosen from the number of frames."""
    samples: int | None = None
    percentage: int | None = None
    resolution: tuple[int, int] | None = None
    """Width and height in pixels at 100 %."""
    engine: str = ""
    """cycles, eevee, workbench, or Blender's own identifier."""
    device: Device | None = None
    machine: MachineClass = "small"
    format: str = ""
    """png, jpeg, webp, tiff, exr, exr-multilayer …, or Blender's own identifier."""
    container: str = ""
    codec: str = ""
    quality: str = ""
    fps: Fraction | None = None
    sound: bool = True
    """False: no sound even if the scene has some."""
    video: bool | None = None
    """None: a video where there is more than one frame."""
    extra: tuple[Path, ...] = ()
    """Files and folders to take along."""
    allow_missing: bool = False
    use_scripts: bool = False
    pre_hook: Path | None = None
    post_hook: Path | None = None
    frame_limit_s: float | None = None
    stall_limit_s: float | None = None
    cost_limit_usd: float | None = None
    """Where the job ends by itself; what is rendered stays."""
    created_by: str = ""
