# SPDX-License-Identifier: GPL-3.0-or-later
"""How many inputs are tried, how they are counted, and what every refusal must be.

CLOUD_RENDER_FUZZ multiplies the number of inputs: 1 takes a minute, 20 a coffee break. hypothesis prints how to have
a failure again, and tries first what failed the last time.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from cloud_render.contract.errors import CloudRenderError

TIMES = float(os.environ.get("CLOUD_RENDER_FUZZ", "1"))

settings.register_profile(
    "hostile",
    max_examples=max(10, int(300 * TIMES)),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("hostile")


@pytest.fixture
def refused(request: pytest.FixtureRequest) -> Iterator[Callable[[], AbstractContextManager[None]]]:
    """A block that tries one input: it may end well, or with an error of ours that says what and what to do."""
    tried = itertools.count()

    @contextmanager
    def trying() -> Iterator[None]:
        next(tried)
        try:
            yield
        except CloudRenderError as error:
            check(error)

    yield trying
    request.node.user_properties.append(("hostile inputs", next(tried)))


def check(error: CloudRenderError) -> None:
    """It says what is wrong and what to do, and ends the worker with a code of ours."""
    assert error.problem.strip()
    assert error.advice.strip(), error.problem
    assert 64 <= error.exit_code <= 75


@pytest.fixture
def nothing_outside(tmp_path: Path) -> Iterator[Path]:
    """A folder to work in. At the end what lies beside it is as it was."""
    beside = tmp_path / "outside"
    beside.mkdir()
    (beside / "letter").write_text("untouched")
    root = tmp_path / "root"
    root.mkdir()
    yield root
    assert {path.relative_to(tmp_path).parts[0] for path in tmp_path.rglob("*")} <= {"outside", "root", "input"}
    assert [path.name for path in beside.rglob("*")] == ["letter"]
    assert (beside / "letter").read_text() == "untouched"
