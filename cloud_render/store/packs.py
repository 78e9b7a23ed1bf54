# SPDX-License-Identifier: GPL-3.0-or-later
"""Which packs are there, and stay long enough: asked for all packs of one upload with one listing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from cloud_render.contract import keys
from cloud_render.store.listing import pages, server_time
from cloud_render.store.translate import translated


def there(s3: Any, bucket: str, group: str, needed_for: timedelta, lifetime: timedelta) -> dict[str, int]:
    """Sizes in bytes, by name, of the packs of `group` that can't expire within `needed_for`.

    They live `lifetime` from their creation; being used again does not renew them. The server's clock decides.
    """
    found: dict[str, int] = {}
    with translated("see what the bucket holds"):
        for page in pages(s3, Bucket=bucket, Prefix=keys.pack(group)):
            oldest = server_time(page) + needed_for - lifetime
            found |= {
                entry["Key"].removeprefix(keys.PACKS): entry["Size"]
                for entry in page.get("Contents", ())
                if entry["LastModified"] > oldest
            }
    return found
