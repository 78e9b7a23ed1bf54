# SPDX-License-Identifier: GPL-3.0-or-later
"""Action `install-blender`: an official archive, checked against its published hash, into the bucket's `blender/`."""

from __future__ import annotations

import argparse
import http.client
import logging
import os
import re
import shutil
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import unquote, urlsplit

from cloud_render import blender as door
from cloud_render.contract import keys
from cloud_render.contract.errors import BadArguments, BadInput, CloudRenderError, NotThere, StorageUnavailable
from cloud_render.contract.versions import numbers, three_numbers
from worker.attempt import Attempt, scratch
from worker.builds import UNPACKED, Build, extract
from worker.cache import in_words, require_free, sha256_of
from worker.disk import fullness_told
from worker.interruption import listening
from worker.s3 import Bucket, bucket_and_key

log = logging.getLogger(__name__)

ARCHIVE = "https://download.blender.org/release/Blender{release}/blender-{version}-linux-x64.tar.xz"
"""Where the official archives lie; CLOUD_RENDER_BLENDER_URL replaces it (a mirror, a studio's own builds)."""

BY_HAND = (
    "From a computer with the archive: python -m worker install-blender VERSION --to s3://BUCKET/blender --from ARCHIVE"
)

TRIES = 3
"""Attempts of the job after which an address that can't be reached is taken for one that never will be."""

_TIMEOUT_S = 60


def run(arguments: argparse.Namespace) -> str:
    """Installs once; a build that is there with the same hash stays as it is. Raises CloudRenderError."""
    version = arguments.version
    if not re.fullmatch(r"\d+\.\d+\.\d+" if arguments.source else r"\d+\.\d+(\.\d+)?", version):
        raise BadArguments(f"{version!r} is not a version.", "Write all three numbers, such as 5.0.1.")
    bucket, place = bucket_and_key(arguments.to)
    if place.rstrip("/") + "/" != keys.BLENDER:
        raise BadArguments(f"{arguments.to!r} is not where workers look.", f"Use s3://{bucket.name}/blender.")
    if arguments.sha256 and not re.fullmatch(r"[0-9a-fA-F]{64}", arguments.sha256):
        raise BadArguments(f"{arguments.sha256!r} is no SHA-256.", "It has 64 hexadecimal digits.")
    with listening(), scratch() as folder:
        version = version if len(numbers(version)) > 2 else newest_of(version)
        source = arguments.source or address_of(version)
        if not _is_address(source) and not Path(source).is_file():
            raise BadArguments(f"There is no file {source}.", "Give --from as a file or URL of an archive.")
        expected = arguments.sha256.lower() or published_hash(source, version)
        if _is_there(bucket, version, expected):
            return f"Blender {version} is in {bucket.uri(keys.blender_build(version))} already"
        archive = _archive(source, folder)
        found = sha256_of(archive)
        if expected and found != expected:
            raise BadInput(f"{source} has the SHA-256 {found}, and {expected} was published.", "Nothing was installed.")
        if not expected:
            log.warning("warning: no hash was given for %s; its SHA-256 is %s", source, found)
        _check(archive, version, folder)
        build = Build(version, archive.name, found, archive.stat().st_size)
        log.info("uploading %s (%s)", build.archive, in_words(build.size))
        bucket.put_file(keys.blender_build(version) + build.archive, archive, "application/x-xz")
        bucket.put(keys.blender_record(version), build.to_json().encode(), "application/json")
    return f"Blender {version} is in {bucket.uri(keys.blender_build(version))}"


def address_of(version: str) -> str:
    template = os.environ.get("CLOUD_RENDER_BLENDER_URL") or ARCHIVE
    try:
        return template.format(version=version, release=version.rpartition(".")[0])
    except (KeyError, IndexError, ValueError) as error:
        raise BadArguments(
            f"CLOUD_RENDER_BLENDER_URL {template!r} can't be used.", "It may hold {version} and {release}."
        ) from error


def newest_of(release: str) -> str:
    """Its newest patch on the site, if that shows what lies in its folder; else its first, which there always is.

    Raises BadArguments.
    """
    first = three_numbers(release)
    address = address_of(first)
    name = _name_of(address)
    if not _is_address(address) or first not in name:
        return first
    try:
        listing = _read(address.rpartition("/")[0] + "/")
    except CloudRenderError as error:
        log.info("which patches there are is not known: %s", error)
        return first
    before, _, after = name.partition(first)
    patches = re.findall(rf"{re.escape(before)}{re.escape(release)}\.(\d+){re.escape(after)}", listing)
    return max((f"{release}.{patch}" for patch in patches), key=numbers, default=first)


def published_hash(source: str, version: str) -> str:
    """What the archive must hash to; empty for a local file that has no list of hashes beside it.

    Raises BadInput where an address has none: what comes over the network is never taken unchecked.
    """
    name = _name_of(source)
    beside = source[: -len(name)] if source.endswith(name) else source.rpartition("/")[0] + "/"
    for place in (f"{beside}blender-{version}.sha256", f"{source}.sha256"):
        try:
            text = _read(place)
        except NotThere:
            continue
        if found := _hash_in(text, name):
            return found
        raise BadInput(f"{place} has no hash for {name}.", "Give the hash with --sha256.")
    if _is_address(source):
        raise BadInput(f"No hash is published beside {source}.", "Give the hash with --sha256.")
    return ""


def _hash_in(text: str, name: str) -> str:
    """The hash of file `name` in a list as sha256sum writes it; a bare hash counts for any name."""
    for line in text.splitlines():
        match = re.fullmatch(r"([0-9a-fA-F]{64})(?:\s+\*?(.+))?", line.strip())
        if match and (match[2] is None or Path(match[2]).name == name):
            return match[1].lower()
    return ""


def _is_address(source: str) -> bool:
    return source.startswith(("https://", "http://"))


def _name_of(source: str) -> str:
    name = Path(unquote(urlsplit(source).path)).name if _is_address(source) else Path(source).name
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+-]*", name):
        raise BadArguments(f"{source!r} does not end in a file's name.", "Give --from as a file or URL of an archive.")
    return name


def _is_there(bucket: Bucket, version: str, expected: str) -> bool:
    there = bucket.get_if_there(keys.blender_record(version))
    return there is not None and bool(expected) and Build.from_json(there).sha256 == expected


def _read(place: str) -> str:
    """A small text from an address or this disk. Raises NotThere or StorageUnavailable."""
    if not _is_address(place):
        try:
            return Path(place).read_text()
        except FileNotFoundError as error:
            raise NotThere(f"{place} is not there.") from error
        except (OSError, ValueError) as error:
            raise BadArguments(f"{place} can't be read ({error}).") from error
    try:
        with _opened(place) as answer:
            return str(answer.read(1_000_000).decode(errors="replace"))
    except (OSError, http.client.HTTPException) as error:
        raise StorageUnavailable(f"{place} ended early ({error}).", "Try again.") from error


def _archive(source: str, folder: Path) -> Path:
    """The archive on this disk."""
    if not _is_address(source):
        return Path(source)
    target = folder / _name_of(source)
    log.info("fetching %s", source)
    with _opened(source) as answer, target.open("wb") as file:
        size = int(answer.headers.get("Content-Length") or 0)
        require_free(folder, size * (1 + UNPACKED))
        try:
            with fullness_told():
                shutil.copyfileobj(answer, file, 1 << 20)
        except (OSError, http.client.HTTPException) as error:
            raise StorageUnavailable(f"{source} ended early ({error}).", "Try again.") from error
    if size and target.stat().st_size != size:
        raise StorageUnavailable(f"{source} ended early.", "Try again.")
    return target


def _opened(address: str) -> http.client.HTTPResponse:
    try:
        answer: http.client.HTTPResponse = urllib.request.urlopen(address, timeout=_TIMEOUT_S)
        return answer
    except urllib.error.HTTPError as error:
        if error.code in (403, 404, 410):
            raise NotThere(f"{address} is not there.", f"Check the version. {BY_HAND}") from error
        raise StorageUnavailable(f"{address} answers {error.code}.", "Try again later.") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        # What ends with BadInput, Batch does not try again.
        given_up = Attempt.of_environment().number >= TRIES
        raise (BadInput if given_up else StorageUnavailable)(
            f"{address} can't be reached ({error}).", f"Check the network of the stack's machines. {BY_HAND}"
        ) from error


def _check(archive: Path, version: str, folder: Path) -> None:
    """Raises BadInput unless the archive unpacks to a Blender of this version that starts here."""
    require_free(folder, archive.stat().st_size * UNPACKED)
    unpacked = folder / "unpacked"
    unpacked.mkdir()
    log.info("unpacking it to see whether it runs")
    extract(archive, unpacked)
    found = door.of_build(unpacked)
    if found.version != version:
        raise BadInput(f"{archive.name} is Blender {found.version}, not {version}.", "Nothing was installed.")
    shutil.rmtree(unpacked, ignore_errors=True)
