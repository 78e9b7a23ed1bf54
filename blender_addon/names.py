# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender's side has names for: our own prefix, and how an operator ends."""

from __future__ import annotations

from typing import Literal

PREFIX = "cloud_render"
"""The one name under which Blender knows us: operators `cloud_render.…`, properties `.cloud_render`."""

SELECTED = "cloud_render_selected"
"""In the context of the buttons below the list, which are about the selected job and grey where a thing can't be done
to it. A script may name another job, so there it is the cloud that refuses."""

Outcome = set[Literal["FINISHED", "CANCELLED", "RUNNING_MODAL", "PASS_THROUGH", "INTERFACE"]]
"""What `execute` and `invoke` answer."""
