# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether what arrived is what S3 holds: by the SHA-256 that S3 keeps of it, or by an ETag that is an MD5.

Of an object that came in many parts S3 keeps the hash of its parts' hashes, so the parts' size has to be known. The
ETag is no MD5 where the bucket encrypts with a key of its owner (SSE-KMS).
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

_MD5 = re.compile(r"([0-9a-f]{32})(?:-(\d+))?")
_PLAIN_ENCRYPTION = (None, "AES256")


@dataclass(frozen=True)
class Proof:
    """The hash that a content must have; `algorithm` is empty if S3 tells none that we know."""

    algorithm: str
    """As hashlib calls it."""
    digest: bytes
    part_bytes: int
    """0: `digest` is that of the whole content."""


NONE = Proof("", b"", 0)


def parts_of(etag: str) -> int:
    """In how many parts the object came; 0 for one that came whole."""
    match = _MD5.fullmatch(etag)
    return int(match[2] or 0) if match else 0


def of_answer(said: Mapping[str, Any], part_bytes: int = 0) -> Proof:
    """What a GetObject or HeadObject with ChecksumMode tells; `part_bytes` of an object that came in parts."""
    etag = str(said.get("ETag", "")).strip('"')
    if parts_of(etag) and not part_bytes:
        return NONE
    if told := str(said.get("ChecksumSHA256") or ""):
        return Proof("sha256", base64.b64decode(told.partition("-")[0]), part_bytes)
    match = _MD5.fullmatch(etag)
    if match and said.get("ServerSideEncryption") in _PLAIN_ENCRYPTION and not said.get("SSECustomerAlgorithm"):
        return Proof("md5", bytes.fromhex(match[1]), part_bytes)
    return NONE


class Hashing:
    """Hashes a content as it comes, in order, the way `proof` wants it."""

    def __init__(self, proof: Proof) -> None:
        self._proof = proof
        self._new: Callable[[], Any] = lambda: hashlib.new(proof.algorithm or "sha256", usedforsecurity=False)
        self._hash = self._new()
        self._parts = b""
        self._left = proof.part_bytes

    def update(self, content: bytes | memoryview) -> None:
        if not self._proof.part_bytes:
            self._hash.update(content)
            return
        while content:
            part, content = content[: self._left], content[self._left :]
            self._hash.update(part)
            self._left -= len(part)
            if not self._left:
                self._end_part()

    def holds(self) -> bool:
        """Whether all that came is what `proof` says; also if there is none."""
        if not self._proof.part_bytes:
            return self._proof == NONE or self._hash.digest() == self._proof.digest
        if self._left < self._proof.part_bytes:
            self._end_part()
        whole = self._new()
        whole.update(self._parts)
        return bool(whole.digest() == self._proof.digest)

    def _end_part(self) -> None:
        self._parts += self._hash.digest()
        self._hash = self._new()
        self._left = self._proof.part_bytes
