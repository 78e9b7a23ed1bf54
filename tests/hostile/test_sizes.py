# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of nothing, and of more than anyone has memory for."""

from __future__ import annotations

import os
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from cloud_render.contract.errors import CloudRenderError, FileChanged
from cloud_render.store import SourceFile, Store
from cloud_render.store.progress import Progress

FIVE_GIB = 5 * 2**30


@pytest.fixture(scope="module")
def store():
    """On a server of its own."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    s3 = boto3.client("s3", endpoint_url=f"http://{host}:{port}", **keys)
    s3.create_bucket(Bucket="sizes")
    yield Store(s3, "sizes")
    server.stop()


def test_a_file_of_nothing_is_a_file(store, tmp_path):
    """It has no runs, and comes back."""
    empty = tmp_path / "empty.txt"
    empty.touch()
    (stored,) = store.upload([SourceFile(empty, "empty.txt")], "nothing").files
    assert (stored.size, stored.runs) == (0, ())
    store.fetch(stored, tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == b""


def test_five_gigabytes_of_nothing_cost_one_chunk(store, tmp_path):
    """A sparse file is read block by block, never into memory, and the same content is sent once."""

    class Sent(Progress):
        count = 0

        def sent(self, size: int) -> None:
            self.count += size

    file = tmp_path / "cache.vdb"
    with file.open("wb") as sparse:
        sparse.truncate(FIVE_GIB)
    sent = Sent()
    (stored,) = store.upload([SourceFile(file, "cache.vdb")], "large", sent).files
    assert stored.size == FIVE_GIB == sum(run.length for run in stored.runs)
    assert sent.count < 64 * 2**20


def test_a_file_that_never_ends_is_no_file(store):
    """Nor is a pipe that never begins."""
    with pytest.raises(CloudRenderError):
        store.upload([SourceFile(Path("/dev/zero"), "zero")], "endless")


def test_a_pipe_does_not_hold_the_upload(store, tmp_path):
    """It would wait for a writer for ever."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CloudRenderError):
        store.upload([SourceFile(tmp_path / "pipe", "pipe")], "pipe")


def test_a_file_that_shrinks_while_it_is_read_makes_no_job(store, tmp_path):
    """What was promised can't be sent any more."""

    class Shrinking(Progress):
        def hashed(self, size: int) -> None:
            file.write_bytes(b"short")

    file = tmp_path / "shrinks.bin"
    file.write_bytes(os.urandom(30 * 2**20))
    with pytest.raises(FileChanged):
        store.upload([SourceFile(file, "shrinks.bin")], "shrinks", Shrinking())
