# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a job's files lie, and the instance's cache they come from."""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
from pathlib import Path

import pytest

from cloud_render.contract.errors import BadJob, DiskFull, StorageUnavailable
from cloud_render.contract.keys import Prefix
from worker import cache as caches
from worker.cache import Cache, require_free
from worker.layout import lay_out, place
from worker.s3 import Bucket


@pytest.fixture
def cache(tmp_path) -> Cache:
    return Cache(tmp_path / "the-cache", limit=10_000)


@pytest.fixture
def bucket(rig) -> Bucket:
    return Bucket(rig.s3, rig.bucket)


@pytest.fixture
def root(tmp_path) -> Path:
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


def put(cache: Cache, content: bytes) -> str:
    """Content in the cache; its hash."""
    sha256 = hashlib.sha256(content).hexdigest()
    with cache.file(sha256, lambda path: path.write_bytes(content) and None):
        return sha256


def test_files_lie_below_the_root_as_blender_asks_for_them(rig, bucket, cache, root):
    """Folders, blanks and accents are kept; two files of one name stay two."""
    files = [
        rig.file("home/ann/a b/scène.blend", b"the blend"),
        rig.file("home/ann/a b/tex/t.png", b"one"),
        rig.file("c/lib/tex/t.png", b"two"),
        rig.file("unc/srv/share/empty.txt", b""),
    ]
    job = rig.job(*files)
    blend = lay_out(bucket, rig.prefix, job, root, cache)
    assert blend == root / "home/ann/a b/scène.blend"
    assert {file.scene_path: (root / file.scene_path).read_bytes() for file in files} == {
        file.scene_path: file.path.read_bytes() for file in files
    }


def test_a_second_job_on_the_machine_takes_its_files_from_the_cache(rig, bucket, cache, root, tmp_path):
    """Nothing is fetched that is there."""
    job = rig.job(rig.file("p/scene.blend", b"the blend"))
    lay_out(bucket, rig.prefix, job, root, cache)
    for item in rig.s3.list_objects_v2(Bucket=rig.bucket, Prefix="store/packs/")["Contents"]:
        rig.s3.delete_object(Bucket=rig.bucket, Key=item["Key"])
    (tmp_path / "second").mkdir()
    blend = lay_out(bucket, rig.prefix, job, tmp_path / "second", cache)
    assert blend.read_bytes() == b"the blend"


def test_many_small_files_come_in_a_few_requests(rig, bucket, cache, root):
    """Their packs are read, not each of them."""
    files = [rig.file(f"p/tex/{number:03}.png", b"%d" % number) for number in range(60)]
    job = rig.job(rig.file("p/scene.blend", b"the blend"), *files)
    asked: list[str] = []
    bucket.client.meta.events.register("before-call.s3.GetObject", lambda **kw: asked.append(kw["params"]["url_path"]))
    lay_out(bucket, rig.prefix, job, root, cache)
    assert {file.scene_path: (root / file.scene_path).read_bytes() for file in files} == {
        file.scene_path: file.path.read_bytes() for file in files
    }
    assert 1 <= sum("/store/packs/" in path for path in asked) <= 4


def test_a_damaged_cached_file_is_fetched_again(rig, bucket, cache, root, tmp_path):
    """The hash is looked at on every use."""
    job = rig.job(rig.file("p/scene.blend", b"the blend"))
    lay_out(bucket, rig.prefix, job, root, cache)
    (cached,) = (cache.folder / "files").iterdir()
    cached.chmod(0o644)
    cached.unlink()
    cached.write_bytes(b"the blenk")
    (tmp_path / "second").mkdir()
    assert lay_out(bucket, rig.prefix, job, tmp_path / "second", cache).read_bytes() == b"the blend"


@pytest.mark.parametrize("path", ["../a.png", "/etc/passwd", "a/../../b", "a//b", "c:/a.png", "a\\b", ""])
def test_a_path_that_would_leave_the_root_is_refused(root, path):
    """Not even a folder is made for it."""
    with pytest.raises(BadJob, match="refused"):
        place(root, path)
    assert list(root.iterdir()) == []


def test_a_link_that_leads_out_of_the_root_is_not_followed(root, tmp_path):
    """A link that a script left in the root leads nowhere."""
    (tmp_path / "outside").mkdir()
    (root / "tex").symlink_to(tmp_path / "outside")
    with pytest.raises(BadJob, match="a link lies on its way"):
        place(root, "tex/sub/a.png")
    (root / "a.png").symlink_to(tmp_path / "outside" / "b.png")
    with pytest.raises(BadJob, match="a link lies on its way"):
        place(root, "a.png")


def test_a_file_where_another_needs_a_folder_is_refused(root):
    """`a` and `a/b` can't both be files."""
    place(root, "a").write_bytes(b"")
    with pytest.raises(BadJob, match="needs a folder"):
        place(root, "a/b")


def test_children_that_start_together_fetch_each_content_once(cache):
    """The others wait for the first one's lock."""
    fetched = []
    content = b"shared"
    sha256 = hashlib.sha256(content).hexdigest()
    gate = threading.Barrier(8)

    def fetch(path: Path) -> None:
        fetched.append(path)
        path.write_bytes(content)

    def child() -> None:
        gate.wait()
        with cache.file(sha256, fetch) as path:
            assert path.read_bytes() == content

    threads = [threading.Thread(target=child) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(fetched) == 1


def test_the_cache_evicts_what_was_not_used_for_longest(cache):
    """Until the new content fits below the limit."""
    names = [put(cache, bytes([number]) * 3_000) for number in range(3)]
    for age, name in ((300, names[0]), (100, names[1]), (200, names[2])):
        os.utime(cache.folder / "files" / name, (1e9 - age, 1e9 - age))
    cache.make_room(4_000)
    assert [cache.has(name) for name in names] == [False, True, True]


def test_the_cache_never_evicts_what_is_in_use(cache):
    """A build that renders, and a file being laid out, stay whatever their age."""
    content = b"x" * 9_000
    sha256 = hashlib.sha256(content).hexdigest()
    with (
        cache.build("a-build", lambda folder: (folder / "blender").write_bytes(b"y" * 9_000) and None) as build,
        cache.file(sha256, lambda path: path.write_bytes(content) and None),
    ):
        cache.make_room(5_000)
        assert (build / "blender").exists()
        assert cache.has(sha256)
    cache.make_room(5_000)
    assert not build.exists()
    assert not cache.has(sha256)


def test_a_full_disk_is_said_with_its_figures(cache):
    """What is needed and what is free, before anything is fetched."""
    free = shutil.disk_usage(cache.folder).free
    with pytest.raises(DiskFull, match=r"MB .*are needed, .*B are free") as caught:
        require_free(cache.folder, free - caches.RESERVE + 1_000_000)
    assert caught.value.exit_code == 75


def test_a_fetch_that_fails_leaves_nothing_in_the_cache(cache):
    """The next child starts from nothing, not from half a file."""

    def fetch(_path: Path) -> None:
        raise StorageUnavailable("S3 is away.")

    with pytest.raises(StorageUnavailable), cache.file("0" * 64, fetch):
        pass
    assert not cache.has("0" * 64)


def test_an_unpacking_that_fails_leaves_no_build(cache):
    """A half-unpacked Blender is never used."""

    def unpack(folder: Path) -> None:
        (folder / "half").write_bytes(b"")
        raise StorageUnavailable("S3 is away.")

    with pytest.raises(StorageUnavailable), cache.build("b", unpack):
        pass
    assert list((cache.folder / "builds").iterdir()) == []


def test_cached_files_are_read_only_and_scripts_get_copies(rig, bucket, cache, root):
    """Where scripts of the scene may run, its files are no links into the cache."""
    job = rig.job(rig.file("p/scene.blend", b"the blend"), use_scripts=True)
    blend = lay_out(bucket, rig.prefix, job, root, cache)
    (cached,) = (cache.folder / "files").iterdir()
    assert cached.stat().st_mode & 0o222 == 0
    assert not blend.samefile(cached)


def test_a_broken_contents_file_is_refused(rig, bucket, cache, root):
    """contents.json.gz is validated like every other of our files."""
    job = rig.job()
    rig.put(Prefix.of_job(job.id).contents, b"no gzip")
    with pytest.raises(BadJob, match="not gzip"):
        lay_out(bucket, rig.prefix, job, root, cache)
