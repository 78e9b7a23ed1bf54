# SPDX-License-Identifier: GPL-3.0-or-later
"""Every kind of file a scene can refer to arrives: the job's picture equals the artist's, tile by tile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

ALL = "4.2"
IMPORT_NODES = "geometry nodes have no import nodes"


@dataclass(frozen=True)
class Kind:
    """A row: one kind of file, and where it is seen."""

    scene: str
    """Its builder is scene_<scene>.py."""
    name: str
    since: str = ALL
    """The first Blender that has it; `reason` says what is missing before."""
    reason: str = ""
    travels_inside: bool = False
    """Packed in the .blend: nothing is lost when the .blend stands alone."""

    def __str__(self) -> str:
        return f"{self.scene}: {self.name}"


KINDS = (
    Kind("textures", "image, relative"),
    Kind("textures", "image, absolute"),
    Kind("textures", "image outside the project"),
    Kind("textures", "image with an odd name"),
    Kind("textures", "image, packed", travels_inside=True),
    Kind("textures", "image in a node group"),
    Kind("textures", "world image"),
    Kind("textures", "image sequence"),
    Kind("textures", "image sequence of .jp2"),
    Kind("textures", "image sequence, cyclic"),
    Kind("textures", "UDIM"),
    Kind("textures", "UVTILE"),
    Kind("textures", "movie texture"),
    Kind("textures", "EXR image"),
    Kind("textures", "texture of a modifier"),
    Kind("textures", "image of geometry nodes"),
    Kind("textures", "image of a light"),
    Kind("geometry", "font"),
    Kind("geometry", "volume"),
    Kind("geometry", "volume sequence"),
    Kind("geometry", "Alembic"),
    Kind("geometry", "Alembic sequence"),
    Kind("geometry", "Alembic layer"),
    Kind("geometry", "USD"),
    Kind("geometry", "USD of several layers"),
    Kind("geometry", "transform cache"),
    Kind("geometry", "MDD"),
    Kind("geometry", "PC2"),
    Kind("geometry", "multires in a file"),
    Kind("geometry", "import node, OBJ", "4.5", IMPORT_NODES),
    Kind("geometry", "import node, PLY", "4.5", IMPORT_NODES),
    Kind("geometry", "import node, STL", "4.5", IMPORT_NODES),
    Kind("geometry", "import node, CSV", "4.5", IMPORT_NODES),
    Kind("geometry", "import node, text", "4.5", IMPORT_NODES),
    Kind("geometry", "import node, path from the modifier", "4.5", IMPORT_NODES),
    Kind("geometry", "import node, VDB", "4.5", IMPORT_NODES),
    Kind("simulations", "cloth"),
    Kind("simulations", "cloth, external cache"),
    Kind("simulations", "soft body"),
    Kind("simulations", "particles"),
    Kind("simulations", "hair dynamics"),
    Kind("simulations", "dynamic paint"),
    Kind("simulations", "rigid body", travels_inside=True),  # Blender 4.2 to 5.2 crashes on its disk cache
    Kind("simulations", "simulation zone"),
    Kind("simulations", "bake node"),
    Kind("libraries", "texture of a library"),
    Kind("libraries", "sequence of a library"),
    Kind("libraries", "volume of a library"),
    Kind("libraries", "library of a library"),
    Kind("libraries", "cache of a library of a library"),
    Kind("libraries", "linked image"),
    Kind("libraries", "linked material"),
    Kind("libraries", "library override"),
    Kind("libraries", "override with a linked image"),
    Kind("libraries", "packed linked data", "5.0", "linked data can't be packed"),
    Kind("shaders", "OSL"),
    Kind("shaders", "OSL with a header"),
    Kind("shaders", "IES"),
    Kind("sequencer", "movie strip"),
    Kind("sequencer", "clip strip"),
    Kind("sequencer", "clip strip of a sequence"),
    Kind("sequencer", "image strip"),
    Kind("sequencer", "image sequence strip"),
    Kind("sequencer", "text strip's font"),
    Kind("sequencer", "scene strip"),
    Kind("sequencer", "meta strip"),
    Kind("compositor", "image node"),
    Kind("compositor", "image sequence node"),
    Kind("compositor", "clip node"),
    Kind("compositor", "clip node of a sequence"),
    Kind("compositor", "image node in a group"),
    Kind("packed", "texture of a packed library"),
    Kind("packed", "font, packed", travels_inside=True),
    Kind("stereo_nodes", "stereo image node"),
    Kind("stereo_nodes", "stereo sequence node"),
    Kind("stereo", "stereo strip"),
    Kind("stereo", "stereo strip of a sequence"),
    Kind("lens", "OSL camera", "4.5", "cameras have no lens in OSL"),
)
SCENES = tuple(dict.fromkeys(kind.scene for kind in KINDS))
PATHS = (
    "relative",
    "windows",
    pytest.param("absolute", marks=pytest.mark.every_path),
    pytest.param("unc", marks=pytest.mark.every_path),
)


def number(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")[:2]))


def skip_if_lacking(kind: Kind, version: str) -> None:
    if number(version) < number(kind.since):
        pytest.skip(f"Blender {version}: {kind.reason}")


@pytest.mark.parametrize("paths", PATHS)
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_kind_arrives(kind: Kind, paths: str, journey: Callable[..., Any], the_blender: Any) -> None:
    """A scene's files, carried to where none of its paths exist, render to the same pixels."""
    skip_if_lacking(kind, the_blender.version)
    scene = journey(kind.scene, paths)
    expected, got = scene.tile(scene.reference, kind.name), scene.tile(scene.arrived, kind.name)
    assert got.keys() == expected.keys()
    for frame, pixels in expected.items():
        np.testing.assert_array_equal(got[frame], pixels, err_msg=f"frame {frame}")


@pytest.mark.parametrize("kind", [kind for kind in KINDS if not kind.travels_inside], ids=str)
def test_the_loss_of_a_kind_would_show(kind: Kind, journey: Callable[..., Any], the_blender: Any) -> None:
    """Without its files each kind renders differently, so that the test above can fail."""
    skip_if_lacking(kind, the_blender.version)
    scene = journey(kind.scene)
    expected, got = scene.tile(scene.reference, kind.name), scene.tile(scene.alone, kind.name)
    assert any(not np.array_equal(got[frame], pixels) for frame, pixels in expected.items())


@pytest.mark.parametrize("paths", PATHS)
@pytest.mark.parametrize("scene", SCENES)
def test_nothing_is_called_missing(scene: str, paths: str, journey: Callable[..., Any], the_blender: Any) -> None:
    """A complete scene has no missing files, and every kind that was built has a row in the table."""
    if all(number(the_blender.version) < number(kind.since) for kind in KINDS if kind.scene == scene):
        pytest.skip(f"Blender {the_blender.version} has no kind of this scene")
    made = journey(scene, paths)
    assert made.examination.missing == ()
    assert set(made.boxes) <= {kind.name for kind in KINDS if kind.scene == scene}


@pytest.mark.parametrize("paths", ["windows", pytest.param("unc", marks=pytest.mark.every_path)])
def test_the_paths_are_really_those_of_another_system(paths: str, journey: Callable[..., Any], fidelity: Any) -> None:
    """Each .blend of the Windows cases holds such paths, so that the tests above have something to find."""
    blends = {path.name: path.read_bytes() for path in journey("libraries", paths).root.rglob("*.blend")}
    assert set(blends) == {"shot.blend", "props.blend", "deep.blend"}
    there = {name for name, content in blends.items() if fidelity.DIALECTS[paths].encode() in content}
    assert there == set(blends)


def test_what_is_baked_needs_no_warning(journey: Callable[..., Any]) -> None:
    """Every simulation of that scene is baked, in all the ways there are."""
    assert journey("simulations").examination.warnings == ()


def test_only_the_numbers_of_a_sequence_that_frames_use_travel(journey: Callable[..., Any]) -> None:
    """Frames 1 and 3 use numbers 11 and 13 of six; one on each side comes along, the rest stays at home."""
    names = [path.rsplit("/", 1)[1] for path in journey("textures").files("/seq/walk_")]
    assert names == ["walk_0011.png", "walk_0012.png", "walk_0013.png", "walk_0014.png"]


def test_only_the_numbers_that_the_compositor_uses_travel(journey: Callable[..., Any]) -> None:
    """Of eight numbers the last four are used by no frame."""
    names = [path.rsplit("/", 1)[1] for path in journey("compositor").files("/run/run_")]
    assert names == [f"run_{number:04d}.png" for number in range(1, 5)]


def test_only_the_volumes_that_frames_use_travel(journey: Callable[..., Any]) -> None:
    """A sequence of volumes is known in the same way: here all four lie beside the frames that are rendered."""
    names = [path.rsplit("/", 1)[1] for path in journey("geometry").files("/vdb/smoke_")]
    assert names == [f"smoke_{number:04d}.vdb" for number in range(1, 5)]
