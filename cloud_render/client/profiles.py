# SPDX-License-Identifier: GPL-3.0-or-later
"""The profiles of the person's AWS configuration: which kind each is, whether it works here, and if not, why.

Looks as boto3 looks, in the same order, but starts no program and asks nobody: only files are read.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from botocore.compat import compat_shell_split

from cloud_render.client import aws_files
from cloud_render.contract.errors import BadArguments
from cloud_render.store.translate import OF_AWS_LOGIN

Kind = Literal["role", "web identity", "sso", "keys", "login", "process", "none"]
"""role: takes on a role with another profile's credentials · web identity: the same with a token in a file · sso: signs
in through the browser · keys: has access keys · login: made by `aws login` · process: a program gives the credentials ·
none: only settings."""


@dataclass(frozen=True)
class Portal:
    """An IAM Identity Center where people sign in, and the name under which tools remember it."""

    start_url: str
    region: str
    """Where the Identity Center lives; machines may be rented elsewhere."""
    session: str = ""
    """The name of its [sso-session]; empty for profiles of the older form, which hold the start URL themselves."""

    @property
    def key(self) -> str:
        """What AWS tools keep the token by."""
        return self.session or self.start_url


@dataclass(frozen=True)
class Profile:
    """One profile, as far as it can be judged without asking AWS."""

    name: str
    kind: Kind
    region: str = ""
    problem: str = ""
    """Why it can't work now; empty where nothing speaks against it."""
    advice: str = ""
    portal: Portal | None = None
    """Where to sign in for it, for sso and for what builds on such a profile."""
    needs_sign_in: bool = False
    """Signing in is all that is missing."""

    @property
    def works(self) -> bool:
        return not self.problem


@dataclass(frozen=True)
class _Verdict:
    kind: Kind
    problem: str = ""
    advice: str = ""
    portal: Portal | None = None
    needs_sign_in: bool = False


Options = Mapping[str, Any]

MEND = "Mend ~/.aws/config."


def profiles(now: datetime | None = None) -> list[Profile]:
    """All profiles, in the order of the files. Raises CloudNotReady where the files can't be read."""
    book = _Book(aws_files.configuration(), now or datetime.now(UTC))
    return [book.profile(name) for name in book.profiles]


def profile_of(name: str, now: datetime | None = None) -> Profile:
    """The one of that name. Raises BadArguments where there is none."""
    book = _Book(aws_files.configuration(), now or datetime.now(UTC))
    if name not in book.profiles:
        raise BadArguments(f"There is no AWS profile {name!r}.", _those_there(book.profiles))
    return book.profile(name)


def _those_there(names: Mapping[str, Any]) -> str:
    return f"There are: {', '.join(names)}." if names else "There are none yet."


def portals() -> list[Portal]:
    """Every Identity Center that the configuration names in an [sso-session]."""
    sessions = aws_files.configuration()["sso_sessions"]
    return [
        Portal(options["sso_start_url"], options["sso_region"], name)
        for name, options in sessions.items()
        if {"sso_start_url", "sso_region"} <= set(options)
    ]


class _Book:
    """The configuration at one moment."""

    def __init__(self, configuration: Mapping[str, Mapping[str, dict[str, Any]]], now: datetime) -> None:
        self.profiles = configuration["profiles"]
        self.sessions = configuration["sso_sessions"]
        self.now = now

    def profile(self, name: str) -> Profile:
        verdict = self.verdict(name, ())
        return Profile(
            name,
            verdict.kind,
            str(self.profiles[name].get("region", "")),
            verdict.problem,
            verdict.advice,
            verdict.portal,
            verdict.needs_sign_in,
        )

    def verdict(self, name: str, above: tuple[str, ...]) -> _Verdict:
        """`above` are the profiles that lead here as their source; a source with keys lends them and takes no role."""
        options = self.profiles[name]
        if "role_arn" in options and "web_identity_token_file" not in options and not (above and _has_keys(options)):
            return self._role(name, options, above)
        judges = (judge for marks, judge in _KINDS if marks & set(options))
        return next(judges, _none)(self, options)

    def _role(self, name: str, options: Options, above: tuple[str, ...]) -> _Verdict:
        if "mfa_serial" in options:
            return _Verdict(
                "role",
                "It asks for a code of your MFA device on a terminal, and there is none here.",
                "Choose a profile that signs in through the browser, or one with credential_process.",
            )
        if "credential_source" in options:
            return _role_of_machine(str(options["credential_source"]))
        source = options.get("source_profile")
        if source is None:
            return _Verdict("role", "It does not say whose credentials take on its role.", "Give it a source_profile.")
        if source not in self.profiles:
            return _Verdict("role", f"Its source_profile {source} does not exist.", MEND)
        if source in (*above, name) and not _has_keys(self.profiles[source]):
            return _Verdict("role", f"Its source_profile {source} leads back to itself.", MEND)
        of_source = self.verdict(source, (*above, name))
        problem = f"It builds on the profile {source}. {of_source.problem}" if of_source.problem else ""
        return _Verdict("role", problem, of_source.advice, of_source.portal, of_source.needs_sign_in)


def _role_of_machine(source: str) -> _Verdict:
    """A role taken on with what this machine or this process has by itself."""
    if source not in ("Environment", "Ec2InstanceMetadata", "EcsContainer"):
        return _Verdict("role", f"Its credential_source {source} is none that exists.", MEND)
    if source == "Environment" and not os.environ.get("AWS_ACCESS_KEY_ID"):
        return _Verdict("role", "It needs AWS_ACCESS_KEY_ID in the environment, which is not set.", "Set it.")
    return _Verdict("role")


def _web_identity(_book: _Book, options: Options) -> _Verdict:
    token = Path(str(options["web_identity_token_file"]))
    if not token.is_file():
        return _Verdict("web identity", f"Its token file {token} is not there.", "Such files are made where jobs run.")
    if "role_arn" not in options:
        return _Verdict("web identity", "It does not say its role_arn.", MEND)
    return _Verdict("web identity")


def _sso(book: _Book, options: Options) -> _Verdict:
    session = str(options.get("sso_session", ""))
    if session and session not in book.sessions:
        return _Verdict("sso", f"Its sso_session {session} does not exist.", "Sign in anew.")
    merged = {**book.sessions.get(session, {}), **options}
    absent = [key for key in ("sso_start_url", "sso_region", "sso_account_id", "sso_role_name") if key not in merged]
    if absent:
        return _Verdict("sso", f"It does not say its {', '.join(absent)}.", "Sign in anew.")
    portal = Portal(merged["sso_start_url"], merged["sso_region"], session)
    if is_signed_in(portal, book.now):
        return _Verdict("sso", portal=portal)
    return _Verdict("sso", "Its sign-in is over.", "Sign in again through the browser.", portal, needs_sign_in=True)


def _keys(_book: _Book, options: Options) -> _Verdict:
    absent = [key for key in ("aws_access_key_id", "aws_secret_access_key") if not options.get(key)]
    return _Verdict("keys", f"It has no {absent[0]}.", "Mend ~/.aws/credentials.") if absent else _Verdict("keys")


def _login(_book: _Book, _options: Options) -> _Verdict:
    if importlib.util.find_spec("awscrt") is not None:
        return _Verdict("login")
    return _Verdict("login", *OF_AWS_LOGIN)


def _process(_book: _Book, options: Options) -> _Verdict:
    (program, *_) = [*compat_shell_split(str(options["credential_process"])), ""]
    if shutil.which(program) is None:
        return _Verdict(
            "process",
            f"Its program {program} is not found.",
            "Write its whole path: Blender started from the desktop does not see the shell's PATH.",
        )
    return _Verdict("process")


def _none(_book: _Book, _options: Options) -> _Verdict:
    return _Verdict("none", "It has no credentials.", "Choose another, or sign in through the browser.")


_KINDS: tuple[tuple[set[str], Callable[[_Book, Options], _Verdict]], ...] = (
    ({"web_identity_token_file"}, _web_identity),
    ({"sso_account_id", "sso_role_name"}, _sso),
    ({"aws_access_key_id", "aws_secret_access_key"}, _keys),
    ({"login_session"}, _login),
    ({"credential_process"}, _process),
)
"""What marks a kind, in botocore's order: the first that it finds counts."""


def _has_keys(options: Options) -> bool:
    return {"aws_access_key_id", "aws_secret_access_key"} <= set(options)


def is_signed_in(portal: Portal, now: datetime | None = None) -> bool:
    """Whether boto3 can work with what the last sign-in left: a token in force, or one that it can renew by itself."""
    token = aws_files.read_sign_in(portal.key)
    now = now or datetime.now(UTC)
    if "accessToken" not in token:
        return False
    renewable = portal.session and {"refreshToken", "clientId", "clientSecret"} <= set(token)
    return _moment(token.get("expiresAt")) > now or (
        bool(renewable) and _moment(token.get("registrationExpiresAt")) > now
    )


def _moment(text: object) -> datetime:
    """A time as AWS tools write it (2026-01-31T10:00:00Z, or with UTC at its end); long ago if it is none."""
    try:
        found = datetime.fromisoformat(str(text).replace("UTC", "Z"))
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
