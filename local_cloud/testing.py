# SPDX-License-Identifier: GPL-3.0-or-later
"""A local cloud for the length of a `with` block, as tests and benchmarks use it.

with running(slots=2) as cloud:
    outputs = cloud.deploy(DefaultDevice="any")
    subprocess.run(["cloud-render", "jobs"], env=cloud.environment())
    cloud.client("s3").list_objects_v2(Bucket=outputs["BucketName"])
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.httpsession import URLLib3Session

START_S = 60.0
STOP_S = 60.0


class DidNotStart(Exception):
    """The local cloud ended instead of getting ready; the text is what it wrote to stderr."""


@dataclass(frozen=True)
class LocalCloud:
    """A running local cloud, as a client sees it."""

    endpoint_url: str
    region: str
    access_key: str
    secret_key: str
    process: subprocess.Popen[str]

    def environment(self, base: Mapping[str, str] | None = None) -> dict[str, str]:
        """`base` (this process's own environment) with what leads boto3 here, and no AWS profile of the developer."""
        inherited = os.environ if base is None else base
        kept = {name: value for name, value in inherited.items() if not name.startswith("AWS_")}
        return {
            **kept,
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    def client(self, service_name: str, /, **changes: Any) -> Any:
        """A boto3 client of this cloud; `changes` go to boto3, such as another `aws_secret_access_key`."""
        session: Any = boto3.session.Session()
        return session.client(service_name, **{**self._connection(), **changes})

    def deploy(self, stack: str = "cloud-render", /, **parameters: str) -> dict[str, str]:
        """Deploy the template as the client does; the stack's Outputs.

        Unless told otherwise for any device, with the Blender of this computer.
        """
        # Here alone, and only for tests: the local cloud itself knows no client.
        from cloud_render.client import stack as client_stack

        return client_stack.deploy(self, stack, {"DefaultDevice": "any", "BlenderFrom": "image", **parameters})

    def take_host_away(self, job_id: str) -> bool:
        """End a running job's attempt as a Spot reclaim does. False where the job does not run."""
        return bool(self._control("take-host-away", jobId=job_id)["taken"])

    def set_capacity(self, queue_arn: str, missing: str = "") -> None:
        """Keep a queue's jobs RUNNABLE, with Batch's word for why; an empty `missing` lets them go."""
        self._control("set-capacity", jobQueue=queue_arn, missing=missing)

    def hurt(self, job_id: str, kind: str) -> bool:
        """Let a fault of `faults.ATTEMPT_KINDS` happen to a running job now. False where it can't."""
        return bool(self._control("hurt", jobId=job_id, kind=kind)["happened"])

    def restart_engine(self) -> None:
        """Kill the scheduler and all that runs; it goes on from its journal."""
        self._control("restart-engine")

    def faults(self) -> list[dict[str, Any]]:
        """What was injected so far, oldest first: `fault_log.Injected` as JSON."""
        found: list[dict[str, Any]] = self._control("faults")["faults"]
        return found

    def stop(self) -> int:
        """End it with SIGTERM; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_S)

    def kill(self) -> None:
        """End it with SIGKILL, as a power cut would."""
        self.process.kill()
        self.process.wait(STOP_S)

    def _connection(self) -> dict[str, Any]:
        return {
            "endpoint_url": self.endpoint_url,
            "region_name": self.region,
            "aws_access_key_id": self.access_key,
            "aws_secret_access_key": self.secret_key,
            "config": Config(signature_version=None, s3={"addressing_style": "path"}),
        }

    def _control(self, call: str, **values: Any) -> dict[str, Any]:
        request = AWSRequest("POST", f"{self.endpoint_url}/_local-cloud/{call}", data=json.dumps(values))
        SigV4Auth(Credentials(self.access_key, self.secret_key), "local-cloud", self.region).add_auth(request)
        response = URLLib3Session().send(request.prepare())
        if response.status_code != 200:
            raise RuntimeError(f"{call}: {response.status_code} {response.text}")
        answer: dict[str, Any] = json.loads(response.content)
        return answer


@contextmanager
def running(
    slots: int = 2,
    *,
    port: int = 0,
    data: Path | None = None,
    s3: str | None = None,
    images: Mapping[str, Sequence[str]] | None = None,
    environment: Mapping[str, str] | None = None,
    faults: Mapping[str, Any] | None = None,
) -> Iterator[LocalCloud]:
    """Start `python -m local_cloud`, wait until it is ready, and stop it at the end.

    `images` maps globs of image names to the argv prefix that runs in their place; `environment` is laid over this
    process's own; `faults` is a plan as in its JSON (docs/testing.md). Raises DidNotStart.
    """
    command = [sys.executable, "-m", "local_cloud", "--port", str(port), "--slots", str(slots)]
    command += ["--data", str(data)] if data else []
    command += ["--s3", s3] if s3 else []
    for glob, argv in (images or {}).items():
        command += ["--image", f"{glob}={json.dumps(list(argv))}"]
    plan = _written(faults or {})
    command += ["--faults", str(plan)]
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **(environment or {})},
    )
    complaints: list[str] = []
    listener = threading.Thread(target=_listen, args=(process, complaints), daemon=True)
    listener.start()
    watchdog = threading.Timer(START_S, process.kill)
    watchdog.start()
    try:
        assert process.stdout is not None
        ready = process.stdout.readline()
        watchdog.cancel()
        if not ready:
            process.wait(STOP_S)
            listener.join(STOP_S)
            raise DidNotStart("".join(complaints))
        yield LocalCloud(**json.loads(ready), process=process)
    finally:
        watchdog.cancel()
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        listener.join(STOP_S)
        plan.unlink()


def _written(plan: Mapping[str, Any]) -> Path:
    with tempfile.NamedTemporaryFile("w", prefix="faults-", suffix=".json", delete=False) as file:
        json.dump(plan, file)
    return Path(file.name)


def _listen(process: subprocess.Popen[str], complaints: list[str]) -> None:
    """Pass its log on, so that pytest shows it beside a failed test."""
    assert process.stderr is not None
    for line in process.stderr:
        complaints.append(line)
        sys.stderr.write(line)
