# SPDX-License-Identifier: GPL-3.0-or-later
"""The instance's cache: files by their hash and unpacked Blender builds, shared by all children on the machine.

A broken or emptied cache is only slow: what is in it is hashed again on every use and fetched again where it differs.
Locks are one file a hash (`flock`), so several children that start together download each content once.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cloud_render.contract.errors import BadArguments, DiskFull

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows: renames are atomic there too, so a race costs a second download only
    fcntl = None  # type: ignore[assignment]

log = logging.getLogger(__name__)

RESERVE = 512 * 2**20
"""Bytes that stay free on the disk for frames, logs and Blender's own temporary files."""

FULL = 64 * 2**20
"""Free bytes below which a Blender that failed is taken to have failed by that."""

_STALE_S = 24 * 3600
"""A half-written file older than this belongs to nobody any more."""


class Cache:
    """One folder on the instance. `limit` is in bytes; without one it is half of the disk the folder is on."""

    def __init__(self, folder: Path, limit: int | None = None) -> None:
        self.folder = folder
        self._files = folder / "files"
        self._builds = folder / "builds"
        self._locks = folder / "locks"
        for part in (self._files, self._builds, self._locks):
            part.mkdir(parents=True, exist_ok=True)
        self.limit = shutil.disk_usage(folder).total // 2 if limit is None else limit

    @classmethod
    def of_environment(cls, scratch: Path) -> Cache:
        """In CLOUD_RENDER_CACHE (limit: CLOUD_RENDER_CACHE_BYTES), else in the scratch. Raises BadArguments."""
        limit = os.environ.get("CLOUD_RENDER_CACHE_BYTES", "")
        folder = os.environ.get("CLOUD_RENDER_CACHE", "")
        if limit and not limit.isdigit():
            raise BadArguments(f"CLOUD_RENDER_CACHE_BYTES is {limit!r}.", "It must be a number of bytes.")
        return cls(Path(folder).absolute() if folder else scratch / "cache", int(limit) if limit else None)

    def has(self, sha256: str) -> bool:
        """Whether the file is there; its content is looked at only when it is used."""
        return (self._files / sha256).is_file()

    def fill(self, group: str, wanted: Iterable[str], fetch: Callable[[Callable[[str], Path]], None]) -> None:
        """Brings many files at once: `fetch(place_of)` puts those at `place_of(sha256)`, each in one step.

        Children that start together on a machine name the same `group`; the first one fetches, the others find it done.
        What is evicted again before its use is fetched by `file`.
        """
        with self._locked(group):
            absent = [sha256 for sha256 in wanted if not self.has(sha256)]
            if not absent:
                return
            fetch(lambda sha256: self._files / sha256)
            for sha256 in absent:
                with contextlib.suppress(FileNotFoundError):
                    (self._files / sha256).chmod(0o444)

    @contextlib.contextmanager
    def file(self, sha256: str, fetch: Callable[[Path], None]) -> Iterator[Path]:
        """The file with this hash, made by `fetch(target)` where it is absent or damaged; locked inside the block.

        `fetch` leaves a whole and verified file, or raises and leaves none.
        """
        path = self._files / sha256
        with self._locked(sha256):
            if os.path.lexists(path) and not _holds(path, sha256):
                log.warning("warning: the cache holds a damaged %s; it is fetched again", sha256[:12])
                _remove(path)
            if not path.exists():
                fetch(path)
                path.chmod(0o444)
            os.utime(path)
            yield path

    @contextlib.contextmanager
    def build(self, name: str, unpack: Callable[[Path], None]) -> Iterator[Path]:
        """The unpacked folder `name`, made once by `unpack(empty folder)`; it can't be evicted inside the block."""
        path = self._builds / name
        with self._locked(name):
            if not path.is_dir():
                half = self._builds / f".{name}.part"
                shutil.rmtree(half, ignore_errors=True)
                half.mkdir()
                try:
                    unpack(half)
                    half.replace(path)
                finally:
                    shutil.rmtree(half, ignore_errors=True)
        with self._locked(name, shared=True):
            os.utime(path)
            yield path

    def make_room(self, needed: int) -> None:
        """Makes sure that `needed` more bytes fit, evicting what was not used for longest and nobody holds.

        Raises DiskFull, with the figures, where they don't.
        """
        entries = sorted(self._entries(), key=lambda entry: entry.used)
        total = sum(entry.size for entry in entries)
        for entry in entries:
            if total + needed <= self.limit and self._free() >= needed + RESERVE:
                break
            if self._evict(entry):
                total -= entry.size
        require_free(self.folder, needed)

    def _free(self) -> int:
        return shutil.disk_usage(self.folder).free

    def _entries(self) -> Iterator[_Entry]:
        for path in (*self._files.iterdir(), *self._builds.iterdir()):
            with contextlib.suppress(FileNotFoundError):  # another child evicted it just now
                used = path.stat().st_mtime
                if not path.name.startswith("."):
                    yield _Entry(path, _size_of(path), used)
                elif time.time() - used > _STALE_S:
                    _remove(path)

    def _evict(self, entry: _Entry) -> bool:
        try:
            with self._locked(entry.path.name, wait=False):
                log.info("cache: %s goes, %s", entry.path.name[:12], in_words(entry.size))
                _remove(entry.path)
                return True
        except BlockingIOError:
            return False

    @contextlib.contextmanager
    def _locked(self, name: str, *, shared: bool = False, wait: bool = True) -> Iterator[None]:
        """Raises BlockingIOError where another holds it and `wait` is False."""
        # Lock files stay: to delete one while another process waits on it would give two holders of one lock.
        with (self._locks / name).open("a") as file:
            if fcntl is not None:
                kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
                fcntl.flock(file, kind if wait else kind | fcntl.LOCK_NB)
            yield


@dataclass(frozen=True)
class _Entry:
    path: Path
    size: int
    used: float


def require_free(folder: Path, needed: int) -> None:
    """Raises DiskFull, with the figures, unless `needed` bytes fit on the disk of `folder` and the reserve stays."""
    free = shutil.disk_usage(folder).free
    if free < needed + RESERVE:
        raise DiskFull(
            f"There is not enough disk: {in_words(needed)} and a reserve of {in_words(RESERVE)} are needed, "
            f"{in_words(free)} are free in {folder}.",
            "Give the worker a larger disk.",
        )


def is_full(folder: Path) -> bool:
    """Whether the disk of `folder` may have been too full for a frame."""
    return shutil.disk_usage(folder).free < FULL


def in_words(size: int) -> str:
    """Bytes for people: 12 B, 3.4 MB."""
    number = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.0f} B" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _holds(path: Path, sha256: str) -> bool:
    """Whether it is a plain file with that content. All children of the machine write here, one may be hostile."""
    return path.is_file() and not path.is_symlink() and sha256_of(path) == sha256


def _size_of(path: Path) -> int:
    if path.is_dir():
        return sum(file.lstat().st_size for file in path.rglob("*") if not file.is_dir())
    return path.stat().st_size


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
