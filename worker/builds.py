# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Blender renders a job: the one on this machine, or a build out of the bucket, unpacked once an instance.

The rule: the same major.minor as the Blender that saved the scene, where alone the file opens fully. In this order:
1. CLOUD_RENDER_BLENDER. Whoever sets it chose: a newer release is taken with a notice, an older one is refused, because
   it can't read the file ("expect loss of data" at best).
2. The Blender of this machine (bpy of this Python, or blender on PATH), if it is the same release and no older patch.
3. A build of the same release in the bucket: the job's own version, else the newest patch.
Otherwise the error says how to install one.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import lzma
import os
import tarfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cloud_render import blender as door
from cloud_render.blender import Blender
from cloud_render.contract import keys, values
from cloud_render.contract.errors import BadArguments, BadInput, StorageUnavailable, UnreadableBlend
from cloud_render.contract.versions import numbers, release, three_numbers
from worker.cache import Cache, in_words, sha256_of
from worker.disk import NO_ROOM
from worker.s3 import Bucket

log = logging.getLogger(__name__)

UNPACKED = 4
"""An official archive needs about this many times its own size once unpacked (5.0.1: 380 MB to 1.2 GB)."""


_NO_ARCHIVE = (tarfile.TarError, EOFError, KeyError, ValueError, zlib.error, lzma.LZMAError)
"""What tarfile meets in an archive that is damaged, or made to hurt: links to nothing, names that are no text."""

_OF_THE_DISK = {*NO_ROOM, errno.EIO, errno.EROFS}
"""Any other error of the system is the archive's fault: names too long, a file where a folder should be."""


@dataclass(frozen=True)
class Build:
    """build.json of a build in the bucket; written last, so where it exists the archive is whole."""

    version: str
    archive: str
    """Its file name, beside build.json."""
    sha256: str
    size: int
    """In bytes, packed."""

    def to_json(self) -> str:
        return values.to_json(self)

    @classmethod
    def from_json(cls, text: str | bytes) -> Build:
        return values.from_json(cls, text, "build.json")


class NoBuild(BadInput):
    """There is no Blender that would do, neither here nor in the bucket."""


@contextlib.contextmanager
def chosen(bucket: Bucket, cache: Cache, version: str, warn: Callable[[str], None]) -> Iterator[Blender]:
    """The Blender for a job of Blender `version`, or of a release such as 5.0 ("" for any). A build stays in the cache
    as long as the block.

    Raises UnreadableBlend (too old), BadArguments, or NoBuild.
    """
    if here := _of_this_machine(version, warn):
        yield here
        return
    build = _of_bucket(bucket, version)
    if build is None:
        wanted = three_numbers(version) if version else "VERSION"
        raise NoBuild(
            f"There is no Blender{' ' + release(version) if version else ''} here or in {bucket.uri(keys.BLENDER)}.",
            f"Install it: cloud-render blender install {wanted}, or by hand "
            f"python -m worker install-blender {wanted} --to s3://{bucket.name}/blender",
        )
    with cache.build(build.sha256, lambda folder: _unpack(bucket, cache, build, folder)) as folder:
        found = door.of_build(folder)
        _notice(found.version, version, warn)
        yield found


def _of_this_machine(version: str, warn: Callable[[str], None]) -> Blender | None:
    explicit = os.environ.get("CLOUD_RENDER_BLENDER", "")
    if explicit:
        found = door.find(explicit)
        if version and numbers(found.version)[:2] < numbers(version)[:2]:
            raise UnreadableBlend(
                f"Blender {found.version} here is older than {version}, which saved the scene.",
                "Point CLOUD_RENDER_BLENDER to a newer one.",
            )
        _notice(found.version, version, warn)
        return found
    try:
        found = door.find()
    except BadArguments:
        return None  # none here: the usual case in the container
    if version and (release(found.version) != release(version) or numbers(found.version) < numbers(version)):
        log.info("Blender %s of this machine does not fit a scene of %s", found.version, version)
        return None
    _notice(found.version, version, warn)
    return found


def _notice(found: str, version: str, warn: Callable[[str], None]) -> None:
    if version and version not in (found, release(found)):
        warn(f"The scene was sent by Blender {version} and is rendered by {found}.")


def _of_bucket(bucket: Bucket, version: str) -> Build | None:
    """The build to take: exactly `version`, else the newest of its release, else (for "") the newest of all."""
    there = filter(None, (keys.blender_of_record(item.key) for item in bucket.list(keys.BLENDER)))
    fitting = [name for name in there if not version or release(name) == release(version)]
    if not fitting:
        return None
    best = version if version in fitting else max(fitting, key=numbers)
    return Build.from_json(bucket.get(keys.blender_record(best)))


def _unpack(bucket: Bucket, cache: Cache, build: Build, folder: Path) -> None:
    cache.make_room(build.size * (1 + UNPACKED))
    log.info("fetching Blender %s (%s)", build.version, in_words(build.size))
    archive = folder.with_name(f".{build.sha256}.archive.part")
    try:
        bucket.download(keys.blender_build(build.version) + build.archive, archive)
        if sha256_of(archive) != build.sha256:
            raise StorageUnavailable(f"Blender {build.version} arrived damaged.", "Try again; nothing of it was kept.")
        log.info("unpacking it, once for this machine")
        extract(archive, folder)
    finally:
        archive.unlink(missing_ok=True)


def extract(archive: Path, folder: Path) -> None:
    """Unpacks into `folder`, and never outside: absolute names, `..`, devices and links that lead out are refused.

    Raises BadInput for what is no sound archive.
    """
    try:
        with tarfile.open(archive) as packed:
            packed.extractall(folder, filter="data")
    except _NO_ARCHIVE as error:
        reason = (str(error).splitlines() or [type(error).__name__])[
            0
        ]  # the rest is one line for each compression that was tried
        raise BadInput(f"The Blender archive can't be unpacked ({reason}).", "Install it again.") from error
    except OSError as error:
        if error.errno in _OF_THE_DISK:
            raise
        raise BadInput(f"The Blender archive can't be unpacked ({error}).", "Install it again.") from error
