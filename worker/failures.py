# SPDX-License-Identifier: GPL-3.0-or-later
"""What the children of one array tell each other: that they failed for good, so that a broken scene stops early.

A failure is an empty object whose name says the exit code and the child; one listing tells a child that begins of all.
"""

from __future__ import annotations

import collections
import re

from cloud_render.contract.errors import (
    BadInput,
    BadJob,
    BlenderFailed,
    DoesNotFit,
    MissingFiles,
    NotThere,
    NoUsableGpu,
    StoppedByLimit,
    UnreadableBlend,
)
from cloud_render.contract.keys import Prefix
from cloud_render.contract.report import ChildReport
from worker.s3 import Bucket

FEW = 3
"""So many may fail alike in any array."""

SHARE = 0.1
"""Of an array's children."""

_FOR_GOOD = {
    kind.exit_code for kind in (BadInput, UnreadableBlend, MissingFiles, NoUsableGpu, BlenderFailed, DoesNotFit)
}


def tell(bucket: Bucket, prefix: Prefix, submission: int, index: int, exit_code: int) -> None:
    """Leaves word for the others, where the failure would only come again."""
    if exit_code in _FOR_GOOD:
        bucket.put(prefix.failure(submission, exit_code, index), b"")


def check(bucket: Bucket, prefix: Prefix, submission: int, children: int) -> None:
    """Raises StoppedByLimit where more than a tenth of the children, and at least three, failed alike."""
    place = prefix.failures(submission)
    failed = collections.defaultdict(list)
    for item in bucket.list(place):
        if match := re.fullmatch(r"(\d{1,3})-(\d{1,9})", item.key.removeprefix(place)):
            failed[int(match[1])].append(int(match[2]))
    for indices in failed.values():
        if len(indices) >= FEW and len(indices) > SHARE * children:
            problem, advice = _words_of(bucket, prefix, submission, indices[0])
            raise StoppedByLimit(
                f"{len(indices)} of {children} children failed alike, so the others did not begin. {problem}".rstrip(),
                advice,
            )


def _words_of(bucket: Bucket, prefix: Prefix, submission: int, index: int) -> tuple[str, str]:
    """Problem and advice of a failed child; empty where it left no report that can be read."""
    start = prefix.report(submission, index, 0).removesuffix("0.json")
    try:
        report = ChildReport.from_json(bucket.get(max(item.key for item in bucket.list(start))))
    except (ValueError, NotThere, BadJob):
        return "", "See the job's log."
    return report.problem, report.advice
