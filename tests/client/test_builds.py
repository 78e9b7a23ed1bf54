# SPDX-License-Identifier: GPL-3.0-or-later
"""Which builds of Blender lie in the bucket."""

from __future__ import annotations

from cloud_render.client import objects
from cloud_render.client.builds import builds
from cloud_render.client.farm import Farm
from cloud_render.contract import keys


def test_whole_builds_are_listed_the_newest_first(farm: Farm) -> None:
    """By number and not by letter; an archive whose record is missing is still on its way, and strays are no builds."""
    assert builds(farm) == ()
    whole = ("4.2.9", "4.2.23", "5.0.1", "5.10.0")
    written = [keys.blender_record(version) for version in whole]
    written += [keys.blender_build(version) + f"blender-{version}-linux-x64.tar.xz" for version in (*whole, "5.2.0")]
    written += ["blender/build.json", "blender/5.3.0/old/build.json", "blender/notes.txt"]
    for key in written:
        objects.write(farm, key, "x")
    try:
        assert builds(farm) == ("5.10.0", "5.0.1", "4.2.23", "4.2.9")
    finally:
        objects.delete(farm, written)
