# SPDX-License-Identifier: GPL-3.0-or-later
"""Names in the bucket."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_render.contract import keys
from cloud_render.contract.errors import BadArguments

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
JOB_ID = "20261121-093000-pottery-a1b2"


@given(st.text(max_size=80))
def test_every_scene_name_gives_a_valid_job_id_and_batch_name(name: str) -> None:
    """Dots, blanks, slashes, Unicode, nothing at all: Batch takes the name, and the id is recognised."""
    job_id = keys.new_job_id(name, NOW)
    assert keys.is_job_id(job_id)
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}", keys.stitch_job_name(job_id, 99))


def test_job_ids_sort_by_time_and_differ_for_one_name() -> None:
    """Two jobs of one name in one second have prefixes of their own."""
    assert keys.new_job_id("shot", NOW) != keys.new_job_id("shot", NOW)
    assert keys.new_job_id("zebra", NOW) < keys.new_job_id("ape", NOW.replace(hour=10))


@given(st.integers(-1_048_574, 1_048_574))
def test_a_frames_number_survives_the_way_through_its_key(frame: int) -> None:
    """Negative frames and those above 9999 included."""
    name = keys.Prefix.of_job(JOB_ID).frame(frame, "png").rpartition("/")[2]
    assert keys.frame_of_name(name) == frame


@pytest.mark.parametrize("name", ["0001.png.part", "x0001.png", "001.png", "0001", ".DS_Store", "0001 copy.png"])
def test_a_stray_file_is_no_frame(name: str) -> None:
    """Only names that we write ourselves count."""
    assert keys.frame_of_name(name) is None


@pytest.mark.parametrize("job_id", ["", "abcd", "20261121-093000-pottery-a1b", "../x", JOB_ID + "/", JOB_ID + "e"])
def test_a_prefix_never_covers_what_is_not_one_job(job_id: str) -> None:
    """Deleting a job can't reach another whose id begins alike."""
    with pytest.raises(BadArguments):
        keys.Prefix.of_job(job_id)
    assert keys.Prefix.of_job(JOB_ID).root.endswith("/")


@pytest.mark.parametrize("time", ["20260230-120000", "20261121-250000", "99991231-235959", "00000101-000000"])
def test_a_folder_named_by_no_time_is_no_job(time: str) -> None:
    """Whoever may write into the bucket could make one; lists of jobs leave it out."""
    assert not keys.is_job_id(f"{time}-pottery-a1b2")
    assert keys.time_of_job(JOB_ID) == NOW


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("s3://bucket/a b/ç/scene 01.blend", ("bucket", "a b/ç/scene 01.blend")),
        ("s3://bucket", ("bucket", "")),
        ("s3://bucket/", ("bucket", "")),
    ],
)
def test_s3_addresses_keep_blanks_and_unicode(uri: str, expected: tuple[str, str]) -> None:
    """The key is everything after the bucket, as it is."""
    assert keys.split_uri(uri) == expected


@pytest.mark.parametrize("uri", ["", "bucket/key", "http://bucket/key", "s3:///key", "s3://"])
def test_what_is_no_s3_address_is_refused(uri: str) -> None:
    """With a word on how to write one."""
    with pytest.raises(BadArguments, match="s3://bucket/path"):
        keys.split_uri(uri)


def test_the_name_in_batch_tells_the_job() -> None:
    """Of arrays and stitches of any submission; names of other people's jobs are none of ours."""
    job_id = "20260101-000000-shot-2-render-abcd"
    assert keys.job_id_of_name(keys.render_job_name(job_id, 0)) == job_id
    assert keys.job_id_of_name(keys.stitch_job_name(job_id, 12)) == job_id
    for stranger in ("nightly-1-render", "render", f"{job_id}-0-mend", job_id):
        assert keys.job_id_of_name(stranger) == ""


def test_a_builds_record_tells_its_version() -> None:
    """There and back; what lies elsewhere below blender/ is no record."""
    assert keys.blender_of_record(keys.blender_record("5.0.1")) == "5.0.1"
    for stray in ("blender/5.0.1/archive.tar.xz", "blender/build.json", "jobs/5.0.1/build.json", "build.json"):
        assert keys.blender_of_record(stray) == ""
