# SPDX-License-Identifier: GPL-3.0-or-later
"""A Blender build for the image, out of this Python's bpy wheel, and a mirror that offers it as blender.org would."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import http.server
import importlib.metadata
import io
import re
import sys
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

STARTER = b"""\
#!/bin/sh
# The image's Python, with bpy and what it needs in front.
PYTHONPATH="${0%/bin/python3}/site:$PYTHONPATH" exec /usr/bin/python3 "$@"
"""


@dataclass(frozen=True)
class Mirror:
    """Where a build can be had."""

    address: str
    """With {version} in it, as CLOUD_RENDER_BLENDER_URL wants it."""
    version: str


def write_archive(folder: Path) -> str:
    """blender-<version>.tar.gz in `folder`, and its hash beside it; the version."""
    version = importlib.metadata.version("bpy")
    archive = folder / f"blender-{version}.tar.gz"
    with tarfile.open(archive, "w:gz", compresslevel=1) as packed:
        starter = tarfile.TarInfo(f"blender-{version}/bin/python3")
        starter.size, starter.mode = len(STARTER), 0o755
        packed.addfile(starter, io.BytesIO(STARTER))
        for name in sorted(_with_what_it_needs("bpy")):
            for file in importlib.metadata.distribution(name).files or ():
                if ".." not in file.parts:
                    packed.add(file.locate(), f"blender-{version}/site/{file}", recursive=False)
    with archive.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    (folder / f"blender-{version}.sha256").write_text(f"{digest}  {archive.name}\n")
    return version


def _with_what_it_needs(name: str) -> set[str]:
    """The distribution and all that it requires, without extras."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        this = waiting.pop()
        if this not in found:
            found.add(this)
            wanted = importlib.metadata.requires(this) or ()
            waiting += [re.split(r"[^\w.-]", one)[0] for one in wanted if ";" not in one]
    return found


@contextlib.contextmanager
def offered(folder: Path) -> Iterator[Mirror]:
    """Serve the build on loopback."""
    version = write_archive(folder)
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield Mirror(f"http://127.0.0.1:{server.server_port}/blender-{{version}}.tar.gz", version)
        finally:
            server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing: pytest's output is for results."""


if __name__ == "__main__":
    print(write_archive(Path(sys.argv[1])))
