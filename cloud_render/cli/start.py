# SPDX-License-Identifier: GPL-3.0-or-later
"""The console's way in. Loads nothing at first, so that Ctrl-C while the program loads ends in a word, as later."""

from __future__ import annotations

import sys
from typing import NoReturn

CANCELLED = 3
"""exit_codes.Exit.CANCELLED, which may not be loaded yet."""


def main() -> NoReturn:
    try:
        from cloud_render.cli.main import main as run

        run()
    except KeyboardInterrupt:
        sys.stderr.write("Stopped.\n")
        sys.exit(CANCELLED)
