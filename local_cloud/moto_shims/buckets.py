# SPDX-License-Identifier: GPL-3.0-or-later
"""Buckets that a template makes: where they really are, and whether they tell EventBridge of their objects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local_cloud.registry import ACCOUNT


@dataclass(frozen=True)
class Objects:
    """Where the objects really are, if not in moto."""

    make_bucket: Callable[[str], None]
    read: Callable[[str, str], bytes]
    """The object of a bucket and key."""


_EVENTFUL: set[str] = set()


def apply(make_bucket: Callable[[str], None] | None) -> None:
    """Change moto in place. `make_bucket` makes a bucket where the objects really are."""
    _take_over_buckets()
    _notice_eventful_buckets()
    if make_bucket:
        _make_buckets_elsewhere(make_bucket)


def _take_over_buckets() -> None:
    """moto refuses a bucket that a deleted stack has left. Names stay the same here: the next stack takes it over."""
    from moto.s3.models import FakeBucket, s3_backends

    model: Any = FakeBucket
    original = model.create_from_cloudformation_json.__func__

    def create(cls: Any, resource_name: str, *args: Any, **kwargs: Any) -> Any:
        left = s3_backends[ACCOUNT]["aws"].buckets.get(resource_name)
        return left or original(cls, resource_name, *args, **kwargs)

    model.create_from_cloudformation_json = classmethod(create)


def tells_events(bucket: str) -> bool:
    """Whether a template has switched EventBridge on for the bucket."""
    return bucket in _EVENTFUL


def _notice_eventful_buckets() -> None:
    """moto ignores a bucket's NotificationConfiguration in a template."""
    from moto.s3.models import FakeBucket

    model: Any = FakeBucket
    original = model.create_from_cloudformation_json.__func__

    def create(cls: Any, resource_name: str, cloudformation_json: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        wanted = cloudformation_json.get("Properties", {}).get("NotificationConfiguration", {})
        if "EventBridgeConfiguration" in wanted:
            _EVENTFUL.add(resource_name)
        return original(cls, resource_name, cloudformation_json, *args, **kwargs)

    model.create_from_cloudformation_json = classmethod(create)


def object_of_moto(bucket: str, key: str) -> bytes:
    """Where objects are in moto itself."""
    from moto.s3.models import s3_backends

    found: Any = s3_backends[ACCOUNT]["aws"].get_object(bucket, key)
    return bytes(found.value)


def _make_buckets_elsewhere(make_bucket: Callable[[str], None]) -> None:
    """moto keeps a bucket of its own, which only CloudFormation sees; the objects go to the other server."""
    from moto.s3.models import FakeBucket

    model: Any = FakeBucket
    original = model.create_from_cloudformation_json.__func__

    def create(cls: Any, resource_name: str, *args: Any, **kwargs: Any) -> Any:
        make_bucket(resource_name)
        return original(cls, resource_name, *args, **kwargs)

    model.create_from_cloudformation_json = classmethod(create)
