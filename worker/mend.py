# SPDX-License-Identifier: GPL-3.0-or-later
"""Action `mend`: what the stack does by itself about an array or a stitch that has failed.

With dropped.py the one part of the worker that is a client of the stack: it runs with a role of its own, which no scene
ever has.
"""

from __future__ import annotations

import argparse

from cloud_render.client.farm import Connection, Farm
from cloud_render.client.mend import mend


def run(arguments: argparse.Namespace) -> str:
    """What was done, in words. Raises CloudRenderError."""
    return mend(Farm.find(Connection(), arguments.stack), arguments.name)
