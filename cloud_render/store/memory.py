# SPDX-License-Identifier: GPL-3.0-or-later
"""What this computer remembers between uploads: hashes of files it has read, and index objects it has seen.

Only a memory: whatever is in it is checked against the files and the bucket, and losing it costs time. One SQLite file;
where that can't be used (no rights, a network home without locks, damaged) the memory lasts for one upload.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cloud_render.store import cutting
from cloud_render.store.index import PackEntry
from cloud_render.store.source import State

log = logging.getLogger(__name__)

FOLDER_VARIABLE = "CLOUD_RENDER_STORE_CACHE"
"""Environment: a folder for the memory, instead of the user's cache folder."""

_LAYOUT = 1
_FILE_FORGOTTEN_AFTER_S = 120 * 86_400
_BUCKET_FORGOTTEN_AFTER_S = 400 * 86_400
"""After the last upload to it. Local clouds come and go, each with a name of its own."""

_COARSE_TICK_NS = 2_000_000_000
_FINE_TICK_NS = 100_000_000
"""A file changed less than a tick before it was read may change again and look the same. FAT counts in 2 s, HFS+ and
old file servers in seconds; where a time has a fraction of a second, the clock behind it ticks in milliseconds."""

_TABLES = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS files(
    path BLOB, cut INTEGER, state TEXT, sha256 BLOB, chunks BLOB, used INTEGER, PRIMARY KEY(path, cut));
CREATE TABLE IF NOT EXISTS objects(bucket TEXT, key TEXT, etag TEXT, PRIMARY KEY(bucket, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS packs(
    id INTEGER PRIMARY KEY, bucket TEXT, name TEXT, created INTEGER, chunks BLOB, object TEXT, UNIQUE(bucket, name));
CREATE TABLE IF NOT EXISTS chunks(
    sha256 BLOB, pack INTEGER, offset INTEGER, length INTEGER, PRIMARY KEY(sha256, pack)) WITHOUT ROWID;
PRAGMA user_version = {_LAYOUT};
COMMIT;
"""


def default_folder() -> Path:
    """Where the operating system wants caches of programs."""
    if os.environ.get(FOLDER_VARIABLE):
        return Path(os.environ[FOLDER_VARIABLE])
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "cloud-render"


@dataclass(frozen=True)
class Remembered:
    """A file as it was read before."""

    digest: bytes
    chunks: bytes
    """36 bytes each: SHA-256 and length."""


@dataclass(frozen=True)
class Place:
    """Where a chunk lies, if its pack is still there."""

    pack: str
    offset: int
    length: int


class Memory:
    """Use it in one thread, as a context manager; `commit` what shall outlive a crash."""

    def __init__(self, folder: Path | None = None) -> None:
        self._database = _opened(folder)

    def __enter__(self) -> Memory:
        return self

    def __exit__(self, *_: object) -> None:
        self.commit()
        self._database.close()

    def commit(self) -> None:
        try:
            self._database.commit()
        except sqlite3.Error as error:  # locked for long, or the disk is full
            log.info("not remembered: %s", error)

    # -- files ---------------------------------------------------------------------------------------------------------

    def file(self, path: Path, state: State) -> Remembered | None:
        row = self._database.execute(
            "SELECT sha256, chunks FROM files WHERE path = ? AND cut = ? AND state = ?",
            (os.fsencode(path.absolute()), cutting.VERSION, _text(state)),
        ).fetchone()
        return Remembered(*row) if row else None

    def add_file(self, path: Path, state: State, read_ns: int, remembered: Remembered) -> None:
        """`read_ns` is the time at which reading began."""
        tick_ns = _FINE_TICK_NS if state.modified_ns % 1_000_000_000 else _COARSE_TICK_NS
        if state.modified_ns > read_ns - tick_ns:
            return
        self._write(
            "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?)",
            [
                (
                    os.fsencode(path.absolute()),
                    cutting.VERSION,
                    _text(state),
                    remembered.digest,
                    remembered.chunks,
                    int(time.time()),
                )
            ],
        )

    # -- index objects and packs ---------------------------------------------------------------------------------------

    def objects(self, bucket: str) -> dict[str, str]:
        """ETags by key."""
        return dict(self._database.execute("SELECT key, etag FROM objects WHERE bucket = ?", (bucket,)))

    def add_object(self, bucket: str, key: str, etag: str, packs: Iterable[PackEntry]) -> None:
        """The index object `key` tells of `packs`."""
        for pack in packs:
            self.add_pack(bucket, pack, key)
        self._write("INSERT OR REPLACE INTO objects VALUES (?, ?, ?)", [(bucket, key, etag)])

    def forget_objects(self, bucket: str, keys: Iterable[str]) -> None:
        """With the packs that no other object tells of."""
        for key in keys:
            self._write("DELETE FROM objects WHERE bucket = ? AND key = ?", [(bucket, key)])
            self._forget_packs("bucket = ? AND object = ?", (bucket, key))

    def add_pack(self, bucket: str, pack: PackEntry, key: str = "") -> None:
        """`key` is of the index object that tells of it; empty while none does."""
        known = self._database.execute("SELECT id FROM packs WHERE bucket = ? AND name = ?", (bucket, pack.name))
        if row := known.fetchone():
            self._write("UPDATE packs SET object = ?, created = ? WHERE id = ?", [(key, pack.created, row[0])])
            return
        self._write(
            "INSERT INTO packs(bucket, name, created, chunks, object) VALUES (?, ?, ?, ?, ?)",
            [(bucket, pack.name, pack.created, pack.chunks, key)],
        )
        places = [(digest, offset, length, bucket, pack.name) for digest, offset, length in pack.places()]
        self._write("INSERT OR IGNORE INTO chunks SELECT ?, id, ?, ? FROM packs WHERE bucket = ? AND name = ?", places)

    def forget_pack(self, bucket: str, name: str) -> None:
        self._forget_packs("bucket = ? AND name = ?", (bucket, name))

    def packs(self, bucket: str, keys: Iterable[str]) -> list[PackEntry]:
        """What the index objects `keys` tell of; the empty key stands for what none tells of yet."""
        query = "SELECT name, created, chunks FROM packs WHERE bucket = ? AND object = ? ORDER BY id"
        return [PackEntry(*row) for key in keys for row in self._database.execute(query, (bucket, key))]

    def telling(self, bucket: str) -> set[str]:
        """The index objects that tell of packs."""
        query = "SELECT DISTINCT object FROM packs WHERE bucket = ?"
        return {key for (key,) in self._database.execute(query, (bucket,)) if key}

    def places(self, bucket: str, digest: bytes) -> list[Place]:
        """Where a chunk is said to lie; the newest pack first."""
        query = (
            "SELECT p.name, c.offset, c.length FROM chunks c JOIN packs p ON p.id = c.pack "
            "WHERE c.sha256 = ? AND p.bucket = ? ORDER BY p.created DESC"
        )
        return [Place(*row) for row in self._database.execute(query, (digest, bucket))]

    def _forget_packs(self, which: str, values: tuple[str, ...]) -> None:
        # The condition is one of the two texts above, never input.
        rows = self._database.execute(f"SELECT id, chunks FROM packs WHERE {which}", values).fetchall()
        for number, chunks in rows:
            digests = [(digest, number) for digest, _, _ in PackEntry("", 0, chunks).places()]
            self._write("DELETE FROM chunks WHERE sha256 = ? AND pack = ?", digests)
        self._write("DELETE FROM packs WHERE id = ?", [(number,) for number, _ in rows])

    def _write(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        try:
            self._database.executemany(statement, rows)
        except sqlite3.Error as error:  # another program holds it for long, or the disk is full
            log.info("going on without the memory of earlier uploads: %s", error)
            self._database.close()
            self._database = _connected(None)


def _text(state: State) -> str:
    # One text: the inode of some Windows file systems has 128 bits, an SQLite integer 64.
    return f"{state.size}:{state.modified_ns}:{state.inode}"


def _opened(folder: Path | None) -> sqlite3.Connection:
    try:
        place = folder or default_folder()
        place.mkdir(parents=True, exist_ok=True)
        return _connected(place / "store.sqlite")
    except (sqlite3.Error, OSError, RuntimeError) as error:  # RuntimeError: no home folder
        log.info("no memory of earlier uploads: %s", error)
        return _connected(None)


def _connected(path: Path | None) -> sqlite3.Connection:
    try:
        return _checked(sqlite3.connect(path or ":memory:", timeout=2.0))
    except sqlite3.DatabaseError as error:
        if path is None or isinstance(error, sqlite3.OperationalError):
            raise
        log.warning("the memory of earlier uploads is damaged and starts anew: %s", error)
        for name in (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm", "-journal"))):
            name.unlink(missing_ok=True)
        return _checked(sqlite3.connect(path, timeout=2.0))


def _checked(database: sqlite3.Connection) -> sqlite3.Connection:
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        (layout,) = database.execute("PRAGMA user_version").fetchone()
        if layout != _LAYOUT:
            _lay_out(database)
        _forget_old(database, int(time.time()))
        database.commit()
    except BaseException:
        database.close()
        raise
    return database


def _forget_old(database: sqlite3.Connection, now: int) -> None:
    database.execute("DELETE FROM files WHERE used < ?", (now - _FILE_FORGOTTEN_AFTER_S,))
    before = now - _BUCKET_FORGOTTEN_AFTER_S
    gone = "bucket IN (SELECT bucket FROM packs GROUP BY bucket HAVING max(created) < ?)"
    if not database.execute(f"SELECT 1 FROM packs WHERE {gone} LIMIT 1", (before,)).fetchone():
        return
    database.execute(f"DELETE FROM chunks WHERE pack IN (SELECT id FROM packs WHERE {gone})", (before,))
    database.execute(f"DELETE FROM objects WHERE {gone}", (before,))
    database.execute(f"DELETE FROM packs WHERE {gone}", (before,))


def _lay_out(database: sqlite3.Connection) -> None:
    for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        database.execute(f"DROP TABLE {name}")
    database.executescript(_TABLES)
