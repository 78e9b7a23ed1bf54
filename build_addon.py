# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the Blender extension: dist/cloud_render-<version>.zip, and dist/index.json, a repository to install it from.

    python build_addon.py [--output-dir dist]

The zip holds blender_addon/, the wheels that blender_addon/wheels.lock pins, and a wheel of our own library. The same
sources give the same bytes, wherever and whenever: entries are sorted, all of one date, and stored uncompressed, since
zlib's output differs between its versions (and wheels are compressed already). Blender's own tool validates the zip and
writes the index; it does not pack, because it would take dates, rights and zlib as it finds them.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import importlib.util
import io
import re
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cloud_render
from cloud_render.client.sources import BUNDLE
from cloud_render.contract.errors import BadInput, CloudRenderError, TryAgain

ROOT = Path(__file__).resolve().parent
ADDON = ROOT / "blender_addon"
MANIFEST = "blender_manifest.toml"
LOCK = "wheels.lock"
LICENCE = "LICENSE"

CACHE = ROOT / "build" / "wheels"
"""Where downloaded wheels stay, so that the next build needs no network."""

OLDEST_BLENDER = (4, 2, 0)
LONGEST_LINE = 64
"""Characters of a tagline or of the reason for a permission; Blender's rule."""

PERMISSIONS = {"network", "files"}
DATE = (1980, 1, 1, 0, 0, 0)
"""Of all entries: the first one that a zip can hold."""

WHEEL = b"Wheel-Version: 1.0\nGenerator: build_addon\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
"""What our wheel says about itself: pure Python, for any platform."""

TOOL = "*/scripts/addons_core/bl_pkg/cli/blender_ext.py"
"""Where a Blender has its extension tool: below bpy's folder, and below an installed Blender's."""


class CannotBuild(BadInput):
    """Something in the sources, or on this computer, stands in the way of the zip."""


@dataclass(frozen=True)
class LockedWheel:
    """One line of wheels.lock."""

    name: str
    version: str
    sha256: str

    @property
    def file_start(self) -> str:
        """What the wheel's file name starts with."""
        return f"{self.name.replace('-', '_')}-{self.version}-"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; the exit code."""
    options = _options(arguments)
    try:
        built = build(options.output_dir, cache=options.wheels, tool=options.extension_tool)
    except CloudRenderError as error:
        print(f"build_addon: {error}", file=sys.stderr)
        return 1
    print(f"{built}  {built.stat().st_size:,} bytes  sha256:{hashlib.sha256(built.read_bytes()).hexdigest()}")
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="build_addon.py", description="Builds the Blender extension.")
    parser.add_argument("--output-dir", type=Path, default=Path("dist"), metavar="DIR", help="default: dist")
    parser.add_argument("--wheels", type=Path, default=CACHE, metavar="DIR", help="downloaded wheels stay here")
    parser.add_argument(
        "--extension-tool", type=Path, metavar="FILE", help="a Blender's blender_ext.py; default: bpy's"
    )
    return parser.parse_args(arguments)


def build(output: Path, addon: Path = ADDON, cache: Path = CACHE, tool: Path | None = None) -> Path:
    """Write the zip and index.json into `output`; the zip's path. Raises CannotBuild, or TryAgain without a network."""
    tool = tool or extension_tool()
    manifest = _manifest_text(addon)
    problems = problems_of_manifest(tomllib.loads(manifest))
    if problems:
        raise CannotBuild(f"{addon / MANIFEST} can't be used: {'; '.join(problems)}.")
    name, library = own_wheel()
    wheels = {path.name: path.read_bytes() for path in locked_wheels(addon / LOCK, cache)} | {name: library}
    contents = dict(_files_of(addon, leave_out={MANIFEST, LOCK}))
    if "__init__.py" not in contents:
        raise CannotBuild(f"There is no {addon / '__init__.py'}.", "An extension is a Python package.")
    contents[MANIFEST] = _with_wheels(manifest, sorted(wheels)).encode()
    contents[LICENCE] = (ROOT / LICENCE).read_bytes()
    contents |= {f"wheels/{name}": wheel for name, wheel in wheels.items()}
    return _publish(packed(contents), f"cloud_render-{cloud_render.__version__}.zip", output, tool)


# --- the manifest ---------------------------------------------------------------------------------


def _manifest_text(addon: Path) -> str:
    text = (addon / MANIFEST).read_text("utf-8")
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CannotBuild(f"{addon / MANIFEST} is no TOML: {error}.") from error
    return text


def problems_of_manifest(manifest: Mapping[str, Any]) -> list[str]:
    """What is wrong in our manifest that Blender's validator lets pass, or says less clearly."""
    version, licences = manifest.get("version"), manifest.get("license", [])
    permissions = manifest.get("permissions", {})
    oldest = tuple(int(number) for number in re.findall(r"\d+", str(manifest.get("blender_version_min", ""))))
    lines = {
        "tagline": str(manifest.get("tagline", "")),
        **{f"permission {key}": permissions[key] for key in permissions},
    }
    rules = [
        (version == cloud_render.__version__, f"version is {version}, cloud_render says {cloud_render.__version__}"),
        (manifest.get("id") == "cloud_render", "id is not cloud_render"),
        ("blender" not in str(manifest.get("name", "")).lower(), "the name has Blender in it, which is not ours"),
        (all(str(licence).startswith("SPDX:") for licence in licences), "a licence lacks its SPDX: prefix"),
        (oldest >= OLDEST_BLENDER, f"blender_version_min is below {'.'.join(map(str, OLDEST_BLENDER))}"),
        (set(permissions) <= PERMISSIONS, f"permissions are not just {' and '.join(sorted(PERMISSIONS))}"),
        ("build" not in manifest, "[build] has no meaning here: build_addon.py packs"),
        *(
            (len(line) <= LONGEST_LINE, f"{what} has more than {LONGEST_LINE} characters")
            for what, line in lines.items()
        ),
        *((line[-1:].isalnum(), f"{what} ends with punctuation") for what, line in lines.items()),
        *((value != "", f"{key} is empty: leave it out") for key, value in manifest.items()),
    ]
    return [problem for is_kept, problem in rules if not is_kept]


def _with_wheels(manifest: str, names: Sequence[str]) -> str:
    listed = "wheels = [\n" + "".join(f'  "./wheels/{name}",\n' for name in names) + "]"
    text, found = re.subn(r"^wheels = \[\]$", lambda _: listed, manifest, flags=re.MULTILINE)
    if found != 1:
        raise CannotBuild(f"{MANIFEST} has no line `wheels = []`.", "build_addon.py puts the list of wheels there.")
    return text


# --- wheels ---------------------------------------------------------------------------------------


def locked_wheels(lock: Path, cache: Path) -> list[Path]:
    """The files of all wheels in `lock`, each with the hash that it asks for. Downloads what `cache` lacks."""
    wanted = _read_lock(lock)
    if any(_cached(wheel, cache) is None for wheel in wanted):
        _download(lock, cache)
    found = {wheel: _cached(wheel, cache) for wheel in wanted}
    absent = [f"{wheel.name} {wheel.version}" for wheel, path in found.items() if path is None]
    if absent:
        raise CannotBuild(f"{lock} names no pure wheel of {', '.join(absent)}.", "Check names, versions and hashes.")
    return [path for path in found.values() if path is not None]


def _read_lock(lock: Path) -> list[LockedWheel]:
    rows = [line for line in lock.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    matches = [re.fullmatch(r"([\w.-]+)==([\w.]+) --hash=sha256:([0-9a-f]{64})", row) for row in rows]
    bad = [row for row, match in zip(rows, matches, strict=True) if match is None]
    if bad:
        raise CannotBuild(f"{lock} has a line without version and hash: {bad[0]}.")
    return [LockedWheel(*match.groups()) for match in matches if match is not None]


def _cached(wheel: LockedWheel, cache: Path) -> Path | None:
    """None too where the file in the cache is not the one that was looked at: it is fetched again."""
    files = sorted(cache.glob(f"{wheel.file_start}*-none-any.whl"))
    return next((file for file in files if hashlib.sha256(file.read_bytes()).hexdigest() == wheel.sha256), None)


def _download(lock: Path, cache: Path) -> None:
    cache.mkdir(parents=True, exist_ok=True)
    flags = ("--require-hashes", "--no-deps", "--only-binary", ":all:", "--quiet", "--no-input")
    with tempfile.TemporaryDirectory(dir=cache) as new:  # so that another build never sees half a file
        command = [sys.executable, "-m", "pip", "download", *flags, "-r", str(lock), "-d", new]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise _no_wheels(done, lock, cache)
        for wheel in Path(new).iterdir():
            wheel.replace(cache / wheel.name)


def _no_wheels(done: subprocess.CompletedProcess[str], lock: Path, cache: Path) -> CloudRenderError:
    """What it means that pip failed."""
    lines = [line for line in done.stderr.splitlines() if line.strip()] or [f"it ended with {done.returncode}"]
    reason = next((line for line in lines if line.startswith("ERROR")), lines[-1]).removeprefix("ERROR: ")
    if "DO NOT MATCH THE HASHES" in done.stderr:
        return CannotBuild(
            f"A wheel is not the one that {lock} names.", "Don't build with it; find out who changed it."
        )
    return TryAgain(
        f"pip could not bring the wheels: {reason.rstrip('.')}.",
        f"A first build needs pip and a network; later ones find the wheels in {cache}.",
    )


def own_wheel() -> tuple[str, bytes]:
    """File name and bytes of our library's wheel: cloud_render without its command line, and what a stack is made of.

    The version has a part made of the contents. Blender unpacks a wheel only if its version is another one, so a build
    of changed sources would otherwise be installed with the old library.
    """
    contents = {f"cloud_render/{name}": data for name, data in _files_of(ROOT / "cloud_render", leave_out={"cli"})}
    for room in ("cloudformation", "worker"):
        contents |= {f"cloud_render/{BUNDLE}/{room}/{name}": data for name, data in _files_of(ROOT / room)}
    digest = hashlib.sha256(b"".join(name.encode() + b"\0" + contents[name] for name in sorted(contents))).hexdigest()
    version = f"{cloud_render.__version__}+s{digest[:10]}"
    about = f"cloud_render-{version}.dist-info"
    contents[f"{about}/METADATA"] = (
        f"Metadata-Version: 2.1\nName: cloud-render\nVersion: {version}\nSummary: {cloud_render.__doc__}\n"
        "License: GPL-3.0-or-later\nRequires-Python: >=3.11\n"
    ).encode()
    contents[f"{about}/WHEEL"] = (
        b"Wheel-Version: 1.0\nGenerator: build_addon\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    )
    rows = [f"{name},sha256={_record_hash(data)},{len(data)}\n" for name, data in sorted(contents.items())]
    contents[f"{about}/RECORD"] = "".join([*rows, f"{about}/RECORD,,\n"]).encode()
    return f"cloud_render-{version}-py3-none-any.whl", packed(contents)


def _record_hash(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


# --- archives -------------------------------------------------------------------------------------


def _files_of(folder: Path, leave_out: frozenset[str] | set[str] = frozenset()) -> Iterator[tuple[str, bytes]]:
    """Names below `folder`, with /, and contents, but for what Python and desktops leave behind."""
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        hidden = any(part.startswith(".") or part == "__pycache__" for part in parts)
        if path.is_file() and not hidden and parts[0] not in leave_out:
            yield "/".join(parts), path.read_bytes()


def packed(contents: Mapping[str, bytes]) -> bytes:
    """A zip of these names and contents; the same for the same, on every computer."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as entries:
        for name in sorted(contents):
            entry = zipfile.ZipInfo(name, DATE)
            entry.create_system = 3  # Unix, where it was made on Windows as well
            entry.external_attr = 0o100644 << 16
            entries.writestr(entry, contents[name])
    return archive.getvalue()


# --- Blender's own tool ---------------------------------------------------------------------------


def extension_tool() -> Path:
    """The blender_ext.py of the bpy wheel in this Python, found without starting Blender. Raises CannotBuild."""
    spec = importlib.util.find_spec("bpy")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    tools = [
        tool for folder in folders for tool in Path(folder).glob("*/scripts/addons_core/bl_pkg/cli/blender_ext.py")
    ]
    if not tools:
        raise CannotBuild(
            f"{sys.executable} has no bpy, whose extension tool validates the zip.",
            f"`pip install bpy` with Python 3.11 or 3.13, or give --extension-tool BLENDER/{TOOL}.",
        )
    return tools[0]


def _publish(archive: bytes, name: str, output: Path, tool: Path) -> Path:
    """Validate first, then put the zip and the index of it alone into `output`: what is there is always whole."""
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output, prefix=".build-") as stage:
        zipped = Path(stage, name)
        zipped.write_bytes(archive)
        _run_tool(tool, "validate", "--valid-tags", str(_tags(tool)), str(zipped))
        _run_tool(tool, "server-generate", "--repo-dir", stage)
        for made in (zipped, Path(stage, "index.json")):
            made.replace(output / made.name)
    return output / name


def _tags(tool: Path) -> Path:
    """The list of tags that Blender's own command hands to the tool."""
    return tool.parents[3] / "modules" / "_bpy_internal" / "extensions" / "tags.py"


def _run_tool(tool: Path, *arguments: str) -> None:
    done = subprocess.run([sys.executable, str(tool), *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CannotBuild(f"Blender's extension tool refuses the zip: {(done.stdout + done.stderr).strip()}")


if __name__ == "__main__":
    sys.exit(main())
