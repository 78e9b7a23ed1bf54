# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts a job's files below the attempt's own root, out of the instance's cache, and never writes outside that root."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath

from cloud_render.contract.contents import Contents, StoredFile
from cloud_render.contract.errors import BadJob, MissingFiles
from cloud_render.contract.job import JobFile, RenderJob
from cloud_render.contract.keys import Prefix
from cloud_render.contract.scene import problem_of_scene_path
from cloud_render.store import Store
from worker.cache import Cache, require_free
from worker.s3 import Bucket

_AT_ONCE = 4
"""Files hashed and linked together: hashlib works beside the interpreter's lock."""


def lay_out(bucket: Bucket, prefix: Prefix, job: RenderJob, root: Path, cache: Cache) -> Path:
    """All of the job's files below `root`; where the .blend lies. `prefix` holds the job's contents.json.gz.

    Raises MissingFiles (job.json and contents.json.gz don't agree), BadJob (a path that would leave the root, or two
    that exclude each other), DiskFull (checked before anything is fetched), StorageUnavailable or NotThere.
    """
    contents = Contents.from_json_gz(bucket.get(prefix.contents))
    stored = _stored(job.files, contents)
    # Scripts and hooks may write to the scene's files; their own copies keep the cache as it is.
    private = bool(job.use_scripts or job.hooks.pre_render or job.hooks.post_render)
    absent = {file.sha256: file.size for file in stored if not cache.has(file.sha256)}
    cache.make_room(sum(absent.values()))
    require_free(root, sum(file.size for file in stored) if private or not _links(cache.folder, root) else 0)
    targets = [place(root, file.path) for file in stored]
    store = Store(bucket.client, bucket.name)

    def fetch_absent(place_of: Callable[[str], Path]) -> None:
        store.fetch_all([file for file in stored if not cache.has(file.sha256)], lambda file: place_of(file.sha256))

    # Many small files come in a few requests; then each is looked at by its hash on its way below the root.
    cache.fill(f"job-{job.id}", absent, fetch_absent)

    def bring(file: StoredFile, target: Path) -> None:
        with cache.file(file.sha256, lambda path: store.fetch(file, path)) as cached:
            _link_or_copy(cached, target, private=private)

    pool = ThreadPoolExecutor(_AT_ONCE)
    try:
        for _ in pool.map(bring, stored, targets):
            pass
    finally:
        pool.shutdown(cancel_futures=True)  # after an error or SIGTERM nothing new begins
    return root / job.blend


def place(root: Path, scene_path: str) -> Path:
    """Where `scene_path` lies below `root`, its folder made. Raises BadJob for what would lead out of the root."""
    problem = problem_of_scene_path(scene_path)
    if problem:
        raise BadJob("job.json", [f"path {scene_path!r} is refused: {problem}"])
    folder = root
    for part in PurePosixPath(scene_path).parts:
        try:
            folder.mkdir(exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise BadJob("job.json", [f"path {scene_path!r} needs a folder where another file lies"]) from error
        folder /= part
        # One that a script or hook left there must not lead us out of the root, not even to make a folder.
        if folder.is_symlink():
            raise BadJob("job.json", [f"path {scene_path!r} is refused: a link lies on its way"])
    target = folder
    if target.is_dir():
        raise BadJob("job.json", [f"path {scene_path!r} is a folder of another file"])
    return target


def _stored(files: Sequence[JobFile], contents: Contents) -> list[StoredFile]:
    known = {file.path: file for file in contents.files}
    wrong = [
        file.path
        for file in files
        if file.path not in known or (known[file.path].sha256, known[file.path].size) != (file.sha256, file.size)
    ]
    if wrong:
        raise MissingFiles(wrong, "contents.json.gz does not hold them as job.json says: submit the scene again.")
    return [known[file.path] for file in files]


def _links(cache: Path, root: Path) -> bool:
    """Whether hard links can lead from one to the other."""
    return cache.stat().st_dev == root.stat().st_dev


def _link_or_copy(cached: Path, target: Path, *, private: bool) -> None:
    if not private:
        try:
            os.link(cached, target)
            return
        except OSError as error:
            # Another disk, a file system without links, or one that has too many of them.
            if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.EACCES):
                raise
    shutil.copyfile(cached, target)
