# SPDX-License-Identifier: GPL-3.0-or-later
"""How CloudFormation gets the template: inside the request, or from a private bucket that is there for that minute."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from cloud_render.store.translate import code_of

log = logging.getLogger(__name__)

MAX_INLINE_BYTES = 51_200
"""The largest template that CloudFormation takes inside the request."""

MAX_BYTES = 1_000_000
"""The largest template that CloudFormation reads from a bucket."""

KEY = "template.yaml"


class Clients(Protocol):
    """Whatever makes AWS clients: farm.Connection, or a boto3 Session."""

    def client(self, service_name: str, /) -> Any: ...


@contextmanager
def template_source(clients: Clients, text: str) -> Iterator[dict[str, str]]:
    """How a request names the template. What is needed for that is gone when the block ends, however it ends."""
    body = text.encode()
    if len(body) <= MAX_INLINE_BYTES:
        yield {"TemplateBody": text}
        return
    s3 = clients.client("s3")
    bucket, region = f"cloud-render-setup-{uuid.uuid4().hex[:16]}", s3.meta.region_name
    # The region that was S3's first one must not be named.
    place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    try:
        s3.create_bucket(Bucket=bucket, **place)  # A new bucket is private: S3 blocks public access to it.
        s3.put_object(Bucket=bucket, Key=KEY, Body=body)
        yield {"TemplateURL": f"{s3.meta.endpoint_url}/{bucket}/{KEY}"}
    finally:
        _remove(s3, bucket)


def _remove(s3: Any, bucket: str) -> None:
    try:
        s3.delete_object(Bucket=bucket, Key=KEY)
        s3.delete_bucket(Bucket=bucket)
    except (ClientError, BotoCoreError) as error:
        if isinstance(error, ClientError) and code_of(error) == "NoSuchBucket":
            return  # It was never made.
        # The set-up itself does not depend on it, and whatever ended the block is the greater news.
        log.warning("The bucket %s could not be removed, remove it by hand: %s", bucket, error)
