# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs inside Blender, the only part that imports bpy. Needs the standard library, bpy and the contract."""
