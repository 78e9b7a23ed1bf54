# SPDX-License-Identifier: GPL-3.0-or-later
"""The scene's sound as a file, a faithful copy of the .blend, and the demo's scene."""

from __future__ import annotations

import struct
import wave
from pathlib import Path

import pytest
from PIL import Image

from cloud_render import blender as blender_door
from cloud_render.contract.errors import BadArguments


@pytest.fixture
def mixdown(blender, blend, tmp_path):
    def ask(name: str, first: int, last: int, out: str = "sound.wav"):
        request = {
            "blend": str(blend(name)),
            "root": str(blend(name).anchor),
            "scene": "Scene",
            "out": str(tmp_path / out),
        }
        return blender_door.ask(blender, {"action": "mixdown", "frame_start": first, "frame_end": last, **request})

    return ask


@pytest.fixture
def audible(examine, blend):
    """Skips where this build has no audio, such as the 4.2 wheel."""
    if not examine(blend("heard")).settings().has_sound:
        pytest.skip("this Blender is built without audio")


def first_sound_s(path: Path) -> float:
    """Seconds of silence at the start."""
    with wave.open(str(path)) as file:
        count = file.getnframes() * file.getnchannels()
        samples = struct.unpack(f"<{count}h", file.readframes(file.getnframes()))
        return (
            next(n for n, sample in enumerate(samples) if abs(sample) > 500) / file.getnchannels() / file.getframerate()
        )


def length_s(path: Path) -> float:
    with wave.open(str(path)) as file:
        return file.getnframes() / file.getframerate()


def test_the_mix_covers_the_frames_that_were_asked(mixdown, audible):
    """The strip starts at frame 3: two frames of silence when the mix starts at 1, none when it starts at 3."""
    early, late = mixdown("heard", 1, 24, "a.wav"), mixdown("heard", 3, 14, "b.wav")
    assert first_sound_s(Path(early["path"])) == pytest.approx(2 / 24, abs=0.01)
    assert first_sound_s(Path(late["path"])) == pytest.approx(0, abs=0.01)
    assert length_s(Path(early["path"])) == pytest.approx(24 / 24, abs=0.05)
    assert length_s(Path(late["path"])) == pytest.approx(12 / 24, abs=0.05)


def test_a_range_below_zero_is_mixed_in_place(mixdown, audible):
    """Blender's own range can't start there; the sound still begins where the strip does."""
    assert first_sound_s(Path(mixdown("heard", -9, 24)["path"])) == pytest.approx(12 / 24, abs=0.01)


def test_flac_is_written_where_asked(mixdown, audible):
    """By the extension."""
    assert Path(mixdown("heard", 1, 24, "sound.flac")["path"]).read_bytes()[:4] == b"fLaC"


def test_a_scene_without_sound_says_so(mixdown):
    """No file of silence."""
    answer = mixdown("plain", 1, 24)
    assert answer["path"] is None
    assert "no sound" in answer["reason"]


def test_an_unknown_sound_format_is_refused(mixdown, audible):
    """With those there are."""
    with pytest.raises(BadArguments, match=r"as \.mp9"):
        mixdown("heard", 1, 24, "sound.mp9")


def test_a_copy_is_the_scene_under_the_same_name(blender, blend, render, tmp_path):
    """Caches on disk are found by the file's name, so the copy keeps it; it renders what the original renders."""
    request = {"action": "save_copy", "blend": str(blend("plain")), "folder": str(tmp_path / "copy")}
    copy = Path(blender_door.ask(blender, request)["path"])
    assert copy == tmp_path / "copy" / "plain.blend"
    assert render(copy, out=tmp_path / "a").image(1).tobytes() == render(blend("plain")).image(1).tobytes()


def test_a_copy_never_overwrites(blender, blend):
    """Asked to save where the original lies, it refuses."""
    request = {"action": "save_copy", "blend": str(blend("plain")), "folder": str(blend("plain").parent)}
    before = blend("plain").read_bytes()
    with pytest.raises(BadArguments, match="is there already"):
        blender_door.ask(blender, request)
    assert blend("plain").read_bytes() == before


def test_the_demo_s_scene_is_complete_and_renders(blender, examine, render, lay_out, tmp_path):
    """A texture, a library and, where there is audio, a sound; nothing missing; a picture with many colours."""
    answer = blender_door.ask(blender, {"action": "demo_scene", "folder": str(tmp_path / "demo")})
    examination = examine(Path(answer["path"]))
    kinds = {file.kind for file in examination.files}
    assert kinds == {"image", "library"} | ({"sound"} if answer["has_sound"] else set())
    assert (examination.missing, examination.warnings) == ((), ())
    assert examination.settings().has_sound == answer["has_sound"]
    root = lay_out(answer["path"], *(file.path for file in examination.files))
    done = render(Path(answer["path"]), "20", root=root, scene=examination.scene)
    image: Image.Image = done.image(20)
    assert image.size == (320, 180)
    assert len(image.getcolors(maxcolors=100_000)) > 2_000
