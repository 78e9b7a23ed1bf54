# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are not there, and absolute paths that lead elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from cloud_render.contract.errors import MissingFiles

RED, GREEN, WHITE = (255, 0, 0), (0, 255, 0), (255, 255, 255)


def test_a_missing_file_is_reported_with_its_owner(examine, blend):
    """The artist learns what is missing and who asks for it before anything is sent."""
    examination = examine(blend("broken"))
    (missing,) = examination.missing
    assert missing.path == str(blend("broken").parent / "gone.png")
    assert "gone.png" in missing.owner


def test_a_render_stops_before_its_first_frame_where_a_file_is_missing(render, blend):
    """Blender would render magenta and say nothing."""
    done = render(blend("broken"))
    assert isinstance(done.error, MissingFiles)
    assert done.error.exit_code == 66
    assert "gone.png" in done.error.missing[0]
    assert not done.frames


def test_a_missing_file_that_the_artist_accepted_is_no_error(render, blend):
    """The job lists it as the artist's computer names it."""
    done = render(blend("broken"), missing=(str(blend("broken").parent / "gone.png"),))
    assert done.error is None
    assert 1 in done.frames


def test_absolute_paths_are_found_below_the_root(render, blend, examine, lay_out):
    """Images and libraries with absolute paths render from the root, a library's own absolute image too."""
    examination = examine(blend("textured"))
    root = lay_out(blend("textured"), *(file.path for file in examination.files))
    done = render(blend("textured"), root=root)
    assert done.error is None
    for x, expected in ((0.23, RED), (0.5, GREEN), (0.77, WHITE)):
        assert done.colour(1, x) == pytest.approx(expected, abs=2)


def test_files_outside_the_root_are_never_used(render, blend):
    """On the artist's own computer the originals exist, and a job that lacks them must not find them there."""
    done = render(blend("textured"))
    assert isinstance(done.error, MissingFiles)
    assert Path(blend("textured").parent / "elsewhere" / "green.png").exists()
    assert any("green.png" in line for line in done.error.missing)


def test_the_root_s_own_pictures_win_over_the_originals(render, blend, examine, lay_out):
    """A picture that differs in the root from the one at its old absolute place is taken from the root."""
    examination = examine(blend("textured"))
    root = lay_out(blend("textured"), *(file.path for file in examination.files))
    (changed,) = root.rglob("green.png")
    Image.new("RGB", (4, 4), RED).save(changed)
    assert render(blend("textured"), root=root).colour(1) == RED


@pytest.mark.parametrize("name", ["textured"])
def test_every_file_is_listed_once_with_size_and_owner(examine, blend, name):
    """Sorted by where it will lie below the root."""
    files = examine(blend(name)).files
    names = [Path(file.path).name for file in files]
    assert names == [Path(file.path).name for file in sorted(files, key=lambda file: file.scene_path)]
    assert sorted(names) == ["green.png", "props.blend", "red.png", "white.png"]
    assert all(file.size == Path(file.path).stat().st_size and file.owner for file in files)
    assert next(file.owner for file in files if file.path.endswith("white.png")).endswith("of library props.blend")
