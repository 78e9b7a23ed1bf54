# SPDX-License-Identifier: GPL-3.0-or-later
"""An OCI runtime for podman: runc, but without the resource limits that a confined root may not set."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

HELD_BACK = ("rlimits", "oomScoreAdj")


def main(arguments: list[str]) -> None:
    """Takes the limits out of the bundle's config.json, then becomes runc."""
    if {"create", "run"} & set(arguments):
        config = bundle(arguments) / "config.json"
        spec = json.loads(config.read_text())
        for name in HELD_BACK:
            spec["process"].pop(name, None)
        config.write_text(json.dumps(spec))
    runc = shutil.which("runc", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if runc is None:
        sys.exit("runc is not installed")
    os.execv(runc, ["runc", *arguments])


def bundle(arguments: list[str]) -> Path:
    """The folder that --bundle names, in each of its spellings."""
    for this, following in zip(arguments, [*arguments[1:], ""], strict=True):
        if this in ("--bundle", "-b"):
            return Path(following)
        if this.startswith("--bundle="):
            return Path(this.partition("=")[2])
    return Path()


if __name__ == "__main__":
    main(sys.argv[1:])
