# SPDX-License-Identifier: GPL-3.0-or-later
"""Where moto's CloudFormation falls short of our template: what it refuses, skips or names at random.

Applied once, before the first template is read. Each shim says what moto does without it (moto 5.2).
"""

from __future__ import annotations

from local_cloud.moto_shims import batch, buckets, builds, nominal, stacks, templates
from local_cloud.moto_shims.buckets import Objects, tells_events

__all__ = ["Objects", "apply", "tells_events"]


def apply(objects: Objects | None = None) -> None:
    """Change moto in place. `objects` is where they really are, if not in moto."""
    templates.apply(objects.read if objects else buckets.object_of_moto)
    stacks.apply()
    batch.apply()
    nominal.apply()
    builds.apply()
    buckets.apply(objects.make_bucket if objects else None)
