# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers of S3 that begin well and break off in the middle."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from botocore.exceptions import EndpointConnectionError, IncompleteReadError

from cloud_render.client import objects
from cloud_render.client.farm import Connection, Farm
from cloud_render.store import patience
from cloud_render.store.patience import patiently
from local_cloud.testing import running

BUCKET = "breaks"
CONTENT = b"0123456789" * 10_000
TIMES = len(patience.PAUSES_S)
BROKEN = IncompleteReadError(actual_bytes=1, expected_bytes=2)
KINDS = ("s3-reset", "s3-truncated")


@pytest.fixture(scope="module", params=[KINDS, KINDS[::-1]], ids=["reset object", "truncated object"])
def far(request: pytest.FixtureRequest) -> Iterator[Farm]:
    """A bucket of whose objects and listings the first answers break off: all but that of the last try."""
    globs = (f"GET /{BUCKET}/?*", f"GET /{BUCKET}")
    rules = {kind: {"requests": [glob], "count": TIMES} for kind, glob in zip(request.param, globs, strict=True)}
    with running(slots=1, faults={"faults": rules}) as cloud, pytest.MonkeyPatch.context() as patch:
        for name, value in cloud.environment({}).items():
            patch.setenv(name, value)
        patch.setattr(patience, "PAUSES_S", (0.0,) * TIMES)
        cloud.client("s3").create_bucket(Bucket=BUCKET)
        yield Farm(Connection(), "stack", BUCKET, "", "", "", "", "", "", "", "", "any", "")
        assert len(cloud.faults()) == 2 * TIMES


def test_what_breaks_off_is_asked_for_again(far: Farm) -> None:
    """Objects and listings: neither a look at a job nor its bill ends because a connection did."""
    objects.write(far, "jobs/report.json", CONTENT)
    assert objects.read(far, "jobs/report.json") == CONTENT
    listing = objects.list_below(far, "jobs/")
    assert [(entry.key, entry.size) for entry in listing.entries] == [("jobs/report.json", len(CONTENT))]


def test_patience_has_an_end() -> None:
    """After three pauses, each longer, the error is told."""
    pauses: list[float] = []
    with pytest.raises(IncompleteReadError):
        patiently(lambda: _fail(BROKEN), sleep=pauses.append)
    assert tuple(pauses) == patience.PAUSES_S


def test_no_line_at_all_is_told_at_once() -> None:
    """Botocore has tried it often enough."""
    with pytest.raises(EndpointConnectionError):
        patiently(lambda: _fail(EndpointConnectionError(endpoint_url="http://127.0.0.1:9")), sleep=_never)


def _fail(error: Exception) -> None:
    raise error


def _never(_seconds: float) -> None:
    pytest.fail("it waits")
