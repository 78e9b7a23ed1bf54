# SPDX-License-Identifier: GPL-3.0-or-later
"""What S3 checks and moto lets pass: checksums of a body, its declared hash and length. Stores nothing."""

from __future__ import annotations

import base64
import hashlib
import io
import tempfile
import zlib
from collections.abc import Mapping
from typing import IO, Any, Protocol

from local_cloud.http_types import Environ, header

READ = 1 << 20
IN_MEMORY = 8 << 20
"""Bodies up to this size wait for their check in memory, larger ones in a temporary file."""

UNSIGNED = "UNSIGNED-PAYLOAD"


class BadBody(Exception):
    """A body that S3 refuses: its error code and message. Always 400."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Sum(Protocol):
    def update(self, block: bytes, /) -> None: ...

    def digest(self) -> bytes: ...


class _Crc32:
    def __init__(self) -> None:
        self._value = 0

    def update(self, block: bytes, /) -> None:
        self._value = zlib.crc32(block, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(4, "big")


SUMS: Mapping[str, Any] = {
    "content-md5": lambda: hashlib.md5(usedforsecurity=False),
    "x-amz-checksum-sha256": hashlib.sha256,
    "x-amz-checksum-sha1": lambda: hashlib.sha1(usedforsecurity=False),
    "x-amz-checksum-crc32": _Crc32,
}
"""Header → what computes it. CRC32C and CRC64NVME need a library of their own, and none of our code asks for them."""


def checked_body(environ: Environ) -> tuple[IO[bytes], int]:
    """The request's whole body, read and found to be what its headers say, rewound; and its size in bytes.

    Raises BadBody. The caller closes it.
    """
    declared_hash = header(environ, "x-amz-content-sha256") or UNSIGNED
    source: IO[bytes] = environ["wsgi.input"]
    trailers: dict[str, str] = {}
    if declared_hash.startswith("STREAMING-"):
        source = io.BufferedReader(_AwsChunks(source, trailers), READ)
    wanted = {name: value for name in SUMS if (value := header(environ, name)) is not None}
    promised = [name.strip().lower() for name in (header(environ, "x-amz-trailer") or "").split(",") if name.strip()]
    sums: dict[str, Sum] = {name: SUMS[name]() for name in {*wanted, *promised} if name in SUMS}
    if len(declared_hash) == 64:
        sums["x-amz-content-sha256"] = hashlib.sha256()
    body = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 -- handed on to the caller
    try:
        while block := source.read(READ):
            body.write(block)
            for each in sums.values():
                each.update(block)
        _compare(sums, wanted | trailers, declared_hash)
    except BaseException:
        body.close()
        raise
    size = body.tell()
    body.seek(0)
    return body, size


def _compare(sums: Mapping[str, Sum], wanted: Mapping[str, str], declared_hash: str) -> None:
    for name, each in sums.items():
        if name == "x-amz-content-sha256":
            if each.digest().hex() != declared_hash.lower():
                raise BadBody(
                    "XAmzContentSHA256Mismatch",
                    "The provided 'x-amz-content-sha256' header does not match what was computed.",
                )
        elif (value := wanted.get(name)) is None:
            raise BadBody("MalformedTrailerError", f"The request promised the trailer {name} and did not send it.")
        elif base64.b64encode(each.digest()).decode() != value:
            what = "Content-MD5" if name == "content-md5" else name.removeprefix("x-amz-checksum-").upper()
            raise BadBody("BadDigest", f"The {what} you specified did not match the calculated checksum.")


class _AwsChunks(io.RawIOBase):
    """The plain bytes of an aws-chunked body; its trailing headers land in `trailers`."""

    def __init__(self, source: IO[bytes], trailers: dict[str, str]) -> None:
        self._source = source
        self._trailers = trailers
        self._left = 0
        self._done = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._left == 0 and not self._done:
            self._next_chunk()
        if self._done:
            return 0
        block = self._source.read(min(len(buffer), self._left))
        if not block:
            raise BadBody("IncompleteBody", "The request body terminated unexpectedly.")
        buffer[: len(block)] = block
        self._left -= len(block)
        if self._left == 0:
            self._source.readline()
        return len(block)

    def _next_chunk(self) -> None:
        size = self._source.readline().partition(b";")[0].strip()
        try:
            self._left = int(size, 16)
        except ValueError:
            raise BadBody("InvalidChunkSizeError", "A chunk's size is not a hexadecimal number.") from None
        if self._left == 0:
            self._done = True
            while line := self._source.readline().strip():
                name, _, value = line.decode("latin-1").partition(":")
                self._trailers[name.strip().lower()] = value.strip()
