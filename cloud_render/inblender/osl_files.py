# SPDX-License-Identifier: GPL-3.0-or-later
"""What an OSL shader on the disk needs beside it: the headers it includes and its compiled form. Knows no Blender."""

from __future__ import annotations

import os
import re
from pathlib import Path

_INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"\n]+)"', re.MULTILINE)


def is_osl(path: str) -> bool:
    return path.lower().endswith(".osl")


def files(path: str) -> list[str]:
    """The shader, its headers and theirs, and the .oso beside it; none where the shader is not there."""
    if not Path(path).is_file():
        return []
    found = [path]
    for text in found:  # grows as headers are found
        found += [header for header in _included(text) if header not in found]
    compiled = Path(path).with_suffix(".oso")
    return [*found, str(compiled)] if compiled.is_file() else found


def _included(path: str) -> list[str]:
    """Headers beside `path`; those of the compiler's own (stdosl.h) lie elsewhere."""
    text = Path(path).read_text(encoding="utf-8", errors="replace")
    beside = [os.path.normpath(os.path.join(os.path.dirname(path), name)) for name in _INCLUDE.findall(text)]  # noqa: PTH118, PTH120
    return [header for header in beside if Path(header).is_file()]
