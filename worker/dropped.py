# SPDX-License-Identifier: GPL-3.0-or-later
"""Actions `begin` and `end`: the job of a file that was dropped into the inbox is submitted, or cancelled.

Clients of the stack, like `mend`, and with its role: nothing of anybody's scene runs here.
"""

from __future__ import annotations

import argparse

from cloud_render.client import dropped
from cloud_render.client.farm import Connection, Farm

_DONE_BY = {"begin": dropped.begin, "end": dropped.end}


def run(arguments: argparse.Namespace) -> str:
    """What was done, in words. Raises CloudRenderError."""
    return _DONE_BY[arguments.action](Farm.find(Connection(), arguments.stack), arguments.name)
