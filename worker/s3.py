# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker's one door to S3: one bucket, bytes and files in and out, foreign errors translated.

Every object is sent with a SHA-256 that S3 checks before it stores anything. Time-outs and retries are set here and
nowhere else: botocore repeats what gets no answer, `_patiently` what it does not, and the store's Reader leaves answers
behind that break off or only drip. Nothing is ever deleted: the worker's role may not.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import ClientError

from cloud_render.contract.errors import DiskFull, NoCredentials, NotAllowed, NotThere, StorageUnavailable
from cloud_render.contract.keys import split_uri
from cloud_render.store import translate
from cloud_render.store.landing import landing
from cloud_render.store.listing import pages
from cloud_render.store.patience import broken, patiently
from cloud_render.store.ranges import PART_BYTES, Reader
from worker.disk import LARGER, NO_ROOM

MULTIPART_ABOVE = 64 * 2**20
"""Bytes. Smaller files go in one PutObject, whose SHA-256 is that of the file itself."""

ATTEMPTS = 6
"""Of one request: some 20 s of patience, after which exit code 75 hands the job back to Batch for a later attempt."""

_PASSING = {"BadDigest", "ExpiredToken", "RequestTimeTooSkewed", "XAmzContentSHA256Mismatch"}
"""Refusals that may be gone in a moment: a body damaged on its way, credentials or a clock about to be renewed."""

_Answer = TypeVar("_Answer")

_DENIED = {"403", "AccessDenied", "AllAccessDisabled"}
_EXISTS = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}


@dataclass(frozen=True)
class Listed:
    """One object of a listing."""

    key: str
    size: int
    """In bytes."""
    modified: float = 0.0
    """Seconds since 1970, by S3's clock."""


class Bucket:
    """One bucket's objects by key. Its methods may be called from several threads at once.

    All of them raise NotThere, StorageUnavailable or NoCredentials; those that write to this disk also DiskFull.
    """

    def __init__(self, client: Any, name: str) -> None:
        self.client = client
        self.name = name

    @classmethod
    def connect(cls, name: str) -> Bucket:
        """With the credentials, region and endpoint that the environment gives."""
        return cls(_client(), name)

    def uri(self, key: str) -> str:
        return f"s3://{self.name}/{key}"

    def get(self, key: str) -> bytes:
        """A small object, whole."""
        size, version = self._version(key)
        with translated(f"read {self.uri(key)}"):
            content, _ = _patiently(partial(Reader(self.client, self.name).whole, key, size, version))
            return bytes(content)

    def get_if_there(self, key: str) -> bytes | None:
        try:
            return self.get(key)
        except NotThere:
            return None

    def size_of(self, key: str) -> int:
        """In bytes."""
        return self._version(key)[0]

    def list(self, prefix: str) -> Iterator[Listed]:
        """Every object whose key starts with `prefix`, in the order of keys; 1,000 of them a request."""
        with translated(f"list {self.uri(prefix)}"):
            for page in pages(self.client, _patiently, Bucket=self.name, Prefix=prefix):
                for item in page.get("Contents", ()):
                    yield Listed(item["Key"], item["Size"], item["LastModified"].timestamp())

    def put(self, key: str, body: bytes, content_type: str = "application/octet-stream") -> None:
        """Stores a small object, replacing what was there."""
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        with translated(f"write {self.uri(key)}"):
            put = partial(self.client.put_object, Bucket=self.name, Key=key, Body=body)
            _patiently(partial(put, ChecksumSHA256=digest, ContentType=content_type))

    def put_if_absent(self, key: str, body: bytes, content_type: str = "application/octet-stream") -> bool:
        """Stores a small object unless the key exists; says whether it did.

        False also where it did, and the answer that said so was lost.
        """
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        with translated(f"write {self.uri(key)}", exists_is_fine=True):
            put = partial(self.client.put_object, Bucket=self.name, Key=key, Body=body)
            _patiently(partial(put, ChecksumSHA256=digest, ContentType=content_type, IfNoneMatch="*"))
            return True
        return False

    def put_file(self, key: str, path: Path, content_type: str = "application/octet-stream") -> int:
        """Stores a file of any size, replacing what was there; answers its size in bytes."""
        size = path.stat().st_size
        with translated(f"write {self.uri(key)}"):
            if size > MULTIPART_ABOVE:
                extra = {"ChecksumAlgorithm": "SHA256", "ContentType": content_type}
                _patiently(partial(self.client.upload_file, str(path), self.name, key, ExtraArgs=extra))
                return size
            _patiently(partial(self._put_file, key, path, content_type))
        return size

    def download(self, key: str, target: Path) -> None:
        """Brings an object to `target`, which appears whole or not at all."""
        size, version = self._version(key)
        reader = Reader(self.client, self.name)
        with translated(f"read {self.uri(key)}"), landing(target) as temporary, temporary.open("wb") as file:
            for start in range(0, size, PART_BYTES):
                length = min(PART_BYTES, size - start)
                file.write(_patiently(partial(reader.part, key, start, length, version)))

    def _version(self, key: str) -> tuple[int, str]:
        """Size in bytes, and the ETag of the object as it is now.

        Not by HeadObject, whose refusals have no body: 403 alone doesn't tell an expired token from a missing right.
        """
        with translated(f"read {self.uri(key)}"):
            answer = _patiently(partial(self.client.get_object, Bucket=self.name, Key=key))
            answer["Body"].close()
            return int(answer["ContentLength"]), str(answer["ETag"])

    def _put_file(self, key: str, path: Path, content_type: str) -> None:
        with path.open("rb") as body:
            digest = base64.b64encode(hashlib.file_digest(body, "sha256").digest()).decode()
            body.seek(0)
            self.client.put_object(
                Bucket=self.name, Key=key, Body=body, ChecksumSHA256=digest, ContentType=content_type
            )


def bucket_and_key(uri: str) -> tuple[Bucket, str]:
    """The bucket of an `s3://bucket/key`, connected, and the key. Raises BadArguments."""
    name, key = split_uri(uri)
    return Bucket.connect(name), key


def _patiently(ask: Callable[[], _Answer]) -> _Answer:
    return patiently(ask, _passes)


def _passes(error: Exception) -> bool:
    if isinstance(error, ClientError):
        return translate.code_of(error) in _PASSING
    # NoCredentials is what the Reader makes of such refusals.
    return broken(error) or (isinstance(error, NoCredentials) and not isinstance(error, NotAllowed))


@contextlib.contextmanager
def translated(doing: str, *, exists_is_fine: bool = False) -> Iterator[None]:
    """Foreign errors inside become ours; `doing` says what was tried, such as "read s3://bucket/key".

    With `exists_is_fine` a refused If-None-Match ends the block silently.
    """
    with translate.translated(doing):
        try:
            yield
        except ClientError as error:
            code = translate.code_of(error)
            if exists_is_fine and code in _EXISTS:
                return
            if code == "NoSuchBucket":
                raise NotThere(f"Could not {doing}: there is no such bucket.", "Check the address.") from error
            if code in _DENIED:
                # Without s3:ListBucket S3 answers 403 for a missing key as well; no retry by Batch would change either.
                raise NotThere(f"Could not {doing}: not there, or not allowed.", "Check address and role.") from error
            raise
        except S3UploadFailedError as error:
            raise StorageUnavailable(f"Could not {doing}: {error}.", "Try again in a minute.") from error
        except OSError as error:
            if error.errno not in NO_ROOM:
                raise
            raise DiskFull(f"Could not {doing}: the disk is full.", LARGER) from error


def _client() -> Any:
    import boto3
    from botocore.config import Config

    attempts = int(os.environ.get("AWS_MAX_ATTEMPTS") or ATTEMPTS)
    config = Config(
        connect_timeout=10,
        read_timeout=60,
        max_pool_connections=32,
        retries={"mode": "standard", "total_max_attempts": attempts},
    )
    with translated("reach S3"):
        return boto3.session.Session().client("s3", config=config)
