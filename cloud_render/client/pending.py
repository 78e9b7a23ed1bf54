# SPDX-License-Identifier: GPL-3.0-or-later
"""The local memory of submits that did not end: the same again goes on with the same job, one process at a time."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from cloud_render.contract import keys
from cloud_render.contract.errors import CloudRenderError, TryAgain
from cloud_render.store import locks
from cloud_render.store.landing import landing

log = logging.getLogger(__name__)

_FORGET_AFTER = timedelta(days=1)
"""An older one is another piece of work; its job's name would tell a wrong day."""


def state_folder(environment: Mapping[str, str] = os.environ, platform: str = sys.platform) -> Path:
    """Where this person's programs keep what they remember; CLOUD_RENDER_STATE overrules."""
    if own := environment.get("CLOUD_RENDER_STATE"):
        return Path(own)
    if platform == "win32" and (local := environment.get("LOCALAPPDATA")):
        return Path(local) / "cloud-render"
    if platform == "darwin":
        return Path.home() / "Library/Application Support/cloud-render"
    if state := environment.get("XDG_STATE_HOME"):
        return Path(state) / "cloud-render"
    return Path.home() / ".local/state/cloud-render"


@contextmanager
def alone(fingerprint: str, folder: Path | None = None) -> Iterator[None]:
    """Within it, nobody else on this computer submits the same. Raises TryAgain where somebody does.

    What must be seen as one step: reading the memory, and writing into it what others should go on with. Where the
    memory can't be written, or its file system knows no locks, nobody is kept out.
    """
    path = _file(fingerprint, folder).with_suffix(".lock")
    with ExitStack() as last:
        try:
            file = locks.open_alone(path)
        except OSError as error:
            log.warning("can't see whether another process submits the same: %s", error)
        else:
            if file is None:
                raise TryAgain(
                    "The same is being submitted by another process just now.",
                    "Its job appears among the others. Submit again after that only to render it twice.",
                )
            last.callback(locks.let_go, path, file)
        yield


def job_id_of(fingerprint: str, now: datetime, folder: Path | None = None, asked: str = "") -> str:
    """The job that an unfinished submit with this fingerprint began; empty if there is none.

    Also that of a submit which ended after `asked`: two that were started together are one, whichever is slower.
    """
    try:
        plain = json.loads(_file(fingerprint, folder).read_text())
        job_id, begun = plain["job_id"], datetime.fromisoformat(plain["begun"])
        if not keys.is_job_id(job_id) or now - begun >= _FORGET_AFTER:
            return ""
        ended = plain.get("ended")
        return job_id if not ended or (asked and asked < ended) else ""
    except FileNotFoundError:
        return ""
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.warning("can't use what was remembered of an unfinished submit: %s", error)
        return ""


def remember(fingerprint: str, job_id: str, now: datetime, folder: Path | None = None) -> None:
    """A memory that can't be written only costs the convenience, so it is no error."""
    _write(_file(fingerprint, folder), {"job_id": job_id, "begun": now.isoformat()})


def end(fingerprint: str, job_id: str, now: datetime, folder: Path | None = None) -> None:
    """Batch has the job: from now on the same again is a new one. Memories of other days go."""
    file = _file(fingerprint, folder)
    _write(file, {"job_id": job_id, "begun": now.isoformat(), "ended": now.isoformat()})
    try:
        for other in file.parent.glob("*.json"):
            if other.stat().st_mtime < (now - _FORGET_AFTER).timestamp():
                other.unlink(missing_ok=True)
    except OSError as error:
        log.warning("can't forget old submits: %s", error)


def _write(file: Path, memory: Mapping[str, str]) -> None:
    try:
        with landing(file) as temporary:
            temporary.write_text(json.dumps(memory))
    except CloudRenderError as error:
        log.warning("can't remember this submit: %s", error)


def _file(fingerprint: str, folder: Path | None) -> Path:
    return (folder or state_folder()) / "pending" / f"{fingerprint}.json"
