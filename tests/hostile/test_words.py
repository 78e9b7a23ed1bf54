# SPDX-License-Identifier: GPL-3.0-or-later
"""Words that people and scenes give: frame ranges, names, paths, keys of a listing."""

from __future__ import annotations

import os
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cloud_render.cli import job_ids
from cloud_render.client.objects import Entry
from cloud_render.client.records import frames_there
from cloud_render.contract import frames, keys
from cloud_render.contract.errors import BadJob
from cloud_render.contract.job import RenderJob
from cloud_render.contract.scene import problem_of_scene_path, scene_path
from worker.layout import place
from worker.plan import missing

NASTY = st.sampled_from(
    [
        *("..", ".", "", "~", "-rf", "$(touch x)", "`id`", "a b", "it's", 'a"b', "*", "|", ";", "&", "%00", "\n", "\0"),
        *("ñ", "a\u0308", "\u202e", "\ud800", "x" * 255, "é" * 128, "CON", "C:", "\\", "//", "letter"),
    ]
)
NAMES = NASTY | st.text(max_size=20)
PATHS = st.lists(NAMES, min_size=1, max_size=6).map("/".join)
RANGES = st.text(alphabet="0123456789-.,x ", max_size=30) | st.text(max_size=30)
NUMBER = st.integers(min_value=-(10**9), max_value=10**9)


@given(text=RANGES | st.tuples(NUMBER, NUMBER, NUMBER).map("{0[0]}-{0[1]}x{0[2]}".format))
@example("1-99999999999999999999")
@example("1-1048574," * 50 + "1")
@example("١-٩")
@example("1" * 100_000)
def test_any_text_is_frames_or_none(refused, text):
    """Never more than Blender has, and the same again when written down."""
    with refused():
        found = frames.parse(text)
        assert 0 < len(found) <= 2 * frames.MAX_FRAMES + 1
        if len(found) < 10_000:
            assert frames.parse(frames.text_of(found)) == found


@given(path=PATHS | PATHS.map("/".__add__) | PATHS.map("C:\\".__add__) | PATHS.map("\\\\srv\\share\\".__add__))
def test_any_path_of_blender_lies_below_the_root_or_is_refused(refused, path):
    """Of any system, with any `..` in it."""
    with refused():
        assert problem_of_scene_path(scene_path(path)) == ""


@given(path=PATHS)
def test_no_path_of_a_job_leaves_its_root(refused, nothing_outside, path):
    """Whatever is taken is written below the root, under its own name."""
    (nothing_outside / "link").unlink(missing_ok=True)
    with refused():
        target = place(nothing_outside, path)
        assert os.path.normpath(target).startswith(f"{nothing_outside}/")
        target.write_bytes(b"")


@pytest.mark.parametrize("to", ["../outside", "/", ".", "link", "/proc/self"])
@given(name=NAMES)
def test_no_link_in_the_root_leads_out_of_it(refused, nothing_outside, to, name):
    """One that a script left there, to anywhere."""
    link = nothing_outside / "link"
    if not link.is_symlink():
        link.symlink_to(to)
    with refused():
        target = place(nothing_outside, f"link/{name}")
        assert target.resolve().is_relative_to(nothing_outside.resolve())


@given(name=NAMES)
def test_any_name_gives_a_job_id_of_its_own(refused, name):
    """That names one folder of the bucket, a Batch job, and nothing to a shell."""
    with refused():
        made = keys.new_job_id(name, datetime(2026, 11, 21, tzinfo=UTC))
        assert keys.is_job_id(made)
        assert keys.Prefix.of_job(made).root == f"jobs/{made}/"


@given(text=NAMES | PATHS)
def test_no_text_but_an_id_is_a_job(refused, text):
    """A prefix that covered two jobs would delete two."""
    with refused():
        assert keys.is_job_id(text) or not keys.Prefix.of_job(text)


@given(typed=NAMES, there=st.lists(NAMES, max_size=5))
def test_a_job_that_is_typed_is_found_or_asked_for(refused, typed, there):
    """Never another one than the ids there are."""
    with refused():
        assert job_ids.resolve(typed, there) in there


@given(names=st.lists(NAMES | st.integers().map("{:04d}.png".format) | st.just("0001.PNG"), max_size=20))
def test_odd_keys_among_the_frames_are_no_frames(names, refused):
    """Folders, other formats, numbers of nobody: only a frame of the job, under its one name, counts."""
    job = RenderJob.from_json(JOB)
    prefix = keys.Prefix.of_job(job.id)
    there = [Entry(prefix.frames + name, 1, "", datetime.now(UTC)) for name in names]
    with refused():
        counted = frames_there(job, there)
        assert {prefix.frame(frame, "png") for frame in counted} <= {entry.key for entry in there}
        left = missing(job.frame_list, [entry.key for entry in there], prefix, "png")
        assert set(left) <= set(job.frame_list)
        assert not set(left) & set(counted)


@given(key=PATHS.map(keys.BLENDER.__add__) | NAMES | PATHS)
def test_odd_keys_name_no_build_and_no_job(refused, key):
    """A version without a slash in it, or none."""
    with refused():
        assert "/" not in keys.blender_of_record(key)
        keys.version_of_name(key)
        named = keys.submission_of_name(key)
        assert named is None or keys.is_job_id(named.job_id)


@given(address=NAMES | PATHS.map("s3://bucket/".__add__) | st.text().map("s3://".__add__))
def test_an_address_is_one_of_s3_or_refused(refused, address):
    """The bucket's name goes into a host name."""
    with refused():
        bucket, _ = keys.split_uri(address)
        assert 3 <= len(bucket) <= 63


JOB = """{"version": 1, "id": "20261121-090000-pottery-a1b2", "name": "p", "blend": "p.blend", "scene": "Scene",
 "files": [{"path": "p.blend", "sha256": "%s", "size": 1}], "frames": "-5..20", "frames_per_job": 2,
 "file_format": "PNG", "blender": "5.0.1", "created": "2026-11-21T09:00:00+00:00"}""" % ("0" * 64)


def test_the_job_of_these_tests_is_one():
    """Else they would prove nothing."""
    try:
        RenderJob.from_json(JOB)
    except BadJob as error:
        pytest.fail(str(error))
