# SPDX-License-Identifier: GPL-3.0-or-later
"""From what a person types as JOB to the job's id. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from cloud_render.cli import words
from cloud_render.contract.errors import NotThere

LAST = "last"


def resolve(typed: str, ids: Sequence[str]) -> str:
    """The one id that `typed` means: itself, its beginning or its end, or `last` for the newest. Raises NotThere."""
    if typed == LAST:
        if not ids:
            raise NotThere("There are no jobs yet.", "`cloud-render submit FILE` makes one.")
        return max(ids)  # ids begin with their time
    if typed in ids:
        return typed
    fitting = sorted(job_id for job_id in ids if typed and (job_id.startswith(typed) or job_id.endswith(typed)))
    if not fitting:
        raise NotThere(f"There is no job {typed!r}.", "See `cloud-render jobs` for the ids.")
    if len(fitting) > 1:
        raise NotThere(f"{typed!r} fits {len(fitting)} jobs: {words.listed(fitting)}.", "Type more of the id.")
    return fitting[0]
