# SPDX-License-Identifier: GPL-3.0-or-later
"""What the artist chose for the render, kept in the .blend with its scene; and the same as the client takes it."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Any

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from cloud_render.client.options import Options

from .names import PREFIX

FRAMES = (
    ("ANIMATION", "Animation", "The scene's frame range and step, whatever they are when you render"),
    ("CURRENT", "Current Frame", "Only the frame that you see"),
    ("CUSTOM", "Custom Range", "Frames of your own, such as 1-250, 1-250x2 or 1-10,20..25,40"),
)
DEVICES = (
    ("STACK", "As Set Up", "What the cloud was set up for"),
    ("GPU", "GPU", "Graphics cards; fails where Blender would use none"),
    ("CPU", "CPU", "Processors only"),
    ("ANY", "Any", "A graphics card where there is one, else the processor"),
)
MACHINES = (
    ("SMALL", "Small", "16 GB of graphics memory or more, and 16 GB of memory"),
    ("MEDIUM", "Medium", "22 GB of graphics memory or more, and 32 GB of memory"),
    ("LARGE", "Large", "44 GB of graphics memory or more, and 64 GB of memory"),
)
"""Unless the stack was set up with other ones."""

CONTAINERS = (
    ("SCENE", "As in Scene", "The scene's own container if its output is a video, else one that fits the codec"),
    ("mp4", "MPEG-4", "Plays everywhere"),
    ("mov", "QuickTime", "For editing"),
    ("mkv", "Matroska", "Holds every codec"),
    ("webm", "WebM", "For the web"),
)
CODECS = (
    ("SCENE", "As in Scene", "The scene's own codec if its output is a video, else H.264"),
    ("h264", "H.264", "Plays everywhere"),
    ("h265", "H.265", "Half the size of H.264, plays on newer devices"),
    ("av1", "AV1", "Smallest, plays on the newest devices and browsers"),
    ("vp9", "VP9", "For the web"),
    ("prores", "ProRes", "Large, for editing"),
    ("ffv1", "FFV1", "Lossless, for archives"),
)
QUALITIES = (
    ("SCENE", "As in Scene", "The scene's own quality if its output is a video, else high"),
    ("lossless", "Lossless", "Every pixel as rendered"),
    ("high", "High", "No difference to be seen"),
    ("medium", "Medium", "Smaller"),
    ("low", "Low", "Smallest, for a first look"),
)
VIDEOS = (
    ("AUTO", "Automatic", "A video where there is more than one frame"),
    ("YES", "Yes", "A video, even of one frame"),
    ("NO", "No", "Frames only"),
)


DEADLINE = (
    "A time of day such as 18:30, or how long it may take, such as 8h. With a price, the cheapest way that is done by "
    "then comes first. Empty: no deadline"
)

DEADLINE_SUCH_AS = "18:30, 8h"

MAY_BE_RELATIVE = {"PATH_SUPPORTS_BLEND_RELATIVE"} if bpy.app.version >= (4, 5, 0) else set()
"""Of a path: // means beside the .blend. Before 4.5 that went without saying."""


def _is_camera(_self: Any, candidate: Any) -> bool:
    return bool(candidate.type == "CAMERA")


class ExtraFile(bpy.types.PropertyGroup):
    """A file or folder that the scene does not name itself."""

    path: StringProperty(
        name="Path", description="A file or folder to take along", subtype="FILE_PATH", options=MAY_BE_RELATIVE
    )


class RenderSettings(bpy.types.PropertyGroup):
    """Of one scene."""

    frames: EnumProperty(name="Frames", description="Which frames to render", items=FRAMES, translation_context=PREFIX)
    frame_text: StringProperty(
        name="Range", description="Frames to render, such as 1-250, 1-250x2 or 1-10,20..25,40", default="1-250"
    )
    camera: PointerProperty(
        name="Camera",
        description="Render with this camera instead of the scene's own",
        type=bpy.types.Object,
        poll=_is_camera,
    )
    view_layer: StringProperty(
        name="View Layer",
        description="Render only this one. Empty: those that the scene has switched on",
        translation_context=PREFIX,
    )
    use_samples: BoolProperty(name="Override Samples", description="Render with another number of samples")
    samples: IntProperty(name="Samples", description="Samples a pixel in the cloud", default=128, min=1)
    use_percentage: BoolProperty(name="Override Scale", description="Render at another percentage of the resolution")
    percentage: IntProperty(
        name="Scale",
        description="Of the resolution",
        default=100,
        min=1,
        max=1000,
        subtype="PERCENTAGE",
        translation_context=PREFIX,
    )
    use_resolution: BoolProperty(name="Override Resolution", description="Render in another size")
    width: IntProperty(name="Width", description="In pixels, at 100 %", default=1920, min=4, max=65536)
    height: IntProperty(name="Height", description="In pixels, at 100 %", default=1080, min=4, max=65536)
    frames_per_job: IntProperty(
        name="Frames per Job",
        description="Frames that one machine renders in a row. 0: as the price or the number of frames suggests",
        min=0,
    )
    device: EnumProperty(name="Device", description="What renders", items=DEVICES, translation_context=PREFIX)
    machine: EnumProperty(
        name="Machines",
        description="How much the scene needs. A frame that does not fit there is tried again on larger ones",
        items=MACHINES,
        translation_context=PREFIX,
    )
    limit_usd: FloatProperty(
        name="Stop at USD",
        description="End the job before it costs more; what is rendered stays. 0: at twice the price that the dialog "
        "shows",
        min=0,
        precision=2,
    )
    deadline: StringProperty(name="Done By", description=DEADLINE)
    video: EnumProperty(name="Video", description="Whether the frames become a video", items=VIDEOS)
    container: EnumProperty(name="Container", description="The video's file format", items=CONTAINERS)
    codec: EnumProperty(name="Codec", description="How the video is compressed", items=CODECS)
    quality: EnumProperty(name="Quality", description="Of the video", items=QUALITIES)
    sound: BoolProperty(name="Sound", description="The scene's sound in the video", default=True)
    extra: CollectionProperty(
        name="Extra Files", description="Files and folders that the scene does not name itself", type=ExtraFile
    )
    extra_index: IntProperty(name="Active Extra File", description="The one that is selected")
    use_scripts: BoolProperty(
        name="Run Scripts", description="Let Python in the .blend run in the cloud: drivers, registered texts"
    )
    pre_hook: StringProperty(
        name="Before Rendering",
        description="A script that runs in the cloud before the first frame",
        subtype="FILE_PATH",
        options=MAY_BE_RELATIVE,
    )
    post_hook: StringProperty(
        name="After Rendering",
        description="A script that runs in the cloud after the last frame; what it leaves in $CLOUD_RENDER_OUTPUT "
        "comes back too",
        subtype="FILE_PATH",
        options=MAY_BE_RELATIVE,
    )
    download: BoolProperty(
        name="Download When Done", description="Bring frames and video to this computer by itself", default=True
    )


PRESET_NAMES = (
    "use_samples",
    "samples",
    "use_percentage",
    "percentage",
    "use_resolution",
    "width",
    "height",
    "frames_per_job",
    "device",
    "machine",
    "limit_usd",
    "deadline",
    "video",
    "container",
    "codec",
    "quality",
    "sound",
    "use_scripts",
    "download",
)
PRESET_VALUES = tuple(f"settings.{name}" for name in PRESET_NAMES)
"""What a preset holds: what fits any scene."""


def settings_of(scene: Any) -> RenderSettings:
    return getattr(scene, PREFIX)  # type: ignore[no-any-return]


def frame_text(scene: Any) -> str:
    """The frames to be rendered as the client takes them; empty: the scene's range."""
    settings = settings_of(scene)
    return str({"ANIMATION": "", "CURRENT": scene.frame_current, "CUSTOM": settings.frame_text}[settings.frames])


def options_of(scene: Any, allow_missing: bool) -> Options:
    settings = settings_of(scene)
    return Options(
        scene=scene.name,
        camera=settings.camera.name if settings.camera else "",
        view_layers=(settings.view_layer,) if settings.view_layer else (),
        frames=frame_text(scene),
        frames_per_job=settings.frames_per_job or None,
        samples=settings.samples if settings.use_samples else None,
        percentage=settings.percentage if settings.use_percentage else None,
        resolution=(settings.width, settings.height) if settings.use_resolution else None,
        device=None if settings.device == "STACK" else settings.device.lower(),
        machine=settings.machine.lower(),
        cost_limit_usd=round(settings.limit_usd, 2) or None,
        container=_unless_scene(settings.container),
        codec=_unless_scene(settings.codec),
        quality=_unless_scene(settings.quality),
        sound=settings.sound,
        video={"AUTO": None, "YES": True, "NO": False}[settings.video],
        extra=tuple(_path(file.path) for file in settings.extra if file.path),
        allow_missing=allow_missing,
        use_scripts=settings.use_scripts,
        pre_hook=_path(settings.pre_hook) if settings.pre_hook else None,
        post_hook=_path(settings.post_hook) if settings.post_hook else None,
        created_by=getpass.getuser(),
    )


def _unless_scene(choice: str) -> str:
    return "" if choice == "SCENE" else choice


def _path(text: str) -> Path:
    return Path(bpy.path.abspath(text)).expanduser()


CLASSES = (ExtraFile, RenderSettings)


def register() -> None:
    for each in CLASSES:
        bpy.utils.register_class(each)
    setattr(bpy.types.Scene, PREFIX, PointerProperty(type=RenderSettings))


def unregister() -> None:
    delattr(bpy.types.Scene, PREFIX)
    for each in reversed(CLASSES):
        bpy.utils.unregister_class(each)
