# SPDX-License-Identifier: GPL-3.0-or-later
"""S3 as our code relies on it."""

from __future__ import annotations

import base64
import hashlib
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from conftest import Objects

MIB = 1 << 20


def _refusal(call: Callable[[], Any]) -> tuple[str, int]:
    """Error code and HTTP status of a call that is refused."""
    with pytest.raises(ClientError) as refused:
        call()
    response = refused.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def _sha256(content: bytes) -> str:
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


def test_what_is_put_comes_back(objects: Objects) -> None:
    """Content, type and metadata; also under names with blanks, plus signs and other alphabets."""
    s3 = objects.client()
    for name in ("plain", "a b+c&d=e%20f", "кадр/フレーム 1.png", "~-_.'()*!"):
        s3.put_object(**objects.key(name), Body=name.encode(), ContentType="image/png", Metadata={"frame": "1"})
        found = s3.get_object(**objects.key(name))
        assert found["Body"].read() == name.encode()
        assert (found["ContentType"], found["Metadata"]) == ("image/png", {"frame": "1"})


def test_an_empty_object_is_an_object(objects: Objects) -> None:
    """Zero bytes are found, listed and read."""
    s3 = objects.client()
    s3.put_object(**objects.key("empty"), Body=b"", ChecksumSHA256=_sha256(b""))
    assert s3.head_object(**objects.key("empty"))["ContentLength"] == 0
    assert s3.get_object(**objects.key("empty"))["Body"].read() == b""


def test_a_later_put_replaces_the_object(objects: Objects) -> None:
    """Reads after it see the new content."""
    s3 = objects.client()
    for content in (b"first", b"second, longer"):
        s3.put_object(**objects.key("x"), Body=content)
        assert s3.get_object(**objects.key("x"))["Body"].read() == content


def test_a_missing_key_is_told_apart(objects: Objects) -> None:
    """NoSuchKey from GET; 404 from HEAD, which has no body to say more."""
    s3 = objects.client()
    assert _refusal(lambda: s3.get_object(**objects.key("nothing"))) == ("NoSuchKey", 404)
    assert _refusal(lambda: s3.head_object(**objects.key("nothing"))) == ("404", 404)


# ---- checksums -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        {"ChecksumSHA256": _sha256(b"something else")},
        {"ChecksumCRC32": base64.b64encode(zlib.crc32(b"something else").to_bytes(4, "big")).decode()},
        {"ContentMD5": base64.b64encode(hashlib.md5(b"something else").digest()).decode()},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_content_that_does_not_match_its_checksum_is_not_stored(objects: Objects, wrong: dict[str, str]) -> None:
    """BadDigest, and nothing under the key."""
    s3 = objects.client()
    assert _refusal(lambda: s3.put_object(**objects.key("x"), Body=b"content", **wrong)) == ("BadDigest", 400)
    assert _refusal(lambda: s3.head_object(**objects.key("x")))[1] == 404


def test_content_that_matches_its_checksum_is_stored(objects: Objects) -> None:
    """Of any size: in memory, and beyond what a server keeps there."""
    s3 = objects.client()
    for size in (0, 1, MIB, 20 * MIB):
        content = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
        s3.put_object(**objects.key(str(size)), Body=content, ChecksumSHA256=_sha256(content))
        assert (
            hashlib.sha256(s3.get_object(**objects.key(str(size)))["Body"].read()).digest()
            == hashlib.sha256(content).digest()
        )


# ---- conditions ------------------------------------------------------------------------------------------------------


def test_a_claim_is_given_once(objects: Objects) -> None:
    """If-None-Match: * on an existing key is refused, and changes nothing."""
    s3 = objects.client()
    s3.put_object(**objects.key("claim"), Body=b"first", IfNoneMatch="*")
    second = _refusal(lambda: s3.put_object(**objects.key("claim"), Body=b"second", IfNoneMatch="*"))
    assert second == ("PreconditionFailed", 412)
    assert s3.get_object(**objects.key("claim"))["Body"].read() == b"first"


def test_of_sixteen_claims_at_once_one_wins(objects: Objects) -> None:
    """The others get 412, or 409 and may try again; the winner's content stands."""
    s3 = objects.client()

    def claim(number: int) -> int | None:
        try:
            s3.put_object(**objects.key("race"), Body=str(number).encode(), IfNoneMatch="*")
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("PreconditionFailed", "ConditionalRequestConflict"):
                raise
            return None
        return number

    with ThreadPoolExecutor(16) as pool:
        winners = [number for number in pool.map(claim, range(16)) if number is not None]
    assert len(winners) == 1
    assert s3.get_object(**objects.key("race"))["Body"].read() == str(winners[0]).encode()


# ---- ranges ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "got"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=5-9", (5, 10)),
        ("bytes=990-5000", (990, 1000)),
        ("bytes=-10", (990, 1000)),
        ("bytes=998-", (998, 1000)),
    ],
)
def test_a_range_of_an_object_is_read(objects: Objects, asked: str, got: tuple[int, int]) -> None:
    """Both ends count; beyond the end it is cut; a minus counts from the end."""
    s3 = objects.client()
    content = bytes(number % 251 for number in range(1000))
    s3.put_object(**objects.key("x"), Body=content)
    found = s3.get_object(**objects.key("x"), Range=asked)
    assert found["Body"].read() == content[slice(*got)]
    assert found["ContentRange"] == f"bytes {got[0]}-{got[1] - 1}/1000"
    assert found["ResponseMetadata"]["HTTPStatusCode"] == 206


def test_a_range_outside_the_object_is_refused(objects: Objects) -> None:
    """416, whatever the code is called."""
    s3 = objects.client()
    s3.put_object(**objects.key("x"), Body=b"ten bytes!")
    assert _refusal(lambda: s3.get_object(**objects.key("x"), Range="bytes=10-20"))[1] == 416


# ---- listing and deleting --------------------------------------------------------------------------------------------


def test_a_listing_comes_in_pages_and_in_order(objects: Objects) -> None:
    """Sorted by key; start-after and continuation lead on without gap or repetition."""
    s3 = objects.client()
    names = [f"frames/{number:04d}.png" for number in range(25)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: s3.put_object(**objects.key(name), Body=b"x"), names))
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=objects.bucket, Prefix=objects.prefix, PaginationConfig={"PageSize": 10}
    )
    found = [[each["Key"].removeprefix(objects.prefix) for each in page["Contents"]] for page in pages]
    assert found == [names[:10], names[10:20], names[20:]]
    after = s3.list_objects_v2(Bucket=objects.bucket, Prefix=objects.prefix, StartAfter=objects.prefix + names[22])
    assert [each["Key"].removeprefix(objects.prefix) for each in after["Contents"]] == names[23:]


def test_a_listing_stops_at_the_delimiter(objects: Objects) -> None:
    """Folders appear once, as common prefixes."""
    s3 = objects.client()
    for name in ("a/1", "a/2", "b/1", "top"):
        s3.put_object(**objects.key(name), Body=b"x")
    listed = s3.list_objects_v2(Bucket=objects.bucket, Prefix=objects.prefix, Delimiter="/")
    assert [each["Prefix"].removeprefix(objects.prefix) for each in listed["CommonPrefixes"]] == ["a/", "b/"]
    assert [each["Key"].removeprefix(objects.prefix) for each in listed["Contents"]] == ["top"]


def test_an_empty_prefix_lists_nothing(objects: Objects) -> None:
    """No error, no Contents."""
    assert objects.client().list_objects_v2(Bucket=objects.bucket, Prefix=objects.prefix + "none/")["KeyCount"] == 0


def test_many_objects_are_deleted_with_one_call(objects: Objects) -> None:
    """Keys that are not there count as deleted."""
    s3 = objects.client()
    s3.put_object(**objects.key("one"), Body=b"x")
    keys = [{"Key": objects.key(name)["Key"]} for name in ("one", "never there")]
    assert "Errors" not in s3.delete_objects(Bucket=objects.bucket, Delete={"Objects": keys, "Quiet": True})
    assert s3.list_objects_v2(Bucket=objects.bucket, Prefix=objects.prefix)["KeyCount"] == 0


# ---- multipart -------------------------------------------------------------------------------------------------------


def _upload_parts(s3: Any, objects: Objects, name: str, parts: list[bytes]) -> dict[str, Any]:
    upload = {**objects.key(name), "UploadId": s3.create_multipart_upload(**objects.key(name))["UploadId"]}
    done = [
        {"PartNumber": number, "ETag": s3.upload_part(**upload, PartNumber=number, Body=part)["ETag"]}
        for number, part in enumerate(parts, start=1)
    ]
    return {**upload, "MultipartUpload": {"Parts": done}}


def test_parts_become_one_object(objects: Objects) -> None:
    """It appears when it is complete, and not before; ranges cross the borders of parts."""
    s3 = objects.client()
    parts = [b"a" * 5 * MIB, b"b" * 5 * MIB, b"c" * 100]
    upload = _upload_parts(s3, objects, "x", parts)
    assert _refusal(lambda: s3.head_object(**objects.key("x")))[1] == 404
    s3.complete_multipart_upload(**upload)
    across = s3.get_object(**objects.key("x"), Range=f"bytes={5 * MIB - 2}-{5 * MIB + 1}")["Body"].read()
    assert (across, s3.head_object(**objects.key("x"))["ContentLength"]) == (b"aabb", 10 * MIB + 100)


def test_an_object_that_came_in_parts_with_checksums_is_read(objects: Objects, tmp_path: Path) -> None:
    """Clients check what they read, and know the checksum of the parts' checksums from that of the content."""
    s3 = objects.client()
    file = tmp_path / "large"
    file.write_bytes(b"a" * 9 * MIB)
    s3.upload_file(str(file), *objects.key("x").values(), ExtraArgs={"ChecksumAlgorithm": "SHA256"})
    found = s3.get_object(**objects.key("x"), ChecksumMode="ENABLED")
    assert found["Body"].read() == file.read_bytes()


def test_a_small_part_that_is_not_the_last_is_refused(objects: Objects) -> None:
    """EntityTooSmall, when the upload is completed."""
    s3 = objects.client()
    upload = _upload_parts(s3, objects, "x", [b"small", b"last"])
    assert _refusal(lambda: s3.complete_multipart_upload(**upload)) == ("EntityTooSmall", 400)


def test_a_part_that_does_not_match_its_checksum_is_refused(objects: Objects) -> None:
    """BadDigest, as for a whole object."""
    s3 = objects.client()
    upload = {
        **objects.key("x"),
        "UploadId": s3.create_multipart_upload(**objects.key("x"), ChecksumAlgorithm="SHA256")["UploadId"],
    }
    wrong = {**upload, "PartNumber": 1, "Body": b"content", "ChecksumSHA256": _sha256(b"something else")}
    assert _refusal(lambda: s3.upload_part(**wrong)) == ("BadDigest", 400)
    s3.abort_multipart_upload(**upload)


def test_an_aborted_upload_leaves_nothing(objects: Objects) -> None:
    """No object, and its parts can't be completed any more."""
    s3 = objects.client()
    upload = _upload_parts(s3, objects, "x", [b"part"])
    s3.abort_multipart_upload(Bucket=upload["Bucket"], Key=upload["Key"], UploadId=upload["UploadId"])
    assert _refusal(lambda: s3.complete_multipart_upload(**upload)) == ("NoSuchUpload", 404)


def test_parts_that_arrived_are_listed(objects: Objects) -> None:
    """What makes an interrupted upload go on."""
    s3 = objects.client()
    upload = _upload_parts(s3, objects, "x", [b"one", b"two"])
    listed = s3.list_parts(Bucket=upload["Bucket"], Key=upload["Key"], UploadId=upload["UploadId"])["Parts"]
    assert [(part["PartNumber"], part["Size"]) for part in listed] == [(1, 3), (2, 3)]


# ---- signatures ------------------------------------------------------------------------------------------------------


def test_a_wrong_secret_is_refused(objects: Objects) -> None:
    """SignatureDoesNotMatch, on reading and on writing."""
    if objects.where == "aws":
        pytest.skip("needs a long-lived access key")
    s3 = objects.client(aws_secret_access_key="another secret")
    assert _refusal(lambda: s3.put_object(**objects.key("x"), Body=b"x")) == ("SignatureDoesNotMatch", 403)
    assert _refusal(lambda: s3.list_objects_v2(Bucket=objects.bucket)) == ("SignatureDoesNotMatch", 403)


def test_an_unknown_access_key_is_refused(objects: Objects) -> None:
    """InvalidAccessKeyId."""
    s3 = objects.client(aws_access_key_id="AKIAUNKNOWN", aws_secret_access_key="x")
    assert _refusal(lambda: s3.get_object(**objects.key("x"))) == ("InvalidAccessKeyId", 403)


def _fetch(url: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(url, timeout=30) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_a_presigned_address_gives_the_object_to_whoever_has_it(objects: Objects) -> None:
    """And no other object: the signature covers the key."""
    s3 = objects.client()
    s3.put_object(**objects.key("video one.mp4"), Body=b"film")
    s3.put_object(**objects.key("secret"), Body=b"secret")
    url = s3.generate_presigned_url("get_object", Params=objects.key("video one.mp4"), ExpiresIn=60)
    assert _fetch(url) == (200, b"film")
    status, text = _fetch(url.replace("video%20one.mp4", "secret"))
    assert (status, b"SignatureDoesNotMatch" in text) == (403, True)


class _SignedLongAgo(S3SigV4QueryAuth):
    def _modify_request_before_signing(self, request: AWSRequest) -> None:
        request.context["timestamp"] = "20240101T000000Z"
        super()._modify_request_before_signing(request)


def test_a_presigned_address_expires(objects: Objects) -> None:
    """AccessDenied, once its time is over."""
    if objects.where == "aws":
        pytest.skip("needs a long-lived access key")
    s3 = objects.client()
    s3.put_object(**objects.key("x"), Body=b"x")
    url = f"{objects.connection['endpoint_url']}/{objects.bucket}/{objects.key('x')['Key']}"
    request = AWSRequest("GET", url)
    credentials = Credentials(objects.connection["aws_access_key_id"], objects.connection["aws_secret_access_key"])
    _SignedLongAgo(credentials, "s3", "us-east-1", expires=3600).add_auth(request)
    status, text = _fetch(request.prepare().url)
    assert (status, b"AccessDenied" in text) == (403, True)


def test_nothing_is_readable_without_a_signature(objects: Objects) -> None:
    """The bucket is private."""
    s3 = objects.client()
    s3.put_object(**objects.key("x"), Body=b"x")
    url = s3.generate_presigned_url("get_object", Params=objects.key("x")).partition("?")[0]
    assert _fetch(url)[0] == 403


def test_a_bucket_of_someone_else_is_refused(objects: Objects) -> None:
    """ExpectedBucketOwner guards against a bucket that was made anew by a stranger."""
    if objects.where == "seaweedfs":
        pytest.skip("SeaweedFS ignores ExpectedBucketOwner")
    s3 = objects.client()
    assert _refusal(lambda: s3.put_object(**objects.key("x"), Body=b"x", ExpectedBucketOwner="999999999999")) == (
        "AccessDenied",
        403,
    )


def test_a_copy_is_the_whole_object(objects: Objects) -> None:
    """Under another key, with its type, without its bytes travelling; a missing source is said."""
    s3 = objects.client()
    s3.put_object(**objects.key("a b/öne"), Body=b"content", ContentType="image/png")
    s3.copy_object(CopySource=objects.key("a b/öne"), **objects.key("copy"))
    got = s3.get_object(**objects.key("copy"))
    assert (got["Body"].read(), got["ContentType"]) == (b"content", "image/png")
    with pytest.raises(ClientError) as refused:
        s3.copy_object(CopySource=objects.key("none"), **objects.key("other"))
    assert refused.value.response["Error"]["Code"] == "NoSuchKey"
