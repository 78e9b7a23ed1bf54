# SPDX-License-Identifier: GPL-3.0-or-later
"""Frame rates: text to an exact fraction."""

from __future__ import annotations

import re
from fractions import Fraction

from cloud_render.contract.errors import BadArguments

_NTSC = {Fraction(str(rate)): Fraction(round(rate) * 1000, 1001) for rate in (23.976, 29.97, 59.94, 119.88)}
"""What people write for the rates of NTSC, which are no decimal numbers."""


def parse(text: str) -> Fraction:
    """Frames a second: `25`, `30000/1001`, or `29.97`, which stands for it. Raises BadArguments."""
    try:
        if not re.fullmatch(r"\d{1,9}(\.\d{1,6})?|\d{1,9}/\d{1,9}", text.strip()):
            raise ValueError
        rate = Fraction(text.strip())
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if not 0 < rate <= 1000:
        raise BadArguments(f"{text!r} is not a frame rate.", "Write 25, 23.976 or 30000/1001; it may be up to 1000.")
    return _NTSC.get(rate, rate)
