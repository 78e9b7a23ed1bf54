# SPDX-License-Identifier: GPL-3.0-or-later
"""Small objects of the bucket: read, write, create once, list, delete. Knows nothing of what is in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from cloud_render.client.farm import Farm
from cloud_render.contract.errors import CloudRenderError, NotThere
from cloud_render.store.index import checksum
from cloud_render.store.listing import pages, server_time
from cloud_render.store.patience import patiently
from cloud_render.store.translate import code_of, translated

_TAKEN = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}
_OTHER_CONTENT = {"BadDigest", "XAmzContentChecksumMismatch", "XAmzContentSHA256Mismatch"}
_MOST_DELETES = 1_000
"""In one DeleteObjects request."""
_MOST_COPIED = 5 * 2**30
"""Bytes in one CopyObject request."""


@dataclass(frozen=True)
class Entry:
    """An object, as a listing shows it."""

    key: str
    size: int
    """In bytes."""
    etag: str
    modified: datetime


@dataclass(frozen=True)
class Listing:
    """What lies below a prefix."""

    entries: tuple[Entry, ...]
    prefixes: tuple[str, ...]
    """What lies deeper, where a listing stops at the slashes."""
    now: datetime
    """The server's clock."""

    def find(self, key: str) -> Entry | None:
        return next((entry for entry in self.entries if entry.key == key), None)


def read(farm: Farm, key: str) -> bytes:
    """Raises NotThere."""
    with translated(f"read {key}"):
        return patiently(partial(_content, farm, key))


def read_if_there(farm: Farm, key: str) -> bytes | None:
    try:
        return read(farm, key)
    except NotThere:
        return None


def write(farm: Farm, key: str, body: str | bytes) -> None:
    """S3 takes it whole or not at all, replacing what was there."""
    _put(farm, key, body)


def create(farm: Farm, key: str, body: str | bytes) -> bool:
    """False if the key is taken, whoever comes first: of two that try at once, one gets True."""
    try:
        _put(farm, key, body, IfNoneMatch="*")
    except _Taken as taken:
        # A repeated request may have met its own first try, which S3 carried out and whose answer was lost. Taken for
        # someone else's, a claim would be nobody's.
        return taken.repeated and read(farm, key) == (body.encode() if isinstance(body, str) else body)
    return True


def try_write(farm: Farm, key: str) -> None:
    """Raises what a write of `key` would raise, NotAllowed above all; nothing is stored.

    The content does not match its checksum, for which S3 refuses it after it has looked at the right to write.
    """
    with translated(f"write {key}"):
        try:
            farm.s3.put_object(Bucket=farm.bucket, Key=key, Body=b"x", ChecksumSHA256=checksum(b"another content"))
        except ClientError as error:
            if code_of(error) not in _OTHER_CONTENT:
                raise


def copy(farm: Farm, entry: Entry, key: str) -> None:
    """The object once more under another key, without its bytes leaving the cloud; whole or not at all."""
    source = {"Bucket": farm.bucket, "Key": entry.key}
    with translated(f"copy {entry.key}"):
        if entry.size <= _MOST_COPIED:
            farm.s3.copy_object(CopySource=source, Bucket=farm.bucket, Key=key)
        else:
            farm.s3.copy(source, farm.bucket, key)  # in parts


def list_below(farm: Farm, prefix: str, deep: bool = True, after: str = "", last: str = "") -> Listing:
    """All that lies below `prefix`, in the order of the keys; from the one that follows `after` on, and no further
    than the page that holds `last`.
    """
    question: dict[str, Any] = {"Bucket": farm.bucket, "Prefix": prefix} | ({} if deep else {"Delimiter": "/"})
    if after:
        question["StartAfter"] = after
    entries: list[Entry] = []
    prefixes: list[str] = []
    now = datetime.now(UTC)
    with translated(f"list {prefix}"):
        for page in pages(farm.s3, **question):
            now = server_time(page)
            entries += map(_entry, page.get("Contents", ()))
            prefixes += [row["Prefix"] for row in page.get("CommonPrefixes", ())]
            if last and entries and entries[-1].key >= last:
                break
    return Listing(tuple(entries), tuple(prefixes), now)


def find(farm: Farm, key: str) -> Entry | None:
    """The object itself, as a listing shows it; None if there is none."""
    return list_below(farm, key).find(key)


def delete(farm: Farm, keys: Sequence[str]) -> None:
    """Raises CloudRenderError, naming the first that could not be deleted."""
    for some in _batches(keys):
        with translated("delete objects"):
            answer = farm.s3.delete_objects(
                Bucket=farm.bucket, Delete={"Objects": [{"Key": key} for key in some], "Quiet": True}
            )
        for failed in answer.get("Errors", ())[:1]:
            raise CloudRenderError(
                f"Could not delete {failed['Key']}: {failed.get('Message', failed.get('Code'))}", "Try again."
            )


class _Taken(Exception):
    """The key is there. `repeated`: the request was sent more than once, so it may be its own doing."""

    def __init__(self, repeated: bool) -> None:
        super().__init__()
        self.repeated = repeated


def _put(farm: Farm, key: str, body: str | bytes, **conditions: str) -> None:
    content = body.encode() if isinstance(body, str) else body
    with translated(f"write {key}"):
        try:
            farm.s3.put_object(
                Bucket=farm.bucket, Key=key, Body=content, ChecksumSHA256=checksum(content), **conditions
            )
        except ClientError as error:
            if conditions and code_of(error) in _TAKEN:
                raise _Taken(error.response["ResponseMetadata"].get("RetryAttempts", 0) > 0) from error
            raise


def _content(farm: Farm, key: str) -> bytes:
    content: bytes = farm.s3.get_object(Bucket=farm.bucket, Key=key)["Body"].read()
    return content


def _entry(row: Any) -> Entry:
    return Entry(row["Key"], row["Size"], row["ETag"].strip('"'), row["LastModified"])


def _batches(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(keys), _MOST_DELETES):
        yield keys[start : start + _MOST_DELETES]
