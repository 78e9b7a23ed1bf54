# SPDX-License-Identifier: GPL-3.0-or-later
"""Repeats small requests whose answers break: botocore repeats what gets no answer, but not a body that breaks off.

Large bodies go on where they broke off instead, see ranges.Reader.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from botocore import exceptions as aws
from urllib3.exceptions import HTTPError

log = logging.getLogger(__name__)

PAUSES_S = (0.5, 2.0, 8.0)
"""Before each repetition."""

_BROKEN = (
    aws.IncompleteReadError,
    aws.ResponseStreamingError,
    aws.FlexibleChecksumError,
    # What botocore lets through where an answer that it reads itself, a listing say, breaks off in the middle.
    HTTPError,
)

Answer = TypeVar("Answer")


def broken(error: Exception) -> bool:
    """Whether an answer began and came to no good end: cut off, or damaged on its way."""
    return isinstance(error, _BROKEN)


def patiently(
    ask: Callable[[], Answer],
    passes: Callable[[Exception], bool] = broken,
    sleep: Callable[[float], None] = time.sleep,
) -> Answer:
    """The answer of `ask`, body and all, which is repeated after what passes by itself. Raises what it raises."""
    for pause_s in PAUSES_S:
        try:
            return ask()
        except Exception as error:
            if not passes(error):
                raise
            log.info("warning: once more in %g s: %s", pause_s, error)
        sleep(pause_s)
    return ask()
