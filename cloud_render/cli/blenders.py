# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding a Blender and looking into a .blend, with the words a person needs where that fails."""

from __future__ import annotations

import re
from pathlib import Path

import click

from cloud_render import blender
from cloud_render.cli.options import option
from cloud_render.cli.stages import Stages
from cloud_render.client.examine import examine
from cloud_render.contract.errors import BadArguments, BlenderFailed, CloudRenderError, UnreadableBlend
from cloud_render.contract.scene import Examination

SCENE_FILE = click.Path(path_type=Path, readable=False)
"""Click looks at nothing: what is wrong with the file, and what to do, is said by check_is_file()."""

blender_option = option(
    "--blender",
    "program",
    metavar="PATH",
    default=None,
    section="Blender",
    help="A blender program, or a Python that has bpy. Default: CLOUD_RENDER_BLENDER, bpy here, `blender` on PATH.",
)

scripts_option = option(
    "--scripts/--no-scripts",
    "use_scripts",
    default=False,
    section="Blender",
    help="Let Python inside the .blend run. Default: it does not.",
)

APT_PACKAGE_OF = {
    "libX11.so": "libx11-6",
    "libXrender.so": "libxrender1",
    "libXfixes.so": "libxfixes3",
    "libXi.so": "libxi6",
    "libxkbcommon.so": "libxkbcommon0",
    "libSM.so": "libsm6",
    "libICE.so": "libice6",
    "libGL.so": "libgl1",
    "libEGL.so": "libegl1",
    "libgomp.so": "libgomp1",
    "libXxf86vm.so": "libxxf86vm1",
}
"""System libraries that the bpy wheel loads, and where Debian and Ubuntu keep them."""

ALL_APT = (
    "libx11-6 libxrender1 libxfixes3 libxi6 libxkbcommon0 libsm6 libgl1 libgomp1 libxxf86vm1 libegl1 libgl1-mesa-dri"
)


def look_into(path: Path, stages: Stages, program: str | None, use_scripts: bool, frames: str | None) -> Examination:
    """What Blender says of the file. Raises as check_is_file(), and whatever Blender met."""
    check_is_file(path)
    with stages.stage(f"Looking into {path.name}") as stage:
        try:
            found = blender.find(program)
            examination = examine(found, path, use_scripts, frames)
        except CloudRenderError as error:
            raise explained(error) from error
        stage.done = f"{path.name} read by Blender {found.version}"
    return examination


def check_is_file(path: Path) -> None:
    """Raises BadArguments or UnreadableBlend for what can't be a .blend, before anything is started for it."""
    try:
        if path.is_dir():
            raise BadArguments(f"{str(path)!r} is a folder.", "Name the .blend to render.")
        if not path.is_file():
            raise BadArguments(f"There is no file {str(path)!r}.", "Name the .blend to render.")
        path.open("rb").close()
    except OSError as error:
        raise UnreadableBlend(
            f"{str(path)!r} can't be read: {error.strerror}.", "Check its name, and who may read the file."
        ) from error


def explained(error: CloudRenderError) -> CloudRenderError:
    """The same error, with the packages to install where a system library is missing."""
    match = re.search(r"\b(lib\w+)\.so[.\d]*: cannot open shared object file", str(error))
    if not match:
        return error
    package = APT_PACKAGE_OF.get(f"{match[1]}.so", "")
    advice = f"On Debian and Ubuntu: sudo apt-get install --no-install-recommends {ALL_APT}"
    return BlenderFailed(
        f"Blender can't start: the system library {match[0].split(':')[0]} is not installed"
        + (f" (package {package})." if package else "."),
        advice,
    )
