# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors as the artist meets them: a problem, an advice, and the button that helps."""

from __future__ import annotations

import logging

from cloud_render.contract import errors

from .model import Problem, Remedy
from .words import say

log = logging.getLogger(__name__)

REMEDY_OF: dict[type[Exception], Remedy] = {
    errors.NoCredentials: "sign_in",
    errors.SignedOut: "sign_in",
    errors.NoStack: "preferences",
    errors.OldStack: "preferences",
}


def problem_of(error: Exception) -> Problem | None:
    """What to show; nothing where the artist stopped it. A fault of our own is logged with its trace."""
    if isinstance(error, errors.Cancelled):
        return None
    if not isinstance(error, errors.CloudRenderError):
        log.error("Cloud Render failed", exc_info=error)
        return Problem(
            say("Cloud Render itself failed: {error}", error=f"{type(error).__name__}: {error}"),
            say("The system console has the details; please report them."),
        )
    return Problem(error.problem, _for_artists(error.advice), REMEDY_OF.get(type(error), ""))


def _for_artists(advice: str) -> str:
    """Nothing where the advice is a command to type: the panel has its button."""
    return "" if "cloud-render " in advice or " --" in advice else advice
