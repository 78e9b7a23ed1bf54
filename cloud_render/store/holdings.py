# SPDX-License-Identifier: GPL-3.0-or-later
"""What the bucket holds, learned with few requests: one listing of index objects, and one for each upload's packs.

Index objects that were seen before are remembered. That a pack is there is asked anew by every upload, so content that
was deleted behind our back is noticed; never with a request a file, and never by listing all packs.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from concurrent import futures
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from cloud_render.contract import keys
from cloud_render.contract.errors import BadJob, CloudRenderError, NotThere
from cloud_render.store import index, packs
from cloud_render.store.crew import Crew, insist
from cloud_render.store.index import PackEntry
from cloud_render.store.listing import pages
from cloud_render.store.memory import Memory, Place
from cloud_render.store.ranges import Reader
from cloud_render.store.reading import LOOK_S
from cloud_render.store.translate import translated

log = logging.getLogger(__name__)

T = TypeVar("T")

_AT_ONCE = 12
_PATIENCE = 10
"""Times the stall that is borne: a request here may be several, each of which botocore repeats, with pauses."""

_ATTEMPTS = 2
_LOOKS = 3
"""How often an index object may vanish between its listing and its reading before what is left has to do."""


@dataclass(frozen=True)
class _Object:
    etag: str
    size: int
    """In bytes."""


@dataclass(frozen=True)
class _Found:
    """An index object that was read."""

    key: str
    packs: list[PackEntry]
    vanished: bool


class Holdings:
    """One upload's view of the bucket. `look` is called while waiting for answers; it may raise.

    Packs count as absent that could expire within `needed_for`. `stall_s` as of Store. A context manager.
    """

    def __init__(
        self,
        s3: Any,
        bucket: str,
        memory: Memory,
        needed_for: timedelta,
        lifetime: timedelta,
        look: Callable[[], None],
        stall_s: float,
    ) -> None:
        self._s3 = s3
        self._bucket = bucket
        # Two servers may have buckets of one name: the local cloud and AWS, say.
        self._name = f"{s3.meta.endpoint_url}/{bucket}"
        self._memory = memory
        self._needed_for = needed_for
        self._lifetime = lifetime
        self._look = look
        self._stall_s = stall_s
        self._reader = Reader(s3, bucket, stall_s=stall_s)
        self._pool = Crew(_AT_ONCE, "ask")
        self._objects: dict[str, _Object] = {}
        self._groups: dict[str, Future[dict[str, int]]] = {}
        self._candidates: dict[bytes, list[Place]] = {}
        self._new: set[str] = set()
        self._listing = self._ask(self._listed)

    def __enter__(self) -> Holdings:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.dismiss()

    # -- learning ------------------------------------------------------------------------------------------------------

    def learn(self) -> None:
        """Bring the memory up to what the bucket's index objects say."""
        known = self._memory.objects(self._name)
        for _ in range(_LOOKS):
            self._objects = self._answer(self._listing)
            fresh = [key for key, found in self._objects.items() if known.get(key) != found.etag]
            read = [self._answer(reading) for reading in [self._pool.submit(self._read, key) for key in fresh]]
            for found in read:
                if not found.vanished:
                    self._memory.add_object(self._name, found.key, self._objects[found.key].etag, found.packs)
                    known[found.key] = self._objects[found.key].etag
            if not any(found.vanished for found in read):
                break
            self._listing = self._ask(self._listed)  # another upload put some together: look again
        self._memory.forget_objects(self._name, known.keys() - self._objects.keys())
        self._memory.commit()

    def prepare(self, digests: Iterable[bytes]) -> None:
        """Start to ask for what `place` will need, for many chunks at once."""
        for digest in digests:
            if digest not in self._candidates:
                places = self._memory.places(self._name, digest)
                self._candidates[digest] = places
                for place in places:
                    self._group(place.pack)

    def place(self, digest: bytes) -> Place | None:
        """Where the chunk lies in a pack that is there and stays long enough. Call `prepare` first."""
        places = self._candidates.pop(digest, ())
        return next((place for place in places if self._is_there(place)), None)

    def _is_there(self, place: Place) -> bool:
        return self._answer(self._group(place.pack)).get(place.pack, 0) >= place.offset + place.length

    def _group(self, pack: str) -> Future[dict[str, int]]:
        group = index.group(pack)
        if group not in self._groups:
            self._groups[group] = self._ask(self._packs, group)
        return self._groups[group]

    def _ask(self, request: Callable[..., T], *arguments: Any) -> Future[T]:
        return self._pool.submit(insist, _PATIENCE * self._stall_s, _ATTEMPTS, request, *arguments)

    def _answer(self, future: Future[T]) -> T:
        while not future.done():
            futures.wait([future], LOOK_S)
            self._look()
        return future.result()

    # -- telling others ------------------------------------------------------------------------------------------------

    def arrived(self, pack: PackEntry) -> None:
        """Remember a pack of this upload; others learn of it with `publish`."""
        self._new.add(pack.name)
        self._memory.add_pack(self._name, pack)

    def publish(self, upload_id: str, last: bool) -> None:
        """Write an index object of the packs that none tells of yet; the `last` puts small ones together with it."""
        replaced = index.to_put_together(self._sizes()) if last else []
        told = [
            *(pack for pack in self._memory.packs(self._name, [""]) if self._is_told_to_be_there(pack, False)),
            *(pack for pack in self._memory.packs(self._name, replaced) if self._is_told_to_be_there(pack, True)),
        ]
        if not told:
            return
        content = index.to_bytes(told)
        key = index.key(upload_id, content)
        etag = self._answer(self._ask(self._put, key, content))
        self._objects[key] = _Object(etag, len(content))
        self._memory.add_object(self._name, key, etag, told)
        self._memory.commit()
        replaced = [other for other in replaced if other != key]
        if replaced:
            self._answer(self._ask(self._delete, replaced))
            self._memory.forget_objects(self._name, replaced)

    def _sizes(self) -> dict[str, int]:
        """Of the index objects that were understood, in bytes; what another version wrote is left alone."""
        telling = self._memory.telling(self._name)
        return {key: found.size for key, found in self._objects.items() if key in telling}

    def _is_told_to_be_there(self, pack: PackEntry, unless_asked: bool) -> bool:
        if pack.name in self._new:
            return True
        listing = self._groups.get(index.group(pack.name))
        if listing is not None and listing.done() and not listing.exception():
            return pack.name in listing.result()
        return unless_asked and pack.created > (datetime.now(UTC) - self._lifetime).timestamp()

    # -- requests; each in a thread of the pool ------------------------------------------------------------------------

    def _listed(self) -> dict[str, _Object]:
        with translated("see what the bucket holds"):
            listing = pages(self._s3, Bucket=self._bucket, Prefix=keys.INDEX)
            entries = [entry for page in listing for entry in page.get("Contents", ())]
        return {entry["Key"]: _Object(entry["ETag"], entry["Size"]) for entry in entries}

    def _packs(self, group: str) -> dict[str, int]:
        return packs.there(self._s3, self._bucket, group, self._needed_for, self._lifetime)

    def _read(self, key: str) -> _Found:
        """An index that can't be used is as good as none: its chunks are sent again, nothing is lost."""
        try:
            found = self._objects[key]
            content = self._reader.part(key, 0, found.size, found.etag)
            return _Found(key, index.from_bytes(bytes(content)), False)
        except NotThere:
            return _Found(key, [], True)
        except BadJob as error:
            log.warning("left out the index %s: %s", key, error)
            return _Found(key, [], False)

    def _put(self, key: str, content: bytes) -> str:
        with translated("write the index of the upload"):
            etag: str = self._s3.put_object(
                Bucket=self._bucket, Key=key, Body=content, ChecksumSHA256=index.checksum(content)
            )["ETag"]
        return etag

    def _delete(self, replaced: list[str]) -> None:
        try:
            with translated("delete what a new index replaces"):
                self._s3.delete_objects(
                    Bucket=self._bucket, Delete={"Objects": [{"Key": key} for key in replaced[:1000]], "Quiet": True}
                )
        except CloudRenderError as error:  # they only cost the next reader some time
            log.info("%s", error)
