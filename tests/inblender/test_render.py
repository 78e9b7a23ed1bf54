# SPDX-License-Identifier: GPL-3.0-or-later
"""Rendering through the action: which picture, which files, which error."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from cloud_render.contract.errors import BadArguments, BlenderFailed, NoUsableGpu
from cloud_render.contract.job import Overrides

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def marker(image: Image.Image) -> float:
    """Where the white marker of scene `plain` is, as a part of the width."""
    row = [image.getpixel((x, image.height // 2)) for x in range(image.width)]
    columns = [x for x, pixel in enumerate(row) if pixel == WHITE]
    return (columns[0] + columns[-1] + 1) / 2 / image.width


def test_each_frame_shows_its_own_moment(render, blend):
    """Frames come in the order asked, each with the marker where the animation has it at that frame."""
    done = render(blend("plain"), "1,3..5")
    places = [marker(done.image(frame)) for frame in (1, 3, 4, 5)]
    assert list(done.frames) == [1, 3, 4, 5]
    assert places == sorted(places)
    assert places[1] - places[0] == pytest.approx(2 * (places[2] - places[1]), abs=0.03)


def test_negative_frames_are_named_with_their_sign(render, blend):
    """Frame -5 is rendered at -5 and called -0005."""
    done = render(blend("plain"), "-5,0")
    assert done.primary(-5).name == "-0005.png"
    assert marker(done.image(-5)) < marker(done.image(0)) - 0.1


def test_what_will_render_is_said_before_the_first_frame(render, blend):
    """The first event names engine and device; each frame tells its seconds and the process's peak memory."""
    done = render(blend("plain"))
    assert (done.ready["engine"], done.ready["device"]) == ("CYCLES", "CPU")
    assert done.frames[1]["seconds"] > 0
    assert 50_000_000 < done.frames[1]["peak_memory"] < 10_000_000_000


def test_a_plain_frame_has_no_other_files(render, blend):
    """No outputs, no display image, no warnings where there is nothing to tell."""
    event = render(blend("plain")).frames[1]
    assert (event["outputs"], event["display"], event["warnings"]) == ([], None, [])


def test_cameras_bound_to_markers_switch(render, blend):
    """Frame 1 sees what the left camera sees, frame 3 what the right one sees."""
    done = render(blend("cameras"), "1,3")
    assert (done.colour(1), done.colour(3)) == (RED, GREEN)


def test_a_chosen_camera_wins_over_markers(render, blend):
    """A camera named in the job is used for every frame."""
    done = render(blend("cameras"), "1,3", camera="Right")
    assert (done.colour(1), done.colour(3)) == (GREEN, GREEN)


@pytest.mark.parametrize(
    ("field", "value", "there"),
    [("scene", "Nope", "'Scene'"), ("camera", "Nope", "'Camera'"), ("view_layers", ("Nope",), "'ViewLayer'")],
)
def test_a_name_that_is_not_there_is_refused_with_those_that_are(render, blend, field, value, there):
    """Blender itself would render something else without a word."""
    error = render(blend("plain"), **{field: value}).error
    assert isinstance(error, BadArguments)
    assert "'Nope'" in error.problem
    assert there in error.advice


def test_a_scene_that_is_not_active_is_rendered_by_its_name(render, blend):
    """The job's scene counts, not the one that was active when the file was saved."""
    assert render(blend("two_scenes"), scene="Scene").colour(1) == BLUE


def test_a_scene_without_camera_says_so(render, blend):
    """The error names the scene and the remedy."""
    error = render(blend("no_camera")).error
    assert isinstance(error, BadArguments)
    assert "no camera" in error.problem


def test_the_sequencer_makes_the_picture_where_the_scene_uses_it(render, blend):
    """A scene with strips alone renders them, and needs no camera."""
    red, green, blue = render(blend("edited")).colour(1)
    assert (red, blue) == (0, 0)
    assert green > 200


def test_overrides_change_size_and_samples(render, blend):
    """Width and height are those before the percentage, as in Blender."""
    done = render(blend("plain"), overrides=Overrides(width=40, height=30, percentage=50, samples=3))
    assert done.image(1).size == (20, 15)
    assert {event["samples"] for event in done.progress} == {3}


@pytest.mark.parametrize("engine", ["BLENDER_EEVEE", "BLENDER_EEVEE_NEXT"])
def test_eevee_goes_by_both_of_its_names(render, blend, engine):
    """It is called NEXT in 4.2 to 4.5 only; a job may have either name."""
    done = render(blend("plain"), overrides=Overrides(engine=engine, samples=1))
    assert done.error is None
    assert "EEVEE" in done.ready["engine"]
    assert done.image(1).size == (64, 36)


def test_an_engine_that_is_not_there_is_refused(render, blend):
    """Blender's command line would render with whatever it finds."""
    error = render(blend("plain"), overrides=Overrides(engine="LUXCORE")).error
    assert isinstance(error, BadArguments)
    assert "LUXCORE" in error.problem


def test_workbench_renders_and_names_its_renderer(render, blend):
    """The device of an engine that draws is the graphics driver's name."""
    done = render(blend("workbench"))
    assert done.image(1).size == (64, 36)
    assert done.ready["device"] not in ("", "CPU")


@pytest.mark.parametrize("scene", ["plain", "workbench"])
def test_a_required_gpu_that_would_not_be_used_is_an_error(render, blend, scene):
    """Neither Cycles on the CPU nor a software rasteriser passes for a GPU."""
    done = render(blend(scene), device="gpu")
    if done.error is None:
        pytest.skip(f"this machine has a GPU: {done.ready['devices']}")
    assert isinstance(done.error, NoUsableGpu)
    assert done.error.exit_code == 69
    assert not done.frames


def test_two_view_layers_come_back_together_and_one_by_one(render, blend):
    """The image is what Blender composes; layers/NNNN.exr has every layer that was rendered."""
    done = render(blend("layers"))
    content = done.outputs(1)["layers/0001.exr"].read_bytes()
    assert b"First.Combined.R" in content
    assert b"Second.Combined.R" in content
    assert b"Off." not in content


def test_only_the_chosen_view_layers_are_rendered(render, blend):
    """With one layer chosen there is no file of layers."""
    done = render(blend("layers"), view_layers=("Second",))
    assert done.colour(1) == GREEN
    assert done.outputs(1) == {}


def test_file_output_nodes_keep_relative_names_and_never_leave_the_folder(render, blend, scenes):
    """Beside the .blend: the same names. Absolute or climbing: inside all the same, and nothing elsewhere."""
    done = render(blend("file_outputs"), "7,-3")
    names = set(done.outputs(7))
    assert {"renders/beauty/colour_0007.png", "renders/beauty/numbered_07_x.png"} <= names
    assert {"renders/multi_0007.exr", "forbidden/absolute_0007.png"} <= names
    assert any(name.startswith("climbing/") and name.endswith("0007.jpg") for name in names)
    assert "forbidden_2/absolute_0007.png" in names  # another folder of the same last name
    assert len(names) == 6
    assert "renders/beauty/colour_-0003.png" in done.outputs(-3)
    assert not (scenes / "forbidden").exists()
    assert all(path.is_relative_to(done.out) for path in done.outputs(7).values())


def test_a_file_output_has_the_frame_s_own_pixels(render, blend):
    """What the node writes is what was rendered."""
    done = render(blend("file_outputs"))
    assert colour_of(done.outputs(1)["renders/beauty/colour_0001.png"]) == BLUE


def colour_of(path: Path) -> tuple[int, int, int]:
    return Image.open(path).convert("RGB").getpixel((5, 5))


def test_a_movie_output_becomes_single_images(render, blend):
    """A scene that writes a movie is rendered as PNG frames."""
    done = render(blend("movie_output"), "1-2")
    assert [done.primary(frame).name for frame in (1, 2)] == ["0001.png", "0002.png"]
    assert done.colour(1) == BLUE


def test_depth_and_alpha_stay_as_the_artist_chose(render, blend):
    """16 bits and a transparent background come back as such."""
    done = render(blend("deep"))
    header = done.primary(1).read_bytes()[:26]
    assert (header[24], header[25]) == (16, 6)  # bits a channel; colour type: RGB and alpha


@pytest.mark.parametrize(
    ("file_format", "name", "magic"),
    [
        ("JPEG", "0001.jpg", b"\xff\xd8\xff"),
        ("WEBP", "0001.webp", b"RIFF"),
        ("TIFF", "0001.tif", b"II*\0"),
        ("BMP", "0001.bmp", b"BM"),
        ("TARGA", "0001.tga", b"\0\0"),
    ],
)
def test_formats_that_can_be_shown_as_they_are(render, blend, file_format, name, magic):
    """One file, named as the contract says, no display image."""
    done = render(blend("plain"), file_format=file_format)
    assert done.primary(1).name == name
    assert done.primary(1).read_bytes().startswith(magic)
    assert done.frames[1]["display"] is None


@pytest.mark.parametrize(
    ("file_format", "name"),
    [
        ("OPEN_EXR", "0001.exr"),
        ("OPEN_EXR_MULTILAYER", "0001.exr"),
        ("HDR", "0001.hdr"),
        ("DPX", "0001.dpx"),
        ("JPEG2000", "0001.jp2"),
    ],
)
def test_scene_linear_formats_come_with_an_image_that_can_be_shown(render, blend, file_format, name):
    """The display PNG goes through the scene's view transform, and shows what a PNG render shows."""
    done = render(blend("plain"), file_format=file_format)
    display = Path(done.frames[1]["display"])
    assert done.primary(1).name == name
    assert display.name == "0001.png"
    assert colour_of(display) == BLUE


def test_what_is_shown_of_an_exr_is_what_a_png_render_shows(render, blend, tmp_path):
    """Through the scene's view transform, look and exposure, to the last bit."""
    linear = render(blend("graded"), file_format="OPEN_EXR", out=tmp_path / "linear")
    display = Image.open(linear.frames[1]["display"]).convert("RGB")
    assert display.tobytes() == render(blend("graded")).image(1).tobytes()


@pytest.mark.parametrize(("scene", "expected"), [("edited", GREEN), ("stereo", WHITE), ("layers", None)])
def test_an_exr_can_be_shown_whatever_made_the_picture(render, blend, scene, expected):
    """The sequencer, two views, several layers: one picture for the video each."""
    done = render(blend(scene), file_format="OPEN_EXR_MULTILAYER")
    assert done.error is None
    shown = colour_at_centre(Path(done.frames[1]["display"]))
    assert expected is None or shown == pytest.approx(expected, abs=40)


def colour_at_centre(path: Path) -> tuple[int, int, int]:
    image = Image.open(path).convert("RGB")
    return image.getpixel((image.width // 2, image.height // 2))


def test_the_format_stays_from_frame_to_frame(render, blend):
    """Saving the display image leaves the scene's own format as it was."""
    done = render(blend("layers"), "1-2", file_format="OPEN_EXR")
    first, second = (done.primary(frame).read_bytes() for frame in (1, 2))
    assert first[:4] == second[:4] == b"\x76\x2f\x31\x01"
    assert [output["name"] for output in done.frames[2]["outputs"]] == ["layers/0002.exr"]


def test_of_two_views_the_first_is_the_frame(render, blend):
    """The left eye's image is the primary one, the right eye's comes along."""
    done = render(blend("stereo"))
    assert done.primary(1).name == "0001.png"
    assert list(done.outputs(1)) == ["views/R/0001.png"]


def test_braces_in_a_folder_s_name_are_no_templates(render, blend, tmp_path):
    """From 4.5 on Blender reads {name} in output paths; ours are meant as they are."""
    out = tmp_path / "out {blend_name} {"
    done = render(blend("file_outputs"), out=out)
    assert done.error is None
    assert done.primary(1).parent == out / "0001" / "primary"
    assert "renders/beauty/colour_0001.png" in done.outputs(1)


def test_a_frame_that_can_t_be_written_is_an_error_and_no_success(render, blend):
    """Blender may say it has finished; the job must not go on as if it had."""
    done = render(blend("unwritable"), use_scripts=True)
    assert isinstance(done.error, BlenderFailed)
    assert "frame 1" in done.error.problem.lower()
    assert not done.frames


def test_what_an_earlier_try_left_is_not_taken_for_this_one_s(render, blend, tmp_path):
    """A file that a crashed process left in the frame's folder is gone."""
    stale = tmp_path / "out" / "0001" / "outputs" / "stale.png"
    stale.parent.mkdir(parents=True)
    stale.write_bytes(b"old")
    done = render(blend("plain"))
    assert done.outputs(1) == {}
    assert not stale.exists()


def test_a_layer_s_own_samples_give_way_to_the_job_s(render, blend):
    """A view layer may have its own number, which would win over the scene's."""
    done = render(blend("layer_samples"), overrides=Overrides(samples=2))
    assert Image.open(done.primary(1)).info["cycles.ViewLayer.samples"] == "2"


def test_scripts_run_only_where_the_job_allows_them(render, blend):
    """Python in the .blend is the artist's choice; without it, nothing of it runs."""
    assert render(blend("scripted")).colour(1) == RED
    assert render(blend("scripted"), use_scripts=True).colour(1) == GREEN


def test_a_handler_that_fails_is_told_with_the_frame(render, blend):
    """Blender swallows what a handler raises; the frame's warnings say it."""
    done = render(blend("failing_handler"), "1-2", use_scripts=True)
    assert done.frames[1]["warnings"] == []
    assert any("trouble at two" in warning for warning in done.frames[2]["warnings"])


def test_nothing_beside_the_out_folder_is_written(render, blend, scenes, lay_out):
    """Neither the root nor the artist's folder has a new file after a render."""
    root = lay_out(blend("file_outputs"))
    before = {path for top in (root, scenes) for path in top.rglob("*")}
    assert render(blend("file_outputs"), root=root).error is None
    assert {path for top in (root, scenes) for path in top.rglob("*")} == before


def test_the_log_has_blender_s_words_and_the_events_do_not(render, blend):
    """What Blender prints stays in the log; the events stay on their pipe."""
    done = render(blend("plain"))
    assert "Read blend" in done.log
    assert not any(
        line.startswith("{") and "event" in json.loads(line) for line in done.log.splitlines() if line[:1] == "{"
    )


def test_a_process_that_is_done_ends_well_and_at_once(render, blend, tmp_path, monkeypatch):
    """The bpy wheel of 4.2 crashes and that of 4.5 hangs when Python ends after a render; ours leave before that."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    done = render(blend("plain"))
    assert done.exit_code == 0
    assert not list(tmp_path.glob("blender_*"))
