# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of a job, one by one: previews and single frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from cloud_render.client import objects, pictures
from cloud_render.client.control import cancel
from cloud_render.client.download import MARK, download
from cloud_render.client.farm import Farm
from cloud_render.contract import keys
from cloud_render.contract.errors import BadArguments, NotThere

Submitted = Callable[..., str]


@pytest.fixture
def held(farm: Farm, submitted: Submitted) -> Iterator[str]:
    """A job of frames -2 to 9 that renders nothing by itself."""
    job_id = submitted("hold", frames="-2..9")
    yield job_id
    cancel(farm, job_id)


@pytest.fixture
def asked(farm: Farm) -> Iterator[list[str]]:
    """The names of the requests to S3, as they go."""
    names: list[str] = []

    def note(model: Any, **_: object) -> None:
        names.append(model.name)

    farm.s3.meta.events.register("before-call", note)
    yield names
    farm.s3.meta.events.unregister("before-call", note)


def put_preview(farm: Farm, job_id: str, frame: int, text: str) -> None:
    objects.write(farm, keys.Prefix.of_job(job_id).preview(frame), text)


def put_frame(farm: Farm, job_id: str, frame: int, text: str) -> None:
    objects.write(farm, keys.Prefix.of_job(job_id).frame(frame, "png"), text)


def test_previews_come_for_the_frames_that_have_one(farm: Farm, held: str, tmp_path: Path) -> None:
    """Frames below zero too; what S3 lacks is left out, what was not asked for stays there."""
    for frame in (-2, 1, 5):
        put_preview(farm, held, frame, f"preview {frame}")
    folder = tmp_path / "thumbnails"
    found = pictures.previews(farm, held, [-2, 0, 1], folder)
    assert found == {-2: folder / "-0002.jpg", 1: folder / "0001.jpg"}
    texts = {path.name: path.read_text() for path in folder.iterdir()}
    assert texts == {"-0002.jpg": "preview -2", "0001.jpg": "preview 1"}


def test_previews_that_are_here_cost_one_listing(farm: Farm, held: str, tmp_path: Path, asked: list[str]) -> None:
    """A second call asks what there is and fetches nothing; a frame rendered again is fetched alone."""
    for frame in (1, 2, 3):
        put_preview(farm, held, frame, f"preview {frame}")
    pictures.previews(farm, held, [1, 2, 3], tmp_path)
    asked.clear()
    assert set(pictures.previews(farm, held, [1, 2, 3], tmp_path)) == {1, 2, 3}
    assert asked == ["ListObjectsV2"]
    put_preview(farm, held, 2, "better 2!")
    asked.clear()
    assert pictures.previews(farm, held, [1, 2, 3], tmp_path)[2].read_text() == "better 2!"
    assert asked == ["ListObjectsV2", "GetObject"]


def test_no_frames_ask_nothing(farm: Farm, held: str, tmp_path: Path, asked: list[str]) -> None:
    """A panel without a newest frame costs no request and makes no folder."""
    assert pictures.previews(farm, held, [], tmp_path / "none") == {}
    assert not asked
    assert not (tmp_path / "none").exists()


def test_a_span_is_listed_no_further_than_its_end(
    farm: Farm, submitted: Submitted, tmp_path: Path, asked: list[str]
) -> None:
    """The first frames of a long job need one page of the listing, whatever comes after them."""
    job_id = submitted("hold", frames="1-1200", frames_per_job=600)
    cancel(farm, job_id)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda frame: put_preview(farm, job_id, frame, "x"), range(1, 1102)))
    asked.clear()
    assert set(pictures.previews(farm, job_id, [2, 4], tmp_path)) == {2, 4}
    assert asked.count("ListObjectsV2") == 1


def test_a_single_frame_lands_where_the_download_looks(farm: Farm, held: str, tmp_path: Path) -> None:
    """A later download of the job into that folder finds it and does not fetch it again."""
    put_frame(farm, held, 3, "frame 3")
    put_frame(farm, held, 4, "frame 4")
    path = pictures.frame(farm, held, 3, tmp_path)
    assert path == tmp_path / "frames" / "0003.png"
    assert path.read_text() == "frame 3"
    assert (tmp_path / MARK).is_file()
    assert download(farm, held, tmp_path).fetched == 1


def test_a_single_frame_that_is_not_there_is_said(farm: Farm, held: str, tmp_path: Path) -> None:
    """Not rendered yet, and not of the job at all; nothing is left behind."""
    with pytest.raises(NotThere, match=r"Frame 3 .* is not rendered yet"):
        pictures.frame(farm, held, 3, tmp_path / "out")
    with pytest.raises(NotThere, match="has no frame 30"):
        pictures.frame(farm, held, 30, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_single_frame_keeps_out_of_a_strange_folder(farm: Farm, held: str, tmp_path: Path) -> None:
    """The artist's own frames folder is not written into."""
    put_frame(farm, held, 3, "frame 3")
    (tmp_path / "frames").mkdir()
    with pytest.raises(BadArguments, match="there already"):
        pictures.frame(farm, held, 3, tmp_path)
    assert list(tmp_path.rglob("*.png")) == []
