# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether two saves of a .blend hold the same scene. Two saves of an unchanged scene are hardly ever the same bytes.

They are taken for the same only if they have the same blocks in the same order with the same content, but for what
can't show in a frame:

- where the blocks lay, if every pointer of the one file points to the block that it points to in the other;
- pointers to where neither file has a block: Blender reads them as "nothing";
- the thumbnail; windows, screens and workspaces, unless a driver or a script may look at them;
- padding, what stands behind the end of a text, and marks that a loaded file has no use for.

Everything else counts as a change, also what no one would see: a frame that is rendered again costs little, a wrong one
much. Measured in Blender 4.2 to 5.2: between two saves of an unchanged scene in one session nothing else differs, but
for marks of node sockets where Blender has updated the node trees meanwhile, as it does when an image is loaded again.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from cloud_render.client.blend_file import DNA, PART, WORD, BlendFile, Block, Member, NotKnown, opened

_WINDOWS = frozenset((b"WM", b"SN", b"WS"))
"""Codes of window managers, screens and workspaces."""

_THUMBNAIL = b"TEST"

_WITHOUT_USE = {
    ("ID", "recalc"),
    ("ID", "recalc_up_to_undo_push"),
    ("ID", "recalc_after_undo_push"),
    ("ID", "session_uid"),
    ("FileGlobal", "curscreen"),
    ("Image", "lastused"),
    ("CurveProfile", "changed_timestamp"),
}
"""What undo and display keep for themselves: a file that is loaded is numbered and evaluated anew."""

_OF_TEXTS = "FileGlobal"
"""A type whose letters are texts that end with a zero; what follows it was never written."""

_DRIVER_VARIABLE = "DriverVar"

_Pair = tuple[Block, Block]
"""A block of the first file, and the one at its place in the second."""

SOMETHING = ""
"""A change that has no name."""


def change(before: Path, now: Path, *, windows: bool = False) -> str | None:
    """The name of the first data-block of `before` that is another in `now`, or SOMETHING; None: they are the same.

    `windows` has windows and screens compared too. Raises OSError.
    """
    try:
        with opened(before) as first, opened(now) as second:
            return _Comparison(first, second).change(windows)
    except (NotKnown, struct.error, ValueError, LookupError, StopIteration):
        return SOMETHING  # compressed, damaged, or of a Blender to come: nothing is known, so nothing is kept


class _Comparison:
    """Of two files, block by block."""

    def __init__(self, first: BlendFile, second: BlendFile) -> None:
        self._first, self._second = first, second
        self._dna = first.dna  # of both: a difference there is a change
        self._heads = _Pairs({})
        self._parts = _Pairs({})
        """Of the data-block at hand: Blender, too, looks for parts in their own data-block only. Parts that exist only
        while a file is written (attributes, in 5.2) may share an address with those of others."""

    def change(self, windows: bool) -> str | None:
        windows = windows or _looks_at_windows(self._first) or _looks_at_windows(self._second)
        mine, others = _that_count(self._first, windows), _that_count(self._second, windows)
        if self._first.header != self._second.header or len(mine) != len(others):
            return SOMETHING
        pairs = list(zip(mine, others, strict=True))
        heads = _paired(pair for pair in pairs if pair[0].code != PART)
        if heads is None:
            return SOMETHING
        self._heads = heads
        for whole in _data_blocks(pairs):
            if not self._same_whole(whole):
                head = whole[0][0]
                return SOMETHING if head.code == PART else self._first.name_of(head)
        return None

    def _same_whole(self, whole: Sequence[_Pair]) -> bool:
        """Of a data-block and its parts."""
        parts = _paired(pair for pair in whole if pair[0].code == PART)
        if parts is None:
            return False
        self._parts = parts
        return all(_shape(block) == _shape(other) and self._same(block, other) for block, other in whole)

    def _same(self, block: Block, other: Block) -> bool:
        mine, others = self._first.content(block), self._second.content(other)
        # A pointer that stayed while its block moved points to another block now.
        stayed = any(
            pairs.moved and not pairs.moved.isdisjoint(_equal_words(mine, others))
            for pairs in (self._heads, self._parts)
        )
        if mine == others:
            return not stayed
        if stayed or block.code == DNA:
            return False
        if block.kind == 0:
            return self._same_pointers(mine, others)
        if self._dna.size(block.kind) * block.elements != block.size:
            return False
        return all(self._excused(block.kind, place, mine, others) for place in _differing(mine, others))

    def _same_pointers(self, mine: bytes, others: bytes) -> bool:
        """Of bare bytes: they may be an array of pointers, and are one where all that differs are known addresses."""
        words = zip(_words(mine), _words(others), strict=True)
        tail = len(mine) // WORD * WORD
        return mine[tail:] == others[tail:] and all(
            here == there or self._target(here) == there for here, there in words
        )

    def _excused(self, kind: int, place: int, mine: bytes, others: bytes) -> bool:
        """Whether what differs in the word at `place` means nothing."""
        size = self._dna.size(kind)
        # A word may be the end of one element and the beginning of the next.
        return all(
            self._same_member(member, base + member.offset, mine, others)
            for base in {at - at % size for at in (place, min(place + WORD, len(mine)) - 1)}
            for member in self._dna.members(kind)
            if base + member.offset < place + WORD and place < base + member.offset + member.size
        )

    def _same_member(self, member: Member, start: int, mine: bytes, others: bytes) -> bool:
        here, there = mine[start : start + member.size], others[start : start + member.size]
        if here == there or member.name.startswith("_pad") or (member.owner, member.name) in _WITHOUT_USE:
            return True
        if member.pointer:
            return all(self._same_target(*pair) for pair in zip(_words(here), _words(there), strict=True))
        return member.owner == _OF_TEXTS and here.partition(b"\0")[0] == there.partition(b"\0")[0]

    def _same_target(self, here: int, there: int) -> bool:
        if here in self._first.addresses or there in self._second.addresses:
            return self._target(here) == there
        return bool(here) == bool(there)

    def _target(self, here: int) -> int | None:
        """Where the block that `here` points to lies in the second file."""
        return self._parts.moved_to.get(here, self._heads.moved_to.get(here))


class _Pairs:
    """Which block of the first file is which of the second."""

    def __init__(self, moved_to: dict[int, int]) -> None:
        self.moved_to = moved_to
        """Where a block of the first file lies in the second."""
        self.moved = frozenset(address for pair in moved_to.items() if pair[0] != pair[1] for address in pair)
        """Addresses that mean something else in the one file than in the other."""


def _paired(pairs: Iterable[_Pair]) -> _Pairs | None:
    """None where two of the one file are one of the other."""
    places = {(block.address, other.address) for block, other in pairs}
    moved_to = dict(places)
    one_to_one = len(places) == len(moved_to) == len(set(moved_to.values()))
    return _Pairs(moved_to) if one_to_one else None


def _data_blocks(pairs: Sequence[_Pair]) -> Iterator[Sequence[_Pair]]:
    """Each with its parts; parts that come before all of them by themselves."""
    starts = sorted({0, *(at for at, (block, _) in enumerate(pairs) if block.code != PART)})
    return (pairs[start:end] for start, end in zip(starts, [*starts[1:], len(pairs)], strict=True))


def _shape(block: Block) -> tuple[bytes, int, int, int]:
    return block.code, block.kind, block.size, block.elements


def _that_count(file: BlendFile, windows: bool) -> list[Block]:
    return [block for block, owner in file.owned() if owner != _THUMBNAIL and (windows or owner not in _WINDOWS)]


def _looks_at_windows(file: BlendFile) -> bool:
    """Whether a driver reads from one of the data-blocks that are left out."""
    shown = {block.address for block, owner in file.owned() if owner in _WINDOWS}
    drivers = (block for block in file.blocks if block.kind and file.dna.type_name(block.kind) == _DRIVER_VARIABLE)
    return any(not shown.isdisjoint(_words(file.content(block))) for block in drivers)


def _words(content: bytes) -> memoryview:
    """All that could be addresses, as numbers."""
    return memoryview(content)[: len(content) // WORD * WORD].cast("Q")


def _equal_words(mine: bytes, others: bytes) -> Iterable[int]:
    if mine == others:
        return _words(mine)
    return (here for here, there in zip(_words(mine), _words(others), strict=True) if here == there)


def _differing(mine: bytes, others: bytes, step: int = 4096) -> Iterator[int]:
    """Where words begin that differ."""
    for start in range(0, len(mine), step):
        if mine[start : start + step] != others[start : start + step]:
            for place in range(start, min(start + step, len(mine)), WORD):
                if mine[place : place + WORD] != others[place : place + WORD]:
                    yield place
