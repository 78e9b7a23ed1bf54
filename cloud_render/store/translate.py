# SPDX-License-Identifier: GPL-3.0-or-later
"""Botocore's errors in our words: the one place that knows how AWS names what went wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore import exceptions as aws
from urllib3.exceptions import HTTPError

from cloud_render.contract.errors import (
    CloudNotReady,
    CloudRenderError,
    CloudUnreachable,
    NoCredentials,
    NotAllowed,
    NotThere,
    SignedOut,
    StorageUnavailable,
)

_CREDENTIAL_ERRORS = (
    aws.NoCredentialsError,
    aws.PartialCredentialsError,
    aws.CredentialRetrievalError,
    aws.ProfileNotFound,
    aws.RefreshWithMFAUnsupportedError,
    aws.LoginError,
)
_SIGN_IN_ERRORS = (aws.SSOError, aws.TokenRetrievalError)
_CONFIGURATION_ERRORS = (aws.InvalidConfigError, aws.ConfigParseError)
BROKEN_LINE = (
    aws.HTTPClientError,
    aws.ConnectionError,
    aws.IncompleteReadError,
    # What botocore lets through where a listing or another short answer breaks off in the middle; it repeats none.
    HTTPError,
)
"""The connection failed, whatever the request."""
_CREDENTIAL_CODES = {
    "AuthFailure",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "InvalidToken",
    "MissingAuthenticationToken",
    "RequestExpired",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
    "TokenRefreshRequired",
    "UnrecognizedClientException",
}
_FORBIDDEN_CODES = {"AccessDenied", "AccessDeniedException", "AllAccessDisabled", "UnauthorizedOperation", "403"}
_ABSENT_CODES = {"NoSuchKey", "NoSuchUpload", "NotFound", "404"}
_BUSY_CODES = {
    "BadDigest",
    "InternalError",
    "InternalFailure",
    "OperationAborted",
    "PreconditionFailed",  # the object changed between two requests for its parts
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestTimeout",
    "RequestTimeoutException",
    "ServiceUnavailable",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "XAmzContentSHA256Mismatch",
}

_ADVICE = (
    (aws.ProxyConnectionError, "Check --proxy, or HTTPS_PROXY and NO_PROXY."),
    (
        aws.SSLError,
        "Where a company's network opens https, name its CA certificate: --ca-bundle, AWS_CA_BUNDLE or a profile's "
        "ca_bundle.",
    ),
)
_ADVICE_ELSE = "Check the network, the region and AWS_ENDPOINT_URL."

SIGN_IN = (
    "Sign in again (Sign In in Blender's preferences, cloud-render login, or aws sso login), or choose another profile "
    "with --profile or AWS_PROFILE."
)

OF_AWS_LOGIN = (
    "This profile was made by `aws login`, whose credentials need a library (awscrt) that is not here.",
    "Sign in through the browser here, or make a profile with credential_process = aws configure export-credentials "
    "--profile NAME --format process.",
)
"""Problem and advice."""


@contextmanager
def translated(doing: str, unreachable: type[CloudRenderError] = StorageUnavailable) -> Iterator[None]:
    """Raises ours from botocore's. `doing` says what was tried: "read the stack cloud-render".

    `unreachable` is raised where no answer came: StorageUnavailable for S3, CloudUnreachable for the other services.
    """
    try:
        yield
    except aws.ClientError as error:
        raise of_answer(error, doing) from error
    except _SIGN_IN_ERRORS as error:
        raise SignedOut("Your sign-in through the browser is over, or there was none yet.", SIGN_IN) from error
    except EOFError as error:
        # Only one thing asks for input: botocore, for the code of an MFA device.
        raise NoCredentials(
            "This AWS profile asks for a code of your MFA device, and there is no terminal to type it on.",
            "Choose a profile that signs in through the browser.",
        ) from error
    except aws.MissingDependencyException as error:  # nothing else of ours needs more than botocore
        raise NoCredentials(*OF_AWS_LOGIN) from error
    except _CREDENTIAL_ERRORS as error:
        raise NoCredentials(f"No usable AWS credentials: {str(error).rstrip('.')}.", SIGN_IN) from error
    except _CONFIGURATION_ERRORS as error:
        raise CloudNotReady(
            f"The AWS configuration can't be used: {error}", "Mend ~/.aws/config or the environment."
        ) from error
    except aws.FlexibleChecksumError as error:
        raise unreachable(f"Could not {doing}: it arrived damaged ({error}).", "Try again in a minute.") from error
    except (*BROKEN_LINE, aws.NoRegionError, aws.EndpointProviderError, ValueError) as error:
        raise _of_no_answer(error, doing, unreachable) from error
    except aws.BotoCoreError as error:
        raise CloudNotReady(f"Could not {doing}: {error}", "Check the AWS configuration.") from error


def of_answer(error: aws.ClientError, doing: str) -> CloudRenderError:
    """What an answer of AWS that refuses a request means."""
    code = code_of(error)
    message = str(error.response.get("Error", {}).get("Message") or "no reason given")
    said = f"Could not {doing}: AWS says {code}: {message}"
    if code in _CREDENTIAL_CODES:
        return NoCredentials(said, SIGN_IN)
    if code in _FORBIDDEN_CODES:
        return NotAllowed(said, "These credentials lack that right: use others, or ask whoever set up the stack.")
    if code in _ABSENT_CODES:
        return NotThere(f"Could not {doing}: it is not there.", "")
    if code == "NoSuchBucket":
        return CloudNotReady(f"Could not {doing}: the stack's bucket is gone.", "Set up the stack again.")
    if code in _BUSY_CODES or status_of(error) >= 500:
        return StorageUnavailable(said, "Try again in a minute.")
    return CloudRenderError(said)


def _of_no_answer(error: Exception, doing: str, unreachable: type[CloudRenderError]) -> CloudRenderError:
    if isinstance(error, aws.NoRegionError):
        return CloudUnreachable("No AWS region is chosen.", "Give --region, or set AWS_REGION or a profile's region.")
    if isinstance(error, aws.InvalidRegionError):
        return CloudUnreachable(
            f"{error.kwargs['region_name']!r} is no AWS region.",
            "Write it like eu-central-1, after --region, in AWS_REGION or in the profile.",
        )
    if isinstance(error, ValueError) and "endpoint" not in str(error).lower():
        raise error
    advice = next((advice for kind, advice in _ADVICE if isinstance(error, kind)), _ADVICE_ELSE)
    return unreachable(f"Could not {doing}: no connection ({error}).", advice)


def code_of(error: aws.ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def status_of(error: aws.ClientError) -> int:
    metadata: dict[str, Any] = error.response.get("ResponseMetadata", {})  # type: ignore[assignment]
    return int(metadata.get("HTTPStatusCode", 0))
