# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the content of a job that was sent some time ago is still there for another submission."""

from __future__ import annotations

from cloud_render.client import objects
from cloud_render.client.farm import Farm
from cloud_render.contract import keys
from cloud_render.contract.contents import Contents
from cloud_render.contract.errors import MissingFiles


def check(farm: Farm, job_id: str, advice: str) -> None:
    """Raises MissingFiles, with `advice`, where files of the job are gone from the cloud or may go before it has ended.

    Also raises NotThere or BadJob for a job without a list of its files.
    """
    contents = Contents.from_json_gz(objects.read(farm, keys.Prefix.of_job(job_id).contents))
    expiring = farm.store.expiring(contents.files)
    if expiring:
        raise MissingFiles([f"{file.path} is no longer in the cloud, or not for long" for file in expiring], advice)
