# SPDX-License-Identifier: GPL-3.0-or-later
"""S3 kept by moto in this process, behind the checks it leaves out. What is stored is gone when the process ends."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, unquote

from local_cloud.aws_errors import error
from local_cloud.http_types import Answer, Application, Environ, Headers, call, header
from local_cloud.registry import ACCOUNT
from local_cloud.s3_checks import READ, SUMS, checked_body

OTHER_READS = frozenset(
    {"acl", "tagging", "legal-hold", "retention", "attributes", "uploadId", "torrent", "versionId", "partNumber"}
)
"""Query names that make a GET of a key something else than a GET of its bytes."""


class MotoS3:
    """Hands a request to moto once its body is whole and right, and streams objects out itself."""

    def __init__(self, moto: Application) -> None:
        self._moto = moto
        # moto looks whether a key is there and stores it in two steps.
        self._conditional = threading.Lock()

    def answer(self, environ: Environ) -> Answer:
        """May raise BadBody."""
        if environ["REQUEST_METHOD"] == "GET" and (found := self._object(environ)) is not None:
            return found
        if environ["REQUEST_METHOD"] not in ("PUT", "POST"):
            return call(self._moto, environ)
        if environ["REQUEST_METHOD"] == "POST" and not _upload_is_known(environ):
            return error("s3", "NoSuchUpload", "The specified multipart upload does not exist.", 404)
        body, size = checked_body(environ)
        with body:
            plain = _with_plain_body(environ, body, size)
            if header(environ, "If-None-Match") is None and header(environ, "If-Match") is None:
                return call(self._moto, plain)
            with self._conditional:
                return call(self._moto, plain)

    def _object(self, environ: Environ) -> Answer | None:
        """The object a GET asks for, as a stream; None where moto itself should answer."""
        bucket, key = _bucket_and_key(environ)
        if not key or _query(environ).keys() & OTHER_READS:
            return None
        # moto's own GET copies the whole object for each range of it; its HEAD knows all the headers.
        head = call(self._moto, {**environ, "REQUEST_METHOD": "HEAD"})
        if head.status not in (200, 206):
            return None
        headers = {name.lower(): value for name, value in head.headers}
        stored = _stored(bucket, key)
        if stored is None or stored.etag != headers.get("etag"):
            return None  # Replaced or deleted since: moto says what is so now.
        length = int(headers["content-length"])
        start = int(headers["content-range"].split()[1].partition("-")[0]) if "content-range" in headers else 0
        return Answer(head.status, _with_sums_of_parts(head.headers, headers["etag"]), _slices(stored, start, length))


def _with_sums_of_parts(headers: Headers, etag: str) -> Headers:
    """The number of parts behind the checksum of an object that came in parts, as S3 has it and moto forgets: it is a
    checksum of checksums, and without the number clients take it for the content's."""
    _, dash, parts = etag.strip('"').partition("-")
    if not dash:
        return headers
    return [(name, f"{value.partition('-')[0]}-{parts}" if name.lower() in SUMS else value) for name, value in headers]


def _bucket_and_key(environ: Environ) -> tuple[str, str]:
    bucket, _, key = unquote(str(environ["RAW_URI"]).partition("?")[0]).lstrip("/").partition("/")
    return bucket, key


def _query(environ: Environ) -> dict[str, str]:
    return dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))


def _upload_is_known(environ: Environ) -> bool:
    """moto fails with a KeyError where an aborted multipart upload is to be completed."""
    from moto.s3.models import s3_backends

    upload_id = _query(environ).get("uploadId")
    bucket = s3_backends[ACCOUNT]["aws"].buckets.get(_bucket_and_key(environ)[0])
    return upload_id is None or bucket is None or upload_id in bucket.multiparts


def _stored(bucket: str, key: str) -> Any:
    from moto.s3.models import s3_backends

    return s3_backends[ACCOUNT]["aws"].get_object(bucket, key)


def _slices(stored: Any, start: int, length: int) -> Iterator[bytes]:
    end = start + length
    while start < end:
        with stored.lock:
            stored._value_buffer.seek(start)
            block = stored._value_buffer.read(min(READ, end - start))
        if not block:
            return
        start += len(block)
        yield block


def _with_plain_body(environ: Environ, body: Any, size: int) -> Environ:
    """The request with the body as it is stored: whole, not chunked."""
    plain = {**environ, "wsgi.input": body, "CONTENT_LENGTH": str(size)}
    for name in (
        "HTTP_TRANSFER_ENCODING",
        "HTTP_X_AMZ_TRAILER",
        "HTTP_X_AMZ_DECODED_CONTENT_LENGTH",
        "wsgi.input_terminated",
    ):
        plain.pop(name, None)
    if str(plain.get("HTTP_X_AMZ_CONTENT_SHA256", "")).startswith("STREAMING-"):
        plain["HTTP_X_AMZ_CONTENT_SHA256"] = "UNSIGNED-PAYLOAD"
    if str(plain.get("HTTP_CONTENT_ENCODING", "")) == "aws-chunked":
        plain.pop("HTTP_CONTENT_ENCODING")
    if environ["REQUEST_METHOD"] == "PUT" and str(plain.get("CONTENT_TYPE", "")).startswith(
        "application/x-www-form-urlencoded"
    ):
        # moto would take the body for a form and store an empty object (urllib sends this type unasked).
        plain["CONTENT_TYPE"] = "binary/octet-stream"
    return plain
