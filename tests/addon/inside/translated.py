# SPDX-License-Identifier: GPL-3.0-or-later
"""What this Blender is given to translate: labels as they are drawn, names and tooltips as it knows them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import bpy
from blender import MODULE, part
from described import groups, operators
from drawing import draw_all, in_each_state
from recorder import panels


def untranslated(texts: set[str]) -> set[tuple[str, str]]:
    """Those that a language lacks, and the language."""
    translations = part("translations")
    wanted = texts - translations.NAMES - {""}
    return {(name, text) for name, known in translations.LANGUAGES.items() for text in wanted - known.keys()}


def of_properties(kind: Any, rna: Any) -> Iterator[str]:
    """Names and tooltips of those that the class got from us, and of their choices."""
    ours = [base for base in kind.__mro__ if base.__module__.startswith(MODULE)]
    for each in (rna.properties[name] for base in ours for name in vars(base).get("__annotations__", ())):
        if not each.is_hidden:
            yield from (each.name, each.description)
            for item in each.enum_items if each.type == "ENUM" else ():
                yield from (item.name, item.description)


def test_every_label_that_blender_translates_is_in_every_language():
    """All that is drawn, in all states, but what is said to be left alone."""
    seen: set[str] = set()

    def draw() -> None:
        labels = [each.values for picture in draw_all() for each in picture.drawn if each.values.get("translate", True)]
        seen.update(values.get(name) or "" for values in labels for name in ("text", "heading"))

    with in_each_state() as each:
        each(draw)
    assert len(seen) > 10
    assert not untranslated(seen), untranslated(seen)


def test_every_name_and_tooltip_is_in_every_language():
    """Of operators, panels, properties and choices, as they are registered."""
    seen = {text for panel in panels() for text in (panel.bl_label, getattr(panel, "bl_category", ""))}
    for name, kind in operators().items():
        rna = getattr(bpy.ops.cloud_render, name).get_rna_type()
        seen |= {rna.name, rna.description, *of_properties(kind, rna)}
    for kind in groups():
        seen |= set(of_properties(kind, kind.bl_rna))
    seen.discard(bpy.types.PropertyGroup.bl_rna.properties["name"].description)  # every row has it, and Blender has it
    assert len(seen) > 100
    assert not untranslated(seen), untranslated(seen)
