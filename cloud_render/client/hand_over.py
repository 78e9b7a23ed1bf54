# SPDX-License-Identifier: GPL-3.0-or-later
"""Hands a claimed submission over to Batch: first the Blender that it needs, then its jobs, which wait for that."""

from __future__ import annotations

import time

from cloud_render.client import batch, builds
from cloud_render.client.farm import Farm
from cloud_render.contract.job import RenderJob, Submission


def hand_over(
    farm: Farm, job: RenderJob, submission: Submission, look_first: bool = False, sleep: batch.Sleep = time.sleep
) -> Submission:
    """As batch.submit(). Where the cloud lacks the job's Blender, the frames wait for its installation: the artist's
    computer need not. Raises as batch.submit() and builds.awaited() do.
    """
    renders = submission.frames and not submission.render_id
    after = builds.awaited(farm, job.blender, sleep) if renders else ()
    return batch.submit(farm, job, submission, look_first, sleep, after)
