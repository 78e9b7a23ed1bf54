# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker with Blender itself: CLOUD_RENDER_BLENDER chooses which one, as everywhere in the tests."""

from __future__ import annotations

import gzip
import io
import os
import subprocess
from fractions import Fraction
from pathlib import Path

import pytest
from PIL import Image

from cloud_render import blender as door
from cloud_render.contract.job import RenderJob
from cloud_render.contract.scene import scene_path

SCENES = Path(__file__).parents[1] / "inblender" / "scenes.py"


@pytest.fixture(scope="session")
def blender() -> door.Blender:
    return door.find()


@pytest.fixture(scope="session")
def scenes(blender, tmp_path_factory) -> Path:
    """The scenes of tests/inblender, built once by the Blender under test."""
    folder = tmp_path_factory.mktemp("scenes")
    command = [part if part != str(door.BOOT) else str(SCENES) for part in blender.command]
    done = subprocess.run([*command, "--", str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return folder


@pytest.fixture
def real(rig, blender):
    """The rig with Blender itself instead of the fake one."""
    chosen = os.environ.get("CLOUD_RENDER_BLENDER")
    del rig.environment["CLOUD_RENDER_BLENDER"]
    rig.environment |= {"CLOUD_RENDER_BLENDER": chosen} if chosen else {}
    return rig


@pytest.fixture
def job_of(real, scenes, blender):
    """A job of one of the scenes, with all files of its folder, as a submit makes it; `changed` replaces contents."""

    def put(name: str, changed: dict[str, bytes] | None = None, **fields) -> RenderJob:
        top = scenes / name
        paths = [top / f"{name}.blend", *sorted(path for path in top.rglob("*") if path.is_file())]
        files = {scene_path(str(path)): path.read_bytes() for path in paths if not path.name.endswith("blend1")}
        for path, content in (changed or {}).items():
            files[scene_path(str(top / path))] = content
        sources = [real.file(path, content) for path, content in files.items()]
        return real.job(*sources, blender=blender.version, **fields)

    return put


def image(rig, key: str) -> Image.Image:
    return Image.open(io.BytesIO(rig.get(rig.prefix.root + key)))


def png(colour: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(buffer, "PNG")
    return buffer.getvalue()


def test_a_scene_is_rendered_frame_by_frame(real, job_of):
    """Real pictures of the scene's size, each with its preview."""
    job_of("plain", frames="2-3")
    ended = real.render(2)
    assert ended.code == 0, ended.log
    assert real.keys("frames/") == ["frames/0002.png", "frames/0003.png"]
    assert image(real, "frames/0002.png").size == (64, 36)
    assert image(real, "previews/0003.jpg").size == (64, 36)
    assert real.report().device == "CPU"


def test_absolute_paths_that_exist_here_are_not_what_is_rendered(real, job_of, scenes):
    """On the artist's own computer the worker reads the job's files, not those the absolute paths lead to."""
    before = {path: path.stat().st_mtime_ns for path in (scenes / "textured").rglob("*")}
    swapped = {"textures/red.png": png("blue"), "elsewhere/green.png": png("white")}
    job_of("textured", swapped, frames="1-1", video=None)
    ended = real.render(1)
    assert ended.code == 0, ended.log
    middle = image(real, "frames/0001.png").convert("RGB").getpixel((32, 18))
    assert min(middle) > 200, f"the green of the artist's own file shines through: {middle}"
    assert {path: path.stat().st_mtime_ns for path in (scenes / "textured").rglob("*")} == before


def test_exr_frames_bring_a_picture_that_can_be_shown(real, job_of):
    """The artist's format is kept; the display image and the preview go with it."""
    job_of("plain", frames="1-1", video=None, file_format="OPEN_EXR")
    ended = real.render(1)
    assert ended.code == 0, ended.log
    assert real.keys("frames/") == ["frames/0001.exr"]
    assert image(real, "outputs/display/0001.png").size == (64, 36)
    assert real.keys("previews/") == ["previews/0001.jpg"]


@pytest.mark.parametrize("file_format", ["JPEG", "WEBP", "TIFF", "OPEN_EXR_MULTILAYER"])
def test_every_image_format_arrives_with_a_preview(real, job_of, file_format):
    """As the artist chose it."""
    job_of("plain", frames="1-1", video=None, file_format=file_format)
    ended = real.render(1)
    assert ended.code == 0, ended.log
    assert len(real.keys("frames/")) == len(real.keys("previews/")) == 1


def test_a_movie_scene_renders_single_images(real, job_of):
    """A child never writes a movie of its slice."""
    job_of("movie_output", frames="1-2")
    ended = real.render(2)
    assert ended.code == 0, ended.log
    assert real.keys("frames/") == ["frames/0001.png", "frames/0002.png"]


def test_file_output_nodes_come_back_under_their_relative_names(real, job_of):
    """Wherever the artist had sent them."""
    job_of("file_outputs", frames="1-1", video=None)
    ended = real.render(1)
    assert ended.code == 0, ended.log
    names = real.keys("outputs/")
    assert names, "nothing came back"
    assert [name for name in names if ".." in name.split("/") or not name.endswith((".png", ".exr", ".jpg"))] == []


def test_the_engine_of_the_scene_is_kept(real, job_of):
    """Workbench stays Workbench."""
    job_of("workbench", frames="1-1", video=None)
    ended = real.render(1)
    if "libEGL" in ended.log:
        pytest.skip("this machine has no EGL")
    assert ended.code == 0, ended.log
    assert "WORKBENCH" in ended.log


def test_a_scene_without_a_camera_fails_with_words(real, job_of):
    """No exit 0, no empty slice."""
    job_of("no_camera", frames="1-1", video=None)
    ended = real.render(1)
    assert ended.code not in (0, 75)
    assert "camera" in ended.last_line.lower()
    assert "camera" in real.report().problem.lower()


def test_a_texture_that_did_not_come_along_fails_before_the_first_frame(real, job_of):
    """No pink pixels: exit 66, naming who asks for it."""
    job_of("broken", frames="1-1", video=None)
    ended = real.render(1)
    assert ended.code == 66
    assert "gone.png" in ended.last_line
    assert real.keys("frames/") == []


def test_a_missing_texture_that_the_artist_accepted_does_not_stop_the_job(real, job_of, scenes):
    """Accepted paths are those of the artist's computer."""
    job_of("broken", frames="1-1", video=None, missing=(str(scenes / "broken" / "gone.png"),))
    ended = real.render(1)
    assert ended.code == 0, ended.log


def test_a_damaged_blend_is_exit_65(real, job_of):
    """With one clear last line."""
    job_of("plain", {"plain.blend": b"BLENDER-v405 and then nothing"}, frames="1-1", video=None)
    ended = real.render(1)
    assert ended.code == 65, ended.log
    assert ended.last_line.startswith("error: ")


def put_blend(rig, scenes: Path, name: str, key: str) -> str:
    rig.put(key, (scenes / name / f"{name}.blend").read_bytes())
    return f"s3://{rig.bucket}/{key}"


def test_a_plain_blend_renders_without_any_job(real, scenes):
    """The range is the scene's own, -t clamps it, blanks and accents in the key survive, job.json tells the stitch."""
    source = put_blend(real, scenes, "plain", "in/a b/ç/scene 01.blend")
    output = f"s3://{real.bucket}/out/shot 1"
    for child in range(2):
        ended = real.worker("render", "-i", source, "-o", output, "-f", "2", "-t", "3", **real.child(child, 2))
        assert ended.code == 0, ended.log
    listed = [item["Key"] for item in real.s3.list_objects_v2(Bucket=real.bucket, Prefix="out/")["Contents"]]
    assert [key for key in listed if "/frames/" in key] == [f"out/shot 1/frames/000{n}.png" for n in (1, 2, 3)]
    job = RenderJob.from_json(real.get("out/shot 1/job.json"))
    assert (job.frames, job.video.fps, job.video.sound) == ("1-3", Fraction(24000, 1001), False)


def test_a_prefix_that_holds_another_render_is_refused(real, scenes):
    """Its frames would get into this one's video."""
    source = put_blend(real, scenes, "plain", "in/plain.blend")
    output = f"s3://{real.bucket}/out/same"
    assert real.worker("render", "-i", source, "-o", output, "-f", "2", "-t", "2").code == 0
    ended = real.worker("render", "-i", source, "-o", output, "-f", "3", "-t", "3")
    assert ended.code == 64
    assert "holds another render" in ended.last_line


def test_a_plain_blend_with_missing_files_says_that_it_comes_alone(real, scenes):
    """Exit 66 and what to do."""
    source = put_blend(real, scenes, "broken", "in/broken.blend")
    ended = real.worker("render", "-i", source, "-o", f"s3://{real.bucket}/out/broken", "-f", "1")
    assert ended.code == 66
    assert "A plain .blend comes alone" in ended.last_line


def test_inspect_makes_a_job_that_renders(real, scenes):
    """job.json and contents.json.gz of the scene, under the id that the output names."""
    source = put_blend(real, scenes, "plain", "inbox/plain.blend")
    output = f"s3://{real.bucket}/{real.prefix.root.rstrip('/')}"
    ended = real.worker("inspect", "-i", source, "-o", output)
    assert ended.code == 0, ended.log
    job = RenderJob.from_json(real.get(real.prefix.job))
    assert f"jobs/{job.id}/" == real.prefix.root
    assert (job.frames, job.scene, job.blend) == ("1-5", "Scene", "plain.blend")
    rendered = real.render(job.frames_per_job)
    assert rendered.code == 0, rendered.log
    assert len(real.keys("frames/")) == job.frames_per_job


@pytest.mark.parametrize(
    ("packed", "starts"), [("plain", b"BLENDER"), ("zstd", b"\x28\xb5\x2f\xfd"), ("gzip", b"\x1f\x8b")]
)
def test_the_range_of_a_compressed_blend_is_read_as_well(real, scenes, tmp_path, blender, packed, starts):
    """Blender itself reads the file, packed as today's or as older Blenders do; nothing of ours looks into it."""
    script = tmp_path / "save.py"
    script.write_text(
        "import bpy\n"
        f"bpy.ops.wm.open_mainfile(filepath={str(scenes / 'plain' / 'plain.blend')!r})\n"
        "scene = bpy.context.scene\n"
        "scene.frame_start, scene.frame_end, scene.frame_step = 7, 11, 2\n"
        f"bpy.ops.wm.save_as_mainfile(filepath={str(tmp_path / 'saved.blend')!r}, compress={packed == 'zstd'})\n"
    )
    subprocess.run(
        [part if part != str(door.BOOT) else str(script) for part in blender.command], check=True, capture_output=True
    )
    saved = (tmp_path / "saved.blend").read_bytes()
    saved = gzip.compress(saved) if packed == "gzip" else saved
    assert saved.startswith(starts)
    real.put("inbox/saved.blend", saved)
    output = f"s3://{real.bucket}/{real.prefix.root.rstrip('/')}"
    ended = real.worker("inspect", "-i", f"s3://{real.bucket}/inbox/saved.blend", "-o", output)
    assert ended.code == 0, ended.log
    assert RenderJob.from_json(real.get(real.prefix.job)).frames == "7-11x2"


def test_inspect_of_what_is_no_blend_fails_with_words(real):
    """Exit 65, and the report says the same."""
    real.put("inbox/x.blend", b"no blend at all")
    ended = real.worker("inspect", "-i", f"s3://{real.bucket}/inbox/x.blend", "-o", f"s3://{real.bucket}/out")
    assert ended.code == 65
    assert "Traceback" not in ended.log
