# SPDX-License-Identifier: GPL-3.0-or-later
"""What S3 tells of an object's content, and whether a content is that."""

from __future__ import annotations

import base64
import hashlib
import os
from typing import Any

import pytest

from cloud_render.client import proof
from cloud_render.client.proof import Hashing

CONTENT = os.urandom(25_000)
PART = 10_000
PARTS = [CONTENT[start : start + PART] for start in range(0, len(CONTENT), PART)]
MD5 = hashlib.md5(CONTENT).hexdigest()
OF_PARTS = {
    name: hashlib.new(name, b"".join(hashlib.new(name, part).digest() for part in PARTS)).digest()
    for name in ("md5", "sha256")
}
ETAG_OF_PARTS = f'"{OF_PARTS["md5"].hex()}-3"'
SHA256 = base64.b64encode(hashlib.sha256(CONTENT).digest()).decode()
SHA256_OF_PARTS = base64.b64encode(OF_PARTS["sha256"]).decode()

ANSWERS: dict[str, tuple[dict[str, Any], int]] = {
    "a checksum": ({"ETag": '"anything"', "ChecksumSHA256": SHA256}, 0),
    "an MD5": ({"ETag": f'"{MD5}"'}, 0),
    "an MD5 of what S3 encrypts": ({"ETag": f'"{MD5}"', "ServerSideEncryption": "AES256"}, 0),
    "a checksum of what the owner's key encrypts": (
        {"ETag": f'"{"0" * 32}"', "ChecksumSHA256": SHA256, "ServerSideEncryption": "aws:kms"},
        0,
    ),
    "a checksum of parts": ({"ETag": ETAG_OF_PARTS, "ChecksumSHA256": f"{SHA256_OF_PARTS}-3"}, PART),
    "a checksum of parts as some servers write it": ({"ETag": ETAG_OF_PARTS, "ChecksumSHA256": SHA256_OF_PARTS}, PART),
    "an MD5 of parts": ({"ETag": ETAG_OF_PARTS}, PART),
}

UNKNOWN: dict[str, dict[str, Any]] = {
    "an ETag of what the owner's key encrypts": {"ETag": f'"{"0" * 32}"', "ServerSideEncryption": "aws:kms"},
    "an ETag of what the artist's key encrypts": {"ETag": f'"{"0" * 32}"', "SSECustomerAlgorithm": "AES256"},
    "parts of a size nobody knows": {"ETag": ETAG_OF_PARTS, "ChecksumSHA256": f"{SHA256_OF_PARTS}-3"},
    "an ETag of another server": {"ETag": '"v1"'},
    "nothing": {},
}


def holds(content: bytes, said: dict[str, Any], part_bytes: int, step: int) -> bool:
    hashing = Hashing(proof.of_answer(said, part_bytes))
    for start in range(0, len(content), step):
        hashing.update(content[start : start + step])
    return hashing.holds()


@pytest.mark.parametrize("which", ANSWERS)
@pytest.mark.parametrize("step", [25_000, PART, 777])
def test_right_content_is_told_from_wrong(which: str, step: int) -> None:
    """However S3 hashed it, and in whatever pieces it comes."""
    said, part_bytes = ANSWERS[which]
    assert holds(CONTENT, said, part_bytes, step)
    assert not holds(CONTENT[:-1] + bytes([CONTENT[-1] ^ 1]), said, part_bytes, step)
    assert not holds(CONTENT[:-1], said, part_bytes, step)


@pytest.mark.parametrize("which", UNKNOWN)
def test_where_nothing_is_known_nothing_is_refused(which: str) -> None:
    """An ETag that is no MD5 must not be taken for one."""
    assert proof.of_answer(UNKNOWN[which]) == proof.NONE
    assert holds(CONTENT, UNKNOWN[which], 0, 777)


def test_content_that_ends_with_a_part_has_no_empty_one_behind_it() -> None:
    """As S3 counts parts."""
    content = CONTENT[: 2 * PART]
    digest = hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in PARTS[:2])).digest()
    said = {"ETag": f'"{"0" * 32}-2"', "ChecksumSHA256": base64.b64encode(digest).decode()}
    assert holds(content, said, PART, 777)
