# SPDX-License-Identifier: GPL-3.0-or-later
"""What is left to render where test frames are kept, in words: before a submit, and after it."""

from __future__ import annotations

import logging

from cloud_render.cli import words
from cloud_render.cli.output import Output
from cloud_render.client import probes
from cloud_render.client.farm import Farm
from cloud_render.client.plan import SubmitPlan
from cloud_render.client.quote import Quote
from cloud_render.client.records import record
from cloud_render.contract import frames as ranges
from cloud_render.contract.errors import CloudRenderError

log = logging.getLogger(__name__)


def sent(farm: Farm, plan: SubmitPlan, job_id: str) -> str:
    """What is rendered: not the test frames that were kept, which only the submission itself knows exactly."""
    whole = words.count(plan.frame_count, "frame")
    try:
        latest = record(farm, job_id).latest
    except CloudRenderError as error:
        log.warning("can't ask what was sent: %s", error)  # the job is there all the same
        return whole
    if latest is None:
        return whole
    rendered = len(ranges.parse(latest.frames)) if latest.frames else 0
    if not rendered:
        return f"{whole}, all kept from the test; only the video is made"
    pieces = _slices(ranges.children(rendered, latest.frames_per_job), latest.frames_per_job)
    if rendered == plan.frame_count:
        return f"{whole}, {pieces}"
    return f"{rendered:,} of {whole}, {pieces}; {plan.frame_count - rendered:,} kept from the test"


def say(output: Output, farm: Farm, plan: SubmitPlan, quote: Quote) -> None:
    """That a price is one of all frames, where a submit finds some of them rendered. Raises as probes.kept()."""
    if output.json or quote.basis != "probes":
        return
    kept = probes.kept(farm, plan)
    if kept:
        output.remark(
            f"{kept:,} of {words.count(plan.frame_count, 'frame')} were rendered in the test; a submit of the "
            "unchanged scene keeps them. The price is that of all."
        )


def _slices(children: int, frames_per_job: int) -> str:
    if children == 1:
        return "in one piece"
    return f"in {children} pieces of up to {words.count(frames_per_job, 'frame')}"
