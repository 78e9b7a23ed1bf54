# SPDX-License-Identifier: GPL-3.0-or-later
"""What months do: content expires, is sent again in time, and what nobody needs any more is bounded."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from cloud_render.contract import keys
from cloud_render.contract.contents import Contents
from cloud_render.store import Progress, SourceFile, Store, index
from cloud_render.store.listing import server_time
from cloud_render.store.store import NEEDED_FOR, RETRIED_WITHIN

LIFETIME = timedelta(days=60)


class Calendar:
    """Lets days go by for one client: what it is told of the time, and what its bucket has expired."""

    def __init__(self, s3: Any, bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._day = 0
        self._written: dict[str, int] = {}
        events = s3.meta.events
        events.register("provide-client-params.s3.PutObject", self._note)
        events.register("after-call.s3", self._move_on)

    def let_pass(self, days: int) -> None:
        """And delete what the bucket's rule deletes, all that is older than LIFETIME."""
        self._day += days
        for key, day in list(self._written.items()):
            if timedelta(days=self._day - day) > LIFETIME:
                self._s3.delete_object(Bucket=self._bucket, Key=key)
                del self._written[key]

    def _note(self, params: dict[str, Any], **_: object) -> None:
        self._written[params["Key"]] = self._day

    def _move_on(self, parsed: dict[str, Any], **_: object) -> None:
        headers = parsed["ResponseMetadata"]["HTTPHeaders"]
        headers["date"] = format_datetime(server_time(parsed) + timedelta(days=self._day))
        for entry in parsed.get("Contents", ()):
            entry["LastModified"] += timedelta(days=self._written.get(entry["Key"], 0))


@pytest.fixture
def calendar(s3: Any, bucket: str) -> Calendar:
    return Calendar(s3, bucket)


class Sent(Progress):
    def __init__(self) -> None:
        self.bytes = 0

    def sent(self, size: int) -> None:
        self.bytes += size


def settled(path: Path, content: bytes) -> SourceFile:
    path.write_bytes(content)
    os.utime(path, (time.time() - 60,) * 2)
    return SourceFile(path, f"scene/{path.name}")


def upload(s3: Any, bucket: str, files: list[SourceFile], name: str) -> tuple[Contents, int]:
    """The contents, and how many bytes travelled."""
    sent = Sent()
    return Store(s3, bucket, LIFETIME).upload(files, name, sent), sent.bytes


def bytes_below(s3: Any, bucket: str, prefix: str) -> tuple[int, int]:
    """How many objects, and their bytes."""
    entries = s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", ())
    return len(entries), sum(entry["Size"] for entry in entries)


def edits(content: bytes, size: int) -> Iterator[bytes]:
    """One after the other, each with `size` other bytes somewhere."""
    random_ = random.Random(7)
    while True:
        place = random_.randrange(len(content) - size)
        content = content[:place] + random_.randbytes(size) + content[place + size :]
        yield content


def test_content_is_sent_again_before_it_could_be_missed(
    s3: Any, bucket: str, calendar: Calendar, tmp_path: Path
) -> None:
    """As long as a job and its retry are safe nothing travels, a day later all of it."""
    files = [settled(tmp_path / "a.png", b"content")]
    upload(s3, bucket, files, "first")
    calendar.let_pass((LIFETIME - NEEDED_FOR - RETRIED_WITHIN).days - 1)
    contents, sent = upload(s3, bucket, files, "second")
    assert sent == 0
    calendar.let_pass(RETRIED_WITHIN.days - 1)
    assert Store(s3, bucket, LIFETIME).expiring(contents.files) == ()
    assert upload(s3, bucket, files, "third")[1] == len(b"content")


def test_what_could_expire_during_a_retry_is_named(s3: Any, bucket: str, calendar: Calendar, tmp_path: Path) -> None:
    """First what could, then what has; other files of the job are not."""
    old, empty = settled(tmp_path / "old.png", b"old"), settled(tmp_path / "empty.png", b"")
    upload(s3, bucket, [old], "first")
    calendar.let_pass(30)
    contents, _ = upload(s3, bucket, [old, empty, settled(tmp_path / "new.png", b"new")], "second")
    store = Store(s3, bucket, LIFETIME)
    assert store.expiring(contents.files) == ()
    for days in (20, 20):  # 50 days old: it could expire; 70: it has
        calendar.let_pass(days)
        assert [file.path for file in store.expiring(contents.files)] == ["scene/old.png"]


def test_a_bucket_that_keeps_little_still_lets_a_job_be_retried(
    s3: Any, bucket: str, calendar: Calendar, tmp_path: Path
) -> None:
    """Where content lives for ten days, half of that is enough for a retry."""
    store = Store(s3, bucket, timedelta(days=10))
    contents = store.upload([settled(tmp_path / "a.png", b"content")], "up")
    calendar.let_pass(4)
    assert store.expiring(contents.files) == ()
    calendar.let_pass(2)
    assert len(store.expiring(contents.files)) == 1


def test_a_year_of_edits_stays_bounded(s3: Any, bucket: str, calendar: Calendar, tmp_path: Path) -> None:
    """Stored are at most two copies of what is used and the edits of one lifetime. The index and the number of runs
    that a file is made of stay small, and most days only the edit travels.
    """
    size, step_days = 600_000, 5
    path = tmp_path / "shot.blend"
    sent_a_step, most_stored, most_indexed, most_objects, most_runs = [], 0, 0, 0, 0
    for number, content in zip(range(365 // step_days), edits(random.Random(1).randbytes(size), 1_000), strict=False):
        contents, sent = upload(s3, bucket, [settled(path, content)], f"up{number}")
        calendar.let_pass(step_days)
        _, stored = bytes_below(s3, bucket, keys.PACKS)
        objects, indexed = bytes_below(s3, bucket, keys.INDEX)
        sent_a_step.append(sent)
        most_stored, most_indexed = max(most_stored, stored), max(most_indexed, indexed)
        most_objects, most_runs = max(most_objects, objects), max(most_runs, len(contents.files[0].runs))
    usual = sorted(sent_a_step)[len(sent_a_step) // 2]
    assert usual < 100_000
    assert most_stored <= 2 * size + LIFETIME.days // step_days * usual
    assert most_indexed <= most_stored // 100
    assert most_objects <= index.MANY + 1
    assert most_runs <= 4 * LIFETIME.days // step_days
    Store(s3, bucket, LIFETIME).fetch(contents.files[0], tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == content
