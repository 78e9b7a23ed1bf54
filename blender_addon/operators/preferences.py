# SPDX-License-Identifier: GPL-3.0-or-later
"""Buttons of the preferences, and the way there."""

from __future__ import annotations

from typing import Any

import bpy

from cloud_render.inblender import versions

from .. import tasks
from ..account import account
from ..background import Task
from ..names import Outcome
from .base import TaskOperator


class CLOUD_RENDER_OT_check(TaskOperator):
    """See what works and what doesn't: sign-in, permissions, the stack, this Blender in the cloud"""

    bl_idname = "cloud_render.check"
    bl_label = "Check"

    def task(self, context: Any) -> Task:
        return tasks.check(account(context), versions.this_version())


class CLOUD_RENDER_OT_preferences(bpy.types.Operator):
    """Open Cloud Render's preferences: account, region, stack, folder for downloads"""

    bl_idname = "cloud_render.preferences"
    bl_label = "Cloud Render Preferences"
    bl_options = {"INTERNAL"}

    def execute(self, _context: Any) -> Outcome:
        answer: Outcome = bpy.ops.preferences.addon_show(module=__package__.rpartition(".")[0])
        return answer


CLASSES = (CLOUD_RENDER_OT_check, CLOUD_RENDER_OT_preferences)
