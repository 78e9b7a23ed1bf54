# SPDX-License-Identifier: GPL-3.0-or-later
"""A render that fails, and what the stack does about it by itself: its own rule, role and job, nobody's computer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

KILL_THE_FIRST = """#!/bin/sh
# As the out-of-memory killer would, in the job's first submission.
test "$CLOUD_RENDER_SUBMISSION" = 0 && test "$CLOUD_RENDER_FRAMES" = 103 && kill -KILL $PPID
exit 0
"""

REFUSE_ONE = """#!/bin/sh
test "$CLOUD_RENDER_FRAMES" != 103
"""


def hook(folder: Path, text: str) -> Path:
    path = folder / "hook.sh"
    path.write_text(text)
    return path


@pytest.fixture
def submitted(cloud, scenes, tmp_path):
    """Three frames by one with a hook that does something wrong, watched to their end: exit code and job."""

    def submit(text: str):
        blend = str(scenes / "start101" / "start101.blend")
        chosen = ("--frames", "102-104", "--frames-per-job", "1", "--pre-hook", str(hook(tmp_path, text)))
        done = cloud.cli("--json", "submit", blend, *chosen, "--wait")
        return done, json.loads(cloud.cli("--json", "status", "last").stdout)

    return submit


def submission(cloud, job_id: str, number: int):
    key = f"jobs/{job_id}/batch/{number}.json"
    return json.loads(cloud.local.client("s3").get_object(Bucket=cloud.outputs["BucketName"], Key=key)["Body"].read())


def test_what_did_not_fit_is_mended_while_nobody_does_anything(cloud, submitted):
    """A child that was killed for its memory is rendered on a larger machine, and the video is made."""
    done, job = submitted(KILL_THE_FIRST)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (job["phase"], job["frames_done"]) == ("done", 3)
    again = submission(cloud, job["job"], 1)
    assert (again["frames"], again["machine"], again["round"]) == ("103", "medium", 1)
    states = {
        row["jobName"]
        for row in cloud.local.client("batch").list_jobs(jobQueue=cloud.outputs["UtilityQueue"], jobStatus="SUCCEEDED")[
            "jobSummaryList"
        ]
    }
    assert "mend" in states


def test_what_would_fail_again_ends_with_one_reason(cloud, submitted):
    """The other frames are rendered; the job ends as failed, in words, and is not tried again."""
    done, job = submitted(REFUSE_ONE)
    assert done.returncode != 0
    assert (job["phase"], job["frames_done"]) == ("failed", 2)
    assert "hook" in job["problem"]
    keys = cloud.local.client("s3").list_objects_v2(
        Bucket=cloud.outputs["BucketName"], Prefix="jobs/" + job["job"] + "/batch/"
    )["Contents"]
    assert [row["Key"].rpartition("/")[2] for row in keys] == ["0.json"]
