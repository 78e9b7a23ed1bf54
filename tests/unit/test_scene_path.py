# SPDX-License-Identifier: GPL-3.0-or-later
"""Where files lie below a job's root."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_render.contract.errors import BadArguments
from cloud_render.contract.scene import problem_of_scene_path, scene_path


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/home/ann/p/a.png", "home/ann/p/a.png"),
        ("/Users/ann/../bob//./a.png", "Users/bob/a.png"),
        ("C:\\proj\\tex\\a.png", "c/proj/tex/a.png"),
        ("d:/proj/a.png", "d/proj/a.png"),
        ("\\\\srv\\share\\a.png", "unc/srv/share/a.png"),
        ("\\\\srv/share/a.png", "unc/srv/share/a.png"),
        ("/home/ann/u[2].<UDIM> ñ.png", "home/ann/u[2].<UDIM> ñ.png"),
    ],
)
def test_paths_of_every_system_lie_below_the_root(path: str, expected: str) -> None:
    """Drive letters, UNC shares, backslashes, blanks and Unicode."""
    assert scene_path(path) == expected


@pytest.mark.parametrize(
    "path",
    ["", "/", "a.png", "//", "C:a.png", "/../../etc/passwd", "C:/../x", "/home/a\nb", "/" + "x" * 256, "/\ud800.png"],
)
def test_what_has_no_place_below_the_root_is_refused(path: str) -> None:
    """Relative paths, climbing ones, control characters, names no disk takes."""
    with pytest.raises(BadArguments):
        scene_path(path)


@given(st.text(max_size=60))
def test_a_scene_path_never_leaves_the_root(text: str) -> None:
    """Whatever the path, what comes out is clean or an error."""
    try:
        clean = scene_path("/" + text)
    except BadArguments:
        return
    assert problem_of_scene_path(clean) == ""
    assert not clean.startswith("/")
    assert ".." not in clean.split("/")
