# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts a local cloud together, and takes it apart again: server, services, engine, folders, processes."""

from __future__ import annotations

import errno
import logging
import os
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from local_cloud import moto_shims
from local_cloud.batch_api import BatchApi
from local_cloud.control import Control
from local_cloud.engine import Engine
from local_cloud.front import Front, ObjectStore, moto_application
from local_cloud.logs import LogFolder
from local_cloud.logs_api import LogsApi
from local_cloud.processes import Groups
from local_cloud.registry import MotoRegistry
from local_cloud.runner import SubprocessRunner, child_environment
from local_cloud.s3_moto import MotoS3
from local_cloud.server import Server

log = logging.getLogger(__name__)

REGION = "us-east-1"
ACCESS_KEY = "local-cloud"
SECRET_KEY = "local-cloud-secret"
"""No secret: they only have to be the same on both sides, and to work nowhere else."""

WORKER = {"*cloud-render-worker*": (sys.executable, "-m", "worker")}
"""What runs in place of the worker's image."""


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


class Cloud:
    """A local cloud that serves from the end of the constructor until the `with` block ends. Raises Unusable."""

    def __init__(self, setting: Setting) -> None:
        if setting.slots < 1:
            raise Unusable("--slots must be 1 or more.")
        with ExitStack() as undo:
            self._server = _server(setting.port)
            undo.callback(self._server.server_close)
            endpoint = f"http://127.0.0.1:{self._server.port}"
            self.address = {
                "endpoint_url": endpoint,
                "region": REGION,
                "access_key": ACCESS_KEY,
                "secret_key": SECRET_KEY,
            }
            self._assemble(setting, endpoint, undo)
            thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="server", daemon=True)
            thread.start()
            undo.callback(self._server.shutdown)
            self._undo = undo.pop_all()

    def _assemble(self, setting: Setting, endpoint: str, undo: ExitStack) -> None:
        folder = Path(
            undo.enter_context(tempfile.TemporaryDirectory(prefix="local-cloud-", ignore_cleanup_errors=True))
        )
        kept = folder
        groups = Groups()
        undo.callback(groups.close)
        os.environ["MOTO_PORT"] = str(self._server.port)  # Read while moto is imported.
        moto = moto_application()
        moto_shims.apply()
        objects: ObjectStore = MotoS3(moto)
        logs = LogFolder(kept / "logs")
        runner = SubprocessRunner(
            groups,
            logs,
            {**setting.images, **WORKER},
            child_environment(os.environ, endpoint, ACCESS_KEY, SECRET_KEY),
            cache=_made(kept / "cache"),
            scratch=_made(folder / "scratch"),
        )
        engine = Engine(runner, setting.slots)
        self._server.application = Front(
            moto, BatchApi(engine, MotoRegistry()), LogsApi(logs), objects, Control(engine), {ACCESS_KEY: SECRET_KEY}
        )
        engine.start()
        undo.callback(engine.close)

    def __enter__(self) -> Cloud:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._undo.close()


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
