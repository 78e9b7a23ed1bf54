# SPDX-License-Identifier: GPL-3.0-or-later
"""What `cloud-render audit` says of figures that are rare in the local cloud."""

from __future__ import annotations

from cloud_render.cli.audit import summary
from cloud_render.client.audit import Attempt, Audit, Child

DAY = "2026-01-01T12:00:00+00:00"


def child(index: int | None, memory: int, vram: int) -> Child:
    attempt = Attempt(1, "done", "", 0, DAY, DAY, 60.0, (1,), 0.0, "i-1", "g5.xlarge", memory, vram)
    return Child(0, index, "SUCCEEDED", 1, (attempt,))


def said(*children: Child) -> list[str]:
    return summary(Audit("job", 1, 0, 2, 2, children, 0, 0, {}, 120.0, 0.0, 0, ()))


def test_an_audit_tells_the_most_memory_of_any_render():
    """On the machine and on its GPU; the video's is another matter."""
    lines = said(child(0, 2 * 10**9, 9 * 10**9), child(1, 3 * 10**9, 4 * 10**9), child(None, 10**10, 0))
    assert "Memory:         3.0 GB, and 9.0 GB on the GPU at most" in lines


def test_an_audit_says_nothing_of_memory_that_nobody_measured():
    """As where no attempt left a report."""
    assert not any("Memory" in line for line in said(child(0, 0, 0)))
