# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors nobody foresaw: short words for the person, the traceback in a file beside them."""

from __future__ import annotations

import errno
import platform
import tempfile
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import cloud_render


def words_of(error: BaseException, arguments: Sequence[str]) -> tuple[str, str]:
    """Problem and advice, the traceback written down; a full disk is nobody's fault and needs none."""
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        where = f" for {error.filename}" if error.filename else ""
        return f"There is no room on the disk{where}.", "Make room there, then do the same again."
    summary = " ".join(str(error).split())[:200]
    problem = f"Something unexpected happened: {type(error).__name__}" + (f": {summary}" if summary else "") + "."
    try:
        return problem, f"This is a fault in Cloud Render. Please report it with this file: {_write(error, arguments)}"
    except OSError as full:
        return problem, f"This is a fault in Cloud Render. Its details could not be written down ({full})."


def _write(error: BaseException, arguments: Sequence[str]) -> Path:
    text = "".join(traceback.format_exception(error))
    head = (
        f"cloud-render {' '.join(arguments)}\n"
        f"Cloud Render {cloud_render.__version__}, Python {platform.python_version()}, {platform.platform()}\n"
        f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC\n\n"
    )
    with tempfile.NamedTemporaryFile(
        "w", prefix="cloud-render-", suffix=".log", delete=False, encoding="utf-8", errors="replace"
    ) as file:
        file.write(head + text)
    return Path(file.name)
