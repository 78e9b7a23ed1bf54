# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors as the artist meets them: a problem, an advice, and the button that helps."""

from __future__ import annotations

import logging
import re

from cloud_render.contract import errors

from .model import Problem, Remedy
from .words import say

log = logging.getLogger(__name__)

_VERBS = ("setup", "teardown", "blender", "doctor", "image", "login", "local", "retry", "submit", "test", "jobs")
_COMMAND = re.compile("cloud-render " + rf"(?:{'|'.join(_VERBS)})\b|\s--\w|python\s-m\b")

REMEDY_OF: dict[type[Exception], Remedy] = {
    errors.CloudNotReady: "preferences",
    errors.CloudUnreachable: "",
    errors.NoCredentials: "sign_in",
}
"""The nearest base of an error counts."""


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
    remedy: Remedy = next((REMEDY_OF[kind] for kind in type(error).__mro__ if kind in REMEDY_OF), "")
    return Problem(error.problem, for_artists(error.advice), remedy)


def for_artists(text: str) -> str:
    """Without the sentences that are commands to type: the panel has its buttons."""
    return " ".join(sentence for sentence in re.split(r"(?<=[.!?]) ", text) if not _COMMAND.search(sentence))
