# SPDX-License-Identifier: GPL-3.0-or-later
"""A limit on the rate: how it is written, and that it is kept."""

from __future__ import annotations

from typing import Any

import pytest

from cloud_render.contract.errors import BadArguments
from cloud_render.store import pace
from cloud_render.store.pace import Pace

RATES = {
    "5MB/s": 5 << 20,
    "512 KB/s": 512 << 10,
    "1.5MB/s": 3 << 19,
    "800kB/s": 800 << 10,
    "100": 100,
    "2GB": 2 << 30,
    "40Mbit/s": 5_000_000,
    "40 Mb/s": 5_000_000,
    "8Mbps": 1_000_000,
    "800 kbit/s": 100_000,
}


@pytest.mark.parametrize("text", RATES)
def test_rates_are_read_as_people_and_the_aws_cli_write_them(text: str) -> None:
    """Bytes by 1,024 as the AWS CLI counts them, bits by 1,000 as those who sell lines do."""
    assert pace.of_text(text) == RATES[text]


@pytest.mark.parametrize("text", ["", "fast", "0", "-5MB/s", "5 XB/s", "5MB/h", "1e6", "٥MB/s", "0.1b"])
def test_what_is_no_rate_is_refused_with_examples(text: str) -> None:
    """Nobody who asks for a limit goes without one."""
    with pytest.raises(BadArguments, match="40Mbit/s"):
        pace.of_text(text)


def test_the_rate_is_taken_from_the_aws_configuration(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """`max_bandwidth` as the AWS CLI writes it; a limit that can't be read is no leave to go without."""
    for text, rate in {"5MB/s": 5 << 20, "100": 100, 100: 100, "": 0, None: 0}.items():
        monkeypatch.setattr(s3.meta.config, "s3", {"max_bandwidth": text})
        assert pace.of_client(s3) == rate
    monkeypatch.setattr(s3.meta.config, "s3", {"max_bandwidth": "fast"})
    with pytest.raises(BadArguments, match="max_bandwidth is 'fast'"):
        pace.of_client(s3)


def test_the_rate_is_kept_on_average() -> None:
    """Bytes beyond it wait; after a pause nothing is saved up."""
    now = [0.0]
    limit = Pace(100, lambda: now[0])
    assert [limit.wait_for(50) for _ in range(3)] == [0.0, 0.5, 1.0]
    now[0] = 10.0
    assert limit.wait_for(50) == 0.0
    assert Pace(0).wait_for(1 << 40) == 0.0
