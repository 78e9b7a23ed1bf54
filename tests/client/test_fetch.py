# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes back to the artist is whole or not there, whatever line, disk and server do; on a real S3 server."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from cloud_render.client import objects
from cloud_render.client.farm import Connection, Farm
from cloud_render.client.fetch import Item, fetch_all
from cloud_render.contract.errors import BadArguments, Cancelled, StorageUnavailable
from cloud_render.store import Progress
from cloud_render.store.ranges import PART_BYTES

LARGE = 3 * PART_BYTES + 12_345


class Heard(Progress):
    def __init__(self) -> None:
        self.size = self.came = self.there = 0

    def total(self, size: int) -> None:
        self.size += size

    def sent(self, size: int) -> None:
        self.came += size

    def present(self, size: int) -> None:
        self.there += size


@pytest.fixture
def far(proxy: Any, weed: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Farm:
    """A stack of which only the bucket is there, behind the line that fails."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", weed.ACCESS)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", weed.SECRET)
    return farm_at(proxy.url, f"b{time.time_ns()}", make=True)


def farm_at(url: str, bucket: str, make: bool = False, **line: Any) -> Farm:
    connection = Connection(region="us-east-1", endpoint_url=url, **line)
    if make:
        connection.client("s3").create_bucket(Bucket=bucket)
    return Farm(connection, "stack", bucket, "", "", "", "", "", "", "", "", "any", "")


def put(farm: Farm, key: str, content: bytes, parts: bool = False) -> Item:
    """As workers put it: in one request, or in many parts."""
    if parts:
        farm.s3.upload_fileobj(io.BytesIO(content), farm.bucket, key, ExtraArgs={"ChecksumAlgorithm": "SHA256"})
    else:
        digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
        farm.s3.put_object(Bucket=farm.bucket, Key=key, Body=content, ChecksumSHA256=digest)
    entry = objects.find(farm, key)
    assert entry is not None
    return Item(entry, Path(key))


def into(folder: Path, *items: Item) -> list[Item]:
    return [replace(item, target=folder / item.target) for item in items]


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_all_sizes_arrive_as_they_were(far: Farm, tmp_path: Path) -> None:
    """Empty, small, large, and large in parts of another size; each with the time of its object."""
    contents = {"empty": b"", "small": b"frame", "large": os.urandom(LARGE), "video": os.urandom(LARGE)}
    items = into(tmp_path, *(put(far, key, content, key == "video") for key, content in contents.items()))
    heard = Heard()
    assert {item.entry.key for item in fetch_all(far, items, heard)} == set(contents)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == contents
    assert all(item.target.stat().st_mtime == item.entry.modified.timestamp() for item in items)
    assert (heard.size, heard.came, heard.there) == (2 * LARGE + 5, 2 * LARGE + 5, 0)


def test_what_is_here_is_not_fetched_again(far: Farm, proxy: Any, tmp_path: Path) -> None:
    """Also what someone copied without its time; but never another content of the same size."""
    items = into(tmp_path, put(far, "a", b"right"), put(far, "b", os.urandom(2 << 20)), put(far, "c", b"12345"))
    fetch_all(far, items)
    os.utime(tmp_path / "a", (1, 1))
    os.utime(tmp_path / "b", (1, 1))
    (tmp_path / "c").write_bytes(b"wrong")
    proxy.seen.clear()
    heard = Heard()
    assert [item.entry.key for item in fetch_all(far, items, heard)] == ["c"]
    assert len(proxy.seen) == 1
    assert (heard.came, heard.there) == (5, heard.size - 5)


@pytest.mark.parametrize("kind", ["500", "503", "reset answer", "short answer", "damage", "stall", "drip body"])
@pytest.mark.parametrize("size", [50_000, LARGE], ids=["small", "large"])
def test_a_download_outlives_what_passes(kind: str, size: int, far: Farm, proxy: Any, tmp_path: Path) -> None:
    """Server errors, broken, hanging and dripping lines, and bytes that flip once."""
    content = os.urandom(size)
    items = into(tmp_path, put(far, "frame", content))
    proxy.fault("GET", "/frame", kind)
    fetch_all(far, items, stall_s=0.5)
    assert (tmp_path / "frame").read_bytes() == content
    assert files_in(tmp_path) == ["frame"]


@pytest.mark.parametrize("parts", [False, True], ids=["whole", "in parts"])
@pytest.mark.parametrize("size", [50_000, LARGE], ids=["small", "large"])
def test_damaged_content_never_lands(size: int, parts: bool, far: Farm, proxy: Any, tmp_path: Path) -> None:
    """Not even half of it; and the file that stood there stays."""
    items = into(tmp_path, put(far, "frame", os.urandom(size), parts))
    (tmp_path / "frame").write_bytes(b"old")
    proxy.fault("GET", "/frame", "damage", times=50)
    with pytest.raises(StorageUnavailable, match="damaged"):
        fetch_all(far, items)
    assert files_in(tmp_path) == ["frame"]
    assert (tmp_path / "frame").read_bytes() == b"old"


_FETCH = """
    import sys
    from pathlib import Path
    from cloud_render.client import objects
    from cloud_render.client.farm import Connection, Farm
    from cloud_render.client.fetch import Item, fetch_all
    url, bucket, folder, rate = sys.argv[1:]
    connection = Connection(region="us-east-1", endpoint_url=url, max_download=int(rate))
    farm = Farm(connection, "stack", bucket, "", "", "", "", "", "", "", "", "any", "")
    if not int(rate):
        import resource
        resource.setrlimit(resource.RLIMIT_FSIZE, (9_000_000, 9_000_000))
    fetch_all(farm, [Item(objects.find(farm, "video"), Path(folder) / "video")])
"""


def fetching(farm: Farm, folder: Path, rate: int) -> subprocess.Popen[str]:
    """A process that fetches `video`; with a rate of 0 on a disk that is full after 9 MB."""
    code = textwrap.dedent(_FETCH)
    arguments = [farm.connection.endpoint_url, farm.bucket, str(folder), str(rate)]
    return subprocess.Popen([sys.executable, "-c", code, *arguments], stderr=subprocess.PIPE, text=True)


def wait_for(what: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not what():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize("parts", [False, True], ids=["whole", "in parts"])
def test_a_killed_download_goes_on_where_it_was(parts: bool, far: Farm, tmp_path: Path) -> None:
    """After kill -9 in the middle of a large file, the next try fetches only the rest, and the whole is verified."""
    content = os.urandom(6 * PART_BYTES)
    item = put(far, "video", content, parts)
    process = fetching(far, tmp_path, rate=12 << 20)
    wait_for(lambda: any(path.stat().st_size >= PART_BYTES for path in tmp_path.iterdir()))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not (tmp_path / "video").exists()
    heard = Heard()
    fetch_all(far, into(tmp_path, item), heard)
    assert heard.there >= PART_BYTES
    assert heard.there + heard.came == heard.size
    assert (tmp_path / "video").read_bytes() == content
    assert files_in(tmp_path) == ["video"]


def test_a_full_disk_is_said_so_and_costs_nothing_twice(far: Farm, tmp_path: Path) -> None:
    """What fitted stays for the next try; the video's place stays empty."""
    content = os.urandom(LARGE)
    item = put(far, "video", content)
    _, said = fetching(far, tmp_path, rate=0).communicate(timeout=60)
    assert "DiskFull: There is no room" in said
    assert not (tmp_path / "video").exists()
    heard = Heard()
    fetch_all(far, into(tmp_path, item), heard)
    assert heard.there >= PART_BYTES
    assert (tmp_path / "video").read_bytes() == content


def test_a_rest_that_is_rotten_is_fetched_anew(far: Farm, tmp_path: Path) -> None:
    """A power failure may leave zeros: the hash tells, and all of it comes again."""
    content = os.urandom(LARGE)
    item = put(far, "video", content)
    process = fetching(far, tmp_path, rate=12 << 20)
    wait_for(lambda: any(path.stat().st_size >= PART_BYTES for path in tmp_path.iterdir()))
    process.kill()
    process.communicate()
    (rest,) = tmp_path.iterdir()
    rest.write_bytes(bytes(rest.stat().st_size))
    heard = Heard()
    fetch_all(far, into(tmp_path, item), heard)
    assert (tmp_path / "video").read_bytes() == content
    assert heard.there + heard.came == heard.size


def test_two_at_once_into_one_folder_do_not_meet(far: Farm, tmp_path: Path) -> None:
    """Two windows, or two computers on one file server: one goes on with what is there, the other takes its own way."""
    content = os.urandom(LARGE)
    items = into(tmp_path, put(far, "video", content))
    with ThreadPoolExecutor() as pool:
        farms = [farm_at(far.connection.endpoint_url, far.bucket) for _ in range(3)]
        for fetched in [pool.submit(fetch_all, farm, items) for farm in farms]:
            fetched.result()
    assert (tmp_path / "video").read_bytes() == content
    assert files_in(tmp_path) == ["video"]


def test_the_parts_of_a_new_version_are_not_mixed_with_those_of_the_old(far: Farm, tmp_path: Path) -> None:
    """A video that was made again meanwhile is fetched from its start, and what was left of the old one goes."""
    put(far, "video", os.urandom(LARGE))
    process = fetching(far, tmp_path, rate=12 << 20)
    wait_for(lambda: any(path.stat().st_size >= PART_BYTES for path in tmp_path.iterdir()))
    process.kill()
    process.communicate()
    content = os.urandom(LARGE)
    item = put(far, "video", content)
    heard = Heard()
    fetch_all(far, into(tmp_path, item), heard)
    assert heard.there == 0
    assert (tmp_path / "video").read_bytes() == content
    assert files_in(tmp_path) == ["video"]


def test_a_large_file_comes_in_parts_at_once(far: Farm, proxy: Any, tmp_path: Path) -> None:
    """While one part hangs the others arrive."""
    item = put(far, "video", os.urandom(LARGE))
    proxy.fault("GET", "/video", "hang")
    proxy.seen.clear()
    thread = threading.Thread(target=fetch_all, args=(far, into(tmp_path, item)), daemon=True)
    thread.start()
    wait_for(lambda: sum(method == "GET" for method, _ in proxy.seen) == 4)


def test_a_cancel_is_heard_while_the_server_hangs(far: Farm, proxy: Any, tmp_path: Path) -> None:
    """In the middle of small files as of a large one, within a second."""
    items = into(tmp_path, put(far, "small", b"frame"), put(far, "video", os.urandom(LARGE)))
    proxy.fault("GET", "/", "hang", times=100)
    start = time.monotonic()
    with pytest.raises(Cancelled):
        fetch_all(far, items, cancelled=lambda: time.monotonic() - start > 0.3)
    assert time.monotonic() - start < 1.3
    assert files_in(tmp_path) == []


def test_no_faster_than_asked(far: Farm, weed: ModuleType, tmp_path: Path) -> None:
    """The limit is for all files together."""
    slow = farm_at(far.connection.endpoint_url, far.bucket, max_download=4 << 20)
    items = into(tmp_path, *(put(far, f"{number}", os.urandom(1 << 20)) for number in range(6)))
    start = time.monotonic()
    fetch_all(slow, items)
    assert time.monotonic() - start > 1.0


def test_the_aws_configuration_limits_downloads_too(far: Farm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`max_bandwidth`, as for uploads and for the AWS CLI."""
    monkeypatch.setattr(far.s3.meta.config, "s3", {"max_bandwidth": "2MB/s"})
    items = into(tmp_path, put(far, "a", os.urandom(4 << 20)))
    start = time.monotonic()
    fetch_all(far, items)
    assert time.monotonic() - start > 1.0


def test_a_folder_that_takes_no_files_is_said_so(far: Farm, tmp_path: Path) -> None:
    """For small and for large ones."""
    (tmp_path / "out").write_bytes(b"a file")
    for item in (put(far, "out/small", b"frame"), put(far, "out/video", os.urandom(LARGE))):
        with pytest.raises(BadArguments, match="can't be written"):
            fetch_all(far, into(tmp_path, item))
