# SPDX-License-Identifier: GPL-3.0-or-later
"""The one door: checks who signed a request and hands it to the service it is meant for."""

from __future__ import annotations

import hashlib
import io
import json
import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, Protocol

import boto3

from local_cloud.aws_errors import QUERY_SERVICES, error
from local_cloud.bad_line import BadLine
from local_cloud.batch_api import BatchApi
from local_cloud.control import CONTROL, Control
from local_cloud.http_types import Answer, Application, Environ, StartResponse, call, header
from local_cloud.logs_api import PREFIX, LogsApi
from local_cloud.metadata import METADATA, Metadata
from local_cloud.price_api import PriceApi
from local_cloud.registry import ACCOUNT
from local_cloud.s3_checks import UNSIGNED, BadBody
from local_cloud.s3_proxy import Unreachable
from local_cloud.signatures import BadSignature, Claim, check, claim_of

log = logging.getLogger(__name__)


class ObjectStore(Protocol):
    def answer(self, environ: Environ) -> Answer:
        """May raise BadBody, or Unreachable."""


class Front:
    """A WSGI application: Batch jobs, log streams, prices and S3 are ours, all else is moto's."""

    def __init__(
        self,
        moto: Application,
        batch: BatchApi,
        logs: LogsApi,
        objects: ObjectStore,
        control: Control,
        metadata: Metadata,
        line: BadLine,
        secrets: Mapping[str, str],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._moto = moto
        self._batch = batch
        self._logs = logs
        self._objects = objects
        self._control = control
        self._metadata = metadata
        self._prices = PriceApi(clock)
        self._line = line
        self._secrets = secrets
        """Access key → secret key of everyone who may call."""
        self._clock = clock

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        return self._answer(environ).send(start_response)

    def _answer(self, environ: Environ) -> Answer:
        service = "s3"
        try:
            if environ["PATH_INFO"].startswith(METADATA):
                return self._metadata.answer(environ)
            claim = claim_of(environ)
            if claim is None:
                return error("s3", "AccessDenied", "Access Denied: the request is not signed.")
            service = claim.service
            return self._of_service(claim, environ)
        except BadSignature as refused:
            return error(service, refused.code, str(refused))
        except BadBody as refused:
            return error(service, refused.code, str(refused))
        except Unreachable as problem:
            return error(service, "ServiceUnavailable", str(problem))
        except ConnectionError:
            raise  # The client has gone, and reads no answer.
        except (
            Exception
        ) as problem:  # A service that fails must still answer as AWS does: the client retries or reports.
            log.exception("%s %s failed", environ["REQUEST_METHOD"], environ["RAW_URI"])
            code = "InternalError" if service == "s3" else "InternalFailure"
            return error(service, code, f"The local cloud failed: {type(problem).__name__}: {problem}", 500)

    def _of_service(self, claim: Claim, environ: Environ) -> Answer:
        if claim.service == "s3":
            return self._of_s3(claim, environ)
        body = environ["wsgi.input"].read()
        environ["wsgi.input"] = io.BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body))
        check(claim, environ, self._secrets, hashlib.sha256(body).hexdigest(), self._clock())
        if claim.region not in _regions():
            return error(claim.service, "InvalidRegion", f"There is no region {claim.region}.", 400)
        path = environ["PATH_INFO"]
        if path.startswith(CONTROL):
            return self._control.answer(path, json.loads(body))
        if claim.service == "batch" and path in self._batch.paths:
            return self._line.answer("batch", environ, lambda: self._batch.answer(path, body, claim.region))
        target = header(environ, "X-Amz-Target") or ""
        if target.startswith(PREFIX) and (ours := self._logs.answer(target, body, claim.region)) is not None:
            return ours
        return self._prices.answer(claim.service, body, claim.region) or self._of_moto(claim, environ)

    def _of_s3(self, claim: Claim, environ: Environ) -> Answer:
        covered = UNSIGNED if claim.expires_s is not None else header(environ, "x-amz-content-sha256")
        check(claim, environ, self._secrets, covered or UNSIGNED, self._clock())
        if header(environ, "x-amz-expected-bucket-owner") not in (None, ACCOUNT):
            return error("s3", "AccessDenied", "Access Denied: the bucket belongs to another account.")
        return self._line.answer("s3", environ, lambda: self._objects.answer(environ))

    def _of_moto(self, claim: Claim, environ: Environ) -> Answer:
        answer = call(self._moto, environ)
        kind = next((value for name, value in answer.headers if name.lower() == "content-type"), "")
        body = answer.body if isinstance(answer.body, bytes) else b""
        if answer.status == 500 and "html" in kind:
            # flask's own page for a bug or a gap in moto, which boto3 could not even parse.
            message = "moto, which stands in for this service, failed; see the local cloud's log."
            return error(claim.service, "InternalFailure", message, 500)
        if answer.status == 400 and claim.service in QUERY_SERVICES and body.startswith(b"{"):
            # A service that CloudFormation asked has refused, in JSON, which CloudFormation does not speak.
            refused = json.loads(body)
            message = str(refused.get("message") or refused.get("Message") or refused)
            return error(claim.service, "ValidationError", message, 400)
        return answer


@cache
def _regions() -> frozenset[str]:
    session: Any = boto3.session.Session()
    return frozenset(session.get_available_regions("cloudformation"))


def moto_application() -> Application:
    """All of moto's services as one application. Loading it takes a second."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    application: Any = DomainDispatcherApplication(create_backend_app)
    return application  # type: ignore[no-any-return]
