# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension's texts in other languages, as Blender looks them up: one module a language, English to translation.

What the client library says (problems and advices, warnings, findings of a check) is English for now. It is drawn with
translate=False, and has no entry here.
"""

from __future__ import annotations

from bpy.app import translations

from ..names import PREFIX
from . import de, ja

LANGUAGES = {"de": de.TEXTS, "ja": ja.TEXTS}
"""By language alone: Blender's own names are de_DE and ja_JP, and it looks for both."""

CONTEXTS = ("*", "Operator", PREFIX)
"""Of labels and names, of operators, and ours. In the first two Blender's own translation of a text comes before ours;
where that has another meaning (Profile is a curve's in Japanese), the text is shown in the third."""

NAMES = {
    *("Cycles", "Workbench", "GPU", "CPU"),
    *("MPEG-4", "QuickTime", "Matroska", "WebM"),
    *("H.264", "H.265", "AV1", "VP9", "ProRes", "FFV1"),
}
"""The same in every language, so they have no entry."""


def register() -> None:
    translations.register(
        __name__,
        {
            language: {(context, text): translation for context in CONTEXTS for text, translation in texts.items()}
            for language, texts in LANGUAGES.items()
        },
    )


def unregister() -> None:
    translations.unregister(__name__)
