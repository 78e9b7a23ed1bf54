# SPDX-License-Identifier: GPL-3.0-or-later
"""CPU seconds of `cloud-render --help`, beside those of a bare Python start. Target: below 0.3 s.

Run: python benchmarks/cli_start.py
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys

RUNS = 7


def cpu_seconds(command: list[str]) -> float:
    """User and system time of one run, children included."""
    before = os.times()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = os.times()
    return (after.children_user - before.children_user) + (after.children_system - before.children_system)


def main() -> None:
    bare = [sys.executable, "-c", "pass"]
    shown = [sys.executable, "-c", "from cloud_render.cli.main import main; main(['--help'])"]
    for command in (bare, shown):
        cpu_seconds(command)  # once to warm the disk cache
    pairs = [(cpu_seconds(bare), cpu_seconds(shown)) for _ in range(RUNS)]
    python, ours = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(f"python -c pass       {python:6.3f} s CPU")
    print(f"cloud-render --help  {ours:6.3f} s CPU   (target 0.3)   {'ok' if ours < 0.3 else 'MISSED'}")


if __name__ == "__main__":
    main()
