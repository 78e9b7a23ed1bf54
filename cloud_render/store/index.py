# SPDX-License-Identifier: GPL-3.0-or-later
"""Index objects: which chunks lie in which packs, as bytes; and which of them to put together. Talks to no one.

An index object is never changed after it was written, so one that was read can be replaced by another that tells the
same and deleted, whatever other uploads do meanwhile. Hashes don't compress, so they stand there as they are.
"""

from __future__ import annotations

import base64
import hashlib
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from cloud_render.contract import keys
from cloud_render.contract.errors import BadJob

_HEAD = b"cloud-render index 2\n"
_PACK = struct.Struct("<32sQI")
CHUNK = struct.Struct("<32sI")
"""A chunk in an index and in the memory: SHA-256 and length."""

MANY = 6
"""An upload that finds more index objects than this puts some together."""

_TIERS = (1 << 20, 1 << 24, 1 << 28)
"""Bytes. The smallest are put together first, so that no entry is written often."""

_GROUP_DIGITS = 16


@dataclass(frozen=True)
class PackEntry:
    """One pack, as an index object tells of it."""

    name: str
    created: int
    """Seconds since 1970, by the server's clock."""
    chunks: bytes
    """CHUNK records in the order in which they lie in the pack, without a gap between them."""

    def places(self) -> Iterator[tuple[bytes, int, int]]:
        """SHA-256, offset and length of each chunk."""
        offset = 0
        for digest, length in CHUNK.iter_unpack(self.chunks):
            yield digest, offset, length
            offset += length

    @property
    def size(self) -> int:
        return sum(length for _, length in CHUNK.iter_unpack(self.chunks))


def group_of_upload(upload_id: str) -> str:
    """What the names of all packs of an upload begin with: one listing tells which of them are there."""
    return hashlib.sha256(upload_id.encode()).hexdigest()[:_GROUP_DIGITS]


def group(pack: str) -> str:
    return pack[:_GROUP_DIGITS]


def pack_name(group: str, sha256: str) -> str:
    """64 digits: the group, then 192 bits of the content's SHA-256, so equal names mean equal content."""
    return group + sha256[: 64 - len(group)]


def to_bytes(packs: Iterable[PackEntry]) -> bytes:
    parts = [_HEAD]
    for pack in packs:
        parts += [_PACK.pack(bytes.fromhex(pack.name), pack.created, len(pack.chunks) // CHUNK.size), pack.chunks]
    content = b"".join(parts)
    return content + hashlib.sha256(content).digest()


def from_bytes(packed: bytes) -> list[PackEntry]:
    """Raises BadJob for what is damaged or of another version."""
    content, digest = packed[:-32], packed[-32:]
    if not content.startswith(_HEAD) or hashlib.sha256(content).digest() != digest:
        raise BadJob("The index", ["it is damaged, or of another version"])
    packs, position = [], len(_HEAD)
    while position < len(content):
        if len(content) - position < _PACK.size:
            raise BadJob("The index", ["it ends in the middle of a pack"])
        name, created, count = _PACK.unpack_from(content, position)
        start = position + _PACK.size
        position = start + count * CHUNK.size
        if position > len(content):
            raise BadJob("The index", ["it has fewer chunks than it says"])
        packs.append(PackEntry(name.hex(), created, content[start:position]))
    return packs


def key(upload_id: str, content: bytes) -> str:
    """Of its own for each content, so that nothing is ever overwritten."""
    return keys.index(f"{upload_id}.{hashlib.sha256(content).hexdigest()[:16]}")


def to_put_together(sizes: Mapping[str, int]) -> list[str]:
    """The keys of the index objects that one new object should replace; `sizes` in bytes."""
    if len(sizes) <= MANY:
        return []
    for limit in _TIERS:
        small = [key for key, size in sizes.items() if size < limit]
        if len(sizes) - len(small) < MANY // 2:
            return small
    return list(sizes)


def checksum(content: bytes) -> str:
    """SHA-256 as S3 wants it, so that S3 itself refuses what was damaged on its way."""
    return base64_of(hashlib.sha256(content).hexdigest())


def base64_of(sha256: str) -> str:
    return base64.b64encode(bytes.fromhex(sha256)).decode()
