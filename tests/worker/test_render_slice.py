# SPDX-License-Identifier: GPL-3.0-or-later
"""Which frames a child renders, and what of it lies in S3 afterwards."""

from __future__ import annotations


def test_every_frame_of_a_slice_gets_to_s3(rig):
    """A plain job leaves each frame with its preview, and a report that tells of them."""
    rig.job(frames="1-5")
    ended = rig.render()
    assert ended.code == 0, ended.log
    assert ended.last_line.startswith("done: frames 1-5 are in s3://")
    assert rig.keys("frames/") == [f"frames/{n:04d}.png" for n in range(1, 6)]
    assert rig.keys("previews/") == [f"previews/{n:04d}.jpg" for n in range(1, 6)]
    report = rig.report()
    assert [frame.frame for frame in report.frames] == [1, 2, 3, 4, 5]
    assert (report.exit_code, report.device, report.blender) == (0, "CPU", "5.0.1")
    assert report.peak_memory == 1005
