# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker as it is in its image: without a Blender on the machine, although this Python has bpy."""

from __future__ import annotations

import sys

from cloud_render import blender
from worker.__main__ import main

if __name__ == "__main__":
    blender._bpy_version_here = lambda: None
    sys.exit(main())
