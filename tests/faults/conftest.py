# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs of a certain size under faults, by the means of benchmarks/faults.py."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "benchmarks"))  # Its programs are no package; tests here are about one of them.

import faults  # noqa: E402

SIZE = faults.Size(frames=60, frames_per_job=10, slots=6, seconds=0.4)


@pytest.fixture(scope="session", autouse=True)
def _environment() -> Iterator[None]:
    """The client of these tests is this process's own: its AWS variables change with each cloud."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> faults.Result:
    """The job without faults: what every other one must equal."""
    return faults.Bench(SIZE, tmp_path_factory.mktemp("undisturbed"), None).run("job", {})


@pytest.fixture(scope="session")
def under(tmp_path_factory: pytest.TempPathFactory, undisturbed: faults.Result) -> Callable[..., faults.Result]:
    """Runs the job under faults; it must end well, with the same frames and the same video."""

    def run(rules: dict[str, Any], **plan: Any) -> faults.Result:
        folder = tmp_path_factory.mktemp("disturbed")
        result = faults.Bench(SIZE, folder, None).run("job", {**plan, "faults": rules})
        assert faults.wrong(result, undisturbed) == []
        return result

    return run
