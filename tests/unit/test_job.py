# SPDX-License-Identifier: GPL-3.0-or-later
"""job.json: strict to read, stable to write."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_render.contract.day_prices import DayPrices, MachinePrice, price_of
from cloud_render.contract.errors import BadJob
from cloud_render.contract.job import Hooks, JobFile, Limits, Overrides, RenderJob, Submission, Video

JOB = RenderJob(
    id="20261121-090000-pottery-a1b2",
    name="pottery",
    blend="home/ann/pottery.blend",
    files=(JobFile("home/ann/pottery.blend", "0" * 64, 12), JobFile("home/ann/tex/wood ñ.png", "f" * 64, 0)),
    scene="Scene",
    frames="1-199",
    frames_per_job=6,
    file_format="PNG",
    blender="5.0.1",
    created="2026-11-21T09:00:00+00:00",
    video=Video("mp4", "h264", "high", Fraction(30000, 1001), sound=True),
    overrides=Overrides(width=640, height=360, samples=16),
    limits=Limits(frame_s=600.0),
    prices=DayPrices("AWS, 2026-11-21 08:59 UTC", (MachinePrice("g5.xlarge", 0.45, 1.006),)),
)


def priced(**changes: Any) -> dict[str, Any]:
    """Prices of one machine, some of its keys changed."""
    return {"source": "AWS", "machines": [{"instance_type": "g5.xlarge", "spot": 0.4, "on_demand": 1.0} | changes]}


def plain(**changes: Any) -> str:
    """job.json with some of its keys changed; a value of ... removes the key."""
    values = {**json.loads(JOB.to_json()), **changes}
    return json.dumps({key: value for key, value in values.items() if value is not ...})


def test_a_job_survives_the_way_through_json() -> None:
    """What is read is what was written, and it is written the same way again."""
    again = RenderJob.from_json(JOB.to_json())
    assert again == JOB
    assert again.to_json() == JOB.to_json()


@pytest.mark.parametrize(
    ("changes", "issue"),
    [
        ({"version": 2}, "version is 2, and this program reads version 1"),
        ({"colour": "red"}, "colour is unknown"),
        ({"scene": ...}, "scene is missing"),
        ({"frames_per_job": "6"}, 'frames_per_job must be a whole number, not "6"'),
        ({"frames_per_job": True}, "frames_per_job must be a whole number, not true"),
        ({"frames_per_job": 0}, "frames_per_job is below 1"),
        ({"use_scripts": 1}, "use_scripts must be true or false"),
        ({"device": "tpu"}, "device must be one of 'gpu', 'cpu', 'any'"),
        ({"id": "../../etc"}, "is not a job id"),
        ({"frames": "1-x"}, "Can't read the frames '1-x'"),
        ({"blend": "other.blend"}, "blend 'other.blend' is not one of files"),
        ({"files": [{"path": "home/../../etc/passwd", "sha256": "0" * 64, "size": 1}]}, "'..' part"),
        ({"files": [{"path": "/etc/passwd", "sha256": "0" * 64, "size": 1}]}, "it is absolute"),
        ({"files": [{"path": "C:/x.png", "sha256": "0" * 64, "size": 1}]}, "it is absolute"),
        ({"files": [{"path": "a\\b.png", "sha256": "0" * 64, "size": 1}]}, "backslash"),
        ({"files": [{"path": "a\nb.png", "sha256": "0" * 64, "size": 1}]}, "control character"),
        ({"files": [{"path": "a.png", "sha256": "0" * 64, "size": -1}]}, "size is negative"),
        ({"files": [{"path": "a.png", "sha256": "xyz", "size": 1}]}, "not 64 hexadecimal digits"),
        ({"files": [{"path": "a.png", "sha256": "0" * 64, "size": 1}] * 2}, "'a.png' 2 times"),
        (
            {"hooks": {"pre_render": "nowhere.sh", "post_render": ""}},
            "hooks.pre_render 'nowhere.sh' is not one of files",
        ),
        (
            {"video": {"container": "webm", "codec": "h264", "quality": "high", "fps": "24/1", "sound": False}},
            "does not go into",
        ),
        (
            {"video": {"container": "mp4", "codec": "h264", "quality": "high", "fps": "24/0", "sound": False}},
            "a fraction",
        ),
        ({"overrides": {"width": 640}}, "go together"),
        ({"overrides": {"samples": 0}}, "overrides.samples must lie between"),
        ({"file_format": "FFMPEG"}, "file_format 'FFMPEG' is not one of"),
        ({"limits": {"cost_usd": -1}}, "limits.cost_usd must be above 0"),
        ({"prices": priced(spot=0)}, "prices.spot of g5.xlarge must lie above 0"),
        ({"prices": priced(spot=-0.1)}, "prices.spot of g5.xlarge must lie above 0"),
        ({"prices": priced(on_demand=1e9)}, "prices.on_demand of g5.xlarge must lie above 0 and up to 1000"),
        ({"prices": priced(on_demand=10**400)}, "prices.machines[0].on_demand must be a number"),
        ({"prices": priced(on_demand="1.0")}, "prices.machines[0].on_demand must be a number"),
        ({"prices": priced(instance_type="../x")}, "prices.'../x' is no type of machine"),
        ({"prices": {"source": "AWS", "machines": priced()["machines"] * 2}}, "prices.g5.xlarge is there 2 times"),
        (
            {"prices": {"source": "AWS", "machines": priced()["machines"] * 101}},
            "prices.101 machines are more than 100",
        ),
        ({"prices": {"source": "x" * 301, "machines": []}}, "prices.source is longer"),
    ],
)
def test_a_bad_job_is_refused_with_the_place_named(changes: dict[str, Any], issue: str) -> None:
    """Unknown versions and fields, wrong types, paths that leave the root: each is a clear error."""
    with pytest.raises(BadJob, match="can't be used") as caught:
        RenderJob.from_json(plain(**changes))
    assert issue in str(caught.value)


def test_all_issues_are_told_at_once() -> None:
    """Nobody mends a file one error at a time."""
    with pytest.raises(BadJob) as caught:
        RenderJob.from_json(plain(device="tpu", use_scripts="yes", extra=1))
    assert len(caught.value.issues) == 3


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"version": 1, "version": 1}', '{"x": NaN}', "[" * 100_000, b"\xff\xfe"]
)
def test_what_is_no_job_at_all_is_refused_in_words(text: str | bytes) -> None:
    """Broken JSON, other JSON, doubled keys, nesting bombs and wrong encodings."""
    with pytest.raises(BadJob):
        RenderJob.from_json(text)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_any_json_is_a_job_or_a_clear_error(value: Any) -> None:
    """Only BadJob comes out of foreign JSON."""
    with pytest.raises(BadJob):
        RenderJob.from_json(json.dumps(value))


def test_a_job_without_prices_is_read_as_before() -> None:
    """An older client wrote it, or AWS was not asked."""
    assert RenderJob.from_json(plain(prices=...)).prices is None


def test_a_machine_costs_what_the_job_says() -> None:
    """Of its market, with disk and address; a type that the job does not name costs what it would without."""
    price = price_of(JOB.prices, lambda _type, _market: 7.0)
    assert price("g5.xlarge", "on-demand") - price("g5.xlarge", "spot") == pytest.approx(1.006 - 0.45)
    assert price("g5.xlarge", "") == price("g5.xlarge", "spot") > 0.45
    assert (price("g6.xlarge", "spot"), price_of(None, lambda _type, _market: 7.0)("g5.xlarge", "spot")) == (7.0, 7.0)


def test_hooks_among_the_files_are_accepted() -> None:
    """A hook travels as a file of the job."""
    hook = JobFile("home/ann/pre_render.sh", "1" * 64, 5)
    job = replace(JOB, files=(*JOB.files, hook), hooks=Hooks(pre_render=hook.path))
    assert RenderJob.from_json(job.to_json()).hooks.pre_render == hook.path


def test_a_submission_is_complete_when_batch_has_all_its_jobs() -> None:
    """An array without its stitch is not."""
    claim = Submission(0, "1-10", 2, "refuse", "2026-11-21T09:00:00+00:00")
    assert not claim.complete
    assert not replace(claim, render_id="r").complete
    assert replace(claim, render_id="r", stitch_id="s").complete
    assert replace(claim, render_id="r", stitches=False).complete
    assert replace(claim, frames="", stitch_id="s").complete


@pytest.mark.parametrize("amount", [float("nan"), float("inf"), 0.0])
def test_a_limit_is_an_amount(amount: float) -> None:
    """JSON has no `nan`: it is refused before anything is sent, not when job.json is written."""
    with pytest.raises(BadJob, match=r"limits\.cost_usd must be above 0"):
        replace(RenderJob.from_json(plain()), limits=Limits(cost_usd=amount))
    with pytest.raises(BadJob, match="cost_usd must be above 0"):
        Submission(1, "1", 1, "refuse", "2026-11-21T12:00:00Z", cost_usd=amount)
