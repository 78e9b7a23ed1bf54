# SPDX-License-Identifier: GPL-3.0-or-later
"""Values as words for people: sizes, durations, counts, times. Pure: prints nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from cloud_render.client.sizes import size as size


def memory(memory: int, vram: int, gpu: bool = False) -> str:
    """What a render takes: `6.4 GB, and 9.1 GB on the GPU`; empty where nothing is known. `gpu`: it used one."""
    on_gpu = f"{size(vram)} on the GPU" if vram else "an unknown amount on the GPU" if gpu and memory else ""
    return ", and ".join(filter(None, (size(memory) if memory else "", on_gpu)))


def duration(seconds: float) -> str:
    """`0.4 s`, `12 s`, `3 min 05 s`, `2 h 07 min`, `3 d 4 h`."""
    if 0 < seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest_s = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest_s:02d} s"
    hours, rest_min = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {rest_min:02d} min"
    return f"{hours // 24} d {hours % 24} h"


def count(number: int, noun: str, plural: str = "") -> str:
    """`1 frame`, `12 frames`, `0 children`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def ago(then: datetime, now: datetime) -> str:
    """`just now`, `5 min ago`, `3 h ago`, or the local date once it lies further back than two days."""
    seconds = (now - then).total_seconds()
    if seconds < 60:
        return "just now"
    if seconds < 3_600:
        return f"{int(seconds // 60)} min ago"
    if seconds < 2 * 86_400:
        return f"{int(seconds // 3_600)} h ago"
    return f"{then.astimezone():%Y-%m-%d %H:%M}"


def time_of_job(job_id: str) -> datetime | None:
    """When a job was made, out of its id (20261121-093000-…); None where the id does not begin with a time."""
    try:
        return datetime.strptime(job_id[:15], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def listed(items: Sequence[str], most: int = 5) -> str:
    """`a, b and c`; after `most` of them `a, b, c, d, e and 7 more`."""
    shown = list(items[:most])
    if len(items) > most:
        shown.append(f"{len(items) - most:,} more")
    if len(shown) < 2:
        return "".join(shown)
    return f"{', '.join(shown[:-1])} and {shown[-1]}"


def shortened(text: str, most: int) -> str:
    """`text` in at most `most` characters, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """The rows as lines whose cells begin below each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
