# SPDX-License-Identifier: GPL-3.0-or-later
"""Boot script inside Blender: loads our package by its path, runs the action that the request names, reports errors.

`blender -b --factory-startup --python-exit-code 9 -P __main__.py -- REQUEST`, or `python -P __main__.py -- REQUEST`
in a Python that has bpy. REQUEST is JSON, or `@` and the path of a file with it.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import shutil
import sys
import traceback
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).resolve().parent.parent

ACTIONS = {
    "demo_scene": "cloud_render.inblender.demo_scene",
    "examine": "cloud_render.inblender.examine",
    "mixdown": "cloud_render.inblender.mixdown",
    "render": "cloud_render.inblender.render",
    "save_copy": "cloud_render.inblender.save_copy",
}
"""Modules whose `run(request, events)` does what the request's `action` asks."""


def load_package() -> None:
    """Make `cloud_render` importable without touching sys.path, where it could hide modules of the artist's scripts."""
    spec = importlib.util.spec_from_file_location(
        "cloud_render", PACKAGE / "__init__.py", submodule_search_locations=[str(PACKAGE)]
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["cloud_render"] = module
    spec.loader.exec_module(module)


def request_of(arguments: list[str]) -> dict[str, Any]:
    """The request behind `--`."""
    text = arguments[arguments.index("--") + 1]
    if text.startswith("@"):
        text = Path(text[1:]).read_text(encoding="utf-8")
    request: dict[str, Any] = json.loads(text)
    return request


def main(arguments: list[str]) -> int:
    """The exit code. Every error has been sent by then, in words."""
    from cloud_render.contract.errors import CloudRenderError
    from cloud_render.inblender.events import Events

    events = Events.of_environment()
    try:
        request = request_of(arguments)
        action = importlib.import_module(ACTIONS[request["action"]])
        action.run(request, events)
    except CloudRenderError as error:
        _send_error(events, error)
        return error.exit_code
    except Exception as error:  # noqa: BLE001 - a fault of ours: it must reach the person, and the log has the traceback
        traceback.print_exc()
        what = f"{type(error).__name__}: {error}"
        events.send(
            "error",
            exit_code=70,
            kind="BlenderFailed",
            problem=f"Cloud Render failed inside Blender ({what}).",
            advice="Its log has the details; please report them.",
        )
        return 70
    events.send("end")
    return 0


def _send_error(events: Any, error: Any) -> None:
    print(f"error: {error}", file=sys.stderr, flush=True)  # noqa: T201 - the log is what people read first
    events.send(
        "error",
        exit_code=error.exit_code,
        kind=type(error).__name__,
        problem=error.problem,
        advice=error.advice,
        missing=list(getattr(error, "missing", ())),
    )


def leave(code: int) -> None:
    """End the process with `code`.

    A Python that has imported the bpy wheel doesn't always survive its own end: after a render 4.2.23 crashes there and
    4.5.15 hangs. Everything was sent by now, so such a process ends at once, and its temporary folder is removed here.
    """
    import bpy

    if bpy.app.binary_path:
        sys.exit(code)
    shutil.rmtree(bpy.app.tempdir, ignore_errors=True)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    load_package()
    leave(main(sys.argv))
