# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a scene's files is new to the bucket, before anything is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from cloud_render.client.farm import Farm
from cloud_render.contract.scene import SceneFile
from cloud_render.store import NEVER, SILENT, FileNovelty, Novelty, Progress, SourceFile

__all__ = ["FileNovelty", "Novelty", "novelty"]


def novelty(
    farm: Farm,
    files: Iterable[SceneFile],
    progress: Progress = SILENT,
    cancelled: Callable[[], bool] = NEVER,
) -> Novelty:
    """What a submit of `files` (a plan's, say) would send now. Takes as long as reading those that no one read before.

    A submit afterwards does not read again what is there. May run in any thread; raises MissingFiles, BadArguments,
    FileChanged, StorageUnavailable, NoCredentials or Cancelled.
    """
    sources = [SourceFile(Path(file.path), file.scene_path) for file in files]
    return farm.store.novelty(sources, progress, cancelled)
