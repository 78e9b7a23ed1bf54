# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are not what they seem: .blends, archives, hooks, contents in the store and in a machine's cache."""

from __future__ import annotations

import gzip
import hashlib
import io
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud_render import blender
from cloud_render.client.examine import examine
from cloud_render.client.extras import scene_files
from cloud_render.contract.errors import CloudRenderError
from cloud_render.store.cutting import LARGEST, Cutter
from worker.builds import extract
from worker.cache import Cache
from worker.hooks import left_in

SAVE = """
import bpy, sys
bpy.ops.wm.save_as_mainfile(filepath=sys.argv[1], compress=False)
bpy.ops.wm.save_as_mainfile(filepath=sys.argv[2], compress=True)
"""


@pytest.fixture(scope="session")
def blends(tmp_path_factory) -> dict[str, bytes]:
    """A .blend as it is, and compressed by zstd."""
    pytest.importorskip("bpy", reason="needs the bpy wheel, to save a .blend")
    folder = tmp_path_factory.mktemp("blends")
    paths = [folder / "plain.blend", folder / "zstd.blend"]
    subprocess.run([sys.executable, "-c", SAVE, *map(str, paths)], check=True, capture_output=True)
    return {path.stem: path.read_bytes() for path in paths}


BROKEN = {
    "empty": lambda blends: b"",
    "text": lambda blends: b"BLENDE or not\n" * 20,
    "header alone": lambda blends: b"BLENDER",
    "header of 2.80": lambda blends: b"BLENDER-v280" + b"\0" * 200,
    "header of 5.2 and noise": lambda blends: b"BLENDER17-01v0502" + bytes(range(256)) * 40,
    "of a Blender to come": lambda blends: b"BLENDER17-01v0999" + blends["plain"][17:],
    "cut short": lambda blends: blends["plain"][: len(blends["plain"]) // 2],
    "lengths that lie": lambda blends: blends["plain"][:17] + b"\xff" * 64 + blends["plain"][81:],
    "zstd cut short": lambda blends: blends["zstd"][: len(blends["zstd"]) // 2],
    "zstd damaged": lambda blends: blends["zstd"][:64] + b"\0" * 64 + blends["zstd"][128:],
    "gzip of a text": lambda blends: gzip.compress(b"hello"),
    "gzip cut short": lambda blends: gzip.compress(blends["plain"])[:-5_000],
}


@pytest.mark.parametrize("how", BROKEN)
def test_what_is_no_sound_blend_is_refused_in_words(how, blends, tmp_path, refused):
    """By Blender itself, which may die of it: the artist still gets a sentence."""
    path = tmp_path / "scene.blend"
    path.write_bytes(BROKEN[how](blends))
    with refused():
        examine(blender.find(), path)
        # Blender repairs some cuts by itself; a file that it opens is one.
        assert how in ("cut short", "gzip cut short", "lengths that lie", "zstd damaged"), "it was taken"


@pytest.mark.parametrize(
    "name", ['a b\'s "ñ" $(touch x);.blend', "-P x.blend", "x" * 249 + ".blend", "ünï\u202ecode.blend"]
)
def test_a_blend_of_any_name_is_opened(name, blends, tmp_path, refused):
    """Nothing in a name is an option, a command or a pattern."""
    path = tmp_path / name
    path.write_bytes(blends["zstd"])
    with refused():
        assert examine(blender.find(), path).blend.path == str(path)
    assert [found.name for found in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["two\nlines.blend", "tab\t.blend"])
def test_a_blend_whose_name_no_object_can_have_is_refused(name, blends, tmp_path):
    """Before anything is sent."""
    path = tmp_path / name
    path.write_bytes(blends["zstd"])
    with pytest.raises(CloudRenderError, match="control character"):
        examine(blender.find(), path)


@given(
    head=st.sampled_from([b"BLENDER-v405", b"BLENDER17-01v0500", b"BLENDER00-01v0500", b"", b"BLENDER"]), data=st.data()
)
def test_any_content_is_cut_and_adds_up(head, data, refused):
    """Block lengths that lie, negative ones, heads cut in two: chunks end, none is too long, none is missing."""
    content = head + data.draw(st.binary(max_size=6_000)) + data.draw(st.integers(0, 200_000)) * b"\0"
    with refused():
        lengths = Cutter().lengths(content, True)
        assert sum(lengths) == len(content)
        assert all(0 < length <= LARGEST for length in lengths)


KINDS = (tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE)
ENTRIES = ("../escape", "/tmp/escape", "a/../../escape", "ok/file", "link", "link/below", "dev", "x" * 300, "\udcff")
TARGETS = ("", "../outside/letter", "/etc/passwd", "link", "ok/file", "../../..")
MEMBERS = st.lists(st.tuples(*map(st.sampled_from, (ENTRIES, KINDS, TARGETS))), max_size=5)


@given(members=MEMBERS)
def test_no_archive_writes_outside_its_folder(members, nothing_outside, refused):
    """Absolute names, `..`, links that lead out, devices: refused, and nothing of them is there."""
    packed = nothing_outside / "archive.tar"
    folder = nothing_outside / "unpacked"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    with tarfile.open(packed, "w") as archive:
        for name, kind, target in members:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, target
            member.size = 1 if kind == tarfile.REGTYPE else 0
            archive.addfile(member, io.BytesIO(b"x"))
    with refused():
        extract(packed, folder)
    assert not Path("/tmp/escape").exists()


@given(content=st.binary(max_size=600))
def test_no_noise_is_an_archive(content, nothing_outside, refused):
    """Nor the beginning of one."""
    packed = nothing_outside / "archive.tar"
    packed.write_bytes(content)
    with refused():
        extract(packed, nothing_outside)


@settings(max_examples=60)
@given(wrong=st.binary(max_size=50))
def test_a_poisoned_cache_never_gives_its_content(wrong, nothing_outside, refused):
    """Whatever a child left under a hash, the one that uses it gets the content of that hash."""
    right = b"the texture"
    sha256 = hashlib.sha256(right).hexdigest()
    cache = Cache(nothing_outside / "cache", limit=10_000)
    poisoned = nothing_outside / "cache" / "files" / sha256
    poisoned.unlink(missing_ok=True)
    poisoned.write_bytes(wrong)
    with refused(), cache.file(sha256, lambda path: path.write_bytes(right) and None) as found:
        assert found.read_bytes() == right


@pytest.mark.parametrize("to", ["/etc/passwd", "../../outside/letter", "nowhere", "."])
def test_a_poisoned_link_in_the_cache_is_not_followed(to, nothing_outside, refused):
    """Not to another file, and not to write through it."""
    right = b"the texture"
    sha256 = hashlib.sha256(right).hexdigest()
    cache = Cache(nothing_outside / "cache", limit=10_000)
    (nothing_outside / "cache" / "files" / sha256).symlink_to(to)
    with refused(), cache.file(sha256, lambda path: path.write_bytes(right) and None) as found:
        assert found.read_bytes() == right
        assert not found.is_symlink()


def test_what_hooks_leave_is_plain_files_only(nothing_outside):
    """A link would bring any file of the machine into the bucket."""
    (nothing_outside / "file").write_text("a log")
    (nothing_outside / "link").symlink_to("/etc/passwd")
    (nothing_outside / "folder").symlink_to("/etc")
    assert [name for name, _ in left_in(nothing_outside)] == ["file"]


@pytest.mark.parametrize("to", ["/etc/passwd", "../outside/letter", "nowhere", "."])
def test_no_link_takes_a_file_from_outside_along(to, nothing_outside, refused):
    """In a folder that the artist names with --extra."""
    (nothing_outside / "tex").mkdir()
    (nothing_outside / "tex" / "link").symlink_to(f"../{to}" if to.startswith("..") else to)
    with refused():
        scene_files([nothing_outside / "tex"])
        pytest.fail("it was taken")
