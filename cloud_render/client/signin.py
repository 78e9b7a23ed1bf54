# SPDX-License-Identifier: GPL-3.0-or-later
"""Signing in through the browser at an IAM Identity Center, without the AWS CLI.

    pending = begin("https://example.awsapps.com/start", "eu-central-1")
    # show pending.user_code, open pending.page in the browser
    token = pending.wait(cancelled)
    account = accounts(token)[0]
    write_profile("render", token, account.id, roles(token, account.id)[0], "eu-central-1")

What is left behind is what `aws configure sso` leaves: a [profile] and an [sso-session] in ~/.aws/config, and the
token in ~/.aws/sso/cache, where boto3 and the AWS CLI find and renew it. Nothing else is stored. Which profiles there
are, and which of them need a sign-in, is profiles.py's to say.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from cloud_render.client import aws_files, profiles
from cloud_render.client.profiles import Portal
from cloud_render.contract.errors import BadArguments, Cancelled, CloudUnreachable, NoCredentials, SignedOut, TryAgain
from cloud_render.store.translate import code_of, translated

SCOPE = "sso:account:access"
"""The one right that is asked for: to see accounts and roles, and to get the credentials of a role."""

_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_CLIENT_NAME = "cloud-render"

_USUAL_INTERVAL_S = 5
"""Between two questions where no interval is named, and added to it at each "slow down" (RFC 8628)."""


@dataclass(frozen=True)
class Token:
    """A sign-in that has succeeded and is remembered."""

    portal: Portal
    expires: datetime
    """When it must be renewed; AWS tools do that by themselves."""
    value: str = field(repr=False)


@dataclass(frozen=True)
class Account:
    """One AWS account that this person may use."""

    id: str
    name: str
    email: str


@dataclass(frozen=True)
class Pending:
    """A sign-in that waits for the person in the browser."""

    portal: Portal
    user_code: str
    """What the browser will show too: it proves that page and program belong together."""
    page: str
    """The address to open; it has the code in it."""
    expires: datetime
    interval_s: float
    registration: Mapping[str, Any] = field(repr=False)
    device_code: str = field(repr=False)

    def wait(self, cancelled: threading.Event) -> Token:
        """Ask again and again until the person has confirmed; the token is remembered for all AWS tools.

        Blocks. Raises NoCredentials where the person refused or the code has expired, Cancelled within a request's
        time of `cancelled`, CloudUnreachable where the network is still away when the code expires.
        """
        client = _client("sso-oidc", self.portal.region, attempts=1)  # asking again is done here
        interval = self.interval_s
        while not cancelled.wait(interval):
            try:
                return self._token(client)
            except _NotYet as answer:
                interval += answer.slower_by_s
            except (CloudUnreachable, TryAgain):
                # The person is busy in the browser; a network that comes back is no reason to begin anew.
                if datetime.now(UTC) >= self.expires:
                    raise
        raise Cancelled("The sign-in")

    def _token(self, client: Any) -> Token:
        with _answers(self.portal):
            answer = client.create_token(
                clientId=self.registration["clientId"],
                clientSecret=self.registration["clientSecret"],
                grantType=_GRANT,
                deviceCode=self.device_code,
            )
        return _remember(self.portal, self.registration, answer)


class _NotYet(Exception):
    """The person has not confirmed yet."""

    def __init__(self, slower_by_s: float) -> None:
        super().__init__()
        self.slower_by_s = slower_by_s


def begin(start_url: str, region: str, session: str = "") -> Pending:
    """Ask for a code that the person confirms in the browser.

    `start_url` is the AWS access portal's address, `region` where the Identity Center lives. The sign-in gets the name
    of an [sso-session] that leads there, else `session`, else one made of the address.
    Raises BadArguments for an address or region that can't be right, CloudUnreachable, and CloudNotReady for a
    configuration that can't be read.
    """
    return begin_at(_portal(_address(start_url), _region(region), session))


def begin_again(profile: str) -> Pending:
    """Sign in once more for a profile that did before. Raises BadArguments where that does not use a browser."""
    found = profiles.profile_of(profile)
    if found.portal is None:
        raise BadArguments(
            f"The profile {profile} does not sign in through a browser. {found.problem}".rstrip(), found.advice
        )
    return begin_at(found.portal)


def begin_at(portal: Portal) -> Pending:
    """As `begin`, at a portal that is known. Raises BadArguments, CloudUnreachable."""
    client = _client("sso-oidc", portal.region)
    # Profiles of the older form can't renew their token: a scope would only promise it.
    scopes = {"scopes": [SCOPE]} if portal.session else {}
    with _answers(portal):
        registration = client.register_client(clientName=_CLIENT_NAME, clientType="public", **scopes)
        answer = client.start_device_authorization(
            clientId=registration["clientId"], clientSecret=registration["clientSecret"], startUrl=portal.start_url
        )
    return Pending(
        portal,
        answer["userCode"],
        answer.get("verificationUriComplete") or answer["verificationUri"],
        datetime.now(UTC) + timedelta(seconds=answer["expiresIn"]),
        answer.get("interval") or _USUAL_INTERVAL_S,
        registration,
        answer["deviceCode"],
    )


def accounts(token: Token) -> list[Account]:
    """The accounts that this person may use, by name. Raises SignedOut or CloudUnreachable."""
    pages = _client("sso", token.portal.region).get_paginator("list_accounts").paginate(accessToken=token.value)
    with _answers(token.portal):
        rows = [row for page in pages for row in page["accountList"]]
    found = [Account(row["accountId"], row.get("accountName", ""), row.get("emailAddress", "")) for row in rows]
    return sorted(found, key=lambda account: (account.name.lower(), account.id))


def roles(token: Token, account_id: str) -> list[str]:
    """The roles that this person may take on in the account, by name. Raises SignedOut or CloudUnreachable."""
    paginator = _client("sso", token.portal.region).get_paginator("list_account_roles")
    with _answers(token.portal):
        pages = paginator.paginate(accessToken=token.value, accountId=account_id)
        return sorted(row["roleName"] for page in pages for row in page["roleList"])


def write_profile(name: str, token: Token, account_id: str, role: str, region: str) -> None:
    """Write the profile, and its [sso-session], into ~/.aws/config; other lines of the file stay as they are.

    `region` is where machines are rented. A profile of that name is changed if it signs in at the same portal for the
    same account and role. Raises BadArguments for any other, and for a name that is none.
    """
    if not re.fullmatch(r"[\w.@+-]+", name):
        raise BadArguments(f"{name!r} can't be a profile's name.", "Use letters, digits, and . _ - + @, no blanks.")
    if not token.portal.session:
        raise BadArguments("This sign-in belongs to a profile of the older form.", "Begin a new one for a new profile.")
    ours = {"sso_session": token.portal.session, "sso_account_id": account_id, "sso_role_name": role}
    there = aws_files.configuration()["profiles"].get(name)
    if there is not None and not set(ours.items()) <= set(there.items()):
        raise BadArguments(f"There is another profile {name} already.", "Choose another name for the new one.")
    session = {
        "sso_start_url": token.portal.start_url,
        "sso_region": token.portal.region,
        "sso_registration_scopes": SCOPE,
    }
    title = "default" if name == "default" else f"profile {name}"
    aws_files.write_sections(
        {
            f"sso-session {token.portal.session}": session,
            title: {**ours, "region": _region(region)},
        }
    )


def name_for(account: Account, role: str) -> str:
    """A name for a new profile that tells people what it is and is not taken yet."""
    taken = aws_files.configuration()["profiles"]
    wanted = re.sub(r"[^\w.@+-]+", "-", f"{account.name or account.id}-{role}").strip("-").lower()
    return next(name for name in _numbered(wanted) if name not in taken)


def _remember(portal: Portal, registration: Mapping[str, Any], answer: Mapping[str, Any]) -> Token:
    expires = datetime.now(UTC) + timedelta(seconds=answer["expiresIn"])
    kept = {
        "startUrl": portal.start_url,
        "region": portal.region,
        "accessToken": answer["accessToken"],
        "expiresAt": _written(expires),
        # With these boto3 and the AWS CLI renew the token without a browser.
        "clientId": registration["clientId"],
        "clientSecret": registration["clientSecret"],
        "registrationExpiresAt": _written(datetime.fromtimestamp(registration["clientSecretExpiresAt"], UTC)),
    }
    if "refreshToken" in answer:
        kept["refreshToken"] = answer["refreshToken"]
    aws_files.write_private(aws_files.sign_in_file(portal.key), json.dumps(kept).encode())
    return Token(portal, expires, answer["accessToken"])


def _written(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


# --- the portal -----------------------------------------------------------------------------------


def _address(start_url: str) -> str:
    """As AWS writes it: what browsers add at its end would make it another one."""
    parts = urlsplit(start_url.strip())
    if parts.scheme != "https" or not parts.hostname:
        raise BadArguments(
            f"{start_url!r} is not the address of an AWS access portal.",
            "It looks like https://d-1234567890.awsapps.com/start; whoever runs your AWS accounts knows it.",
        )
    return f"https://{parts.netloc}{parts.path.rstrip('/')}"


def _region(region: str) -> str:
    if not re.fullmatch(r"[a-z]{2,4}(-[a-z]+)+-\d+", region.strip()):
        raise BadArguments(f"{region!r} is not an AWS region.", "Write it like eu-central-1 or us-east-1.")
    return region.strip()


def _portal(start_url: str, region: str, session: str) -> Portal:
    """With the name it has in the configuration, so that other profiles of that session are signed in as well."""
    known = profiles.portals()
    for portal in known:
        if (portal.start_url.split("#")[0].rstrip("/"), portal.region) == (start_url, region):
            return portal
    parts = urlsplit(start_url)
    labels = [parts.hostname or "", *parts.path.split("/")]
    made = next((label for label in reversed(labels) if label.startswith("ssoins-")), labels[0].split(".")[0])
    wanted = re.sub(r"[^\w.@+-]+", "-", session) or made
    taken = {portal.session for portal in known}
    return Portal(start_url, region, next(name for name in _numbered(wanted) if name not in taken))


def _numbered(name: str) -> Iterator[str]:
    yield name
    number = 2
    while True:
        yield f"{name}-{number}"
        number += 1


# --- the door -------------------------------------------------------------------------------------


def _client(service: str, region: str, attempts: int = 3) -> Any:
    """A client that signs nothing: no profile is looked at, so a broken or unwritten one does not stand in the way."""
    from botocore import UNSIGNED
    from botocore.config import Config
    from botocore.session import Session

    config = Config(
        signature_version=UNSIGNED,
        connect_timeout=10,
        read_timeout=30,
        retries={"mode": "standard", "total_max_attempts": attempts},
    )
    with translated(f"reach {service}", CloudUnreachable):
        session = Session(session_vars={"profile": (None, None, None, None)})
        return session.create_client(
            service,
            region_name=region,
            config=config,
            # Keys that nobody reads keep botocore from looking for real ones, which may start a program.
            aws_access_key_id="unused",
            aws_secret_access_key="unused",
        )


_ANSWERS: dict[str, tuple[str, str]] = {
    "ExpiredTokenException": ("The code has expired before anyone confirmed it.", "Sign in once more."),
    "AccessDeniedException": ("The sign-in was refused in the browser.", "Sign in once more and choose Allow."),
    "InvalidGrantException": ("The code is not valid any more.", "Sign in once more."),
}
_NOT_YET = {"AuthorizationPendingException": 0, "SlowDownException": _USUAL_INTERVAL_S}


@contextmanager
def _answers(portal: Portal) -> Iterator[None]:
    """Raises ours from what the Identity Center answers, and _NotYet where the person has not confirmed."""
    with translated(f"sign in at {portal.start_url}", CloudUnreachable):
        try:
            yield
        except ClientError as error:
            code = code_of(error)
            if code in _NOT_YET:
                raise _NotYet(_NOT_YET[code]) from error
            if code in _ANSWERS:
                raise NoCredentials(*_ANSWERS[code]) from error
            if code == "UnauthorizedException":
                raise SignedOut("This sign-in is over.", "Sign in once more.") from error
            if code == "InvalidRequestException":
                raise BadArguments(
                    f"In {portal.region} there is no AWS access portal {portal.start_url}.",
                    "Check the address, and in which region the Identity Center lives.",
                ) from error
            raise
