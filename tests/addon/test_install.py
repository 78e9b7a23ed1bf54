# SPDX-License-Identifier: GPL-3.0-or-later
"""The zip in Blender: installed from disk and from the repository, updated, switched off and on."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

TRACES = """
import json, threading
def traces():
    '''What an extension can leave behind, by name.'''
    handlers = {name: [f"{f.__module__}.{f.__name__}" for f in getattr(bpy.app.handlers, name)]
                for name in dir(bpy.app.handlers) if isinstance(getattr(bpy.app.handlers, name), list)}
    owners = [getattr(bpy.types, name) for name in ("Scene", "WindowManager", "Object", "WorkSpace", "Screen")]
    drawn = {name: len(t.draw._draw_funcs) for name in dir(bpy.types)
             if (t := getattr(bpy.types, name, None)) and hasattr(getattr(t, "draw", None), "_draw_funcs")}
    return {"handlers": handlers, "types": sorted(dir(bpy.types)),
            "threads": sorted(thread.name for thread in threading.enumerate()),
            "properties": {o.__name__: sorted(o.bl_rna.properties.keys()) for o in owners},
            "drawn": {name: number for name, number in drawn.items() if number > 1},
            "operators": sorted(dir(bpy.ops.cloud_render))}
"""

TEN_TIMES = (
    TRACES
    + """
MODULE = addon.__name__
addon_utils.disable(MODULE)
off, on = [traces()], []
for _ in range(10):
    # Without default_set: with it, Blender unpacks and removes the wheels each time, which takes seconds.
    assert addon_utils.enable(MODULE)
    on.append(traces())
    addon_utils.disable(MODULE)
    off.append(traces())
print(json.dumps({"off": off, "on": on}))
"""
)


def test_it_installs_and_is_enabled_without_a_warning(installed):
    """Blender sees no policy broken, and what the library needs comes out of the user folder."""
    said = installed.run(
        "import boto3, cloud_render, json\n"
        "warnings = addon_utils._extensions_warnings_get()\n"
        "print(json.dumps([addon.__name__, warnings, boto3.__file__, cloud_render.__file__]))"
    )
    name, warnings, *files = json.loads(said.splitlines()[-1])
    assert (name, warnings) == ("bl_ext.user_default.cloud_render", {})
    assert all(Path(file).is_relative_to(installed.user) for file in files)


def test_switched_off_and_on_ten_times_it_leaves_nothing_behind(installed):
    """No class, property, handler, menu entry or thread outlives it, and each time it is as the first time."""
    traces = json.loads(installed.run(TEN_TIMES).splitlines()[-1])
    off, on = traces["off"], traces["on"]
    assert all(after == off[0] for after in off[1:])
    assert all(again == on[0] for again in on[1:])


def test_an_update_brings_the_new_library(addon_zip, sources, new_blender, tmp_path):
    """A build of changed sources replaces the library too, though its version number is the same."""
    checkout = shutil.copytree(sources, tmp_path / "changed")
    with (checkout / "cloud_render" / "__init__.py").open("a", encoding="utf-8") as module:
        module.write('\nCHANGED = "yes"\n')
    wheels = ("--wheels", str(ROOT / "build" / "wheels"))
    build = [new_blender.python, "build_addon.py", *wheels]
    subprocess.run(build, cwd=checkout, check=True, capture_output=True)
    new_blender.install(addon_zip)
    new_blender.install(checkout / "dist" / addon_zip.name)
    assert "yes" in new_blender.run("import cloud_render; print(cloud_render.CHANGED)")


def test_the_repository_installs_it(addon_zip, new_blender):
    """index.json beside the zip is a repository that Blender reads, installs from and will find updates in."""
    said = new_blender.run(
        "import sys\nbpy.context.preferences.system.use_online_access = True\n"
        "repos = bpy.context.preferences.extensions.repos\n"
        "repo = repos.new(name='Cloud Render', module='ours', remote_url=sys.argv[1])\n"
        "index = list(repos).index(repo)\n"
        "bpy.ops.extensions.repo_sync(repo_index=index)\n"
        "bpy.ops.extensions.package_install(repo_index=index, pkg_id='cloud_render')\n"
        "print(*bpy.context.preferences.addons.keys())\n",
        (addon_zip.parent / "index.json").as_uri(),
        enabled=False,
    )
    assert "bl_ext.ours.cloud_render" in said.split()
