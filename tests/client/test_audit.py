# SPDX-License-Identifier: GPL-3.0-or-later
"""What a job's machines went through, told afterwards."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from cloud_render.cli import audit as shown
from cloud_render.client import batch, objects
from cloud_render.client.audit import Audit, audit
from cloud_render.client.records import record
from cloud_render.client.reports import MOST
from cloud_render.contract import keys, values
from cloud_render.contract.errors import NotThere


@pytest.fixture
def interrupted(cloud, farm, submitted, wait_for):
    """A job of six frames in three children; the machine of child 1 is taken away in its second frame."""
    job_id = submitted("hang=4", frames_per_job=2)
    prefix = keys.Prefix.of_job(job_id)
    while objects.find(farm, prefix.frame(3, "png")) is None:
        assert not wait_for(job_id, "rendering").ended
    assert cloud.take_host_away(f"{record(farm, job_id).latest.render_id}:1")
    assert wait_for(job_id).phase == "done"
    return job_id


def settled(farm, job_id):
    """The audit once Batch has heard of every end: a video is there a moment before."""
    told = audit(farm, job_id)
    while any(child.state in ("STARTING", "RUNNING") for child in told.children):
        told = audit(farm, job_id)
    return told


def test_an_interruption_is_told_with_what_it_cost(farm, interrupted):
    """The lost attempt with its frame, its machine and its lost seconds; the next one with the rest."""
    told = audit(farm, interrupted)
    (child,) = [child for child in told.children if child.index == 1]
    lost, again = child.attempts
    assert (lost.cause, lost.exit_code, lost.frames) == ("machine lost", None, (3,))
    assert lost.machine.startswith("i-")
    assert 0 <= lost.lost_s <= lost.seconds + 1
    assert (again.cause, again.exit_code, again.lost_s) == ("done", 0, 0)
    assert (told.interruptions, told.survived, told.retries) == (1, 1, {"machine lost": 1})


def test_a_quiet_job_lost_nothing(farm, submitted, wait_for):
    """One attempt a child and one for the video."""
    job_id = submitted("quiet", frames_per_job=3)
    assert wait_for(job_id).phase == "done"
    told = settled(farm, job_id)
    assert [(child.index, child.state, len(child.attempts)) for child in told.children] == [
        (0, "SUCCEEDED", 1),
        (1, "SUCCEEDED", 1),
        (None, "SUCCEEDED", 1),
    ]
    assert (told.interruptions, told.retries, told.lost_s, told.forgotten) == (0, {}, 0, 0)


def test_a_failure_is_told_in_the_workers_words(farm, submitted, wait_for):
    """Also that the children beside it went well."""
    job_id = submitted("fail=3 again=5", frames_per_job=2)
    assert wait_for(job_id).phase == "failed"
    told = audit(farm, job_id)
    causes = [[attempt.cause for attempt in child.attempts] for child in told.children]
    assert causes == [["done"], ["failed"], ["try again", "done"], []]
    assert told.children[1].attempts[0].reason == "Blender wrote no picture for frame 3."
    assert told.retries == {"try again": 1}


def test_what_batch_has_forgotten_is_told_by_the_reports(farm, interrupted, monkeypatch):
    """The attempt that left no report stands there without a word."""
    prefix = keys.Prefix.of_job(interrupted)
    latest = record(farm, interrupted).latest
    gone = replace(latest, render_id="forgotten", stitch_id="forgotten-too")
    objects.write(farm, prefix.submission(0), gone.to_json())
    told = audit(farm, interrupted)
    assert told.forgotten == 4
    assert [attempt.cause for attempt in told.children[1].attempts] == ["no word", "done"]
    assert any("forgotten" in note for note in shown.notes(told))


@pytest.mark.parametrize("content", [b"", b"{}", b"[" * 100_000, b"\xff\xfe", b"x" * (MOST + 1)])
def test_a_hostile_report_hides_nothing_else(farm, submitted, wait_for, content):
    """It is named, the others count."""
    job_id = submitted("hostile", frames_per_job=3)
    assert wait_for(job_id).phase == "done"
    key = keys.Prefix.of_job(job_id).report(0, 0, 1)
    objects.write(farm, key, content)
    told = audit(farm, job_id)
    assert told.unreadable == (key,)
    assert [attempt.cause for child in told.children for attempt in child.attempts] == ["done"] * 3


def test_a_report_speaks_for_its_own_child_alone(farm, submitted, wait_for):
    """Frames of others, another place and times that are none change nothing."""
    job_id = submitted("liar", frames_per_job=3)
    assert wait_for(job_id).phase == "done"
    key = keys.Prefix.of_job(job_id).report(0, 0, 1)
    lie = json.loads(objects.read(farm, key))
    lie |= {"index": 1, "submission": 7, "started": "yesterday", "ended": "9999-12-31T23:59:59+00:00"}
    lie["frames"] = [{"frame": frame, "render_s": 1, "upload_s": 1, "bytes": 1} for frame in (2, 5, -9, 10**30)]
    objects.write(farm, key, json.dumps(lie))
    child = audit(farm, job_id).children[0]
    assert (child.attempts[0].frames, child.submission, child.index) == ((2,), 0, 0)


def test_a_job_that_was_never_submitted_is_refused(farm):
    """In words."""
    with pytest.raises(NotThere):
        audit(farm, "20260101-000000-none-0000")


def test_a_thousand_children_are_told_on_a_page(farm, interrupted):
    """Only those that something happened to have a line; --all has every one."""
    told = audit(farm, interrupted)
    quiet = told.children[0]
    many = replace(told, children=(*(replace(quiet, index=index) for index in range(1_000)), told.children[1]))
    page = shown.table(many, every=False)
    assert len(page) == 4
    assert page[-1] == "Nothing happened to 1,000 other children."
    assert len(shown.table(many, every=True)) == 1 + 1_000 + 2


def test_the_audit_is_json(farm, interrupted):
    """Everything in it has a name."""
    told = values.to_plain(audit(farm, interrupted))
    assert json.loads(json.dumps(told))["children"][1]["attempts"][0]["cause"] == "machine lost"


def test_a_cancelled_attempt_is_no_failure(farm, submitted, wait_for):
    """Its work was given up, not lost."""
    job_id = submitted("hold", frames_per_job=6)
    wait_for(job_id, "rendering")
    batch.terminate(farm, record(farm, job_id).latest.render_id, batch.CANCELLED)
    wait_for(job_id)
    told: Audit = settled(farm, job_id)
    assert told.lost_s == 0
    assert {attempt.cause for child in told.children for attempt in child.attempts} <= {"cancelled"}
