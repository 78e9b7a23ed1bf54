# SPDX-License-Identifier: GPL-3.0-or-later
"""The content-addressed store: file contents in a bucket, each piece once. Knows neither jobs nor Blender."""

from cloud_render.store.novelty import FileNovelty, Novelty
from cloud_render.store.progress import NEVER, SILENT, Progress
from cloud_render.store.source import SourceFile
from cloud_render.store.store import LIFETIME, Store

__all__ = ["LIFETIME", "NEVER", "SILENT", "FileNovelty", "Novelty", "Progress", "SourceFile", "Store"]
