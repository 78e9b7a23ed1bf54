# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs from submit to download, through the local cloud, with workers that render nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cloud_render.client import batch, logs, monitor
from cloud_render.client.control import cancel, delete, retry, stitch
from cloud_render.client.download import download
from cloud_render.client.farm import Farm
from cloud_render.contract import keys
from cloud_render.contract.errors import BadArguments, NotThere


def test_a_job_goes_all_the_way(
    farm: Farm, submitted: Callable[..., str], wait_for: Callable[..., Any], tmp_path: Path
) -> None:
    """Six frames by two are an array of three; frames and video come back under their names."""
    job_id = submitted(frames_per_job=2)
    state = wait_for(job_id)
    assert (state.phase, state.frames_done, state.frames_total, state.reason) == ("done", 6, 6, "")
    done = download(farm, job_id, tmp_path / "out")
    assert [path.name for path in done.frames] == [f"000{number}.png" for number in range(1, 7)]
    assert done.frames[2].read_text() == "frame 3 of submission 0"
    assert done.video == tmp_path / "out" / "video.mp4"
    assert done.video.read_text() == "video of 6 frames"


def test_retry_renders_only_the_missing_frames(
    farm: Farm, submitted: Callable[..., str], wait_for: Callable[..., Any]
) -> None:
    """A failed child's reason is told; the retry renders its rest, and the frames that were there stay."""
    job_id = submitted("once fail=3", frames_per_job=2)
    state = wait_for(job_id)
    assert (state.phase, state.frames_done) == ("failed", 4)
    assert state.problem == "Blender wrote no picture for frame 3."
    assert state.advice == "Look at the scene."
    submission = retry(farm, job_id)
    assert (submission.number, submission.frames, submission.frames_per_job) == (1, "3-4", 2)
    assert wait_for(job_id).phase == "done"
    bodies = {
        frame: farm.s3.get_object(Bucket=farm.bucket, Key=keys.Prefix.of_job(job_id).frame(frame, "png"))["Body"].read()
        for frame in (2, 3)
    }
    assert bodies == {2: b"frame 2 of submission 0", 3: b"frame 3 of submission 1"}
    with pytest.raises(BadArguments, match="Nothing of"):
        retry(farm, job_id)
