# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs checks of one module inside Blender, each with the extension freshly enabled, and writes what became of them.

As a program: runner.py MODULE FOLDER NAME…; the results are FOLDER/results.jsonl, one line a check.
"""

from __future__ import annotations

import faulthandler
import importlib
import json
import sys
import time
import traceback
from pathlib import Path

STUCK_S = 150.0


def main(module: str, folder: Path, names: list[str]) -> None:
    import blender

    faulthandler.enable()
    blender.FOLDER = folder
    checks = importlib.import_module(module)
    with (folder / "results.jsonl").open("w", encoding="utf-8") as results:
        for name in names:
            print(f"\n=== {name}", flush=True)
            faulthandler.dump_traceback_later(STUCK_S, exit=True)
            began = time.monotonic()
            trouble = _trouble(lambda name=name: blender.freshly_enabled(getattr(checks, name)))
            line = {"name": name, "trouble": trouble, "seconds": round(time.monotonic() - began, 2)}
            results.write(json.dumps(line) + "\n")
            results.flush()
            faulthandler.cancel_dump_traceback_later()


def _trouble(check) -> str:
    """Empty if it passed."""
    try:
        check()
    except BaseException:  # noqa: BLE001 - also SystemExit: the next check must run
        return traceback.format_exc()
    return ""


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
