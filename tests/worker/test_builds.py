# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds of Blender: into the bucket, out of it, and which one renders a job."""

from __future__ import annotations

import hashlib
import io
import json
import sys
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import zstandard

from cloud_render.contract.errors import BadInput
from cloud_render.contract.report import End
from worker.builds import extract

FAKE = Path(__file__).parent / "fake_blender.py"


def archive(folder: Path, version: str) -> Path:
    """An archive as Blender's are, with a program that says it is Blender `version`."""
    orders = f'{{"version": "{version}"}}'
    text = f"""#!/bin/sh\nexport FAKE_BLENDER='{orders}'\nexec '{sys.executable}' '{FAKE}' "$@"\n"""
    path = folder / f"blender-{version}-linux-x64.tar.xz"
    with tarfile.open(path, "w:xz") as packed:
        entry = tarfile.TarInfo(f"blender-{version}-linux-x64/blender")
        entry.size, entry.mode = len(text.encode()), 0o755
        packed.addfile(entry, io.BytesIO(text.encode()))
    return path


def hash_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def install(rig, tmp_path):
    """`install-blender VERSION` of an archive made here."""

    def run(version: str, *options: str, path: Path | None = None):
        source = str(path or archive(tmp_path, version))
        place = f"s3://{rig.bucket}/blender"
        return rig.worker("install-blender", version, "--to", place, "--from", source, *options)

    return run


@pytest.fixture
def only_the_bucket(rig):
    """No Blender is chosen on this machine; the one in this Python does not fit the jobs below."""
    rig.fake()
    del rig.environment["CLOUD_RENDER_BLENDER"]
    return rig


@pytest.fixture
def site(tmp_path) -> Iterator[tuple[str, Path]]:
    """A download site on loopback: its address and its folder."""
    folder = tmp_path / "site"
    folder.mkdir()

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", folder
    server.shutdown()
    server.server_close()


def test_an_installed_build_renders_jobs_of_its_version(only_the_bucket, install, tmp_path):
    """Archive into the bucket, unpacked into the cache by the first child, used by the next one as it is."""
    rig = only_the_bucket
    path = archive(tmp_path, "9.9.1")
    installed = install("9.9.1", "--sha256", hash_of(path), path=path)
    assert installed.code == 0, installed.log
    assert installed.last_line == f"done: Blender 9.9.1 is in s3://{rig.bucket}/blender/9.9.1/"
    rig.job(frames="1-2", blender="9.9.1")
    first = rig.render(2)
    assert first.code == 0, first.log
    assert "unpacking it, once for this machine" in first.log
    assert rig.report().blender == "9.9.1"
    rig.job(frames="1-4", frames_per_job=4, blender="9.9.1")
    second = rig.render(4)
    assert second.code == 0, second.log
    assert "unpacking" not in second.log


def test_children_that_start_together_unpack_a_build_once(only_the_bucket, install):
    """The others wait for the lock, then use what the first one made."""
    rig = only_the_bucket
    install("9.9.1")
    rig.job(frames="1-3", frames_per_job=1, blender="9.9.1")
    children = [rig.start(*rig.render_arguments(1), **rig.child(index, 3)) for index in range(3)]
    logs = [child.communicate(timeout=120)[0] for child in children]
    assert [child.returncode for child in children] == [0, 0, 0], logs
    assert sum("unpacking it" in log for log in logs) == 1


def test_a_newer_patch_of_the_same_release_renders_with_a_notice(only_the_bucket, install):
    """Of several patches the job's own is taken, else the newest."""
    rig = only_the_bucket
    install("9.9.3")
    install("9.9.10")
    rig.job(frames="1-1", video=None, blender="9.9.2")
    assert rig.render(1).code == 0
    assert rig.report().blender == "9.9.10"
    assert "was sent by Blender 9.9.2 and is rendered by 9.9.10" in rig.report().warnings[0]


def test_a_job_of_a_release_that_is_nowhere_says_how_to_install_it(only_the_bucket, install):
    """Never another release: it would lose data of the scene."""
    rig = only_the_bucket
    install("9.8.0")
    rig.job(frames="1-1", video=None, blender="9.9.1")
    ended = rig.render(1)
    assert ended.code == 64
    assert f"install-blender 9.9.1 --to s3://{rig.bucket}/blender" in ended.last_line


def test_a_chosen_blender_that_is_older_than_the_scene_is_refused(rig):
    """It can't read the file, whoever chose it."""
    rig.fake(version="4.5.3")
    rig.job(frames="1-1", video=None, blender="5.0.1")
    ended = rig.render(1)
    assert ended.code == 65
    assert "Blender 4.5.3 here is older than 5.0.1" in ended.last_line


def test_a_chosen_blender_of_a_newer_release_renders_with_a_notice(rig):
    """Whoever sets CLOUD_RENDER_BLENDER has decided."""
    rig.fake(version="5.2.0")
    rig.job(frames="1-1", video=None, blender="5.0.1")
    assert rig.render(1).code == 0
    assert "rendered by 5.2.0" in rig.report().warnings[0]


@pytest.mark.parametrize("pack", [bytes, zstandard.compress], ids=["plain", "compressed"])
def test_a_dropped_file_says_which_blender_it_lacks(only_the_bucket, install, pack):
    """To who installs it; and, where none came, to its artist."""
    rig = only_the_bucket
    install("9.8.0")
    rig.put("inbox/a.blend", pack(b"BLENDER-v909" + bytes(1000)))
    look = ("inspect", "-i", f"s3://{rig.bucket}/inbox/a.blend", "-o", f"s3://{rig.bucket}/{rig.prefix.root}")
    assert rig.worker(*look, "--blender", "own").code == 64
    assert json.loads(rig.get(rig.prefix.lacking_blender)) == {"release": "9.9"}
    assert not rig.keys("end.json")
    ended = rig.worker(*look)
    assert ended.code in (64, 65)  # 65 if this Python has a Blender, which is older
    end = End.from_json(rig.get(rig.prefix.end))
    assert end.problem
    assert "cloud-render blender install 9.9.0" in end.advice


def test_an_archive_that_does_not_fit_its_hash_is_not_installed(rig, install):
    """Nothing of it gets into the bucket."""
    ended = install("9.9.1", "--sha256", "0" * 64)
    assert ended.code == 64
    assert "Nothing was installed" in ended.last_line
    assert "Contents" not in rig.s3.list_objects_v2(Bucket=rig.bucket)


def test_an_archive_of_another_version_is_not_installed(rig, install, tmp_path):
    """What counts is what the program itself says."""
    ended = install("9.9.2", path=archive(tmp_path, "9.9.1"))
    assert ended.code == 64
    assert "is Blender 9.9.1, not 9.9.2" in ended.last_line
    assert "Contents" not in rig.s3.list_objects_v2(Bucket=rig.bucket)


def test_what_is_no_archive_is_not_installed(rig, install, tmp_path):
    """A download page instead of a download, for example."""
    page = tmp_path / "blender-9.9.1-linux-x64.tar.xz"
    page.write_text("<html>")
    ended = install("9.9.1", path=page)
    assert ended.code == 64
    assert "can't be unpacked" in ended.last_line


def test_an_official_archive_is_checked_against_its_published_hash(rig, site):
    """The template gives the address, the list beside the archives gives the hash."""
    address, folder = site
    path = archive(folder, "9.9.1")
    template = address + "/blender-{version}-linux-x64.tar.xz"
    install = ("install-blender", "9.9.1", "--to", f"s3://{rig.bucket}/blender")
    hashes = folder / "blender-9.9.1.sha256"
    hashes.write_text(f"{'1' * 64}  blender-9.9.1-windows-x64.zip\n{'0' * 64}  {path.name}\n")
    wrong = rig.worker(*install, CLOUD_RENDER_BLENDER_URL=template)
    assert wrong.code == 64
    assert f"and {'0' * 64} was published" in wrong.last_line
    hashes.write_text(f"{hash_of(path)}  {path.name}\n")
    right = rig.worker(*install, CLOUD_RENDER_BLENDER_URL=template)
    assert right.code == 0, right.log
    assert "already" in rig.worker(*install, CLOUD_RENDER_BLENDER_URL=template).last_line


def test_of_a_release_the_newest_patch_is_installed(rig, site, tmp_path):
    """As the site's folder shows; the first one, which each release has, where it shows nothing."""
    address, folder = site
    for version in ("9.9.0", "9.9.3", "9.9.10", "9.10.1"):
        path = archive(tmp_path, version)
        (folder / f"blender-{version}.sha256").write_text(f"{hash_of(path)}  {path.name}\n")
        path.rename(folder / path.name)
    install = ("install-blender", "9.9", "--to", f"s3://{rig.bucket}/blender")
    newest = rig.worker(*install, CLOUD_RENDER_BLENDER_URL=address + "/blender-{version}-linux-x64.tar.xz")
    assert newest.last_line.startswith("done: Blender 9.9.10 is in")
    (folder / "index.html").write_text("Go away.")
    first = rig.worker(*install, CLOUD_RENDER_BLENDER_URL=address + "/blender-{version}-linux-x64.tar.xz")
    assert first.last_line.startswith("done: Blender 9.9.0 is in")


def test_an_address_without_a_published_hash_needs_one_given(rig, site):
    """What comes over the network is never taken unchecked."""
    address, folder = site
    path = archive(folder, "9.9.1")
    install = ("install-blender", "9.9.1", "--to", f"s3://{rig.bucket}/blender", "--from", f"{address}/{path.name}")
    refused = rig.worker(*install)
    assert refused.code == 64
    assert "Give the hash with --sha256" in refused.last_line
    assert rig.worker(*install, "--sha256", hash_of(path)).code == 0


@pytest.mark.parametrize(("attempt", "code"), [(1, 75), (3, 64)])
def test_an_address_that_can_not_be_reached_is_given_up_soon(rig, attempt, code):
    """A network may come back; on the third attempt the person hears what else to do, rather than on the tenth."""
    nobody = "http://127.0.0.1:1/blender-{version}.tar.xz"
    install = ("install-blender", "9.9.1", "--to", f"s3://{rig.bucket}/blender")
    ended = rig.worker(*install, CLOUD_RENDER_BLENDER_URL=nobody, AWS_BATCH_JOB_ATTEMPT=str(attempt))
    assert ended.code == code
    assert "can't be reached" in ended.last_line
    assert "python -m worker install-blender" in ended.last_line


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("5", "--to", "s3://bucket/blender"), "is not a version"),
        (("5.0", "--to", "s3://bucket/blender", "--from", "/no/such.tar.xz"), "is not a version"),
        (("5.0.1", "--to", "s3://bucket/elsewhere"), "not where workers look"),
        (("5.0.1", "--to", "s3://bucket/blender", "--sha256", "abc"), "no SHA-256"),
        (("5.0.1", "--to", "s3://bucket/blender", "--from", "/no/such.tar.xz"), "There is no file"),
    ],
)
def test_an_installation_that_cannot_be_right_is_refused(rig, options, said):
    """Before anything is fetched."""
    ended = rig.worker("install-blender", *options)
    assert ended.code == 64
    assert said in ended.last_line


@pytest.mark.parametrize("kind", ["climbs", "absolute", "link"])
def test_an_archive_never_writes_outside_its_folder(tmp_path, kind):
    """Names and links that lead out are refused, whoever made the archive."""
    path = tmp_path / "evil.tar.xz"
    with tarfile.open(path, "w:xz") as packed:
        entry = tarfile.TarInfo({"climbs": "../evil", "absolute": "/../../evil", "link": "evil"}[kind])
        if kind == "link":
            entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
        packed.addfile(entry, io.BytesIO(b""))
    (tmp_path / "in").mkdir()
    with pytest.raises(BadInput, match="can't be unpacked"):
        extract(path, tmp_path / "in")
    assert not (tmp_path / "evil").exists()
