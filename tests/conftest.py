# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests of several folders share."""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

HOSTILE = "hostile inputs"
"""How tests/hostile/conftest.py says how many inputs a test has tried."""

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    # So it is for what a shell runs in the background, and every child would inherit it: no Ctrl-C would be heard.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def nothing_of_this_person(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Neither AWS profiles nor memories of the person who runs the tests are read or written."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_") and name != "AWS_CA_BUNDLE"]:
            patch.delenv(name)
        for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
            patch.setenv(name, os.devnull)
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        for name in ("CLOUD_RENDER_STATE", "CLOUD_RENDER_STORE_CACHE"):
            patch.setenv(name, str(tmp_path_factory.mktemp(name.lower())))
        yield


@pytest.fixture(scope="session")
def video() -> ModuleType:
    """end_to_end/video.py: watches videos, and makes pictures with a marker."""
    return _module("video_of_tests", Path(__file__).parent / "end_to_end" / "video.py")


@pytest.fixture(scope="session")
def weed() -> ModuleType:
    """store/weed.py: a real S3 server, and a proxy that fails as it is told."""
    return _module("weed_of_tests", Path(__file__).parent / "store" / "weed.py")


@pytest.fixture(scope="session")
def s3_server(weed: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of that server."""
    if not weed.program():
        pytest.skip("no weed program: its wheel is for Linux and Windows on x86-64")
    with weed.running(tmp_path_factory.mktemp("weed")) as port:
        yield port


@pytest.fixture
def proxy(weed: ModuleType, s3_server: int) -> Iterator[Any]:
    """A line to it that fails as it is told."""
    with weed.proxied(s3_server) as proxy:
        yield proxy


def _module(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up there
    spec.loader.exec_module(module)
    return module


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many inputs the hostile tests tried, whichever processes they ran in."""
    ends = terminalreporter.stats.get("", ())  # the reports of teardowns that went well
    told = [count for report in ends for name, count in getattr(report, "user_properties", ()) if name == HOSTILE]
    if told:
        terminalreporter.write_line(f"hostile inputs tried: {sum(told):,} in {len(told)} tests")
