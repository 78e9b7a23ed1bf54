# SPDX-License-Identifier: GPL-3.0-or-later
"""Setting the cloud up and taking it away from the preferences; the local cloud stands already, so it is an update."""

from __future__ import annotations

import bpy
from blender import error_of, model, part, preferences, until
from recorder import preferences_page

ops = bpy.ops.cloud_render


def test_a_set_up_brings_the_cloud_up_to_date_and_says_so():
    """The same button makes a new cloud; the jobs of an old one stay."""
    assert ops.set_up() == {"FINISHED"}
    assert model().stack_work is None
    assert model().checks[-1].words == "The cloud is ready."
    assert all(check.good for check in model().checks)


def test_pressed_it_shows_what_it_does():
    """Minutes on AWS: the preferences tell the step, and Blender stays usable."""
    tasks, account = part("tasks"), part("account").account(bpy.context)
    part("background").BACKGROUND.start(tasks.set_up(account))
    until(lambda: model().stack_work is not None, "a first step")
    assert model().stack_work.words in preferences_page().texts
    until(lambda: model().stack_work is None, "the end")
    assert model().checks[-1].good


def test_the_cloud_is_not_removed_for_a_name_that_is_not_its_own():
    """A press by mistake costs nothing."""
    assert "Nothing was removed" in error_of(ops.remove, typed="another")
    assert ops.refresh() == {"FINISHED"}


def test_a_set_up_that_is_refused_says_why():
    """An account that can't be reached is a finding, in red, and nothing half-made."""
    preferences().endpoint_url = "http://127.0.0.1:9"
    error_of(ops.set_up)
    assert not model().checks[-1].good
    assert model().stack_work is None
