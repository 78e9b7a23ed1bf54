# SPDX-License-Identifier: GPL-3.0-or-later
"""Listings of a bucket, page by page; and what time it is where they come from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any

from cloud_render.store.patience import patiently


def pages(s3: Any, ask: Callable[[Callable[[], Any]], Any] = patiently, **question: Any) -> Iterator[Any]:
    """All answers of ListObjectsV2 to `question` (`Bucket`, `Prefix`…), up to 1,000 keys each, in the order of keys.

    `ask` makes a request, and may repeat it: botocore's paginator can't ask again for a page that broke off.
    """
    more: dict[str, str] = {}
    while True:
        page = ask(partial(s3.list_objects_v2, **question, **more))
        yield page
        if not page.get("IsTruncated"):
            return
        more = {"ContinuationToken": page["NextContinuationToken"]}


def server_time(answer: Any) -> datetime:
    """By the clock of whoever sent `answer`."""
    date = answer["ResponseMetadata"]["HTTPHeaders"].get("date", "")
    try:
        return parsedate_to_datetime(date).astimezone(UTC)
    except ValueError:
        return datetime.now(UTC)
