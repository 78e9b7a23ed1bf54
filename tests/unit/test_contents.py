# SPDX-License-Identifier: GPL-3.0-or-later
"""contents.json.gz and the errors' tree."""

from __future__ import annotations

import gzip

import pytest

from cloud_render.contract import errors
from cloud_render.contract.contents import Contents, Run, StoredFile
from cloud_render.contract.errors import BadJob

PACK = "a" * 64
FILE = StoredFile("home/ann/a.png", "b" * 64, 30, (Run(PACK, 0, 10), Run(PACK, 90, 20)))


def test_contents_survive_the_way_through_gzip_with_the_same_bytes() -> None:
    """No time stamp makes two of the same contents differ."""
    contents = Contents((FILE,))
    assert Contents.from_json_gz(contents.to_json_gz()) == contents
    assert Contents((FILE,)).to_json_gz() == contents.to_json_gz()


@pytest.mark.parametrize(
    "file",
    [
        ("../a.png", "b" * 64, 0, ()),
        ("a.png", "B" * 64, 0, ()),
        ("a.png", "b" * 64, 5, (Run(PACK, 0, 4),)),
        ("a.png", "b" * 64, 4, (Run(PACK, -1, 4),)),
        ("a.png", "b" * 64, 0, (Run(PACK, 0, 0),)),
        ("a.png", "b" * 64, 4, (Run("../x", 0, 4),)),
    ],
)
def test_runs_that_do_not_hold_together_are_refused(file: tuple[str, str, int, tuple[Run, ...]]) -> None:
    """Wrong sums, negative offsets, hashes that are none, paths that leave the root."""
    with pytest.raises(BadJob):
        Contents((StoredFile(*file),))


@pytest.mark.parametrize(
    "packed",
    [b"", b"not gzip", gzip.compress(b"{}")[:-4], gzip.compress(b"{}")],
    # A gzip holds the time: bytes would name the test anew each second.
    ids=["empty", "not gzip", "cut off", "no contents"],
)
def test_damaged_contents_are_refused_in_words(packed: bytes) -> None:
    """Truncated, foreign or incomplete data never becomes contents."""
    with pytest.raises(BadJob):
        Contents.from_json_gz(packed)


def test_the_tree_in_the_docstring_is_the_tree_in_the_code() -> None:
    """Every error stands in the drawing, with the exit code it carries."""
    kinds = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.CloudRenderError)
    ]
    text = errors.__doc__ or ""
    for kind in kinds:
        line = next((line for line in text.splitlines() if f" {kind.__name__} " in f" {line} "), None)
        assert line is not None, f"{kind.__name__} is not drawn"
        number = [word for word in line.split() if word.isdigit()]
        assert not number or int(number[0]) == kind.exit_code, kind.__name__
    for code, kind in errors.ERROR_OF_EXIT_CODE.items():
        assert kind.exit_code == code
