# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender knows of our operators and properties: names, tooltips, options."""

from __future__ import annotations

from typing import Any

import bpy
from blender import part

TALKING = {
    *("submit", "test", "send", "resume", "again", "refresh", "look", "cancel", "retry", "stitch", "delete"),
    *("download", "show_frame", "show_log", "check", "sign_in", "choose_role", "set_up", "remove"),
}
"""Operators that use the network."""

BLENDERS_OWN = {"rna_type", "bl_idname", "bl_label", "bl_description", "bl_options", "name_property"}


def operators() -> dict[str, Any]:
    return {kind.bl_idname.partition(".")[2]: kind for kind in part("operators").CLASSES if hasattr(kind, "bl_idname")}


def groups() -> list[Any]:
    """All property groups of ours."""
    kinds = (*part("settings").CLASSES, *part("mirror").CLASSES, *part("preferences").CLASSES)
    return [kind for kind in kinds if issubclass(kind, bpy.types.PropertyGroup | bpy.types.AddonPreferences)]


def test_every_operator_has_a_tooltip():
    """It says what will happen, in more than the button's own words, and ends without a full stop as Blender's do."""
    for name, kind in operators().items():
        rna = getattr(bpy.ops.cloud_render, name).get_rna_type()
        assert rna.description, name
        assert rna.description != rna.name, name
        assert not rna.description.endswith("."), name
        assert rna.name == kind.bl_label, name


def test_every_property_of_an_operator_that_shows_has_a_tooltip():
    """Hidden ones are for our own buttons."""
    for name in operators():
        for each in getattr(bpy.ops.cloud_render, name).get_rna_type().properties:
            if each.identifier not in BLENDERS_OWN and not each.is_hidden:
                assert each.name, (name, each.identifier)
                assert each.description, (name, each.identifier)


def test_every_setting_has_a_name_and_a_tooltip():
    """Each choice of a list too."""
    for kind in groups():
        own = {name for base in kind.__mro__ for name in vars(base).get("__annotations__", ())}
        for name in own:
            each = kind.bl_rna.properties[name]
            assert each.name, (kind, name)
            assert each.description, (kind, name)
            for item in each.enum_items if each.type == "ENUM" else ():
                assert item.name, (name, item.identifier)
                assert item.description, (name, item.identifier)


def test_no_operator_that_talks_to_the_cloud_runs_again_by_undo_or_redo():
    """Neither Ctrl-Z nor Adjust Last Operation may submit, cancel or delete a second time."""
    kinds = operators()
    assert set(kinds) >= TALKING
    for name in TALKING:
        assert not set(kinds[name].bl_options) & {"UNDO", "UNDO_GROUPED", "REGISTER"}, name


def test_every_operator_talks_to_the_cloud_or_is_known_not_to():
    """One that is new here must be put on one side."""
    silent = {
        *("stop", "discard", "download_when_done", "stop_download", "open_video", "open_folder", "load_strip"),
        *("extra_add", "extra_remove", "preset_add", "preferences", "dismiss", "select_culprit"),
        *("open_page", "stop_sign_in", "ask"),
    }
    known = TALKING | silent
    assert set(operators()) <= known, set(operators()) - known


def test_what_changes_the_file_can_be_undone():
    """The strip, the list of extra files and the selection are the artist's own work."""
    kinds = operators()
    for name in ("load_strip", "extra_add", "extra_remove", "select_culprit"):
        assert "UNDO" in kinds[name].bl_options, name


def test_the_search_menu_shows_none_of_the_inner_workings():
    """F3 lists what makes sense on its own."""
    for name, kind in operators().items():
        assert "INTERNAL" in getattr(kind, "bl_options", ()), name


def test_labels_are_short_enough_for_a_narrow_sidebar():
    """A label that is cut can't be read, whatever its tooltip says."""
    for name, kind in operators().items():
        assert len(kind.bl_label) <= 26, name


def test_a_preset_holds_settings_that_there_are():
    """And none that only one scene can have, such as its camera."""
    settings = part("settings")
    there = settings.RenderSettings.bl_rna.properties.keys()
    assert set(settings.PRESET_NAMES) <= set(there)
    assert not set(settings.PRESET_NAMES) & {"camera", "view_layer", "frame_text", "extra", "pre_hook", "post_hook"}
