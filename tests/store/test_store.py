# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes into the store comes out of it, and travels once."""

from __future__ import annotations

import hashlib
import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cloud_render.contract import keys
from cloud_render.contract.contents import Contents
from cloud_render.contract.errors import (
    BadArguments,
    Cancelled,
    FileChanged,
    MissingFiles,
    NotThere,
    StorageUnavailable,
)
from cloud_render.store import Progress, SourceFile, Store
from cloud_render.store.source import CHUNK_BYTES


class Requests:
    """What went over the line, by operation."""

    def __init__(self, s3: Any) -> None:
        self.made: list[str] = []
        s3.meta.events.register("before-call", self._note)

    def _note(self, model: Any, **_: object) -> None:
        self.made.append(model.name)


class Heard(Progress):
    def __init__(self) -> None:
        self.sums = {"total": 0, "hashed": 0, "present": 0, "sent": 0}

    def total(self, size: int) -> None:
        self.sums["total"] += size

    def hashed(self, size: int) -> None:
        self.sums["hashed"] += size

    def present(self, size: int) -> None:
        self.sums["present"] += size

    def sent(self, size: int) -> None:
        self.sums["sent"] += size


def files_of(folder: Path, contents: dict[str, bytes]) -> list[SourceFile]:
    files = []
    for name, content in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        files.append(SourceFile(path, f"scene/{name}"))
    return files


def many_small(count: int) -> dict[str, bytes]:
    return {f"textures/{number}.png": f"picture {number}".encode() * 50 for number in range(count)}


def packs_in(s3: Any, bucket: str) -> list[str]:
    return [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket, Prefix=keys.PACKS).get("Contents", ())]


def test_files_come_back_as_they_were(s3: Any, bucket: str, tmp_path: Path) -> None:
    """Small, empty, equal and many-chunk files all arrive byte by byte, under a contents.json.gz that reads back."""
    large = os.urandom(2 * CHUNK_BYTES + 12_345)
    made = {"a.png": b"a", "empty.txt": b"", "again/a.png": b"a", "large.vdb": large, "ç ü.png": b"name"}
    files = files_of(tmp_path / "in", made)
    contents = Contents.from_json_gz(Store(s3, bucket).upload(files, "up").to_json_gz())
    assert [file.path for file in contents.files] == [file.scene_path for file in files]
    for file, content in zip(contents.files, made.values(), strict=True):
        target = tmp_path / "out" / file.path
        Store(s3, bucket).fetch(file, target)
        assert target.read_bytes() == content
        assert file.sha256 == hashlib.sha256(content).hexdigest()


def test_many_small_files_cost_few_requests(s3: Any, bucket: str, tmp_path: Path) -> None:
    """Five hundred files travel in one pack: one listing, the pack and its index."""
    requests = Requests(s3)
    Store(s3, bucket).upload(files_of(tmp_path, many_small(500)), "up")
    assert sorted(requests.made) == ["ListObjectsV2", "PutObject", "PutObject"]


def test_present_content_is_not_sent_again(s3: Any, bucket: str, tmp_path: Path) -> None:
    """Another upload, from another computer, sends only what the bucket lacks and asks nothing about single files."""
    files = files_of(tmp_path, many_small(100))
    Store(s3, bucket).upload(files, "first")
    files += files_of(tmp_path, {"new.png": b"new"})
    heard, requests = Heard(), Requests(s3)
    Store(s3, bucket, cache=tmp_path / "another computer").upload(files, "second", heard)
    assert heard.sums["sent"] == 3
    assert heard.sums["sent"] + heard.sums["present"] == heard.sums["total"] == heard.sums["hashed"]
    assert sorted(requests.made) == ["GetObject", "ListObjectsV2", "ListObjectsV2", "PutObject", "PutObject"]


def test_touching_a_file_sends_nothing(s3: Any, bucket: str, tmp_path: Path) -> None:
    """Content counts, not the time of its last change."""
    files = files_of(tmp_path, {"a.png": b"same"})
    Store(s3, bucket).upload(files, "first")
    os.utime(files[0].path, (1, 1))
    heard = Heard()
    Store(s3, bucket).upload(files, "second", heard)
    assert heard.sums["sent"] == 0


def test_a_pack_that_was_deleted_is_sent_again(s3: Any, bucket: str, tmp_path: Path) -> None:
    """What the index says counts only while the pack itself is there."""
    files = files_of(tmp_path, {"a.png": b"content"})
    Store(s3, bucket).upload(files, "first")
    (pack,) = packs_in(s3, bucket)
    s3.delete_object(Bucket=bucket, Key=pack)
    contents = Store(s3, bucket).upload(files, "second")
    Store(s3, bucket).fetch(contents.files[0], tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == b"content"


def test_a_pack_that_may_expire_during_the_job_counts_as_absent(s3: Any, bucket: str, tmp_path: Path) -> None:
    """Where the bucket keeps packs for less than a job may last, nothing old is counted on."""
    files = files_of(tmp_path, {"a.png": b"content"})
    Store(s3, bucket).upload(files, "first")
    heard = Heard()
    Store(s3, bucket, lifetime=timedelta(days=1)).upload(files, "second", heard)
    assert heard.sums["sent"] == len(b"content")


def test_a_damaged_index_costs_a_transfer_and_nothing_else(s3: Any, bucket: str, tmp_path: Path) -> None:
    """An index that can't be read is left out, and the upload goes through."""
    files = files_of(tmp_path, {"a.png": b"content"})
    Store(s3, bucket).upload(files, "first")
    (written,) = s3.list_objects_v2(Bucket=bucket, Prefix=keys.INDEX)["Contents"]
    s3.put_object(Bucket=bucket, Key=written["Key"], Body=b"no index")
    contents = Store(s3, bucket).upload(files, "second")
    Store(s3, bucket).fetch(contents.files[0], tmp_path / "back")


@pytest.mark.parametrize("replace", [False, True], ids=["written in place", "renamed over"])
def test_a_file_that_changes_while_it_is_read_is_refused(s3: Any, bucket: str, tmp_path: Path, replace: bool) -> None:
    """The upload ends with FileChanged, and whatever was stored lies under its own hash."""
    (file,) = files_of(tmp_path, {"large.bin": bytes(6 * CHUNK_BYTES)})

    class Meddler(Progress):
        def hashed(self, size: int) -> None:
            target = tmp_path / "other" if replace else file.path
            target.write_bytes(os.urandom(6 * CHUNK_BYTES))
            if replace:
                target.replace(file.path)

    with pytest.raises(FileChanged):
        Store(s3, bucket).upload([file], "up", Meddler())
    for key in packs_in(s3, bucket):
        body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        assert key.endswith(hashlib.sha256(body).hexdigest()[:48])


def test_a_missing_file_is_named_before_anything_is_sent(s3: Any, bucket: str, tmp_path: Path) -> None:
    """No request is made for an upload that can't be whole."""
    requests = Requests(s3)
    files = [*files_of(tmp_path, {"a.png": b"a"}), SourceFile(tmp_path / "gone.png", "scene/gone.png")]
    with pytest.raises(MissingFiles, match=r"gone\.png"):
        Store(s3, bucket).upload(files, "up")
    with pytest.raises(BadArguments, match="plain file"):
        Store(s3, bucket).upload([SourceFile(tmp_path, "scene/folder")], "up")
    assert requests.made == []


def test_an_interrupted_upload_goes_on_where_it_stopped(s3: Any, bucket: str, tmp_path: Path) -> None:
    """What arrived before a cancel is known to the next try of the same upload, which sends the rest only."""
    files = files_of(tmp_path, {f"{number}.bin": os.urandom(CHUNK_BYTES) for number in range(7)})
    looks_with_two = iter(range(3))

    def after_two_packs() -> bool:
        return len(packs_in(s3, bucket)) >= 2 and next(looks_with_two, None) is None

    with pytest.raises(Cancelled):
        Store(s3, bucket).upload(files, "up", cancelled=after_two_packs)
    heard = Heard()
    contents = Store(s3, bucket).upload(files, "up", heard)
    assert heard.sums["present"] >= CHUNK_BYTES
    assert heard.sums["present"] + heard.sums["sent"] == heard.sums["total"]
    for file, source in zip(contents.files, files, strict=True):
        Store(s3, bucket).fetch(file, tmp_path / "back")
        assert (tmp_path / "back").read_bytes() == source.path.read_bytes()


def test_a_cancelled_upload_sends_nothing_more(s3: Any, bucket: str, tmp_path: Path) -> None:
    """Cancelled from the start, no pack leaves."""
    with pytest.raises(Cancelled):
        Store(s3, bucket).upload(files_of(tmp_path, {"a.png": b"a"}), "up", cancelled=lambda: True)
    assert packs_in(s3, bucket) == []


def test_damaged_content_never_lands(s3: Any, bucket: str, tmp_path: Path) -> None:
    """A pack that was tampered with is noticed; the file that stood at the target stays as it was."""
    contents = Store(s3, bucket).upload(files_of(tmp_path / "in", {"a.png": b"right"}), "up")
    (pack,) = packs_in(s3, bucket)
    s3.put_object(Bucket=bucket, Key=pack, Body=b"wrong")
    target = tmp_path / "out" / "a.png"
    target.parent.mkdir()
    target.write_bytes(b"old")
    with pytest.raises(StorageUnavailable, match="damaged"):
        Store(s3, bucket).fetch(contents.files[0], target)
    assert [path.name for path in target.parent.iterdir()] == ["a.png"]
    assert target.read_bytes() == b"old"


def test_content_that_expired_is_named(s3: Any, bucket: str, tmp_path: Path) -> None:
    """A worker that finds no pack says which file is lost and what to do."""
    contents = Store(s3, bucket).upload(files_of(tmp_path, {"a.png": b"a"}), "up")
    s3.delete_object(Bucket=bucket, Key=packs_in(s3, bucket)[0])
    with pytest.raises(NotThere, match=r"scene/a\.png.*Submit the scene again"):
        Store(s3, bucket).fetch(contents.files[0], tmp_path / "back")


def test_an_upload_is_no_faster_than_asked(s3: Any, bucket: str, tmp_path: Path) -> None:
    """Though it is signed first, for which all of it is read once more."""
    files = files_of(tmp_path, {f"{number}.bin": os.urandom(1 << 20) for number in range(6)})
    heard = Heard()
    start = time.monotonic()
    Store(s3, bucket, rate=4 << 20).upload(files, "up", heard)
    assert 1.2 < time.monotonic() - start < 10
    assert heard.sums["sent"] == 6 << 20
