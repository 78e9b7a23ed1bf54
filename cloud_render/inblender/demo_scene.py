# SPDX-License-Identifier: GPL-3.0-or-later
"""Action `demo_scene`: writes the scene of `cloud-render demo`, a turntable of glossy shapes that turns to an arpeggio.

It has what a real scene has and must travel: a texture file, a linked library, a sound. Everything is generated.
"""

from __future__ import annotations

import math
import random
import sys
import wave
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bpy

from cloud_render.inblender import versions
from cloud_render.inblender.events import Events
from cloud_render.inblender.versions import Scene

Thing = Any
Material = Any
data: Any = bpy.data
"""Of what was just made, the stubs say that it might not be there."""

FPS = 24
FRAMES = 48
SIZE = (320, 180)
SAMPLES = 8
SAMPLES_WITHOUT_DENOISER = 12

TEXTURE = Path("textures", "terrazzo.png")
LIBRARY = Path("library", "monkey.blend")
SOUND = Path("sound", "arpeggio.wav")

ARPEGGIO = (261.63, 329.63, 392.00, 493.88, 587.33, 493.88, 392.00, 329.63)
"""C E G B D B G E, in hertz."""
CHORD = (130.81, 196.00, 246.94)

Colour = tuple[float, float, float]
NAVY: Colour = (0.012, 0.030, 0.075)
TEAL: Colour = (0.010, 0.160, 0.180)
CORAL: Colour = (0.800, 0.110, 0.060)
GOLD: Colour = (1.000, 0.560, 0.150)
CREAM: Colour = (0.860, 0.760, 0.620)
WHITE: Colour = (1.0, 1.0, 1.0)
CHIPS: tuple[Colour, ...] = ((0.72, 0.30, 0.22), (0.10, 0.22, 0.28), (0.55, 0.50, 0.46), (0.93, 0.72, 0.44))
"""Of the floor, as they stand in the texture file."""


def run(request: dict[str, Any], events: Events) -> None:
    path, has_sound = write(Path(request["folder"]).resolve())
    events.send("demo_scene", path=str(path), has_sound=has_sound)


def write(folder: Path) -> tuple[Path, bool]:
    """Write the scene into `folder`; comes back with the .blend and whether this Blender could add the sound."""
    for file in (TEXTURE, LIBRARY, SOUND):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
    write_arpeggio(folder / SOUND)
    write_terrazzo(folder / TEXTURE)
    write_library(folder / LIBRARY)

    bpy.ops.wm.read_factory_settings(use_empty=True)
    # Keys in a straight line from one to the next: a turntable that neither starts nor stops.
    preferences: Any = bpy.context.preferences
    preferences.edit.keyframe_new_interpolation_type = "LINEAR"
    preferences.filepaths.save_version = 0  # else the second save below leaves a demo.blend1
    blend = folder / "demo.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))  # gives `//` its meaning
    scene = versions.active_scene()
    settings(scene)
    stage(scene, "//" + TEXTURE.as_posix())
    turntable(scene, folder / LIBRARY)
    lights(scene)
    camera(scene)
    has_sound = sound(scene, "//" + SOUND.as_posix())
    bpy.ops.wm.save_as_mainfile(filepath=str(blend), compress=True)
    return blend, has_sound


def settings(scene: Scene) -> None:
    scene.name = "Turntable"
    scene.frame_start, scene.frame_end = 1, FRAMES
    scene.render.fps = FPS
    scene.render.engine = "CYCLES"
    scene.render.resolution_x, scene.render.resolution_y = SIZE
    scene.render.resolution_percentage = 100
    scene.render.image_settings.file_format = "PNG"
    scene.render.image_settings.color_mode = "RGB"
    scene.view_settings.look = "AgX - Medium High Contrast"
    cycles = scene.cycles
    cycles.use_denoising = versions.has_denoiser()
    cycles.samples = SAMPLES if cycles.use_denoising else SAMPLES_WITHOUT_DENOISER
    cycles.use_adaptive_sampling = False
    # Measured at this size: 0.5 s a frame less than HIGH and ACCURATE, and no difference to be seen.
    cycles.denoising_quality, cycles.denoising_prefilter = "BALANCED", "FAST"
    cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces, cycles.transmission_bounces = 8, 2, 4, 8
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.sample_clamp_indirect = 4.0  # no fireflies at so few samples


def material(name: str, colour: Colour, **inputs: float) -> Material:
    """A Principled material; `inputs` are its sockets, with underscores for blanks."""
    made = data.materials.new(name)
    made.use_nodes = True
    shader = made.node_tree.nodes["Principled BSDF"]
    shader.inputs["Base Color"].default_value = (*colour, 1.0)
    for socket, value in inputs.items():
        shader.inputs[socket.replace("_", " ")].default_value = value
    return made


def add(scene: Scene, shape: Callable[..., Any], name: str, look: Material, **options: Any) -> Thing:
    """A primitive with smooth shading."""
    shape(**options)
    thing: Thing = bpy.context.object
    thing.name = name
    thing.data.materials.append(look)
    thing.data.polygons.foreach_set("use_smooth", [True] * len(thing.data.polygons))
    assert scene.objects.get(thing.name) is not None
    return thing


def soften(thing: Thing, width: float) -> None:
    """Round edges catch the light as real ones do."""
    bevel = thing.modifiers.new("Bevel", "BEVEL")
    bevel.width, bevel.segments, bevel.limit_method = width, 4, "ANGLE"
    thing.modifiers.new("Normals", "WEIGHTED_NORMAL")


def stage(scene: Scene, texture: str) -> None:
    """A terrazzo floor and a wall that the floor fades into."""
    floor = material("Terrazzo", CREAM, Roughness=0.22)
    nodes, links = floor.node_tree.nodes, floor.node_tree.links
    image, coordinates, mapping = (
        nodes.new(kind) for kind in ("ShaderNodeTexImage", "ShaderNodeTexCoord", "ShaderNodeMapping")
    )
    image.image = data.images.load(texture)
    mapping.inputs["Scale"].default_value = (9.0, 9.0, 1.0)
    links.new(coordinates.outputs["UV"], mapping.inputs["Vector"])
    links.new(mapping.outputs["Vector"], image.inputs["Vector"])
    links.new(image.outputs["Color"], nodes["Principled BSDF"].inputs["Base Color"])
    add(scene, bpy.ops.mesh.primitive_plane_add, "Floor", floor, size=40)
    wall = material("Wall", TEAL, Roughness=0.9)
    add(
        scene, bpy.ops.mesh.primitive_plane_add, "Wall", wall, size=60, location=(0, 9, 0), rotation=(math.pi / 2, 0, 0)
    )
    world = data.worlds.new("World")
    world.use_nodes = True
    world.node_tree.nodes["Background"].inputs["Color"].default_value = (*NAVY, 1.0)
    world.node_tree.nodes["Background"].inputs["Strength"].default_value = 1.2
    scene.world = world


def turntable(scene: Scene, library: Path) -> None:
    """A round table with the monkey of the library in the middle and shapes around it; one turn is the animation."""
    ops = bpy.ops.mesh
    plate = material("Plate", NAVY, Roughness=0.12, Coat_Weight=1.0)
    rim = material("Rim", GOLD, Metallic=1.0, Roughness=0.16)
    table = add(
        scene, ops.primitive_cylinder_add, "Table", plate, radius=2.1, depth=0.24, location=(0, 0, 0.16), vertices=96
    )
    soften(table, 0.03)
    ring = add(
        scene, ops.primitive_torus_add, "Rim", rim, major_radius=2.12, minor_radius=0.05, location=(0, 0, 0.28),
        major_segments=96, minor_segments=12,
    )  # fmt: skip
    foot = add(scene, ops.primitive_cylinder_add, "Pedestal", material("Pedestal", CREAM, Roughness=0.35), radius=0.62,
               depth=0.34, location=(0, 0, 0.45), vertices=64)  # fmt: skip
    soften(foot, 0.05)
    with data.libraries.load(str(library), link=True, relative=True) as (_, wanted):
        wanted.objects = ["Monkey"]
    monkey = wanted.objects[0]
    scene.collection.objects.link(monkey)
    holder = data.objects.new("Holder", None)
    scene.collection.objects.link(holder)
    turning = [table, ring, foot, *around(scene)]
    for thing in turning:
        thing.parent = holder
    holder.rotation_euler = (0, 0, 0)
    holder.keyframe_insert("rotation_euler", frame=1)
    holder.rotation_euler = (0, 0, math.tau)
    holder.keyframe_insert("rotation_euler", frame=FRAMES + 1)


def around(scene: Scene) -> list[Thing]:
    """Five shapes on a circle, each with a look of its own; the balls hop, one after the other."""
    ops = bpy.ops.mesh
    glass = material("Glass", WHITE, Roughness=0.0, Transmission_Weight=1.0, IOR=1.45)
    chrome = material("Chrome", WHITE, Metallic=1.0, Roughness=0.05)
    gold = material("Gold", GOLD, Metallic=1.0, Roughness=0.22)
    lacquer = material("Lacquer", CORAL, Roughness=0.25, Coat_Weight=1.0)
    pearl = material("Pearl", CREAM, Roughness=0.3, Coat_Weight=0.6)
    ball = {"segments": 48, "ring_count": 24}
    shapes: list[tuple[Any, str, Any, float, dict[str, Any]]] = [
        (ops.primitive_uv_sphere_add, "Chrome ball", chrome, 0.36, {"radius": 0.36, **ball}),
        (ops.primitive_cube_add, "Lacquered cube", lacquer, 0.30, {"size": 0.6}),
        (ops.primitive_uv_sphere_add, "Glass ball", glass, 0.33, {"radius": 0.33, **ball}),
        (ops.primitive_torus_add, "Gold ring", gold, 0.40, {"major_radius": 0.27, "minor_radius": 0.12}),
        (ops.primitive_cone_add, "Pearl cone", pearl, 0.36, {"radius1": 0.36, "depth": 0.72, "vertices": 64}),
    ]
    made = []
    for number, (shape, name, look, height, options) in enumerate(shapes):
        angle = math.tau * (number + 0.25) / len(shapes)
        place = (1.42 * math.cos(angle), 1.42 * math.sin(angle), 0.28 + height)
        thing = add(scene, shape, name, look, location=place, **options)
        if "cube" in name or "cone" in name:
            soften(thing, 0.06)
        if "ring" in name:
            thing.rotation_euler = (math.pi / 2, 0, angle + math.pi / 2)
        if "ball" in name:
            hop(thing, first=5 + 8 * number)
        made.append(thing)
    return made


def hop(thing: Thing, first: int) -> None:
    """Up and down along a parabola, in twelve frames."""
    ground = thing.location.z
    for frame in range(13):
        way = frame / 12
        thing.location.z = ground + 4 * 0.55 * way * (1 - way)
        thing.keyframe_insert("location", index=2, frame=first + frame)


def lights(scene: Scene) -> None:
    """A large warm key from the left, a cool rim from behind, a soft fill."""
    rows: list[tuple[str, float, float, Colour, tuple[float, float, float], tuple[float, float, float]]] = [
        ("Key", 420.0, 3.5, (1.0, 0.83, 0.66), (-4.2, -3.6, 5.2), (0, 0, 0.4)),
        ("Rim", 380.0, 2.5, (0.45, 0.72, 1.0), (4.4, 3.8, 3.6), (0, 0, 0.6)),
        ("Fill", 70.0, 6.0, (0.95, 0.75, 0.95), (5.0, -5.0, 2.6), (0, 0, 0.5)),
        ("Wash", 260.0, 3.0, (1.0, 0.55, 0.35), (-1.0, 5.0, 0.7), (-1.5, 9.0, 3.0)),
    ]
    for name, power, size, colour, place, target in rows:
        light = data.lights.new(name, "AREA")
        light.energy, light.size, light.color = power, size, colour
        thing = data.objects.new(name, light)
        thing.location = place
        thing.rotation_euler = towards(place, target)
        scene.collection.objects.link(thing)


def camera(scene: Scene) -> None:
    """Drifts a little around and in, focused on the monkey."""
    lens = data.cameras.new("Camera")
    lens.lens = 50
    lens.dof.use_dof = True
    lens.dof.aperture_fstop = 1.8
    eye = data.objects.new("Camera", lens)
    scene.collection.objects.link(eye)
    scene.camera = eye
    target = (0.0, 0.0, 0.72)
    for frame, place in ((1, (-1.3, -7.4, 2.35)), (FRAMES, (1.2, -6.7, 1.95))):
        eye.location = place
        eye.rotation_euler = towards(place, target)
        lens.dof.focus_distance = math.dist(place, (0.0, -0.45, 1.1))
        eye.keyframe_insert("location", frame=frame)
        eye.keyframe_insert("rotation_euler", frame=frame)
        lens.dof.keyframe_insert("focus_distance", frame=frame)


def towards(place: tuple[float, float, float], target: tuple[float, float, float]) -> tuple[float, float, float]:
    """The rotation of a camera or light at `place` that looks at `target`."""
    x, y, z = (there - here for here, there in zip(place, target, strict=True))
    return (math.atan2(math.hypot(x, y), -z), 0.0, math.atan2(y, x) - math.pi / 2)


def sound(scene: Scene, path: str) -> bool:
    """Whether the sound strip is there: the 4.2 wheel is built without audio."""
    if not versions.has_audio():
        return False
    editor = scene.sequence_editor_create()
    versions.top_strips(editor).new_sound("Arpeggio", path, 1, 1)
    return True


def write_library(path: Path) -> None:
    """A .blend of its own with a glazed monkey."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = versions.active_scene()
    glaze = material("Glaze", CORAL, Roughness=0.18, Coat_Weight=1.0)
    monkey = add(scene, bpy.ops.mesh.primitive_monkey_add, "Monkey", glaze, size=1.15, location=(0, -0.02, 1.14))
    smooth = monkey.modifiers.new("Smooth", "SUBSURF")
    smooth.levels = smooth.render_levels = 2
    monkey.rotation_euler = (-0.25, 0, 0)
    bpy.ops.wm.save_as_mainfile(filepath=str(path), compress=True)


def write_terrazzo(path: Path, size: int = 512, chips: int = 420) -> None:
    """Stone chips of several colours in a light ground; it tiles at the edges."""
    chance = random.Random(7)
    pixels = array("f", terrazzo_ground(chance, size * size))
    for _ in range(chips):
        lay_chip(pixels, size, chance)
    image = data.images.new("Terrazzo", size, size)
    image.pixels.foreach_set(pixels)
    image.filepath_raw = str(path)
    image.file_format = "PNG"
    image.save()


def terrazzo_ground(chance: random.Random, count: int) -> Iterator[float]:
    """`count` pixels of cream with a little grain."""
    for _ in range(count):
        grain = chance.gauss(0, 0.012)
        yield from (min(1.0, 0.90 + grain), 0.84 + grain, 0.76 + grain, 1.0)


def lay_chip(pixels: array[float], size: int, chance: random.Random) -> None:
    """One chip at a chance place, a lens of chance direction."""
    colour = array("f", (*chance.choice(CHIPS), 1.0))
    x, y, turn = chance.randrange(size), chance.randrange(size), chance.uniform(0, math.pi)
    radius = size * chance.uniform(0.006, 0.022)
    reach = int(radius / 0.7) + 1
    for dy in range(-reach, reach + 1):
        for dx in range(-reach, reach + 1):
            across = abs(abs(dx) * math.cos(turn) + abs(dy) * math.sin(turn))
            if across + 0.7 * math.hypot(dx, dy) < radius:
                place = 4 * ((y + dy) % size * size + (x + dx) % size)
                pixels[place : place + 4] = colour


def write_arpeggio(path: Path, rate: int = 44_100) -> None:
    """A plucked major-ninth arpeggio over a soft chord, as long as the animation; at its end it fades to silence."""
    count = rate * FRAMES // FPS
    left, right = array("f", bytes(4 * count)), array("f", bytes(4 * count))
    for number, pitch in enumerate(ARPEGGIO):
        pan = 0.3 + 0.4 * number / (len(ARPEGGIO) - 1)
        start = count * number // len(ARPEGGIO)
        for step, value in enumerate(pluck(pitch, rate, min(rate, count - start))):
            left[start + step] += value * (1 - pan)
            right[start + step] += value * pan
    for step in range(count):
        swell = 0.12 * math.sin(math.pi * step / count) ** 0.5
        fade = min(1.0, (count - step) / (0.05 * rate))
        for pitch in CHORD:
            turns = math.tau * pitch * step / rate
            left[step] += swell * math.sin(turns)
            right[step] += swell * math.sin(turns * 1.003)
        left[step] *= fade
        right[step] *= fade
    loudest = max(max(map(abs, left)), max(map(abs, right)))
    samples = array(
        "h", (int(0.8 * 32_767 * value / loudest) for pair in zip(left, right, strict=True) for value in pair)
    )
    if sys.byteorder == "big":
        samples.byteswap()
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())


def pluck(pitch: float, rate: int, count: int) -> Iterator[float]:
    """A string's tone of `pitch` hertz, dying away."""
    for step in range(count):
        time = step / rate
        yield math.exp(-4.5 * time) * sum(math.sin(math.tau * pitch * k * time) / k**2 for k in (1, 2, 3, 4))
