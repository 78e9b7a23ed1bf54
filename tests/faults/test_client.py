# SPDX-License-Identifier: GPL-3.0-or-later
"""What the client makes of answers that never come."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import faults
import pytest

from cloud_render.client import objects
from cloud_render.client.farm import Connection, Farm
from local_cloud.testing import running


@pytest.fixture
def farm(tmp_path: Path) -> Iterator[Farm]:
    """A stack in a cloud that carries out writes of `*-lost` and loses its first answer."""
    rule = {"requests": ["PUT */*-lost"], "count": 1}
    with running(slots=1, faults={"faults": {"s3-lost-answer": rule}}) as cloud:
        faults.enter(cloud, tmp_path)
        cloud.deploy()
        yield Farm.find(Connection())


def test_a_claim_whose_answer_was_lost_is_still_ones_own(farm: Farm) -> None:
    """The repeated request finds the key taken, by the very same content: by itself."""
    assert objects.create(farm, "claim-lost", "mine")
    assert objects.read(farm, "claim-lost") == b"mine"
    assert not objects.create(farm, "claim-lost", "mine")
