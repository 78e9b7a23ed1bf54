# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker's one door to S3: one bucket, bytes and files in and out, foreign errors translated.

Every object is sent with a SHA-256 that S3 checks before it stores anything. Time-outs and retries are set here and
nowhere else. Nothing is ever deleted: the worker's role may not.
"""

from __future__ import annotations

import base64
import contextlib
import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import ClientError

from cloud_render.contract.errors import DiskFull, NotThere, StorageUnavailable
from cloud_render.contract.keys import split_uri
from cloud_render.store import translate
from cloud_render.store.landing import landing

MULTIPART_ABOVE = 64 * 2**20
"""Bytes. Smaller files go in one PutObject, whose SHA-256 is that of the file itself."""

ATTEMPTS = 6
"""Of one request: some 20 s of patience, after which exit code 75 hands the job back to Batch for a later attempt."""

_READ = 1 << 20
_DENIED = {"403", "AccessDenied", "AllAccessDisabled"}
_EXISTS = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}


@dataclass(frozen=True)
class Listed:
    """One object of a listing."""

    key: str
    size: int
    """In bytes."""


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
        with translated(f"read {self.uri(key)}"):
            body: bytes = self.client.get_object(Bucket=self.name, Key=key)["Body"].read()
            return body

    def get_if_there(self, key: str) -> bytes | None:
        try:
            return self.get(key)
        except NotThere:
            return None

    def size_of(self, key: str) -> int:
        """In bytes."""
        with translated(f"look at {self.uri(key)}"):
            return int(self.client.head_object(Bucket=self.name, Key=key)["ContentLength"])

    def list(self, prefix: str) -> Iterator[Listed]:
        """Every object whose key starts with `prefix`, in the order of keys; 1,000 of them a request."""
        with translated(f"list {self.uri(prefix)}"):
            pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
            for page in pages:
                for item in page.get("Contents", ()):
                    yield Listed(item["Key"], item["Size"])

    def put(self, key: str, body: bytes, content_type: str = "application/octet-stream") -> None:
        """Stores a small object, replacing what was there."""
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        with translated(f"write {self.uri(key)}"):
            self.client.put_object(
                Bucket=self.name, Key=key, Body=body, ChecksumSHA256=digest, ContentType=content_type
            )

    def put_if_absent(self, key: str, body: bytes, content_type: str = "application/octet-stream") -> bool:
        """Stores a small object unless the key exists; says whether it did."""
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        with translated(f"write {self.uri(key)}", exists_is_fine=True):
            self.client.put_object(
                Bucket=self.name,
                Key=key,
                Body=body,
                ChecksumSHA256=digest,
                ContentType=content_type,
                IfNoneMatch="*",
            )
            return True
        return False

    def put_file(self, key: str, path: Path, content_type: str = "application/octet-stream") -> int:
        """Stores a file of any size, replacing what was there; answers its size in bytes."""
        size = path.stat().st_size
        with translated(f"write {self.uri(key)}"):
            if size > MULTIPART_ABOVE:
                extra = {"ChecksumAlgorithm": "SHA256", "ContentType": content_type}
                self.client.upload_file(str(path), self.name, key, ExtraArgs=extra)
                return size
            with path.open("rb") as body:
                digest = base64.b64encode(hashlib.file_digest(body, "sha256").digest()).decode()
                body.seek(0)
                self.client.put_object(
                    Bucket=self.name, Key=key, Body=body, ChecksumSHA256=digest, ContentType=content_type
                )
        return size

    @contextlib.contextmanager
    def open(self, key: str) -> Iterator[IO[bytes]]:
        """The object as a stream to read from; what breaks while reading is translated too."""
        with translated(f"read {self.uri(key)}"):
            body = self.client.get_object(Bucket=self.name, Key=key)["Body"]
            with contextlib.closing(body):
                yield body

    def download(self, key: str, target: Path) -> None:
        """Brings an object to `target`, which appears whole or not at all."""
        with landing(target) as temporary, self.open(key) as body, temporary.open("wb") as file:
            shutil.copyfileobj(body, file, _READ)


def bucket_and_key(uri: str) -> tuple[Bucket, str]:
    """The bucket of an `s3://bucket/key`, connected, and the key. Raises BadArguments."""
    name, key = split_uri(uri)
    return Bucket.connect(name), key


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
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise DiskFull(f"Could not {doing}: the disk is full.", "Give the worker a larger scratch disk.") from error


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
