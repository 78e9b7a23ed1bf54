# SPDX-License-Identifier: GPL-3.0-or-later
"""Log streams, as they are written and read page by page."""

from __future__ import annotations

import errno
import io
import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from local_cloud.logs import LogFolder, LogWriter
from local_cloud.logs_api import PREFIX, LogsApi


@pytest.fixture
def folder(tmp_path: Path) -> LogFolder:
    """A folder whose clock gains a second with each look."""
    seconds = itertools.count(1)
    return LogFolder(tmp_path, clock=lambda: next(seconds))


def _write(folder: LogFolder, stream: str, *lines: str) -> None:
    with folder.writer("group", stream) as writer:
        for line in lines:
            writer.write(line.encode() + b"\n")


def _ask(folder: LogFolder, call: str, **request: Any) -> dict[str, Any]:
    answer = LogsApi(folder).answer(
        PREFIX + call, json.dumps({"logGroupName": "group", **request}).encode(), "us-east-1"
    )
    assert answer is not None
    assert isinstance(answer.body, bytes)
    values: dict[str, Any] = json.loads(answer.body)
    return values


def _messages(page: dict[str, Any]) -> list[str]:
    return [event["message"] for event in page["events"]]


def test_following_a_stream_reads_each_line_once(folder: LogFolder) -> None:
    """The forward token leads on from where the last page ended, and repeats where nothing is new."""
    _write(folder, "s", "one", "two", "three")
    first = _ask(folder, "GetLogEvents", logStreamName="s", startFromHead=True, limit=2)
    second = _ask(folder, "GetLogEvents", logStreamName="s", nextToken=first["nextForwardToken"])
    third = _ask(folder, "GetLogEvents", logStreamName="s", nextToken=second["nextForwardToken"])
    assert [_messages(page) for page in (first, second, third)] == [["one", "two"], ["three"], []]
    assert third["nextForwardToken"] == second["nextForwardToken"]
    _write(folder, "s", "four")
    assert _messages(_ask(folder, "GetLogEvents", logStreamName="s", nextToken=third["nextForwardToken"])) == ["four"]


def test_without_a_start_the_newest_lines_come(folder: LogFolder) -> None:
    """GetLogEvents gives the end of a stream, and pages backwards."""
    _write(folder, "s", *map(str, range(10)))
    last = _ask(folder, "GetLogEvents", logStreamName="s", limit=3)
    before = _ask(folder, "GetLogEvents", logStreamName="s", limit=3, nextToken=last["nextBackwardToken"])
    assert (_messages(last), _messages(before)) == (["7", "8", "9"], ["4", "5", "6"])


def test_a_line_that_is_still_being_written_is_not_shown(folder: LogFolder) -> None:
    """Only whole lines are events; the rest comes with the next page."""
    with folder.writer("group", "s") as writer:
        writer.write(b"whole\nha")
        first = _ask(folder, "GetLogEvents", logStreamName="s", startFromHead=True)
        writer.write(b"lf\n")
        second = _ask(folder, "GetLogEvents", logStreamName="s", nextToken=first["nextForwardToken"])
    assert (_messages(first), _messages(second)) == (["whole"], ["half"])


def test_times_limit_what_is_shown(folder: LogFolder) -> None:
    """startTime counts, endTime does not."""
    _write(folder, "s", "at 1 s", "at 2 s", "at 3 s")
    page = _ask(folder, "GetLogEvents", logStreamName="s", startFromHead=True, startTime=2000, endTime=3000)
    assert [(event["timestamp"], event["message"]) for event in page["events"]] == [(2000, "at 2 s")]


def test_a_very_long_line_comes_in_pieces(folder: LogFolder) -> None:
    """As Docker cuts it, so that one runaway print can't stop the reader."""
    with folder.writer("group", "s") as writer:
        writer.write(b"x" * 40_000 + b"\n")
    pieces = _messages(_ask(folder, "GetLogEvents", logStreamName="s", startFromHead=True))
    assert [len(piece) for piece in pieces] == [16384, 16384, 40_000 - 2 * 16384]


def test_bytes_that_are_no_text_are_shown_all_the_same(folder: LogFolder) -> None:
    """Blender prints file names in whatever encoding they have."""
    with folder.writer("group", "s") as writer:
        writer.write(b"caf\xe9.blend\n")
    assert _messages(_ask(folder, "GetLogEvents", logStreamName="s")) == ["caf\ufffd.blend"]


def test_streams_are_listed_by_prefix_and_in_pages(folder: LogFolder) -> None:
    """Names come sorted; a token leads to the rest."""
    for name in ("render/default/b", "render/default/a", "stitch/default/c"):
        _write(folder, name, "line")
    first = _ask(folder, "DescribeLogStreams", logStreamNamePrefix="render/", limit=1)
    second = _ask(folder, "DescribeLogStreams", logStreamNamePrefix="render/", limit=1, nextToken=first["nextToken"])
    names = [page["logStreams"][0]["logStreamName"] for page in (first, second)]
    assert names == ["render/default/a", "render/default/b"]
    assert "nextToken" not in second


def test_the_stream_that_was_written_last_can_come_first(folder: LogFolder) -> None:
    """Ordered by LastEventTime, descending."""
    for name in ("a", "c", "b"):
        _write(folder, name, "line")
    listed = _ask(folder, "DescribeLogStreams", orderBy="LastEventTime", descending=True)["logStreams"]
    assert [stream["logStreamName"] for stream in listed] == ["b", "c", "a"]


def test_a_made_up_token_is_refused(folder: LogFolder) -> None:
    """With CloudWatch's own error."""
    _write(folder, "s", "line")
    assert _ask(folder, "GetLogEvents", logStreamName="s", nextToken="x/1")["__type"] == "InvalidParameterException"


def test_streams_of_others_are_left_to_moto(folder: LogFolder) -> None:
    """The API answers only for streams it has."""
    request = json.dumps({"logGroupName": "group", "logStreamName": "not ours"}).encode()
    assert LogsApi(folder).answer(PREFIX + "GetLogEvents", request, "us-east-1") is None


def test_a_full_disk_costs_lines_and_no_job(tmp_path: Path) -> None:
    """What has no room is left out and said to be; no half line is left that could not be read."""

    class Disk(io.FileIO):
        full = False

        def write(self, block: Any) -> int:
            if self.full:
                super().write(block[:9])
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(block)

    folder = LogFolder(tmp_path, clock=lambda: 1.0)
    _write(folder, "stream")
    file = Disk(folder._path("group", "stream"), "ab")
    with LogWriter(file, lambda: 1.0) as writer:
        writer.write(b"before\n")
        file.full = True
        writer.write(b"one\ntwo\n")
        writer.write(b"three\n")
        file.full = False
        writer.write(b"after\n")
    lines = [event.message for event in folder.forwards("group", "stream", 0, 100).events]
    assert lines == ["before", "(lines left out while the disk was full: 3)", "after"]
