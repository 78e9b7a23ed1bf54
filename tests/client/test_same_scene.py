# SPDX-License-Identifier: GPL-3.0-or-later
"""Files in the form of a .blend, made here byte by byte: what counts as a change where blocks moved."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from cloud_render.client.same_scene import change

A, B, C, NOWHERE, ELSEWHERE = 0x1000, 0x2000, 0x3000, 0xDEAD00, 0xBEEF00
ONE, TWO = 0x8000, 0x9000
THING, BARE = 1, 0


def texts(title: bytes, *words: str) -> bytes:
    content = title + struct.pack("<i", len(words)) + b"".join(word.encode() + b"\0" for word in words)
    return content + b"\0" * (-len(content) % 4)


DNA = (
    b"SDNA"
    + texts(b"NAME", "*next", "size", "_pad[4]")
    + texts(b"TYPE", "raw", "Thing", "int", "char")
    + b"TLEN"
    + struct.pack("<4H", 1, 16, 4, 1)
    + b"STRC"
    + struct.pack("<i", 2)
    + struct.pack("<2H", 0, 0)
    + struct.pack("<8H", 1, 3, 1, 0, 2, 1, 3, 2)
)
"""struct Thing { Thing *next; int size; char _pad[4]; }"""


def thing(address: int, following: int, size: int = 7, pad: bytes = b"\0" * 4) -> tuple[int, int, bytes]:
    return address, THING, struct.pack("<Qi", following, size) + pad


def bare(address: int, *words: int) -> tuple[int, int, bytes]:
    return address, BARE, struct.pack(f"<{len(words)}Q", *words)


def head(address: int, following: int) -> tuple[bytes, int, int, bytes]:
    """Of a data-block; what follows it are its parts."""
    return b"OB", *thing(address, following)


def blend(path: Path, *blocks: tuple[int, int, bytes] | tuple[bytes, int, int, bytes], code: bytes = b"DATA") -> Path:
    rows = [block if len(block) == 4 else (code, *block) for block in blocks] + [
        (b"DNA1", 1, BARE, DNA),
        (b"ENDB", 0, BARE, b""),
    ]
    head = struct.Struct("<4siQqq")
    content = b"".join(head.pack(name, kind, address, len(raw), 1) + raw for name, address, kind, raw in rows)
    path.write_bytes(b"BLENDER17-01v0500" + content)
    return path


@pytest.fixture
def changed(tmp_path):
    """Whether a file of the second blocks is another scene than one of the first."""

    def compare(first, second, **options):
        paths = blend(tmp_path / "first", *first, **options), blend(tmp_path / "second", *second, **options)
        return change(*paths) is not None

    return compare


def test_blocks_may_lie_elsewhere_if_pointers_follow_them(changed):
    """In members as well as in bare arrays, also where two blocks changed places."""
    assert not changed([thing(A, B), thing(B, 0)], [thing(C, A), thing(A, 0)])
    assert not changed([thing(A, B), thing(B, A)], [thing(B, A), thing(A, B)])
    assert not changed([thing(A, 0), bare(B, A, 5)], [thing(C, 0), bare(B, C, 5)])


def test_a_pointer_to_another_block_is_a_change(changed):
    """Also one that stayed as it was while the blocks changed places, and one whose new block is new."""
    assert changed([thing(A, A), thing(B, 0)], [thing(A, B), thing(B, 0)])
    assert changed([thing(A, A), thing(B, 0)], [thing(B, A), thing(A, 0)])
    assert changed([thing(A, 0), thing(B, 0), bare(C, A)], [thing(B, 0), thing(A, 0), bare(C, A)])
    assert changed([thing(A, NOWHERE), thing(B, 0)], [thing(A, B), thing(B, 0)])


def test_parts_of_two_data_blocks_may_share_an_address(changed):
    """As those do that exist only while Blender 5.2 writes them: each pointer means the part of its own data-block."""
    shared = [head(ONE, A), thing(A, 0), head(TWO, A), thing(A, 0)]
    apart = [head(ONE, A), thing(A, 0), head(TWO, B), thing(B, 0)]
    assert not changed(shared, apart)
    assert not changed(apart, shared)
    assert not changed(shared, [head(TWO, B), thing(B, 0), head(ONE, A), thing(A, 0)])
    assert changed(shared, [head(ONE, A), thing(A, 0), head(TWO, A), thing(B, 0)])
    assert changed(shared, [head(ONE, A), thing(A, 0), head(TWO, ONE), thing(B, 0)])
    assert changed(shared, [head(ONE, A), thing(A, 0), head(TWO, B), thing(B, 0, size=8)])


def test_a_pointer_to_what_is_not_in_the_file_means_nothing(changed):
    """Unless it was none before; and in bare bytes nobody knows that it is a pointer."""
    assert not changed([thing(A, NOWHERE)], [thing(A, ELSEWHERE)])
    assert changed([thing(A, NOWHERE)], [thing(A, 0)])
    assert changed([bare(A, NOWHERE)], [bare(A, ELSEWHERE)])


def test_values_count_and_padding_does_not(changed):
    """The members' names tell which is which."""
    assert not changed([thing(A, 0, pad=b"abcd")], [thing(A, 0, pad=b"wxyz")])
    assert changed([thing(A, 0, 7)], [thing(A, 0, 8)])


def test_more_fewer_or_other_blocks_are_a_change(changed):
    """Nothing of the one file may be without its counterpart."""
    assert changed([thing(A, 0)], [thing(A, 0), thing(B, 0)])
    assert changed([thing(A, 0), thing(B, 0)], [thing(A, 0)])
    assert changed([thing(A, 0)], [bare(A, 0, 7)])
    assert changed([thing(A, 0), thing(B, 0)], [thing(A, 0), thing(A, 0)])


def test_windows_and_thumbnails_are_left_out(changed):
    """Blocks after a screen are parts of it."""
    assert not changed([thing(A, 0, 7)], [thing(A, 0, 8)], code=b"SN")
    assert not changed([bare(A, 1)], [bare(A, 2)], code=b"TEST")
    assert changed([thing(A, 0, 7)], [thing(A, 0, 8)], code=b"OB")


@pytest.mark.parametrize(
    "damage", [b"", b"BLENDER", b"\x28\xb5\x2f\xfd" + b"x" * 60, b"BLENDER17-01v0500" + b"\xff" * 99]
)
def test_what_cannot_be_read_is_taken_for_a_change(tmp_path, damage):
    """Compressed, empty, or cut off: even if both are alike."""
    path = tmp_path / "damaged.blend"
    path.write_bytes(damage)
    assert change(path, path) is not None


def test_a_file_that_was_cut_off_anywhere_is_a_change(tmp_path):
    """Never an exception, never the same scene."""
    whole = blend(tmp_path / "whole.blend", thing(A, B), thing(B, 0))
    part = tmp_path / "part.blend"
    for size in range(len(whole.read_bytes())):
        part.write_bytes(whole.read_bytes()[:size])
        assert change(whole, part) is not None, size
