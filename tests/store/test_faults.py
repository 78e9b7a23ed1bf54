# SPDX-License-Identifier: GPL-3.0-or-later
"""What a line and a server do wrong, and that the content still arrives whole or not at all; on a real S3 server."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import quote

import boto3
import pytest
from botocore.config import Config

from cloud_render.contract import keys
from cloud_render.contract.contents import Contents
from cloud_render.contract.errors import Cancelled, FileChanged, StorageUnavailable
from cloud_render.store import Progress, SourceFile, Store
from cloud_render.store.source import CHUNK_BYTES

PACK_PATH = "store/packs/"


def client_of(url: str, weed: ModuleType, **config: Any) -> Any:
    retries = {"mode": "standard", "total_max_attempts": config.pop("attempts", 4)}
    return boto3.client(
        "s3",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id=weed.ACCESS,
        aws_secret_access_key=weed.SECRET,
        config=Config(retries=retries, **{"connect_timeout": 5, "read_timeout": 30} | config),
    )


@pytest.fixture
def faulty_bucket(proxy: Any, weed: ModuleType, tmp_path: Path) -> tuple[Any, str]:
    s3 = client_of(proxy.url, weed)
    name = f"b{time.time_ns()}"
    s3.create_bucket(Bucket=name)
    return s3, name


@pytest.fixture
def files(tmp_path: Path) -> list[SourceFile]:
    """Two packs and some small files."""
    folder = tmp_path / "scene"
    folder.mkdir()
    sizes = {"large.vdb": CHUNK_BYTES + 100_000, **{f"{number}.png": 1000 + number for number in range(20)}}
    for name, size in sizes.items():
        (folder / name).write_bytes(os.urandom(size))
    return [SourceFile(folder / name, f"scene/{name}") for name in sizes]


def arrived_whole(s3: Any, bucket: str, contents: Contents, files: list[SourceFile], out: Path) -> bool:
    Store(s3, bucket).fetch_all(contents.files, lambda file: out / file.path)
    return all((out / file.scene_path).read_bytes() == file.path.read_bytes() for file in files)


@pytest.mark.parametrize("kind", ["500", "503", "reset upload", "reset answer"])
def test_an_upload_outlives_what_passes(
    kind: str, faulty_bucket: tuple[Any, str], proxy: Any, files: list[SourceFile], tmp_path: Path
) -> None:
    """Server errors, throttling and broken lines are repeated, on listings, packs and the index alike."""
    s3, bucket = faulty_bucket
    proxy.fault("PUT", PACK_PATH, kind, times=2)
    proxy.fault("PUT", "store/index/", kind)
    proxy.fault("GET", "prefix=store", kind)
    contents = Store(s3, bucket).upload(files, "up")
    assert arrived_whole(s3, bucket, contents, files, tmp_path / "out")


def test_an_upload_outlives_listings_that_break_off(
    faulty_bucket: tuple[Any, str], proxy: Any, files: list[SourceFile], tmp_path: Path
) -> None:
    """They are asked for again, of the index as of packs."""
    s3, bucket = faulty_bucket
    Store(s3, bucket).upload(files, "before")
    for prefix in (keys.INDEX, keys.PACKS):
        proxy.fault("GET", f"prefix={quote(prefix, safe='')}", "short answer")
    contents = Store(s3, bucket).upload(files, "up")
    assert [fault.times for fault in proxy.faults] == [0, 0]
    assert arrived_whole(s3, bucket, contents, files, tmp_path / "out")


@pytest.mark.parametrize("kind", ["500", "503", "reset answer", "short answer"])
def test_a_download_outlives_what_passes(
    kind: str, faulty_bucket: tuple[Any, str], proxy: Any, files: list[SourceFile], tmp_path: Path
) -> None:
    """The same for what comes back, where botocore alone would give up in the middle of a body."""
    s3, bucket = faulty_bucket
    contents = Store(s3, bucket).upload(files, "up")
    proxy.fault("GET", PACK_PATH, kind, times=2)
    assert arrived_whole(s3, bucket, contents, files, tmp_path / "out")


def test_a_server_that_stays_down_is_said_so(
    faulty_bucket: tuple[Any, str], proxy: Any, weed: ModuleType, files: list[SourceFile]
) -> None:
    """The error names the storage, and the next try of the same upload goes through."""
    _, bucket = faulty_bucket
    s3 = client_of(proxy.url, weed, attempts=2)
    proxy.fault("PUT", PACK_PATH, "503", times=100)
    with pytest.raises(StorageUnavailable, match="SlowDown"):
        assert Store(s3, bucket).upload(files, "up")
    proxy.faults.clear()
    assert Store(s3, bucket).upload(files, "up")


def test_an_answer_that_never_comes_is_asked_for_again(
    faulty_bucket: tuple[Any, str], proxy: Any, weed: ModuleType, files: list[SourceFile], tmp_path: Path
) -> None:
    """A hanging server costs the time-out of the client, not the upload."""
    _, bucket = faulty_bucket
    s3 = client_of(proxy.url, weed, read_timeout=2)
    proxy.fault("PUT", PACK_PATH, "hang")
    contents = Store(s3, bucket).upload(files, "up")
    assert arrived_whole(s3, bucket, contents, files, tmp_path / "out")


@pytest.mark.parametrize("part", [PACK_PATH, "store/index/"])
def test_content_damaged_on_its_way_is_refused_by_s3(
    part: str, faulty_bucket: tuple[Any, str], proxy: Any, files: list[SourceFile], tmp_path: Path
) -> None:
    """Nothing wrong is ever stored under a hash; the next try goes through."""
    s3, bucket = faulty_bucket
    proxy.fault("PUT", part, "damage upload", times=50)
    with pytest.raises(StorageUnavailable):
        Store(s3, bucket).upload(files, "up")
    proxy.faults.clear()
    for pack in _packs(s3, bucket):
        content = s3.get_object(Bucket=bucket, Key=pack["Key"])["Body"].read()
        assert pack["Key"].endswith(hashlib.sha256(content).hexdigest()[:48])
    contents = Store(s3, bucket).upload(files, "up")
    assert arrived_whole(s3, bucket, contents, files, tmp_path / "out")


def test_a_file_that_changes_on_its_way_is_refused(faulty_bucket: tuple[Any, str], proxy: Any, tmp_path: Path) -> None:
    """While its first half is on a slow line, its second half becomes another: the upload ends, and names it."""
    s3, bucket = faulty_bucket
    path = tmp_path / "large.vdb"
    path.write_bytes(os.urandom(12 * CHUNK_BYTES))

    class Meddler(Progress):
        def sent(self, size: int) -> None:
            with path.open("rb+") as file:
                file.seek(-1, os.SEEK_END)
                file.write(b"!")

    with pytest.raises(FileChanged, match=r"large\.vdb"):
        Store(s3, bucket, rate=64 << 20).upload([SourceFile(path, "large.vdb")], "up", Meddler())
    for pack in _packs(s3, bucket):
        content = s3.get_object(Bucket=bucket, Key=pack["Key"])["Body"].read()
        assert pack["Key"].endswith(hashlib.sha256(content).hexdigest()[:48])


@pytest.mark.parametrize("kind", ["stall", "drip body"])
def test_a_download_outlives_a_line_that_only_drips(
    kind: str, faulty_bucket: tuple[Any, str], proxy: Any, files: list[SourceFile], tmp_path: Path
) -> None:
    """No time-out of a socket ends it, as now and then a byte comes; it is asked for anew, from where it was."""
    s3, bucket = faulty_bucket
    contents = Store(s3, bucket).upload(files, "up")
    proxy.fault("GET", PACK_PATH, kind, times=3)
    proxy.seen.clear()
    start = time.monotonic()
    Store(s3, bucket, stall_s=0.5).fetch_all(contents.files, lambda file: tmp_path / "out" / file.path)
    assert time.monotonic() - start < 15
    assert all((tmp_path / "out" / file.scene_path).read_bytes() == file.path.read_bytes() for file in files)


@pytest.mark.parametrize(("method", "part"), [("PUT", PACK_PATH), ("PUT", "store/index/"), ("GET", "prefix=store")])
def test_an_upload_outlives_an_answer_that_only_drips(
    method: str, part: str, faulty_bucket: tuple[Any, str], proxy: Any, files: list[SourceFile], tmp_path: Path
) -> None:
    """Of a pack, of the index, and of the listing: left behind, and asked for anew."""
    s3, bucket = faulty_bucket
    proxy.fault(method, part, "drip answer")
    contents = Store(s3, bucket, stall_s=0.3).upload(files, "up")
    assert arrived_whole(s3, bucket, contents, files, tmp_path / "out")


def test_an_upload_outlives_a_server_that_takes_nothing(
    faulty_bucket: tuple[Any, str], proxy: Any, weed: ModuleType, files: list[SourceFile], tmp_path: Path
) -> None:
    """A line that takes a byte now and then costs a time-out, not the upload."""
    _, bucket = faulty_bucket
    s3 = client_of(proxy.url, weed, connect_timeout=2, read_timeout=2)
    proxy.fault("PUT", PACK_PATH, "sip upload")
    contents = Store(s3, bucket).upload(files, "up")
    assert arrived_whole(s3, bucket, contents, files, tmp_path / "out")


def test_an_upload_that_never_gets_through_ends(
    faulty_bucket: tuple[Any, str], proxy: Any, files: list[SourceFile]
) -> None:
    """After a few tries it says so, instead of waiting for ever."""
    s3, bucket = faulty_bucket
    proxy.fault("PUT", PACK_PATH, "drip answer", times=100)
    with pytest.raises(StorageUnavailable, match="takes nothing more"):
        Store(s3, bucket, stall_s=0.1).upload(files, "up")


def test_content_damaged_on_its_way_back_never_lands(
    faulty_bucket: tuple[Any, str], proxy: Any, files: list[SourceFile], tmp_path: Path
) -> None:
    """Wrong bytes end the download, without a half file or a temporary one left."""
    s3, bucket = faulty_bucket
    contents = Store(s3, bucket).upload(files[:1], "up")
    proxy.fault("GET", PACK_PATH, "damage", times=50)
    with pytest.raises(StorageUnavailable, match="damaged"):
        Store(s3, bucket).fetch_all(contents.files, lambda file: tmp_path / "out" / file.path)
    assert [path for path in (tmp_path / "out").rglob("*") if path.is_file()] == []


def test_a_cancel_is_heard_while_the_server_hangs(
    faulty_bucket: tuple[Any, str], proxy: Any, files: list[SourceFile], tmp_path: Path
) -> None:
    """Neither an upload nor a download waits for a dead line."""
    s3, bucket = faulty_bucket
    contents = Store(s3, bucket).upload(files, "up")
    proxy.fault("GET", PACK_PATH, "hang", times=50)
    proxy.fault("GET", "prefix=store", "hang", times=50)
    for action in (
        lambda cancelled: Store(s3, bucket).upload(files, "again", cancelled=cancelled),
        lambda cancelled: Store(s3, bucket).fetch_all(
            contents.files, lambda file: tmp_path / "out" / file.path, cancelled=cancelled
        ),
    ):
        start = time.monotonic()
        with pytest.raises(Cancelled):
            action(lambda start=start: time.monotonic() - start > 0.3)
        assert time.monotonic() - start < 1.3


def test_a_program_ends_though_the_server_hangs(
    faulty_bucket: tuple[Any, str], proxy: Any, weed: ModuleType, files: list[SourceFile]
) -> None:
    """A cancelled upload leaves no thread behind that Python would wait for."""
    _, bucket = faulty_bucket
    proxy.fault("GET", "prefix=store", "hang", times=50)
    code = """
        import sys, time, boto3
        from pathlib import Path
        from cloud_render.contract.errors import Cancelled
        from cloud_render.store import SourceFile, Store
        url, bucket, file, access, secret = sys.argv[1:]
        s3 = boto3.client("s3", endpoint_url=url, region_name="us-east-1",
                          aws_access_key_id=access, aws_secret_access_key=secret)
        start = time.monotonic()
        try:
            files = [SourceFile(Path(file), "a")]
            Store(s3, bucket).upload(files, "up", cancelled=lambda: time.monotonic() - start > 0.2)
        except Cancelled:
            print("cancelled")
    """
    command = [sys.executable, "-c", textwrap.dedent(code), proxy.url, bucket, str(files[0].path)]
    ran = subprocess.run([*command, weed.ACCESS, weed.SECRET], capture_output=True, text=True, check=False, timeout=30)
    assert ran.stdout.strip() == "cancelled", ran.stderr


def test_a_killed_upload_goes_on_where_it_stopped(
    faulty_bucket: tuple[Any, str], proxy: Any, weed: ModuleType, tmp_path: Path
) -> None:
    """After kill -9 the next try sends what did not arrive, and not what did."""
    s3, bucket = faulty_bucket
    file = tmp_path / "large.vdb"
    file.write_bytes(os.urandom(12 * CHUNK_BYTES))
    code = """
        import sys, boto3
        from pathlib import Path
        from cloud_render.store import SourceFile, Store
        url, bucket, file, access, secret = sys.argv[1:]
        s3 = boto3.client("s3", endpoint_url=url, region_name="us-east-1",
                          aws_access_key_id=access, aws_secret_access_key=secret)
        Store(s3, bucket, rate=40 * 2**20).upload([SourceFile(Path(file), "large.vdb")], "up")
    """
    command = [sys.executable, "-c", textwrap.dedent(code), proxy.url, bucket, str(file), weed.ACCESS, weed.SECRET]
    process = subprocess.Popen(command)
    end = time.monotonic() + 60
    while len(_packs(s3, bucket)) < 4 and time.monotonic() < end and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    heard = _Sent()
    Store(s3, bucket).upload([SourceFile(file, "large.vdb")], "up", heard)
    assert heard.sent_bytes <= 9 * CHUNK_BYTES
    assert len(_packs(s3, bucket)) == 12


class _Sent(Progress):
    def __init__(self) -> None:
        self.sent_bytes = 0

    def sent(self, size: int) -> None:
        self.sent_bytes += size


def _packs(s3: Any, bucket: str) -> list[Any]:
    found: list[Any] = s3.list_objects_v2(Bucket=bucket, Prefix=keys.PACKS).get("Contents", [])
    return found


def test_a_full_disk_is_said_so(
    faulty_bucket: tuple[Any, str], files: list[SourceFile], proxy: Any, weed: ModuleType, tmp_path: Path
) -> None:
    """No half file stays behind, and those that landed before stay."""
    s3, bucket = faulty_bucket
    (tmp_path / "contents").write_bytes(Store(s3, bucket).upload(files, "up").to_json_gz())
    code = """
        import resource, sys, boto3
        from pathlib import Path
        from cloud_render.contract.contents import Contents
        from cloud_render.contract.errors import DiskFull
        from cloud_render.store import Store
        url, bucket, folder, access, secret = sys.argv[1:]
        s3 = boto3.client("s3", endpoint_url=url, region_name="us-east-1",
                          aws_access_key_id=access, aws_secret_access_key=secret)
        contents = Contents.from_json_gz((Path(folder) / "contents").read_bytes())
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
        try:
            Store(s3, bucket).fetch_all(contents.files, lambda file: Path(folder) / "out" / file.path)
        except DiskFull as error:
            sys.exit(f"full: {error}")
    """
    command = [sys.executable, "-c", textwrap.dedent(code), proxy.url, bucket, str(tmp_path), weed.ACCESS, weed.SECRET]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.stderr.startswith("full: There is no room"), ran.stderr
    left = {path.name for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert "large.vdb" not in left
    assert not any(name.endswith(".part") for name in left)
