# SPDX-License-Identifier: GPL-3.0-or-later
"""Which attempt of which child this process is, and the report it leaves in S3 whatever happens."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from cloud_render.contract.errors import BadArguments, CloudRenderError
from cloud_render.contract.keys import Prefix
from cloud_render.contract.report import ChildReport
from worker import failures
from worker.disk import fullness_told
from worker.s3 import Bucket

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Attempt:
    """What Batch says of this process; outside of Batch a plain job's first attempt."""

    job_id: str
    """Batch's, of the child; empty outside of Batch."""
    index: int
    """Of the array child, from 0; 0 for a plain job."""
    size: int | None
    """Children of the array; None for a plain job."""
    number: int
    """From 1."""

    @classmethod
    def of_environment(cls, environment: Mapping[str, str] = os.environ) -> Attempt:
        """Raises BadArguments where a variable of Batch is no number."""
        return cls(
            job_id=environment.get("AWS_BATCH_JOB_ID", ""),
            index=_number(environment, "AWS_BATCH_JOB_ARRAY_INDEX", 0, least=0) or 0,
            size=_number(environment, "AWS_BATCH_JOB_ARRAY_SIZE", None, least=1),
            number=_number(environment, "AWS_BATCH_JOB_ATTEMPT", 1, least=1) or 1,
        )


def _number(environment: Mapping[str, str], name: str, absent: int | None, least: int) -> int | None:
    text = environment.get(name, "")
    if not text:
        return absent
    if not text.isascii() or not text.isdigit() or int(text) < least:
        raise BadArguments(f"{name} is {text!r}, not a whole number from {least} up.")
    return int(text)


def now() -> str:
    """UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@dataclass
class Draft:
    """The report in the making; `add` fills in fields as they become known."""

    report: ChildReport
    warnings: list[str] = field(default_factory=list)

    def add(self, **fields: object) -> None:
        self.report = replace(self.report, **fields)  # type: ignore[arg-type]

    def warn(self, warning: str) -> None:
        """Into the log and the report, once each."""
        if warning not in self.warnings:
            self.warnings.append(warning)
            log.warning("warning: %s", warning)


Action = Literal["render", "stitch", "inspect"]


@contextlib.contextmanager
def reporting(action: Action, bucket: Bucket, prefix: Prefix, submission: int, attempt: Attempt) -> Iterator[Draft]:
    """A draft to fill in; at the end of the block, good or bad, it is written to `reports/`.

    A report that can't be written doesn't hide the error it would have told of. The others of an array hear of a render
    that failed for good.
    """
    started = now()
    draft = Draft(ChildReport(action, submission, attempt.index, attempt.number, 0, started, started))
    key = {
        "render": prefix.report(submission, attempt.index, attempt.number),
        "stitch": prefix.stitch_report(submission, attempt.number),
        "inspect": prefix.inspection(attempt.number),
    }[action]
    try:
        with fullness_told():
            yield draft
    except BaseException as error:  # whatever ends the attempt is told, and then goes on its way
        ours = error if isinstance(error, CloudRenderError) else _unexpected(error)
        draft.add(exit_code=ours.exit_code, problem=ours.problem, advice=ours.advice)
        with contextlib.suppress(CloudRenderError):  # logged by _write already
            _write(bucket, key, draft)
            if action == "render" and attempt.size:
                failures.tell(bucket, prefix, submission, attempt.index, ours.exit_code)
        raise
    _write(bucket, key, draft)


def _unexpected(error: BaseException) -> CloudRenderError:
    return CloudRenderError(f"The worker itself failed: {type(error).__name__}: {error}", "See the log.")


def _write(bucket: Bucket, key: str, draft: Draft) -> None:
    draft.add(ended=now(), warnings=tuple(draft.warnings))
    try:
        bucket.put(key, draft.report.to_json().encode(), "application/json")
    except CloudRenderError as error:
        log.warning("warning: no report: %s", error)
        raise


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A folder of this attempt alone, removed at the end; below CLOUD_RENDER_SCRATCH where that is set."""
    parent = os.environ.get("CLOUD_RENDER_SCRATCH") or None
    if parent:
        Path(parent).mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="attempt-", dir=parent)).resolve()
    try:
        yield folder
    finally:
        # Read-only files and folders of a scene must not keep the folder: what can't go now goes with the host.
        shutil.rmtree(folder, ignore_errors=True)
