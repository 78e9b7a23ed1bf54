# SPDX-License-Identifier: GPL-3.0-or-later
"""The buttons: each asks, starts and returns."""

from __future__ import annotations

from . import jobs, preferences, results, settings, sign_in, stack, submit, trouble

CLASSES = (
    *submit.CLASSES,
    *jobs.CLASSES,
    *results.CLASSES,
    *settings.CLASSES,
    *preferences.CLASSES,
    *sign_in.CLASSES,
    *stack.CLASSES,
    *trouble.CLASSES,
)
