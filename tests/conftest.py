# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests of several folders share."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def video() -> ModuleType:
    """end_to_end/video.py: watches videos, and makes pictures with a marker."""
    return _module("video_of_tests", Path(__file__).parent / "end_to_end" / "video.py")


def _module(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up there
    spec.loader.exec_module(module)
    return module
