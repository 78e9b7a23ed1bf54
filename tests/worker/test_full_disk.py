# SPDX-License-Identifier: GPL-3.0-or-later
"""A disk that is full, wherever the worker meets it: exit code 75, so that Batch tries another machine, and why."""

from __future__ import annotations

import tarfile

import pytest

from cloud_render.contract.job import Hooks
from local_cloud.small_disk import way_to_mount

pytestmark = pytest.mark.skipif(way_to_mount() is None, reason="needs root or user namespaces")

ON_A_SMALL_DISK = 'mkdir -p "$2" && mount -t tmpfs -o "$1" tmpfs "$2" && shift 2 && exec "$@"'

FEW_FILES = "size=2g,nr_inodes=3"
"""Room for bytes, and none for a folder of the attempt's own and what is in it."""


def on_a_small_disk(rig, place, options):
    rig.around = (*(way_to_mount() or ()), "sh", "-c", ON_A_SMALL_DISK, "sh", options, str(rig.folder / place))


@pytest.mark.parametrize("place", ["scratch", "cache"])
def test_a_folder_that_can_not_be_made_is_a_full_disk(rig, place):
    """Of the attempt's scratch as of the machine's cache; the report says the same."""
    rig.job(frames="1-1")
    on_a_small_disk(rig, place, FEW_FILES)
    ended = rig.render()
    assert ended.code == 75, ended.log
    assert "The disk is full" in ended.last_line
    assert rig.report().exit_code == 75
    assert "The disk is full" in rig.report().problem


def test_a_hook_that_fails_on_a_full_disk_is_no_fault_of_the_hook(rig):
    """It may have room on another machine; on an empty disk the same hook's failure stays."""
    script = f"mount -o remount,size=1m '{rig.folder / 'scratch'}'\nexit 1\n".encode()
    hooks = Hooks("home/ann/pre.sh")
    rig.job(
        rig.file("home/ann/scene.blend"),
        rig.file("home/ann/pre.sh", script),
        hooks=hooks,
        frames="1-1",
    )
    on_a_small_disk(rig, "scratch", "size=2g")
    ended = rig.render()
    assert ended.code == 75, ended.log
    assert "The disk is full: the hook pre_render failed" in ended.last_line


def test_an_archive_that_does_not_fit_unpacked_is_no_damaged_one(rig, tmp_path):
    """Where the disk has room for its bytes, and none for its files."""
    content = tmp_path / "file"
    content.write_bytes(b"")
    with tarfile.open(tmp_path / "blender.tar.xz", "w:xz") as packed:
        for number in range(40):
            packed.add(content, f"blender/{number}")
    on_a_small_disk(rig, "scratch", "size=2g,nr_inodes=20")
    ended = rig.worker(
        "install-blender", "5.0.1", "--to", f"s3://{rig.bucket}/blender", "--from", str(tmp_path / "blender.tar.xz")
    )
    assert ended.code == 75, ended.log
    assert "The disk is full" in ended.last_line
