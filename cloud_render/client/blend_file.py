# SPDX-License-Identifier: GPL-3.0-or-later
"""The blocks of an uncompressed .blend, and how their types are laid out. Knows the format, not what a change means.

A .blend is the memory of Blender's data, block by block, each with the address it had and a type. One of the last
blocks (the "DNA") says how each type is laid out. Data-blocks have a code of their own; the blocks after one, called
DATA, are its parts.
"""

from __future__ import annotations

import mmap
import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from math import prod
from pathlib import Path
from typing import NamedTuple

from cloud_render.contract.errors import BadInput

PART, DNA, END = b"DATA", b"DNA1", b"ENDB"
"""Codes of blocks."""

WORD = 8
"""Bytes of an address, and what addresses are aligned to."""

_OLD_HEADER, _OLD_HEAD = 12, struct.Struct("<4siQii")
_HEAD = struct.Struct("<4siQqq")
"""As store.blocks has them: up to Blender 4.5, and from 5.0 on."""


class NotKnown(BadInput):
    """This is no .blend as we know them."""


class Block(NamedTuple):
    code: bytes
    kind: int
    """Index of its type in the DNA; 0 for bare bytes."""
    address: int
    size: int
    """In bytes."""
    elements: int
    start: int
    """Of its content, in the file."""


class BlendFile:
    """An uncompressed .blend, mapped into memory. Raises NotKnown or struct.error for what is none."""

    def __init__(self, content: mmap.mmap) -> None:
        self._content = content
        self._header, self._head = _header(content[:17])
        self.blocks = list(self._walk())
        self.addresses = frozenset(block.address for block in self.blocks)

    @property
    def header(self) -> bytes:
        return self._content[: self._header]

    @cached_property
    def dna(self) -> Dna:
        return Dna(next(self.content(block) for block in reversed(self.blocks) if block.code == DNA))

    def content(self, block: Block) -> bytes:
        return self._content[block.start : block.start + block.size]

    def owned(self) -> Iterator[tuple[Block, bytes]]:
        """Each block with the code of the data-block that it is a part of."""
        owner = b""
        for block in self.blocks:
            owner = owner if block.code == PART else block.code
            yield block, owner

    def name_of(self, block: Block) -> str:
        """As Blender shows it; nothing for what is no data-block."""
        place = self.dna.name_at(block.kind)
        if place is None:
            return ""
        # Two letters for the type come first.
        return self.content(block)[place + 2 :].partition(b"\0")[0].decode(errors="replace")

    def _walk(self) -> Iterator[Block]:
        place = self._header
        while True:
            fields = self._head.unpack_from(self._content, place)
            place += self._head.size
            code, kind, address, size, count = fields
            if self._head is _OLD_HEAD:
                code, size, address, kind, count = fields
            code = code.rstrip(b"\0")
            if size < 0 or place + size > len(self._content):
                raise NotKnown("A block of the file ends behind the file's end.")
            yield Block(code, kind, address, size, count, place)
            if code == END:
                return
            place += size


@contextmanager
def opened(path: Path) -> Iterator[BlendFile]:
    """The file, let go at the end. Raises NotKnown; ValueError or struct.error for what is damaged; OSError."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        yield BlendFile(content)


def _header(begin: bytes) -> tuple[int, struct.Struct]:
    if begin[:9] == b"BLENDER-v":  # addresses of 8 bytes, little-endian
        return _OLD_HEADER, _OLD_HEAD
    if begin[:7] == b"BLENDER" and begin[7:9].isdigit() and begin[9:13] == b"-01v":
        return int(begin[7:9]), _HEAD
    raise NotKnown("The file doesn't begin as an uncompressed .blend does.")


@dataclass(frozen=True)
class Member:
    """Of a type, or of a type in it; plain: a pointer, or a number, or letters."""

    owner: str
    """The type that it is written in."""
    name: str
    offset: int
    size: int
    """In bytes, all elements of an array together."""
    pointer: bool


class Dna:
    """How types are laid out."""

    def __init__(self, content: bytes) -> None:
        reader = _Reader(content)
        self._names = reader.texts(b"NAME")
        self._types = reader.texts(b"TYPE")
        self._sizes = reader.sizes(len(self._types))
        self._structs = reader.structs()
        self._index_of_type = {kind: index for index, (kind, _) in enumerate(self._structs)}
        self._members: dict[int, tuple[Member, ...]] = {}

    def type_name(self, kind: int) -> str:
        return self._types[self._structs[kind][0]]

    def size(self, kind: int) -> int:
        return self._sizes[self._structs[kind][0]]

    def members(self, kind: int) -> tuple[Member, ...]:
        """All, with those of types inside spread out; elements of an array of types one by one."""
        if kind not in self._members:
            self._members[kind] = tuple(self._spread_out(kind))
        return self._members[kind]

    def name_at(self, kind: int) -> int | None:
        """Where a data-block has its name; None for what is no data-block."""
        fields = self._structs[kind][1]
        if not fields or self._types[fields[0][0]] != "ID" or self._names[fields[0][1]] != "id":
            return None
        return next(each.offset for each in self.members(kind) if each.owner == "ID" and each.name == "name")

    def _spread_out(self, kind: int) -> Iterator[Member]:
        owner, offset = self.type_name(kind), 0
        for type_index, name_index in self._structs[kind][1]:
            written = self._names[name_index]
            pointer = written.startswith(("*", "("))
            size = WORD if pointer else self._sizes[type_index]
            count = prod(int(number) for number in re.findall(r"\[(\d+)\]", written))
            inner = None if pointer else self._index_of_type.get(type_index)
            if inner is None:
                yield Member(owner, written.partition("[")[0].lstrip("*("), offset, size * count, pointer)
            else:
                for element in range(count):
                    for each in self.members(inner):
                        yield _further_in(each, offset + element * size)
            offset += size * count


def _further_in(member: Member, by: int) -> Member:
    """The same, further in."""
    return Member(member.owner, member.name, member.offset + by, member.size, member.pointer)


class _Reader:
    """Reads the DNA's four lists, one after another."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._place = 4  # after "SDNA"

    def texts(self, title: bytes) -> list[str]:
        found = []
        for _ in range(self._begin(title)):
            end = self._content.index(b"\0", self._place)
            found.append(self._content[self._place : end].decode("ascii"))
            self._place = end + 1
        return found

    def sizes(self, count: int) -> tuple[int, ...]:
        self._title(b"TLEN")
        return self._numbers("H", count)

    def structs(self) -> list[tuple[int, list[tuple[int, int]]]]:
        """Of each its type, and type and name of its members."""
        found = []
        for _ in range(self._begin(b"STRC")):
            kind, count = self._numbers("H", 2)
            numbers = self._numbers("H", 2 * count)
            found.append((kind, list(zip(numbers[::2], numbers[1::2], strict=True))))
        return found

    def _begin(self, title: bytes) -> int:
        self._title(title)
        return int(self._numbers("i", 1)[0])

    def _title(self, title: bytes) -> None:
        self._place = (self._place + 3) & ~3
        if self._content[self._place : self._place + 4] != title:
            raise NotKnown(f"The file's types have no {title.decode()}.")
        self._place += 4

    def _numbers(self, letter: str, count: int) -> tuple[int, ...]:
        shape = struct.Struct(f"<{count}{letter}")
        numbers = shape.unpack_from(self._content, self._place)
        self._place += shape.size
        return numbers
