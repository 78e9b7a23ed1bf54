# SPDX-License-Identifier: GPL-3.0-or-later
"""An upload's or a download's progress on the bar of a stage."""

from __future__ import annotations

from cloud_render.cli import words
from cloud_render.cli.stages import Stage, Stages
from cloud_render.store.flow import Flow


class TransferDisplay(Flow):
    """Hears the store, moves the bar."""

    def __init__(self, stage: Stage, stages: Stages) -> None:
        super().__init__()
        self._stage, self._stages = stage, stages

    def changed(self) -> None:
        self._stage.total, self._stage.completed = float(self.size), float(self.done)
        parts = [f"{words.size(self.done)} of {words.size(self.size)}"]
        if self.rate is not None:
            parts.append(f"{words.size(round(self.rate))}/s")
        if self.seconds_left is not None and self.done < self.size:
            parts.append(f"{words.duration(self.seconds_left)} left")
        self._stage.note = ", ".join(parts)
        self._stages.tick(self._stage)


class ReadDisplay(Flow):
    """Moves the bar with what is read; nothing travels."""

    def __init__(self, stage: Stage, stages: Stages) -> None:
        super().__init__()
        self._stage, self._stages = stage, stages

    def changed(self) -> None:
        self._stage.total, self._stage.completed = float(self.size), float(self.read)
        self._stage.note = f"{words.size(self.read)} of {words.size(self.size)} read"
        self._stages.tick(self._stage)
