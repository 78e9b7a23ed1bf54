# SPDX-License-Identifier: GPL-3.0-or-later
"""What a USD file itself refers to: layers, payloads, textures. Blender names the first file only."""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy

EXTENSIONS = (".usd", ".usda", ".usdc", ".usdz")

_ASSET = re.compile(r"@@@(.+?)@@@|@([^@\n]+)@")
"""A path in USD's text form; three signs where the path itself has one."""


def is_usd(path: str) -> bool:
    return path.lower().endswith(EXTENSIONS)


def files(path: str) -> list[str]:
    """The file itself and every file below it that is there; none where it is not."""
    if not Path(path).is_file():
        return []
    utilities = _usd_utilities()
    below = _by_library(utilities, path) if utilities else _by_text(path)
    return list(dict.fromkeys([path, *below]))


def _by_library(utilities: Any, path: str) -> Iterator[str]:
    layers, assets, _ = utilities.ComputeAllDependencies(path)
    named = [*(layer.realPath for layer in layers), *map(str, assets)]
    yield from (os.path.normpath(name) for name in named if Path(name).is_file())


def _by_text(path: str) -> Iterator[str]:
    """Layer by layer, for Blenders without USD's own Python (the 4.2 wheel). Its binary form says nothing to us."""
    seen: set[str] = set()
    waiting = [path]
    while waiting:
        layer = waiting.pop()
        seen.add(layer)
        for named in _named_in(layer):
            found = os.path.normpath(os.path.join(os.path.dirname(layer), named))  # noqa: PTH118, PTH120
            if found not in seen and Path(found).is_file():
                seen.add(found)
                yield found
                waiting += [found] if is_usd(found) else []


def _named_in(layer: str) -> list[str]:
    with Path(layer).open("rb") as opened:
        if not opened.read(5).startswith(b"#usda"):
            return []
        text = opened.read().decode("utf-8", errors="replace")
    return [match[1] or match[2] for match in _ASSET.finditer(text)]


def _usd_utilities() -> Any:
    """`pxr.UsdUtils`, which official Blenders import and wheels only carry; None where there is none."""
    try:
        return importlib.import_module("pxr.UsdUtils")
    except ImportError:
        return _from_the_wheel()


def _from_the_wheel() -> Any:
    paths: Any = bpy.utils
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    folder = Path(str(paths.resource_path("LOCAL"))) / "python" / "lib" / version / "site-packages" / "pxr"
    spec = importlib.util.spec_from_file_location(
        "pxr", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if not (folder / "__init__.py").is_file() or spec is None or spec.loader is None:
        return None
    module = importlib.util.module_from_spec(spec)
    sys.modules["pxr"] = module
    spec.loader.exec_module(module)
    return importlib.import_module("pxr.UsdUtils")
