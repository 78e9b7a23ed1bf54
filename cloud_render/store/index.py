# SPDX-License-Identifier: GPL-3.0-or-later
"""What the store holds: index objects say which chunks lie in which packs, a listing says which packs are there."""

from __future__ import annotations

import base64
import gzip
import hashlib
import logging
import re
import zlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any

from cloud_render.contract import keys, values
from cloud_render.contract.contents import Run
from cloud_render.contract.errors import BadJob, NotThere
from cloud_render.store.translate import translated

log = logging.getLogger(__name__)

VERSION = 1

_CHUNK = re.compile(r"[0-9a-f]{64} [1-9][0-9]{0,9}")


@dataclass(frozen=True)
class PackEntry:
    """One pack, as an index object tells of it."""

    sha256: str
    chunks: tuple[str, ...]
    """`<sha256> <length in bytes>` in the order in which they lie in the pack, without a gap between them.
    A text each and not an object: indexes have thousands."""

    def runs(self) -> dict[str, Run]:
        """Where each chunk lies, by its hash."""
        runs: dict[str, Run] = {}
        offset = 0
        for chunk in self.chunks:
            sha256, length = chunk.split()
            runs[sha256] = Run(self.sha256, offset, int(length))
            offset += int(length)
        return runs


@dataclass(frozen=True)
class Index:
    """The packs of one upload."""

    packs: tuple[PackEntry, ...]
    version: int = VERSION

    def to_json_gz(self) -> bytes:
        return gzip.compress(values.to_json(self).encode(), mtime=0)

    @classmethod
    def from_json_gz(cls, packed: bytes) -> Index:
        """Raises BadJob."""
        try:
            text = gzip.decompress(packed)
        except (OSError, EOFError, zlib.error) as error:
            raise BadJob("The index", [f"it is not gzip data ({error})"]) from error
        index = values.from_json(cls, text, "The index")
        if index.version != VERSION:
            raise BadJob("The index", [f"its version {index.version} is not {VERSION}"])
        if not all(_CHUNK.fullmatch(chunk) for pack in index.packs for chunk in pack.chunks):
            raise BadJob("The index", ["a chunk is not a hash and a length"])
        return index


@dataclass(frozen=True)
class Known:
    """What the store holds at one moment and will hold for long enough."""

    runs: dict[str, Run]
    """By the chunk's hash."""
    own: tuple[PackEntry, ...]
    """What an earlier try of the same upload left."""


def known(s3: Any, bucket: str, upload_id: str, needed_for: timedelta, lifetime: timedelta) -> Known:
    """Asks with one listing of packs, one of indexes and a request an index; never with one a file or a chunk.

    Packs count as absent that could expire within `needed_for`: they live `lifetime` from their creation, and being
    used again does not renew them. The server's clock decides, not ours.
    """
    with translated("see what the bucket holds"):
        fresh = _fresh_packs(s3, bucket, needed_for, lifetime)
        indexes = _indexes(s3, bucket) if fresh else {}
    packs = [pack for index in indexes.values() for pack in index.packs if pack.sha256 in fresh]
    runs = {sha256: run for pack in packs for sha256, run in pack.runs().items()}
    own = indexes.get(keys.index(upload_id), Index(()))
    return Known(runs, tuple(pack for pack in own.packs if pack.sha256 in fresh))


def write(s3: Any, bucket: str, upload_id: str, packs: Iterable[PackEntry]) -> None:
    """Let other uploads know of `packs`; replaces what this upload said before."""
    body = Index(tuple(packs)).to_json_gz()
    with translated("write the index of the upload"):
        s3.put_object(Bucket=bucket, Key=keys.index(upload_id), Body=body, ChecksumSHA256=checksum(body))


def checksum(content: bytes) -> str:
    """SHA-256 as S3 wants it, so that S3 itself refuses what was damaged on its way."""
    return base64_of(hashlib.sha256(content).hexdigest())


def base64_of(sha256: str) -> str:
    return base64.b64encode(bytes.fromhex(sha256)).decode()


def _fresh_packs(s3: Any, bucket: str, needed_for: timedelta, lifetime: timedelta) -> set[str]:
    found: set[str] = set()
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=keys.PACKS):
        oldest = _server_time(page) + needed_for - lifetime
        entries = page.get("Contents", ())
        found.update(entry["Key"].removeprefix(keys.PACKS) for entry in entries if entry["LastModified"] > oldest)
    return found


def _server_time(page: Any) -> datetime:
    date = page["ResponseMetadata"]["HTTPHeaders"].get("date", "")
    try:
        return parsedate_to_datetime(date).astimezone(UTC)
    except ValueError:
        return datetime.now(UTC)


def _indexes(s3: Any, bucket: str) -> dict[str, Index]:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=keys.INDEX)
    found = [entry["Key"] for page in pages for entry in page.get("Contents", ())]
    with ThreadPoolExecutor(max_workers=8) as pool:
        return dict(zip(found, pool.map(partial(_read, s3, bucket), found), strict=True))


def _read(s3: Any, bucket: str, key: str) -> Index:
    """An index that can't be used is as good as none: its chunks are sent again, nothing is lost."""
    try:
        with translated(f"read {key}"):
            return Index.from_json_gz(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    except (BadJob, NotThere) as error:
        log.warning("left out the index %s: %s", key, error)
        return Index(())
