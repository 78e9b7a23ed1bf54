# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the stack's template and the worker's source lie: beside the package, or in it if the extension brought it."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
"""The folder `cloud_render`, which is a part of the worker's source itself."""

BUNDLE = "_source"
"""The folder in the package in which build_addon.py puts what else lies beside it: Blender's extensions share one
site-packages, where `worker` and `cloudformation` would be names of everybody."""

ROOT = PACKAGE / BUNDLE if (PACKAGE / BUNDLE).is_dir() else PACKAGE.parent
"""Holds `cloudformation/` and `worker/`."""

TEMPLATE = ROOT / "cloudformation" / "cloud-render.yaml"

WORKER = ROOT / "worker"
"""The worker's package, with its Dockerfile."""
