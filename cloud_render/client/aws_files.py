# SPDX-License-Identifier: GPL-3.0-or-later
"""The person's own AWS files: the configuration, read as boto3 reads it and changed by the line, and the cache of
sign-ins. Nothing else in them is touched, and whoever reads meanwhile sees the old file or the new one."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shlex
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cloud_render.contract.errors import BadArguments, CloudNotReady, DiskFull
from cloud_render.store.translate import translated

Section = Mapping[str, str]


def configuration() -> Mapping[str, Mapping[str, dict[str, Any]]]:
    """`profiles` and `sso_sessions` of config and credentials file, by name. Raises CloudNotReady for a broken file."""
    from botocore.session import Session

    with translated("read the AWS configuration", CloudNotReady):
        found: dict[str, Mapping[str, dict[str, Any]]] = Session().full_config
    return {"profiles": found["profiles"], "sso_sessions": found.get("sso_sessions", {})}


def config_file() -> Path:
    """AWS_CONFIG_FILE or ~/.aws/config, whether it is there or not."""
    named = os.path.expandvars(os.environ.get("AWS_CONFIG_FILE") or "~/.aws/config")
    return Path(named).expanduser()


def sign_in_file(key: str) -> Path:
    """Where every AWS tool keeps the token of the session (or, in older profiles, of the start URL) `key`."""
    name = hashlib.sha1(key.encode(), usedforsecurity=False).hexdigest()
    return Path("~/.aws/sso/cache").expanduser() / f"{name}.json"


def write_sections(sections: Mapping[str, Section]) -> None:
    """Set these values in these sections of the config file, such as `profile ann`; all other lines stay.

    Raises BadArguments where AWS_CONFIG_FILE names no file, DiskFull or CloudNotReady where it can't be written.
    """
    path = config_file()
    if path.exists() and not path.is_file():
        raise BadArguments(f"{path} is no file to write profiles into.", "Unset AWS_CONFIG_FILE, or name a file.")
    # surrogateescape: what is no UTF-8 in somebody's comments comes back as it was.
    text = path.read_bytes().decode("utf-8", "surrogateescape") if path.exists() else ""
    for title, values in sections.items():
        text = with_section(text, title, values)
    write_private(path, text.encode("utf-8", "surrogateescape"))


def with_section(text: str, title: str, values: Section) -> str:
    """`text` of a config file with these values in the section `title`, which is made at the end if it is not there."""
    newline = "\r\n" if "\r\n" in text else "\n"
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith(("\n", "\r")):
        lines[-1] += newline
    first = next((number for number, line in enumerate(lines) if _title(line) == _words(title)), None)
    if first is None:
        blank = [newline] if lines and lines[-1].strip() else []
        return "".join([*lines, *blank, f"[{title}]{newline}", *_rows(values, newline)])
    after = next((n for n, line in enumerate(lines[first + 1 :], first + 1) if _title(line) is not None), len(lines))
    kept = _without(lines[first + 1 : after], values)
    end = max((number + 1 for number, line in enumerate(kept) if line.strip()), default=0)
    return "".join([*lines[: first + 1], *kept[:end], *_rows(values, newline), *kept[end:], *lines[after:]])


def _rows(values: Section, newline: str) -> list[str]:
    return [f"{key} = {value}{newline}" for key, value in values.items()]


def _words(title: str) -> list[str]:
    """`profile "ann"` and `profile ann` are one section."""
    try:
        return shlex.split(title)
    except ValueError:
        return [title]


def _title(line: str) -> list[str] | None:
    match = re.match(r"\[(.+)\]", line)
    return _words(match[1]) if match else None


def _without(lines: list[str], values: Section) -> list[str]:
    """A section's lines but those that set one of `values`, with the indented lines that belong to them."""
    kept: list[str] = []
    dropping = False
    for line in lines:
        key = re.match(r"([^\s#;=:][^=:]*?)\s*[=:]", line)
        if key:
            dropping = key[1].lower() in values
        elif not line[:1].isspace() or not line.strip():
            dropping = False
        if not dropping:
            kept.append(line)
    return kept


def read_sign_in(key: str) -> dict[str, Any]:
    """What is remembered of the last sign-in; empty where nothing is, or nothing that can be read."""
    try:
        found = json.loads(sign_in_file(key).read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write_private(path: Path, content: bytes) -> None:
    """Replace the file, or the one a link leads to, in one step; its rights stay, a new one is for its owner alone.

    Raises DiskFull or CloudNotReady.
    """
    target = path.resolve()
    try:
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            if target.exists():
                temporary.chmod(target.stat().st_mode & 0o777)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        kind = DiskFull if error.errno == errno.ENOSPC else CloudNotReady
        raise kind(f"Could not write {path}: {error.strerror}.", "Check its folder's rights and the disk.") from error
