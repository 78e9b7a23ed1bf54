# SPDX-License-Identifier: GPL-3.0-or-later
"""From the global options to a Farm, and from JOB to a job's id."""

from __future__ import annotations

import shlex

from cloud_render.cli import job_ids
from cloud_render.cli.options import Settings
from cloud_render.client import objects
from cloud_render.client.farm import ATTEMPTS, Connection, Farm
from cloud_render.contract import keys


def farm_of(settings: Settings, attempts: int = ATTEMPTS) -> Farm:
    """The stack that the global options name; each request is made `attempts` times. Raises CloudNotReady."""
    return Farm.find(connection_of(settings, attempts), settings.stack)


def connection_of(settings: Settings, attempts: int = ATTEMPTS) -> Connection:
    """To the account and region that the global options name. Asks nothing yet."""
    return Connection(
        settings.profile,
        settings.region,
        settings.endpoint_url,
        ca_bundle=settings.ca_bundle,
        proxy=settings.proxy,
        max_upload=settings.max_upload,
        max_download=settings.max_download,
        attempts=attempts,
    )


def job_of(farm: Farm, typed: str) -> str:
    """The id that `typed` means. A whole id is believed, which saves a listing. Raises NotThere."""
    if keys.is_job_id(typed):
        return typed
    listing = objects.list_below(farm, keys.JOBS, deep=False)
    ids = [prefix.removeprefix(keys.JOBS).rstrip("/") for prefix in listing.prefixes]
    return job_ids.resolve(typed, [job_id for job_id in ids if keys.is_job_id(job_id)])


def again(settings: Settings, command: str) -> str:
    """The command line that does `command` in the same cloud: for hints that a person copies."""
    options = {
        "--stack": settings.stack if settings.stack != Settings.stack else "",
        "--profile": settings.profile,
        "--region": settings.region,
        "--endpoint-url": settings.endpoint_url,
        "--ca-bundle": settings.ca_bundle,
        "--proxy": settings.proxy,
    }
    return " ".join(
        ["cloud-render", command, *(f"{name} {shlex.quote(value)}" for name, value in options.items() if value)]
    )
