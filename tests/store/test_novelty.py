# SPDX-License-Identifier: GPL-3.0-or-later
"""What an upload would send is known before it is sent, and asking costs the upload nothing."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path
from typing import Any

import pytest

from cloud_render.contract import keys
from cloud_render.contract.errors import Cancelled, MissingFiles
from cloud_render.store import FileNovelty, Progress, SourceFile, Store
from cloud_render.store.source import CHUNK_BYTES


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


def settled(path: Path, content: bytes) -> SourceFile:
    """A file that was last changed a minute ago."""
    path.write_bytes(content)
    os.utime(path, (time.time() - 60,) * 2)
    return SourceFile(path, f"scene/{path.name}")


def objects_in(s3: Any, bucket: str) -> list[str]:
    return [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket).get("Contents", ())]


def test_it_tells_what_the_upload_then_sends(s3: Any, bucket: str, tmp_path: Path) -> None:
    """New files, files that are there, copies, and a .blend of which a little changed; byte by byte as sent."""
    blend = random.Random(1).randbytes(2 * CHUNK_BYTES + 5)
    files = [settled(tmp_path / "a.blend", blend), settled(tmp_path / "there.png", os.urandom(5000))]
    Store(s3, bucket).upload(files, "first")
    new = os.urandom(3000)
    files[0] = settled(tmp_path / "a.blend", blend[:1000] + b"moved" + blend[1000:])
    files += [settled(tmp_path / "new.png", new), settled(tmp_path / "copy.png", new)]
    found = Store(s3, bucket).novelty(files)
    heard = Heard()
    Store(s3, bucket).upload(files, "second", heard)
    assert (found.new, found.there) == (heard.sums["sent"], heard.sums["present"])
    assert 3000 < found.new < 200_000
    assert found.files[1:] == (
        FileNovelty("scene/there.png", 5000, 0),
        FileNovelty("scene/new.png", 3000, 3000),
        FileNovelty("scene/copy.png", 3000, 0),
    )
    assert [file.scene_path for file in found.new_files] == ["scene/a.blend", "scene/new.png"]


def test_asking_sends_nothing(s3: Any, bucket: str, tmp_path: Path) -> None:
    """The bucket is as empty as before."""
    found = Store(s3, bucket).novelty([settled(tmp_path / "a.png", b"content"), settled(tmp_path / "empty", b"")])
    assert (found.new, found.size) == (7, 7)
    assert objects_in(s3, bucket) == []


def test_what_was_read_for_the_question_is_not_read_for_the_upload(
    s3: Any, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another computer has sent the files: here they are hashed for the question, and never opened again."""
    files = [settled(tmp_path / f"{number}.png", os.urandom(1000)) for number in range(50)]
    Store(s3, bucket, cache=tmp_path / "another computer").upload(files, "first")
    assert Store(s3, bucket).novelty(files).new == 0
    monkeypatch.setattr(Path, "open", lambda path, *_: pytest.fail(f"{path} was opened"))
    assert Store(s3, bucket).novelty(files).new == 0
    Store(s3, bucket).upload(files, "second")


def test_a_deleted_pack_is_new_again(s3: Any, bucket: str, tmp_path: Path) -> None:
    """The bucket is asked, not what this computer remembers of it."""
    files = [settled(tmp_path / "a.png", b"content")]
    Store(s3, bucket).upload(files, "first")
    for key in objects_in(s3, bucket):
        if key.startswith(keys.PACKS):
            s3.delete_object(Bucket=bucket, Key=key)
    assert Store(s3, bucket).novelty(files).new == 7


def test_its_progress_reaches_the_total(s3: Any, bucket: str, tmp_path: Path) -> None:
    """For files that are read and for those that are remembered."""
    files = [settled(tmp_path / "large.vdb", os.urandom(CHUNK_BYTES + 7)), settled(tmp_path / "a.png", b"content")]
    Store(s3, bucket).upload(files[:1], "up")
    heard = Heard()
    Store(s3, bucket).novelty(files, heard)
    assert heard.sums == {"total": CHUNK_BYTES + 14, "hashed": CHUNK_BYTES + 14, "present": CHUNK_BYTES + 7, "sent": 0}


def test_it_can_be_cancelled(s3: Any, bucket: str, tmp_path: Path) -> None:
    """A dialog that is closed waits for no disk."""
    files = [settled(tmp_path / "large.vdb", bytes(10 * CHUNK_BYTES))]
    heard = Heard()
    with pytest.raises(Cancelled):
        Store(s3, bucket).novelty(files, heard, cancelled=lambda: heard.sums["hashed"] > 0)
    assert heard.sums["hashed"] < 10 * CHUNK_BYTES


def test_a_file_that_is_not_there_is_named(s3: Any, bucket: str, tmp_path: Path) -> None:
    """As an upload would."""
    with pytest.raises(MissingFiles, match=r"gone\.png"):
        Store(s3, bucket).novelty([SourceFile(tmp_path / "gone.png", "scene/gone.png")])
