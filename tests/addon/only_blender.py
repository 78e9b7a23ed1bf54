# SPDX-License-Identifier: GPL-3.0-or-later
"""Links bpy and what it requires into a folder: what a full Blender's Python has, and nothing else of this one.

python only_blender.py FOLDER
"""

from __future__ import annotations

import importlib.metadata
import re
import sys
from pathlib import Path


def required(name: str, found: dict[str, importlib.metadata.Distribution]) -> None:
    """Fill `found` with the distribution and all that it needs."""
    if name in found:
        return
    found[name] = importlib.metadata.distribution(name)
    for row in found[name].requires or ():
        if "extra ==" not in row and (match := re.match(r"[\w.-]+", row)):
            try:
                required(match[0].lower(), found)
            except importlib.metadata.PackageNotFoundError:
                continue  # for another platform or Python


def link(folder: Path) -> None:
    found: dict[str, importlib.metadata.Distribution] = {}
    required("bpy", found)
    for distribution in found.values():
        for top in {file.parts[0] for file in distribution.files or () if file.parts[0] != ".."}:
            place = Path(str(distribution.locate_file(top)))
            if top != "__pycache__" and place.exists() and not (folder / top).exists():
                (folder / top).symlink_to(place)


if __name__ == "__main__":
    link(Path(sys.argv[1]))
