# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender's side has names for: our own prefix, and how an operator ends."""

from __future__ import annotations

from typing import Literal

PREFIX = "cloud_render"
"""The one name under which Blender knows us: operators `cloud_render.…`, properties `.cloud_render`."""

Outcome = set[Literal["FINISHED", "CANCELLED", "RUNNING_MODAL", "PASS_THROUGH", "INTERFACE"]]
"""What `execute` and `invoke` answer."""
