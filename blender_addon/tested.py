# SPDX-License-Identifier: GPL-3.0-or-later
"""The copy of a scene that its test frames were rendered from: sent again while the scene is the same.

Each save gives other bytes, and frames are kept only where all files are the same, byte by byte. So the copy of the
test is kept, and takes the place of a later one that holds the same scene.
"""

from __future__ import annotations

import logging
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from cloud_render.client.same_scene import change

from .words import say

log = logging.getLogger(__name__)

_MOST = 3
"""Scenes whose copies are kept; the ones tested last."""

_LETTERS = 100
"""Of a folder's name. Scenes that share it take each other's place, which costs a few frames."""


@dataclass(frozen=True)
class Verdict:
    """Whether a scene is as it was in its test."""

    same: bool = False
    changed: str = ""
    """The data-block that is another, if that has a name."""
    tested: bool = True
    kept: int = 0
    """Test frames that need not be rendered."""


NO_TEST = Verdict(tested=False)


@dataclass(frozen=True)
class Tested:
    """Where the copy of a scene's last test lies, or would."""

    folder: Path

    @staticmethod
    def of(root: Path, scene_path: str) -> Tested:
        """For the .blend that is called `scene_path` in the cloud; `root` holds the copies of all scenes."""
        return Tested(root / quote(scene_path, safe="", errors="replace")[-_LETTERS:])

    def keep(self, copy: Path) -> None:
        """`copy` was sent for a test: from now on this is the scene as it was tested. It may go then."""
        shutil.rmtree(self.folder, ignore_errors=True)
        try:
            self.folder.mkdir(parents=True)
            _same_file(copy, self.folder / copy.name)
        except OSError as error:
            # The test itself has begun; all that is lost is that its frames may be rendered once more.
            log.warning("the tested scene is not kept: %s", error)
            shutil.rmtree(self.folder, ignore_errors=True)
        for old in sorted(self.folder.parent.iterdir(), key=lambda each: each.stat().st_mtime)[:-_MOST]:
            shutil.rmtree(old, ignore_errors=True)

    def take_over(self, copy: Path, *, scripts: bool) -> Verdict:
        """Put the copy of the test in the place of `copy`, if both hold the same scene.

        `scripts`: Python in the scene runs, which may look at Blender's windows. No bpy: this runs in threads.
        """
        kept = self.folder / copy.name
        if not kept.is_file():
            return NO_TEST
        changed = change(kept, copy, windows=scripts)
        if changed is not None:
            return Verdict(changed=changed)
        beside = copy.with_name("tested")
        _same_file(kept, beside)
        beside.replace(copy)
        return Verdict(same=True)


def words(verdict: Verdict) -> str:
    """What becomes of test frames, for the artist; empty where there is nothing to say."""
    if verdict.kept:
        count = verdict.kept
        return say("1 test frame is kept") if count == 1 else say("{count} test frames are kept", count=count)
    if verdict.same or not verdict.tested:
        return ""
    if verdict.changed:
        return say("Test frames are rendered again: {name} was changed since", name=verdict.changed)
    return say("Test frames are rendered again: the scene was changed since")


def _same_file(source: Path, target: Path) -> None:
    """Without a second set of bytes where the disk can do that; nobody writes into either."""
    with suppress(OSError):
        os.link(source, target)
        return
    shutil.copyfile(source, target)
