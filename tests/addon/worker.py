# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker that renders only what is called "real"; all else is done by the client tests' worker, without a Blender."""

from __future__ import annotations

import os
import sys
from pathlib import Path

FAKE = Path(__file__).parents[1] / "client" / "fake_worker.py"
real = any("-real-" in argument for argument in sys.argv)
os.execv(sys.executable, [sys.executable, *(["-m", "worker"] if real else [str(FAKE), "--no-mender"]), *sys.argv[1:]])
