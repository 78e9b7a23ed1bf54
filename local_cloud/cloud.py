# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts a local cloud together, and takes it apart again: server, services, engine, folders, processes."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config

from local_cloud import moto_shims, moto_steps, room
from local_cloud.bad_line import BadLine, names_of
from local_cloud.batch_api import BatchApi
from local_cloud.control import Control
from local_cloud.engine import Engine
from local_cloud.event_bus import EventBus
from local_cloud.event_targets import to_batch, to_sns, to_states
from local_cloud.events import Announced, Outbox
from local_cloud.fault_log import FaultLog
from local_cloud.faults import Plan
from local_cloud.front import Front, ObjectStore, moto_application
from local_cloud.instances import Fleet
from local_cloud.jobs import Job
from local_cloud.journal import JournalTooNew, SqliteJournal
from local_cloud.kin import PROC
from local_cloud.logs import LogFolder
from local_cloud.logs_api import LogsApi
from local_cloud.metadata import METADATA, Metadata
from local_cloud.perils import Perils
from local_cloud.processes import Groups
from local_cloud.registry import MotoRegistry
from local_cloud.restarts import Restarts
from local_cloud.runner import SubprocessRunner, child_environment
from local_cloud.s3_moto import MotoS3
from local_cloud.s3_proxy import ProxyS3
from local_cloud.seaweed import NoSeaweed, Seaweed
from local_cloud.server import Server
from local_cloud.small_disk import way_to_mount

log = logging.getLogger(__name__)

REGION = "us-east-1"
ACCESS_KEY = "local-cloud"
SECRET_KEY = "local-cloud-secret"
"""No secret: they only have to be the same on both sides, and to work nowhere else."""

LOCK_S = 10.0
"""The warden of a killed local cloud takes five seconds to end its children; only then is a data folder free."""

WORKER = dict.fromkeys(("*cloud-render-worker*", "*.dkr.ecr.*"), (sys.executable, "-m", "worker"))
"""What runs in place of the worker's image: one by that name, or whatever lies in the stack's own repository."""


class Unusable(Exception):
    """Why this local cloud can't start, in one line."""


@dataclass(frozen=True)
class Setting:
    """What the command line says."""

    port: int = 0
    slots: int = 1
    data: Path | None = None
    s3: str | None = None
    images: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Glob of image names → argv prefix; looked at before the worker's own."""
    faults: Plan = field(default_factory=Plan)


@dataclass(frozen=True)
class Keys:
    """Who may call, and from where."""

    access: str
    secret: str
    region: str


class Cloud:
    """A local cloud that serves from the end of the constructor until the `with` block ends. Raises Unusable."""

    def __init__(self, setting: Setting) -> None:
        if setting.slots < 1:
            raise Unusable("--slots must be 1 or more.")
        if setting.data and setting.s3:
            raise Unusable("--data and --s3 exclude each other: each says where the objects are.")
        _check_plan(setting.faults)
        keys = _keys_of(setting)
        with ExitStack() as undo:
            self._server = _server(setting.port)
            # It ends last: running jobs still send their reports while they end, and would wait for an answer.
            undo.callback(self._server.end)
            endpoint = f"http://127.0.0.1:{self._server.port}"
            self.address = {
                "endpoint_url": endpoint,
                "region": keys.region,
                "access_key": keys.access,
                "secret_key": keys.secret,
            }
            self._assemble(setting, endpoint, keys, undo)
            self._server.begin()
            self._undo = undo.pop_all()

    def _assemble(self, setting: Setting, endpoint: str, keys: Keys, undo: ExitStack) -> None:
        temporary = Path(
            undo.enter_context(tempfile.TemporaryDirectory(prefix="local-cloud-", ignore_cleanup_errors=True))
        )
        kept = _made(setting.data.resolve()) if setting.data else temporary
        _check_room(temporary.parent)
        _check_room(kept)
        lock = _locked(kept, undo)
        groups = Groups(held=(lock,))
        undo.callback(groups.close)
        os.environ["MOTO_PORT"] = str(self._server.port)  # Read while moto is imported.
        moto = moto_application()
        s3 = _s3_server(setting, kept, keys, groups, undo)
        moto_shims.apply(_objects_of(s3, keys) if s3 else None)
        objects: ObjectStore = ProxyS3(s3) if s3 else MotoS3(moto)
        logs = LogFolder(kept / "logs")
        plan, injected = setting.faults, FaultLog()
        seeded = Random(f"{plan.seed}/machines") if plan.faults else None
        fleet = Fleet(keys.region, plan.machine_places, seeded)
        runner = SubprocessRunner(
            groups,
            logs,
            {**setting.images, **WORKER},
            child_environment(os.environ, endpoint, keys.access, keys.secret),
            cache=_made(kept / "cache"),
            scratch=_made(temporary / "scratch"),
            perils=Perils(plan, injected, fleet),
            metadata_url=endpoint + METADATA,
        )
        outbox = Outbox(kept / "events.sqlite")
        undo.callback(outbox.close)
        engine = _engine(runner, setting, kept, undo, outbox.job_came_further)
        batch = BatchApi(engine, MotoRegistry())
        self._server.application = Front(
            moto,
            batch,
            LogsApi(logs),
            Announced(objects, moto_shims.tells_events, keys.region, outbox.put),
            Control(engine, injected),
            Metadata(fleet),
            BadLine(plan, injected, names_of(engine)),
            {keys.access: keys.secret},
        )
        moto_steps.apply(partial(_client, endpoint, keys), partial(_terminate, engine), outbox.execution_stopped)
        deliveries = {"batch": to_batch(batch), "sns": to_sns, "states": to_states}
        undo.callback(EventBus(outbox, deliveries).start().stop)
        engine.start()
        undo.callback(engine.close)
        undo.callback(Restarts(engine, plan, injected).start().stop)

    def __enter__(self) -> Cloud:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._undo.close()


def _check_plan(plan: Plan) -> None:
    wanted = {kind for kind, rule in plan.faults.items() if rule.probability and rule.count != 0}
    blender = sorted(wanted & {"kill-blender", "hang"})
    if blender and not PROC.is_dir():
        raise Unusable(f"the faults {' and '.join(blender)} need Linux, whose /proc tells which process is Blender.")
    if "full-disk" in wanted and way_to_mount() is None:
        raise Unusable("the fault full-disk needs a disk that can be full: Linux as root, or with user namespaces.")


def _check_room(folder: Path) -> None:
    if lacking := room.lacking(folder, room.TO_START):
        raise Unusable(f"{lacking}. Make room there, or set TMPDIR (or --data) to a folder on a larger disk.")


def _keys_of(setting: Setting) -> Keys:
    if not setting.s3:
        return Keys(ACCESS_KEY, SECRET_KEY, REGION)
    if urlsplit(setting.s3).scheme not in ("http", "https") or not urlsplit(setting.s3).hostname:
        raise Unusable(f"--s3 {setting.s3} is not the address of a server: write it as http://host:port.")
    access, secret = os.environ.get("AWS_ACCESS_KEY_ID"), os.environ.get("AWS_SECRET_ACCESS_KEY")
    if not access or not secret:
        raise Unusable("--s3 needs the server's keys in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.")
    return Keys(access, secret, os.environ.get("AWS_REGION", REGION))


def _locked(folder: Path, undo: ExitStack) -> int:
    """An open file that locks the folder against a second local cloud, and against what is left of a killed one."""
    file = undo.enter_context((folder / "lock").open("w"))
    deadline = time.monotonic() + LOCK_S
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise Unusable(f"{folder} is in use by another local cloud.") from None
            time.sleep(0.1)
        else:
            return file.fileno()


def _s3_server(setting: Setting, kept: Path, keys: Keys, groups: Groups, undo: ExitStack) -> str | None:
    """The address of the S3 server that keeps the objects; None for moto's own."""
    if not setting.data:
        return setting.s3
    try:
        seaweed = Seaweed(kept, keys.access, keys.secret, groups)
    except NoSeaweed as problem:
        raise Unusable(str(problem)) from problem
    undo.callback(seaweed.stop)
    return seaweed.url


def _client(url: str, keys: Keys, service: str, region: str) -> Any:
    session: Any = boto3.session.Session()
    return session.client(
        service,
        endpoint_url=url,
        region_name=region,
        aws_access_key_id=keys.access,
        aws_secret_access_key=keys.secret,
        config=Config(s3={"addressing_style": "path"}),
    )


def _terminate(engine: Engine, job_id: str, reason: str) -> None:
    if job := engine.job(job_id):
        engine.terminate(job, reason)


def _objects_of(url: str, keys: Keys) -> moto_shims.Objects:
    client = _client(url, keys, "s3", keys.region)
    place = {} if keys.region == REGION else {"CreateBucketConfiguration": {"LocationConstraint": keys.region}}

    def make_bucket(bucket: str) -> None:
        # The bucket of an earlier run is the reason for the data folder: it is taken over with what is in it.
        with suppress(client.exceptions.BucketAlreadyOwnedByYou):
            client.create_bucket(Bucket=bucket, **place)

    def read(bucket: str, key: str) -> bytes:
        value: bytes = client.get_object(Bucket=bucket, Key=key)["Body"].read()
        return value

    return moto_shims.Objects(make_bucket, read)


def _engine(
    runner: SubprocessRunner, setting: Setting, kept: Path, undo: ExitStack, watch: Callable[[Job], None]
) -> Engine:
    try:
        journal = SqliteJournal(kept / "jobs.sqlite")
    except (JournalTooNew, sqlite3.DatabaseError) as problem:
        raise Unusable(f"{kept / 'jobs.sqlite'} can't be read: {problem}. Use another --data folder.") from problem
    undo.callback(journal.close)
    engine = Engine(runner, setting.slots, journal, watch=watch)
    engine.restore(journal.load(int(time.time() * 1000)))
    return engine


def _server(port: int) -> Server:
    try:
        return Server(port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise Unusable(f"port {port} is in use. Choose another with --port, or stop what listens there.") from error
        raise Unusable(f"can't listen on port {port}: {error.strerror}.") from error
    except OverflowError as error:
        raise Unusable(f"{port} is not a port: choose one from 0 to 65535.") from error


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
