# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON that a stranger wrote: every file of ours in the bucket is read as ours, or refused in words."""

from __future__ import annotations

import gzip
import hashlib
import json
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_render.contract.contents import Contents, Run, StoredFile
from cloud_render.contract.day_prices import DayPrices, MachinePrice
from cloud_render.contract.errors import BadJob
from cloud_render.contract.job import Hooks, JobFile, Limits, Overrides, RenderJob, Submission, Video
from cloud_render.contract.report import ChildReport, End, FrameReport
from cloud_render.store import index
from worker.builds import Build

FILE = JobFile("home/ann/pottery.blend", "0" * 64, 12)
WHEN = "2026-11-21T09:00:00+00:00"
GOOD = {
    RenderJob: RenderJob(
        id="20261121-090000-pottery-a1b2",
        name="pottery",
        blend=FILE.path,
        files=(FILE,),
        scene="Scene",
        frames="1-199",
        frames_per_job=6,
        file_format="PNG",
        blender="5.0.1",
        created=WHEN,
        video=Video("mp4", "h264", "high", Fraction(30000, 1001), sound=True),
        overrides=Overrides(width=640, height=360, samples=16),
        hooks=Hooks(FILE.path, ""),
        limits=Limits(frame_s=600.0),
        prices=DayPrices("AWS, 2026-11-21 08:59 UTC", (MachinePrice("g5.xlarge", 0.45, 1.006),)),
    ),
    Submission: Submission(1, "1-9", 2, "hold", WHEN, "render", "stitch"),
    ChildReport: ChildReport("render", 0, 1, 2, 70, WHEN, WHEN, "No.", "Try.", (FrameReport(1, 0.5, 0.1, 99),)),
    End: End("done", 9, 9, WHEN, "video.mp4"),
    Build: Build("5.0.1", "blender-5.0.1-linux-x64.tar.xz", "0" * 64, 380_000_000),
}

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=10**20, max_value=10**300),
    st.floats(),
    st.text(max_size=40),
    st.sampled_from(
        ["../../etc/passwd", "/etc/passwd", "\ud800", "a\nb", "$(id)", "-f", "x" * 5_000, "1-1048574", "\0"]
    ),
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4)
)


def places(plain, path=()):
    """Where a value can be exchanged."""
    yield path
    inner = plain.items() if isinstance(plain, dict) else enumerate(plain) if isinstance(plain, list) else ()
    for key, value in inner:
        yield from places(value, (*path, key))


def exchanged(plain, path, value):
    if not path:
        return value
    copy = plain.copy()
    copy[path[0]] = exchanged(plain[path[0]], path[1:], value)
    return copy


@pytest.mark.parametrize("kind", GOOD, ids=lambda kind: kind.__name__)
@given(data=st.data())
def test_one_wrong_value_is_refused_or_kept(kind, refused, data):
    """What is read can be written again, as UTF-8, and reads the same."""
    plain = json.loads(GOOD[kind].to_json())
    place = data.draw(st.sampled_from(list(places(plain))))
    text = json.dumps(exchanged(plain, place, data.draw(VALUES)))
    with refused():
        found = kind.from_json(text)
        assert kind.from_json(found.to_json().encode()) == found


@pytest.mark.parametrize("kind", GOOD, ids=lambda kind: kind.__name__)
@given(content=st.binary(max_size=200) | st.recursive(SCALARS, lambda inner: st.lists(inner)).map(json.dumps))
def test_anything_at_all_is_refused(kind, refused, content):
    """Bytes that are no text, text that is no JSON, JSON that is none of ours."""
    with refused():
        kind.from_json(content)
        pytest.fail("it was taken")


@pytest.mark.parametrize(
    "text",
    [
        "[" * 200_000,
        '{"a":' * 200_000,
        "9" * 20_000,
        '{"version": ' + "9" * 20_000 + "}",
        "NaN",
        "1e400",
        '"\\ud800"',
        '{"id": 1, "id": 2}',
        "\ufeff{}",
        "",
    ],
    ids=[
        "deep list",
        "deep object",
        "long number",
        "long version",
        "NaN",
        "huge",
        "surrogate",
        "twice",
        "BOM",
        "empty",
    ],
)
def test_json_that_hurts_parsers_is_refused(refused, text):
    """Depth, length, doubles: BadJob and no other end."""
    for kind in GOOD:
        with refused():
            kind.from_json(text)
            pytest.fail("it was taken")


@given(files=st.lists(st.tuples(st.text(max_size=30), st.integers(), st.integers(), st.integers()), max_size=4))
def test_contents_that_do_not_hold_together_are_refused(refused, files):
    """Runs before the start of a pack, sums that are wrong, paths that lead elsewhere."""
    with refused():
        made = Contents(
            tuple(
                StoredFile(path, "0" * 64, size, (Run("1" * 64, offset, length),))
                for path, size, offset, length in files
            )
        )
        assert Contents.from_json_gz(made.to_json_gz()) == made


@given(inside=st.binary(max_size=300), digest=st.booleans())
def test_an_index_that_lies_is_refused(refused, inside, digest):
    """Its own digest proves nothing: whoever wrote it made that, too."""
    content = index.to_bytes([])[:-32] + inside
    with refused():
        found = index.from_bytes(content + (hashlib.sha256(content).digest() if digest else b"\0" * 32))
        assert digest
        assert index.to_bytes(found)[:-32] == content


@given(packed=st.binary(max_size=300) | st.binary(max_size=300).map(gzip.compress))
def test_contents_that_are_no_gzip_are_refused(refused, packed):
    """Or gzip of something else, or its beginning alone."""
    with refused():
        Contents.from_json_gz(packed)
        pytest.fail("it was taken")


def test_a_bomb_is_refused_before_it_fills_the_memory():
    """A few megabytes that unpack to more than any job has."""
    blank = gzip.compress(b" " * (64 << 20))
    with pytest.raises(BadJob, match="larger than"):
        Contents.from_json_gz(blank * 9)
