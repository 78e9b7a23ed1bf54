# SPDX-License-Identifier: GPL-3.0-or-later
"""Action `mixdown`: the scene's sound over a range of frames as one file.

Where this build of Blender has no audio (the 4.2 wheel), the plain sound strips are named instead, so that FFmpeg can
mix them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy

from cloud_render.contract.errors import BadArguments, BlenderFailed
from cloud_render.inblender import loading, references, remap, snapshot, versions
from cloud_render.inblender.events import Events
from cloud_render.inblender.versions import Scene

CONTAINERS = {".wav": ("WAV", "PCM", "S16"), ".flac": ("FLAC", "FLAC", "S24")}
"""Container, codec and sample format by the extension asked for: both keep every bit of the mix."""

NO_AUDIO = "This Blender is built without audio."
SILENT = "The scene has no sound."


def run(request: dict[str, Any], events: Events) -> None:
    loading.open_blend(request["blend"], use_scripts=bool(request.get("use_scripts", False)))
    remap.move_below(str(Path(request["root"]).resolve()))
    scene = _scene(request["scene"])
    out = Path(request["out"]).resolve()
    first, last = int(request["frame_start"]), int(request["frame_end"])
    if not snapshot.has_sound(scene):
        events.send("mixdown", path=None, reason=SILENT, strips=[])
    elif not versions.has_audio():
        events.send("mixdown", path=None, reason=NO_AUDIO, strips=list(_plain_strips(scene, out.parent)))
    else:
        mix(scene, first, last, out)
        events.send("mixdown", path=str(out), reason="", strips=[])


def mix(scene: Scene, first: int, last: int, out: Path) -> None:
    """Write the scene's sound from frame `first` to the end of `last`. Raises BlenderFailed, BadArguments."""
    if out.suffix not in CONTAINERS:
        raise BadArguments(
            f"Sound can't be written as {out.suffix or 'a file without extension'}.", "Use .wav or .flac."
        )
    container, codec, sample_format = CONTAINERS[out.suffix]
    versions.make_active(scene)
    shift = _shift_above_zero(scene, first)
    scene.frame_start, scene.frame_end = first + shift, last + shift
    try:
        ops: Any = bpy.ops.sound  # its stub knows fewer formats than the operator
        ops.mixdown(filepath=str(out), check_existing=False, container=container, codec=codec, format=sample_format)
    except RuntimeError as error:
        raise BlenderFailed(f"Blender could not mix the sound of scene {scene.name!r}: {error}") from error
    if not out.is_file() or not out.stat().st_size:
        raise BlenderFailed(f"Blender mixed the sound of scene {scene.name!r} and wrote no file.")


def _shift_above_zero(scene: Scene, first: int) -> int:
    """By how many frames the strips were moved: Blender's own range can't start below 0 from Python."""
    if first >= 0 or scene.sequence_editor is None:
        return 0
    editor = scene.sequence_editor
    for strip in versions.top_strips(editor):
        if not hasattr(strip, "input_1"):  # effects follow the strips they work on
            strip.frame_start -= first
    return -first


def _scene(name: str) -> Scene:
    for scene in bpy.data.scenes:
        if scene.name == name and scene.library is None:
            return scene
    raise BadArguments(f"There is no scene {name!r}.")


def _plain_strips(scene: Scene, folder: Path) -> Iterator[dict[str, Any]]:
    """The audible sound strips, with what FFmpeg needs to place them; sound packed in the .blend is put in `folder`."""
    rate = snapshot.frame_rate(scene.render)
    for number, strip in enumerate(snapshot.strips(scene)):
        if strip.type != "SOUND" or strip.mute or strip.sound is None:
            continue
        yield {
            "path": _sound_file(strip.sound, folder, number),
            "frame_start": strip.frame_final_start,
            "frame_end": strip.frame_final_end,
            "offset_s": float((strip.frame_final_start - strip.frame_start + strip.animation_offset_start) / rate),
            "volume": strip.volume,
        }


def _sound_file(sound: Any, folder: Path, number: int) -> str:
    if not sound.packed_file:
        return references.resolve(sound.filepath, sound.library)
    path = folder / f"packed-{number}{Path(sound.filepath).suffix}"
    path.write_bytes(sound.packed_file.data)
    return str(path)
