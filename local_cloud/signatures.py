# SPDX-License-Identifier: GPL-3.0-or-later
"""Signature Version 4 as AWS checks it, in headers and in presigned addresses. Pure: gets a request and the time."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, unquote

from local_cloud.http_types import Environ, header

MAX_SKEW = timedelta(minutes=15)
MAX_EXPIRES_S = 7 * 24 * 3600

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256\s+Credential=([^,\s]+),\s*SignedHeaders=([^,\s]+),\s*Signature=([0-9a-f]+)"
)


class BadSignature(Exception):
    """Why AWS would turn a request away: its error code, and words for a person."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Claim:
    """What a request says about who signed it."""

    access_key: str
    date: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str
    timestamp: str
    expires_s: int | None
    """Of a presigned address; None where the signature stands in the headers."""


def claim_of(environ: Environ) -> Claim | None:
    """The claim of a signed request; None for an unsigned one. Raises BadSignature for one that can't be read."""
    authorization = header(environ, "Authorization")
    if authorization is not None:
        match = _AUTHORIZATION.fullmatch(authorization.strip())
        if not match:
            raise BadSignature("AuthorizationHeaderMalformed", "Only AWS4-HMAC-SHA256 signatures are accepted.")
        return _claim(match[1], match[2], match[3], header(environ, "X-Amz-Date") or "", None)
    query = dict(_pairs(environ.get("QUERY_STRING", "")))
    if "X-Amz-Signature" not in query:
        return None
    try:
        expires = int(query.get("X-Amz-Expires", "x"))
    except ValueError:
        raise BadSignature("AuthorizationQueryParametersError", "X-Amz-Expires should be a number") from None
    if not 0 < expires <= MAX_EXPIRES_S:
        raise BadSignature("AuthorizationQueryParametersError", "X-Amz-Expires must be between 1 second and a week")
    return _claim(
        query.get("X-Amz-Credential", ""),
        query.get("X-Amz-SignedHeaders", ""),
        query["X-Amz-Signature"],
        query.get("X-Amz-Date", ""),
        expires,
    )


def check(claim: Claim, environ: Environ, secrets: Mapping[str, str], body_sha256: str, now: datetime) -> None:
    """Raises BadSignature unless a known key signed this very request, and not too long ago.

    `body_sha256` is what the signature covers: the body's hash, or for S3 whatever x-amz-content-sha256 says.
    """
    secret = secrets.get(claim.access_key)
    if secret is None:
        raise BadSignature("InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.")
    signed_at = _time(claim.timestamp)
    if claim.expires_s is not None and now > signed_at + timedelta(seconds=claim.expires_s):
        raise BadSignature("AccessDenied", "Request has expired")
    if abs(now - signed_at) > MAX_SKEW and claim.expires_s is None:
        raise BadSignature(
            "RequestTimeTooSkewed", "The difference between the request time and the current time is too large."
        )
    expected = _signature(claim, secret, _canonical_request(claim, environ, body_sha256))
    if not hmac.compare_digest(expected, claim.signature):
        raise BadSignature(
            "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided."
        )


def _claim(credential: str, headers: str, signature: str, timestamp: str, expires_s: int | None) -> Claim:
    parts = credential.rsplit("/", 4)
    if len(parts) != 5 or parts[4] != "aws4_request":
        raise BadSignature(
            "AuthorizationHeaderMalformed", "The credential must be <key>/<date>/<region>/<service>/aws4_request."
        )
    key, date, region, service, _ = parts
    return Claim(key, date, region, service, tuple(headers.lower().split(";")), signature, timestamp, expires_s)


def _time(timestamp: str) -> datetime:
    try:
        return datetime.strptime(timestamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise BadSignature("AccessDenied", "AWS authentication requires a valid Date or x-amz-date header") from None


def _canonical_request(claim: Claim, environ: Environ, body_sha256: str) -> str:
    raw_path, _, raw_query = str(environ["RAW_URI"]).partition("?")
    # S3 signs the path as it is sent; every other service encodes it once more.
    path = quote(unquote(raw_path) if claim.service == "s3" else raw_path, safe="/-_.~")
    pairs = sorted(
        (quote(name, safe="-_.~"), quote(value, safe="-_.~"))
        for name, value in _pairs(raw_query)
        if name != "X-Amz-Signature"
    )
    query = "&".join(f"{name}={value}" for name, value in pairs)
    headers = "".join(f"{name}:{' '.join((header(environ, name) or '').split())}\n" for name in claim.signed_headers)
    return "\n".join(
        (environ["REQUEST_METHOD"], path or "/", query, headers, ";".join(claim.signed_headers), body_sha256)
    )


def _signature(claim: Claim, secret: str, canonical_request: str) -> str:
    scope = f"{claim.date}/{claim.region}/{claim.service}/aws4_request"
    digest = hashlib.sha256(canonical_request.encode("utf-8", "surrogateescape")).hexdigest()
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, f"AWS4-HMAC-SHA256\n{claim.timestamp}\n{scope}\n{digest}".encode(), "sha256").hex()


def _pairs(query: str) -> Iterable[tuple[str, str]]:
    for part in query.split("&"):
        if part:
            name, _, value = part.partition("=")
            yield unquote(name), unquote(value)
