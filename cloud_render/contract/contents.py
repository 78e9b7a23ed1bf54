# SPDX-License-Identifier: GPL-3.0-or-later
"""contents.json.gz: for each file of a job, the runs in packs it is made of."""

from __future__ import annotations

import gzip
import io
import re
import zlib
from dataclasses import dataclass

from cloud_render.contract import values
from cloud_render.contract.errors import BadJob
from cloud_render.contract.scene import check_scene_path

MOST = 512 << 20
"""Bytes unpacked. A run has under 200: so many are 20 TB of a scene, and a job of a stranger may hold a bomb."""

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Run:
    """Consecutive bytes of one pack."""

    pack: str
    """Its name in the store: 64 hexadecimal digits."""
    offset: int
    length: int
    """Both in bytes."""


@dataclass(frozen=True)
class StoredFile:
    """A file as the store holds it."""

    path: str
    """Below the job's root."""
    sha256: str
    size: int
    """In bytes; the sum of the runs' lengths."""
    runs: tuple[Run, ...]

    def issues(self) -> list[str]:
        issues = check_scene_path(self.path, "path")
        if not _SHA256.fullmatch(self.sha256) or not all(_SHA256.fullmatch(run.pack) for run in self.runs):
            issues.append(f"{self.path}: a hash is not 64 hexadecimal digits")
        if any(run.offset < 0 or run.length <= 0 for run in self.runs):
            issues.append(f"{self.path}: a run has a negative offset or no length")
        if sum(run.length for run in self.runs) != self.size:
            issues.append(f"{self.path}: its runs don't add up to its size")
        return issues


@dataclass(frozen=True)
class Contents:
    """The files of one job. Raises BadJob when made with runs that don't hold together."""

    files: tuple[StoredFile, ...]

    def __post_init__(self) -> None:
        issues = [issue for file in self.files for issue in file.issues()]
        if len({file.path for file in self.files}) != len(self.files):
            issues.append("a path stands twice")
        if issues:
            raise BadJob("contents.json", issues)

    def to_json_gz(self) -> bytes:
        """Stable bytes: no time stamp inside."""
        return gzip.compress(values.to_json(self).encode(), mtime=0)

    @classmethod
    def from_json_gz(cls, packed: bytes) -> Contents:
        try:
            with gzip.GzipFile(fileobj=io.BytesIO(packed)) as file:
                text = file.read(MOST + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise BadJob("contents.json.gz", [f"it is not gzip data ({error})"]) from error
        if len(text) > MOST:
            raise BadJob("contents.json.gz", [f"it is larger than {MOST >> 20} MiB unpacked"])
        return values.from_json(cls, text, "contents.json")
