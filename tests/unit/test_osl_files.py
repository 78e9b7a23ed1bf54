# SPDX-License-Identifier: GPL-3.0-or-later
"""What an OSL shader needs beside it."""

from __future__ import annotations

from pathlib import Path

from cloud_render.inblender import osl_files


def test_a_shader_brings_its_headers_theirs_and_its_compiled_form(tmp_path: Path) -> None:
    """Headers that include each other are no endless loop; those of the compiler lie elsewhere."""
    (tmp_path / "lib").mkdir()
    (tmp_path / "wood.osl").write_text('#include "stdosl.h"\n#  include "lib/grain.h"\nshader wood() {}\n')
    (tmp_path / "lib" / "grain.h").write_text('#include "rings.h"\n')
    (tmp_path / "lib" / "rings.h").write_text('#include "grain.h"\n')
    (tmp_path / "wood.oso").write_text("compiled")
    found = osl_files.files(str(tmp_path / "wood.osl"))
    names = ["wood.osl", "lib/grain.h", "lib/rings.h", "wood.oso"]
    assert found == [str(tmp_path / name) for name in names]


def test_a_shader_that_is_not_there_brings_nothing(tmp_path: Path) -> None:
    """It is reported as missing."""
    assert osl_files.files(str(tmp_path / "wood.osl")) == []
