# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors as AWS services write them: XML for S3 and for the query protocol, JSON for the rest."""

from __future__ import annotations

import json
import uuid
from xml.sax.saxutils import escape

from local_cloud.http_types import Answer

QUERY_SERVICES = frozenset(
    {"cloudformation", "iam", "ec2", "sts", "sns", "sqs", "autoscaling", "monitoring", "elasticloadbalancing"}
)

S3_STATUS = {
    "AuthorizationHeaderMalformed": 400,
    "AuthorizationQueryParametersError": 400,
    "BadDigest": 400,
    "IncompleteBody": 400,
    "InternalError": 500,
    "InvalidChunkSizeError": 400,
    "MalformedTrailerError": 400,
    "ServiceUnavailable": 503,
    "XAmzContentSHA256Mismatch": 400,
}
"""Every other refusal of ours is 403."""

ELSEWHERE = {"InvalidAccessKeyId": "UnrecognizedClientException", "SignatureDoesNotMatch": "InvalidSignatureException"}
"""S3's code for a bad signature → the JSON services' own."""


def error(service: str, code: str, message: str, status: int | None = None) -> Answer:
    """An error answer in the manner of `service`."""
    status = status or S3_STATUS.get(code, 403)
    if service == "s3":
        inner = f"<Code>{code}</Code><Message>{escape(message)}</Message><RequestId>{uuid.uuid4()}</RequestId>"
        xml = f'<?xml version="1.0" encoding="UTF-8"?><Error>{inner}</Error>'
        return Answer(status, [("Content-Type", "application/xml")], xml.encode())
    if service in QUERY_SERVICES:
        inner = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
        xml = f"<ErrorResponse>{inner}<RequestId>{uuid.uuid4()}</RequestId></ErrorResponse>"
        return Answer(status, [("Content-Type", "text/xml")], xml.encode())
    code = ELSEWHERE.get(code, code)
    headers = [("Content-Type", "application/json"), ("x-amzn-errortype", code)]
    return Answer(status, headers, json.dumps({"__type": code, "message": message}).encode())
