# SPDX-License-Identifier: GPL-3.0-or-later
"""What is remembered between uploads saves time, and is never believed against the files or the bucket."""

from __future__ import annotations

import os
import random
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cloud_render.contract import keys
from cloud_render.store import Progress, SourceFile, Store, index
from cloud_render.store.index import PackEntry
from cloud_render.store.memory import Memory, Remembered
from cloud_render.store.source import CHUNK_BYTES, state_of


class Sent(Progress):
    def __init__(self) -> None:
        self.bytes = 0

    def sent(self, size: int) -> None:
        self.bytes += size


@pytest.fixture
def asked(s3: Any) -> list[str]:
    """The operations of requests, as they are made."""
    made: list[str] = []
    s3.meta.events.register("before-call", lambda model, **_: made.append(model.name))
    return made


def settled(path: Path, content: bytes) -> SourceFile:
    """A file that was last changed a minute ago."""
    path.write_bytes(content)
    os.utime(path, (time.time() - 60,) * 2)
    return SourceFile(path, f"scene/{path.name}")


def test_an_unchanged_scene_is_known_with_two_requests(
    s3: Any, bucket: str, tmp_path: Path, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One for new index objects and one for the packs of the upload; no file is opened."""
    files = [settled(tmp_path / f"{number}.png", os.urandom(1000)) for number in range(200)]
    first = Store(s3, bucket).upload(files, "first")
    asked.clear()
    monkeypatch.setattr(Path, "open", lambda path, *_: pytest.fail(f"{path} was opened"))
    assert Store(s3, bucket).upload(files, "second") == first
    assert asked == ["ListObjectsV2", "ListObjectsV2"]


def test_a_deleted_pack_of_an_unchanged_scene_is_noticed(s3: Any, bucket: str, tmp_path: Path) -> None:
    """The memory knows it, the bucket does not have it: it is sent again."""
    files = [settled(tmp_path / "a.png", b"content")]
    Store(s3, bucket).upload(files, "first")
    (pack,) = s3.list_objects_v2(Bucket=bucket, Prefix=keys.PACKS)["Contents"]
    s3.delete_object(Bucket=bucket, Key=pack["Key"])
    contents = Store(s3, bucket).upload(files, "second")
    Store(s3, bucket).fetch(contents.files[0], tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == b"content"


def test_a_file_of_the_same_size_with_another_time_is_read_again(s3: Any, bucket: str, tmp_path: Path) -> None:
    """Size alone is no proof."""
    file = settled(tmp_path / "a.png", b"old")
    Store(s3, bucket).upload([file], "first")
    file.path.write_bytes(b"new")
    contents = Store(s3, bucket).upload([file], "second")
    Store(s3, bucket).fetch(contents.files[0], tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == b"new"


@pytest.mark.parametrize(
    ("changed_ns", "read_ns", "kept"),
    [
        (10_000_000_000, 11_900_000_000, False),  # whole seconds: a clock that may tick every two
        (10_000_000_000, 12_000_000_000, True),
        (10_123_456_789, 10_200_000_000, False),
        (10_123_456_789, 10_300_000_000, True),
    ],
)
def test_a_file_that_was_just_changed_is_not_remembered(
    tmp_path: Path, changed_ns: int, read_ns: int, kept: bool
) -> None:
    """It may change once more within one tick of the file system's clock, and look the same."""
    path = tmp_path / "a.png"
    path.write_bytes(b"1")
    os.utime(path, ns=(changed_ns, changed_ns))
    with Memory(tmp_path) as memory:
        memory.add_file(path, state_of(path), read_ns, Remembered(bytes(32), b""))
        assert (memory.file(path, state_of(path)) is not None) is kept


@pytest.mark.parametrize("damage", [b"not a database" * 100, b""], ids=["damaged", "emptied"])
def test_a_damaged_memory_costs_time_only(
    s3: Any, bucket: str, tmp_path: Path, own_memory: Path, damage: bytes
) -> None:
    """It starts anew, and nothing is sent twice."""
    files = [settled(tmp_path / "a.png", b"content")]
    Store(s3, bucket).upload(files, "first")
    for left in own_memory.iterdir():
        left.unlink()
    (own_memory / "store.sqlite").write_bytes(damage)
    sent = Sent()
    Store(s3, bucket).upload(files, "second", sent)
    assert sent.bytes == 0


def test_a_memory_that_cannot_be_written_does_not_stop_an_upload(s3: Any, bucket: str, tmp_path: Path) -> None:
    """A read-only home, say: here a file lies where the folder should."""
    (tmp_path / "file").write_bytes(b"")
    files = [settled(tmp_path / "a.png", b"content")]
    assert Store(s3, bucket, cache=tmp_path / "file" / "below").upload(files, "up").files


def test_many_indexes_are_put_together(s3: Any, bucket: str, tmp_path: Path, asked: list[str]) -> None:
    """After many small uploads another computer learns what is there with few requests."""
    files = []
    for number in range(20):
        files.append(settled(tmp_path / f"{number}.png", os.urandom(1000)))
        Store(s3, bucket).upload(files, f"up{number}")
    assert len(s3.list_objects_v2(Bucket=bucket, Prefix=keys.INDEX)["Contents"]) <= index.MANY + 1
    asked.clear()
    sent = Sent()
    Store(s3, bucket, cache=tmp_path / "another computer").upload(files, "last", sent)
    assert sent.bytes == 0
    assert asked.count("GetObject") <= index.MANY + 1


def test_an_index_that_vanishes_while_it_is_read_was_put_together(s3: Any, bucket: str, tmp_path: Path) -> None:
    """Between a listing and the reading another upload may replace it: what it told is found in its place."""
    files = [settled(tmp_path / "a.png", b"content")]
    Store(s3, bucket).upload(files, "first")
    (old,) = s3.list_objects_v2(Bucket=bucket, Prefix=keys.INDEX)["Contents"]
    content = s3.get_object(Bucket=bucket, Key=old["Key"])["Body"].read()
    moved = []

    def move(params: dict[str, str], **_: object) -> None:
        if params["Key"] == old["Key"] and not moved:
            moved.append(True)
            s3.put_object(Bucket=bucket, Key=keys.index("merged"), Body=content)
            s3.delete_object(Bucket=bucket, Key=old["Key"])

    s3.meta.events.register("provide-client-params.s3.GetObject", move)
    sent = Sent()
    Store(s3, bucket, cache=tmp_path / "another computer").upload(files, "second", sent)
    assert moved
    assert sent.bytes == 0


def test_what_expires_soon_leaves_the_index(s3: Any, bucket: str, tmp_path: Path) -> None:
    """Its content is sent again, and the new place is the one that is told."""
    files = [settled(tmp_path / "a.png", b"content")]
    Store(s3, bucket).upload(files, "first")
    sent = Sent()
    Store(s3, bucket, lifetime=timedelta(days=15)).upload(files, "second", sent)
    assert sent.bytes == len(b"content")


def test_index_bytes_read_back() -> None:
    """Every pack with its age and its chunks."""
    random_ = random.Random(1)
    packs = [
        PackEntry(
            random_.randbytes(32).hex(),
            number,
            b"".join(index.CHUNK.pack(random_.randbytes(32), length) for length in range(1, number + 1)),
        )
        for number in range(5)
    ]
    assert index.from_bytes(index.to_bytes(packs)) == packs


def test_a_saved_blend_sends_little(s3: Any, bucket: str, tmp_path: Path) -> None:
    """Content inserted near the front of a .blend costs its own place, and the file comes back whole."""
    content = random.Random(1).randbytes(2 * CHUNK_BYTES + 5)
    Store(s3, bucket).upload([settled(tmp_path / "a.blend", content)], "first")
    edited = content[:1000] + b"moved" + content[1000:]
    sent = Sent()
    contents = Store(s3, bucket).upload([settled(tmp_path / "a.blend", edited)], "second", sent)
    assert sent.bytes < 200_000
    Store(s3, bucket).fetch(contents.files[0], tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == edited
    assert len(contents.files[0].runs) < 10


def test_buckets_of_long_ago_are_forgotten(tmp_path: Path) -> None:
    """A memory does not grow with every local cloud that ever ran; buckets in use stay, with their old packs."""
    day = 86_400
    chunk = index.CHUNK.pack(bytes(32), 5)
    now = int(time.time())
    with Memory(tmp_path) as memory:
        for bucket, days in (("gone", 500), ("gone", 450), ("used", 500), ("used", 1)):
            pack = PackEntry(f"{days:064x}", now - days * day, chunk)
            memory.add_object(bucket, f"index{days}", "etag", [pack])
    with Memory(tmp_path) as memory:
        assert memory.places("gone", bytes(32)) == []
        assert memory.objects("gone") == {}
        assert len(memory.places("used", bytes(32))) == 2
        assert len(memory.objects("used")) == 2
