# SPDX-License-Identifier: GPL-3.0-or-later
"""What of the jobs lies on this computer. The disk is asked when another job is selected: panels and polls ask only the
model, as they are drawn whenever the mouse moves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .account import job_folder
from .model import MODEL


def look_once(context: Any) -> None:
    """Bring into the model what earlier downloads left of the selected job."""
    job_id = MODEL.active
    folder = job_folder(context, job_id)
    if job_id and MODEL.looked_into.get(job_id) != folder:
        look(job_id, folder)


def look(job_id: str, folder: Path) -> None:
    """The folder may have come or gone."""
    MODEL.looked_into[job_id] = folder
    there = folder.is_dir()
    video = next(iter(sorted(folder.glob("video.*"))), None) if there else None
    for known, path in ((MODEL.downloaded, folder if there else None), (MODEL.videos, video)):
        if path is None:
            known.pop(job_id, None)
        else:
            known[job_id] = path
    MODEL.changes += 1
