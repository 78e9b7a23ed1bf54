# SPDX-License-Identifier: GPL-3.0-or-later
"""An upload's or a download's progress on the bar of a stage."""

from __future__ import annotations

from cloud_render.cli import words
from cloud_render.cli.stages import Stage, Stages
from cloud_render.store.progress import Progress


class TransferDisplay(Progress):
    """Hears the store, moves the bar. All amounts in bytes."""

    def __init__(self, stage: Stage, stages: Stages) -> None:
        self._stage, self._stages = stage, stages
        self.size = 0
        self.travelled = 0
        self.was_there = 0

    def total(self, size: int) -> None:
        self.size = size
        self._show()

    def present(self, size: int) -> None:
        self.was_there += size
        self._show()

    def sent(self, size: int) -> None:
        self.travelled += size
        self._show()

    def _show(self) -> None:
        done = self.travelled + self.was_there
        self._stage.total, self._stage.completed = float(self.size), float(done)
        self._stage.note = f"{words.size(done)} of {words.size(self.size)}"
        self._stages.tick(self._stage)
