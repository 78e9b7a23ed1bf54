# SPDX-License-Identifier: GPL-3.0-or-later
"""What client and worker agree on. Standard library only, and nothing else of ours: it also runs inside any Blender."""
