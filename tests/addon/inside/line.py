# SPDX-License-Identifier: GPL-3.0-or-later
"""The line to the cloud, seen from inside Blender: held, cut or made to refuse (../line.py is its other end)."""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

PACKS = "PUT .*/store/packs/"
"""Content of files on its way up."""

FRAMES = "GET .*/frames/"


def _ask(path: str, values: Any = None) -> Any:
    body = None if values is None else json.dumps(values).encode()
    with urllib.request.urlopen(os.environ["AWS_ENDPOINT_URL"] + path, body, timeout=30) as answer:
        content = answer.read()
    return json.loads(content) if content else None


def seen() -> list[str]:
    """The requests since the rules were changed last."""
    return list(_ask("/-/seen"))


@contextmanager
def _ruled(**rule: str) -> Iterator[None]:
    _ask("/-/rules", [rule])
    try:
        yield
    finally:
        free()


def free() -> None:
    """From now on everything passes, what was held too."""
    _ask("/-/rules", [])


def held(pattern: str) -> Any:
    """Such requests wait until the end of the block."""
    return _ruled(pattern=pattern, do="hold")


def cut(pattern: str = "") -> Any:
    """As without a network."""
    return _ruled(pattern=pattern, do="cut")


def refused(code: str, pattern: str = "") -> Any:
    """Every such request is answered with AWS's error `code`."""
    return _ruled(pattern=pattern, do="refuse", code=code)
