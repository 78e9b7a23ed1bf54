# SPDX-License-Identifier: GPL-3.0-or-later
"""Cloud Render: Blender scenes rendered in the artist's own AWS account."""

__version__ = "0.1.0"
