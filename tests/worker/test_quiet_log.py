# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender's own lines in the log of a child, as its versions write them."""

from __future__ import annotations

import logging

import pytest

from worker.quiet_log import QuietLog


@pytest.fixture
def logged(caplog):
    """What of a line gets into the log."""

    def write(line: str) -> list[str]:
        caplog.clear()
        with caplog.at_level(logging.INFO, "blender"):
            QuietLog().write(line + "\n")
        return [record.getMessage() for record in caplog.records]

    return write


@pytest.mark.parametrize(
    "line",
    [
        "Fra:0 Mem:10.84M (Peak 12.06M) | Time:00:00.00 | Mem:0.00M, Peak:0.00M | Scene, ViewLayer | Updating Meshes",
        "Fra:-12 Mem:8.29M (Peak 10.09M) | Time:00:00.02 | Mem:0.1M, Peak:0.1M | Scene, ViewLayer | Sample 1/8",
        "Saved: '/out/frames/0001.png'",
        " Time: 00:00.10 (Saving: 00:00.00)",
        "00:00.567  render           | Fra: 1 | Mem: 1M | Sample 0/8",
        "00:00.862  render           | Saved: '/out/frames/0000.png'",
        "01:02:03.862  render           | Fra: 200 | Mem: 1M | Synchronizing object | Cube",
    ],
)
def test_progress_lines_of_every_blender_stay_out_of_the_log(logged, line):
    """With the prefix of 5.x or without it; progress is told by events, never read from these lines."""
    assert logged(line) == []


@pytest.mark.parametrize(
    "line",
    [
        "Error: Cannot render, no camera",
        "00:00.603  image            | ERROR Couldn't create directory for file /x/0000.png: No such file or directory",
        "00:00.603  render           | ERROR Error writing frame 7",
        "00:00.603  render           | WARNING Out of memory for a pass",
    ],
)
def test_what_blender_calls_a_problem_is_in_the_log(logged, line):
    """Also where 5.x says it on the channel of the progress lines."""
    assert logged(line) == [f"| {line}"]
