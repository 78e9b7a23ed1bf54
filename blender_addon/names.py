# SPDX-License-Identifier: GPL-3.0-or-later
"""The one name under which Blender knows us: operators `cloud_render.…`, properties `.cloud_render`."""

PREFIX = "cloud_render"
