# SPDX-License-Identifier: GPL-3.0-or-later
"""build_addon.py: the same bytes from the same sources, nothing unchecked in them, and words where it can't build."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WHEELS = ROOT / "build" / "wheels"
NO_NETWORK = {"PIP_INDEX_URL": "https://127.0.0.1:9/simple", "PIP_RETRIES": "0", "PIP_FIND_LINKS": ""}


@pytest.fixture
def checkout(sources: Path, tmp_path: Path) -> Path:
    """What the zip is made of, in another place and with other dates."""
    return shutil.copytree(sources, tmp_path / "another place", copy_function=shutil.copyfile)


@pytest.fixture
def build(blender_python: str) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a checkout's build_addon.py, with the wheels that were downloaded already unless told otherwise."""

    def run(
        checkout: Path, *flags: str, wheels: Path = WHEELS, python: tuple[str, ...] = (blender_python,), **changes: str
    ) -> subprocess.CompletedProcess[str]:
        command = [*python, str(checkout / "build_addon.py"), "--output-dir", str(checkout / "dist"), *flags]
        return subprocess.run(
            [*command, "--wheels", str(wheels)], env=os.environ | changes, capture_output=True, text=True, check=False
        )

    return run


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def wheels_of(archive: Path) -> dict[str, zipfile.ZipFile]:
    with zipfile.ZipFile(archive) as entries:
        names = [name for name in entries.namelist() if name.endswith(".whl")]
        return {Path(name).name: zipfile.ZipFile(io.BytesIO(entries.read(name))) for name in names}


def test_the_same_sources_give_the_same_bytes(addon_zip, checkout, build):
    """Another folder, day, time zone and umask, and no network: zip and index are the same to the byte."""
    built = build(checkout, TZ="Asia/Tokyo", **NO_NETWORK)
    assert built.returncode == 0, built.stderr
    assert sha256(checkout / "dist" / addon_zip.name) == sha256(addon_zip)
    assert (checkout / "dist" / "index.json").read_bytes() == (addon_zip.parent / "index.json").read_bytes()


def test_what_lies_about_in_a_checkout_stays_out(addon_zip, checkout, build):
    """Compiled files, hidden files and old builds make no other zip."""
    (checkout / "blender_addon" / "__pycache__").mkdir(exist_ok=True)
    for name in ("blender_addon/__pycache__/x.pyc", "blender_addon/.DS_Store", "cloud_render/client/.swp"):
        (checkout / name).write_bytes(b"left behind")
    (checkout / "dist").mkdir()
    (checkout / "dist" / "cloud_render-0.0.1.zip").write_bytes(b"an old build")
    assert build(checkout).returncode == 0
    assert sha256(checkout / "dist" / addon_zip.name) == sha256(addon_zip)
    assert len(json.loads((checkout / "dist" / "index.json").read_text())["data"]) == 1


def test_the_manifest_lists_just_the_wheels_that_are_there(addon_zip):
    """All wheels are pure Python, so one zip does for all platforms."""
    with zipfile.ZipFile(addon_zip) as entries:
        manifest = tomllib.loads(entries.read("blender_manifest.toml").decode())
        there = [f"./{name}" for name in entries.namelist() if name.endswith(".whl")]
        folders = {name.split("/")[0] for name in entries.namelist()}
    assert manifest["wheels"] == there
    assert all(name.endswith("-none-any.whl") for name in there)
    assert {"__init__.py", "blender_manifest.toml"} <= folders
    assert not {"__pycache__", "wheels.lock"} & folders


def test_one_version_everywhere(addon_zip):
    """Package, extension, and the file's name tell the same version."""
    said = re.search(r'__version__ = "(.+)"', (ROOT / "cloud_render" / "__init__.py").read_text("utf-8"))[1]
    manifest = tomllib.loads((ROOT / "blender_addon" / "blender_manifest.toml").read_text("utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert (manifest["version"], project["version"], addon_zip.name) == (said, said, f"cloud_render-{said}.zip")


def test_client_and_worker_speak_with_aws_in_the_same_way():
    """What both install has the same version and hash on both sides."""
    locks = (ROOT / "blender_addon" / "wheels.lock", ROOT / "worker" / "requirements.txt")
    of_client, of_worker = ({line for line in lock.read_text("utf-8").splitlines() if "==" in line} for lock in locks)
    assert of_client <= of_worker


def test_our_wheel_holds_the_library_and_no_program(addon_zip):
    """Neither command line nor local cloud come with it, and it puts one name into the site-packages all share."""
    (wheel,) = [wheel for name, wheel in wheels_of(addon_zip).items() if name.startswith("cloud_render-")]
    names = set(wheel.namelist())
    assert {"cloud_render/client/submit.py", "cloud_render/inblender/collect.py", "cloud_render/blender.py"} <= names
    assert not [name for name in names if name.startswith("cloud_render/cli/") or "local_cloud" in name]
    assert {name.split("/")[0].split("-")[0] for name in names} == {"cloud_render"}


def test_our_wheel_is_one_that_pip_installs(addon_zip, tmp_path):
    """Its records are right: pip checks them."""
    with zipfile.ZipFile(addon_zip) as entries:
        (name,) = [name for name in entries.namelist() if name.startswith("wheels/cloud_render-")]
        wheel = entries.extract(name, tmp_path)
    flags = ("--no-deps", "--no-index", "--quiet", "--target", str(tmp_path / "there"))
    subprocess.run([sys.executable, "-m", "pip", "install", *flags, wheel], check=True)
    assert (tmp_path / "there" / "cloud_render" / "client" / "farm.py").is_file()


def test_the_library_needs_no_more_than_the_wheels(addon_zip, blender_python, only_blender, tmp_path):
    """Every module but those inside Blender imports with the zip's wheels and NumPy alone, and clients can be made."""
    for wheel in wheels_of(addon_zip).values():
        wheel.extractall(tmp_path)
    for name in ("numpy", "numpy.libs"):
        if (only_blender / name).exists():
            (tmp_path / name).symlink_to(only_blender / name)
    code = (
        "import importlib, pkgutil, sys; sys.path.append(sys.argv[1])\n"
        "import cloud_render, numpy, boto3\n"
        "names = [m.name for m in pkgutil.walk_packages(cloud_render.__path__, 'cloud_render.')]\n"
        "[importlib.import_module(name) for name in names if not name.startswith('cloud_render.inblender')]\n"
        "services = ('s3', 'batch', 'cloudformation', 'logs', 'sso', 'sso-oidc', 'sts')\n"
        "[boto3.client(service, region_name='eu-central-1') for service in services]\n"
        "print(len(names))\n"
    )
    done = subprocess.run(
        [blender_python, "-I", "-S", "-c", code, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 30


def test_the_stack_can_be_made_from_the_zip(installed, sources):
    """Template and worker source come with the library, as they are in the checkout."""
    code = (
        "from cloud_render.client import sources\nprint(sources.TEMPLATE, sources.WORKER, sources.PACKAGE, sep='\\n')"
    )
    template, worker, package = (Path(line) for line in installed.run(code).splitlines()[-3:])
    assert package.is_relative_to(installed.user)
    assert template.read_bytes() == (sources / "cloudformation" / "cloud-render.yaml").read_bytes()
    assert {path.name for path in worker.iterdir()} == {
        path.name for path in (sources / "worker").iterdir() if path.name != "__pycache__"
    }


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('name = "Cloud Render"', 'name = "Cloud Render for Blender"', "has Blender in it"),
        ('version = "0', 'version = "9', "cloud_render says"),
        ("4.2.0", "4.1.0", "below 4.2.0"),
        ("SPDX:", "", "SPDX: prefix"),
        ("one button", "one button!", "ends with punctuation"),
        ("one button", "one button, and with everything that belongs to it", "more than 64"),
        ('network = "', 'clipboard = "Copy links"\nnetwork = "', "not just files and network"),
        ('tags = ["Render"]', 'tags = ["Rendering"]', 'invalid tag "Rendering"'),
        ('maintainer = "Cloud Render contributors"', 'maintainer = ""', "maintainer is empty"),
        ("wheels = []", "", "no line `wheels = []`"),
        ("schema_version =", "schema_version", "no TOML"),
    ],
)
def test_a_manifest_that_blender_or_its_platform_refuses_is_not_built(checkout, build, old, new, words):
    """The reason is said in a line, and no zip is left to be taken for a good one."""
    edit(checkout / "blender_addon" / "blender_manifest.toml", old, new)
    built = build(checkout)
    assert built.returncode == 1
    assert words in built.stderr
    assert "Traceback" not in built.stderr
    assert not list((checkout / "dist").glob("**/*"))


def test_without_network_and_wheels_it_says_what_is_needed(checkout, build, tmp_path):
    """The first build names the network and the folder; it shows no traceback and leaves no half file."""
    built = build(checkout, wheels=tmp_path / "no wheels", **NO_NETWORK)
    assert built.returncode == 1
    assert "needs pip and a network" in built.stderr
    assert "Traceback" not in built.stderr
    assert not list((tmp_path / "no wheels").iterdir())


def test_a_wheel_that_was_changed_is_refused(addon_zip, checkout, build, tmp_path):
    """Wherever it comes from: its hash is not the one in the lock."""
    six = "4721f391ed90541fddacab5acf947aa0d3dc7d27b2e1e8eda2be8970586c3274"
    edit(checkout / "blender_addon" / "wheels.lock", six, six[::-1])
    built = build(checkout, wheels=tmp_path / "wheels", PIP_NO_INDEX="1", PIP_FIND_LINKS=str(WHEELS))
    assert built.returncode == 1
    assert "not the one that" in built.stderr


def test_a_damaged_wheel_in_the_cache_is_fetched_again(addon_zip, checkout, build, tmp_path):
    """A cache is believed only as far as its hashes go."""
    cache = shutil.copytree(WHEELS, tmp_path / "wheels")
    next(cache.glob("six-*")).write_bytes(b"half a file")
    built = build(checkout, wheels=cache, PIP_NO_INDEX="1", PIP_FIND_LINKS=str(WHEELS))
    assert built.returncode == 0, built.stderr
    assert sha256(checkout / "dist" / addon_zip.name) == sha256(addon_zip)


def test_without_bpy_it_says_how_to_get_it(checkout, build, blender_python):
    """A Python without Blender's tool can't validate, so it does not build."""
    built = build(checkout, python=(blender_python, "-S"))
    assert built.returncode == 1
    assert "pip install bpy" in built.stderr
