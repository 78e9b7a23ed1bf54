# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of objects, read to their last byte whatever the line does in between."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from botocore import exceptions as aws

from cloud_render.contract.errors import StorageUnavailable
from cloud_render.store.translate import translated

PART_BYTES = 16 * 1024 * 1024
"""Largest part asked for at once; it is held in memory."""

_ATTEMPTS = 5
_BROKEN_LINE = (aws.HTTPClientError, aws.IncompleteReadError, aws.ConnectionError)


def read(
    s3: Any,
    bucket: str,
    key: str,
    offset: int,
    length: int,
    if_match: str = "",
    sleep: Callable[[float], None] = time.sleep,
) -> bytes:
    """`length` bytes of the object from `offset` on; of the version with the ETag `if_match`, if given.

    Botocore repeats requests that get no answer, but not answers that break off in the middle: this does.
    Raises StorageUnavailable or NotThere.
    """
    extra = {"IfMatch": if_match} if if_match else {}
    with translated(f"read {key}"):
        for attempt in range(_ATTEMPTS):
            if attempt:
                sleep(0.2 * 2**attempt)
            try:
                answer = s3.get_object(Bucket=bucket, Key=key, Range=f"bytes={offset}-{offset + length - 1}", **extra)
                content: bytes = answer["Body"].read()
            except _BROKEN_LINE:
                if attempt == _ATTEMPTS - 1:
                    raise
                continue
            if len(content) == length:
                return content
    raise StorageUnavailable(f"{key} came back shorter than it is stored.", "Try again in a minute.")
