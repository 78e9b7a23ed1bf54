# SPDX-License-Identifier: GPL-3.0-or-later
"""Hears what this thread asks of the system, whoever of Python's functions passes it on."""

from __future__ import annotations

import _io
import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

FILES = {
    *(getattr(os, name) for name in ("stat", "lstat", "open", "scandir", "listdir", "mkdir", "rename", "replace")),
    *(getattr(os, name) for name in ("unlink", "remove", "rmdir", "utime", "access", "read", "write")),
    _io.open,
}
HASH_MODULES = {"_hashlib", "_sha1", "_sha2", "_sha256", "_sha512", "_sha3", "_md5", "_blake2", "zlib"}


def of_files(function: Any) -> bool:
    return function in FILES


def of_network(function: Any) -> bool:
    owner = getattr(function, "__self__", None)
    return isinstance(owner, socket.socket) or getattr(owner, "__name__", "") == "_socket"


def of_hashes(function: Any) -> bool:
    owner = getattr(function, "__self__", None)
    module = getattr(owner, "__name__", None) or type(owner).__module__
    return module in HASH_MODULES


@contextmanager
def heard(*kinds: Callable[[Any], bool]) -> Iterator[list[str]]:
    """The C functions of these kinds that this thread calls within the block, each with its Python caller."""
    calls: list[str] = []

    def hear(frame: Any, event: str, function: Any) -> None:
        if event == "c_call" and any(kind(function) for kind in kinds):
            calls.append(f"{function.__qualname__} in {frame.f_code.co_qualname} of {frame.f_code.co_filename}")

    sys.setprofile(hear)
    try:
        yield calls
    finally:
        sys.setprofile(None)
