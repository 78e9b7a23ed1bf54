# SPDX-License-Identifier: GPL-3.0-or-later
"""Bodies as clients send them: whole, or in signed pieces with trailers."""

from __future__ import annotations

import base64
import hashlib
import io
from typing import Any

import pytest

from local_cloud.s3_checks import BadBody, checked_body


def _environ(body: bytes, **headers: str) -> dict[str, Any]:
    return {"wsgi.input": io.BytesIO(body), **{"HTTP_" + name: value for name, value in headers.items()}}


def _chunked(*chunks: bytes, trailer: str = "") -> bytes:
    pieces = [b"%x;chunk-signature=00\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks]
    return b"".join(pieces) + b"0\r\n" + trailer.encode() + b"\r\n"


def _sha256(content: bytes) -> str:
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


STREAMING = {"X_AMZ_CONTENT_SHA256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "X_AMZ_TRAILER": "x-amz-checksum-sha256"}


def test_pieces_become_the_plain_body() -> None:
    """Chunk headers and trailers are not stored."""
    sent = _chunked(b"first ", b"second", trailer=f"x-amz-checksum-sha256:{_sha256(b'first second')}\r\n")
    body, size = checked_body(_environ(sent, **STREAMING))
    assert (body.read(), size) == (b"first second", 12)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (_chunked(b"content", trailer=f"x-amz-checksum-sha256:{_sha256(b'other')}\r\n"), "BadDigest"),
        (_chunked(b"content"), "MalformedTrailerError"),
        (b"7\r\ncont", "IncompleteBody"),
        (b"no size\r\ncontent", "InvalidChunkSizeError"),
    ],
)
def test_a_broken_stream_is_refused(sent: bytes, code: str) -> None:
    """With S3's own code."""
    with pytest.raises(BadBody) as refused:
        checked_body(_environ(sent, **STREAMING))
    assert refused.value.code == code


def test_a_body_other_than_the_signed_one_is_refused() -> None:
    """The signature covers the body's hash, so the hash must be the body's."""
    with pytest.raises(BadBody) as refused:
        checked_body(_environ(b"tampered", X_AMZ_CONTENT_SHA256=hashlib.sha256(b"original").hexdigest()))
    assert refused.value.code == "XAmzContentSHA256Mismatch"
