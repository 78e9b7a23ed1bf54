# SPDX-License-Identifier: GPL-3.0-or-later
"""A place in Blender's data where a path is kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Slot:
    """A property that holds a path."""

    owner: Any
    """The data-block it belongs to: relative paths are relative to that block's .blend."""
    holder: Any
    attribute: str
    is_path: bool = True
    """False: a text that may be a path, or a part of one, or something else."""

    @property
    def raw(self) -> str:
        return str(getattr(self.holder, self.attribute))

    def set(self, path: str) -> None:
        setattr(self.holder, self.attribute, path)


@dataclass(frozen=True)
class ItemSlot(Slot):
    """A custom property that holds a path."""

    @property
    def raw(self) -> str:
        return str(self.holder[self.attribute])

    def set(self, path: str) -> None:
        self.holder[self.attribute] = path
