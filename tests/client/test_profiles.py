# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of a person's AWS profiles work, and the words for those that don't."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cloud_render.client import aws_files, profiles
from cloud_render.contract.errors import BadArguments, CloudNotReady

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)

CONFIG = f"""
[default]
region = eu-central-1

[profile keys]
aws_access_key_id = AKIA
aws_secret_access_key = secret
region = eu-west-1

[profile half]
aws_access_key_id = AKIA

[profile role]
role_arn = arn:aws:iam::111111111111:role/artist
source_profile = keys

[profile second]
role_arn = arn:aws:iam::111111111111:role/artist
source_profile = role

[profile behind-sign-in]
role_arn = arn:aws:iam::111111111111:role/artist
source_profile = signed-out

[profile own-keys]
role_arn = arn:aws:iam::111111111111:role/artist
source_profile = own-keys
aws_access_key_id = AKIA
aws_secret_access_key = secret

[profile ring]
role_arn = arn:aws:iam::111111111111:role/artist
source_profile = gnir

[profile gnir]
role_arn = arn:aws:iam::111111111111:role/artist
source_profile = ring

[profile orphan]
role_arn = arn:aws:iam::111111111111:role/artist
source_profile = nobody

[profile mfa]
role_arn = arn:aws:iam::111111111111:role/artist
source_profile = keys
mfa_serial = arn:aws:iam::111111111111:mfa/ann

[profile machine]
role_arn = arn:aws:iam::111111111111:role/artist
credential_source = Ec2InstanceMetadata

[profile no-environment]
role_arn = arn:aws:iam::111111111111:role/artist
credential_source = Environment

[profile program]
credential_process = "{sys.executable}" --version

[profile no-program]
credential_process = /nowhere/aws-vault exec ann

[profile token-file]
role_arn = arn:aws:iam::111111111111:role/artist
web_identity_token_file = {__file__}

[profile no-token-file]
role_arn = arn:aws:iam::111111111111:role/artist
web_identity_token_file = /nowhere/token

[profile login]
login_session = arn:aws:iam::111111111111:user/ann

[profile signed-in]
sso_session = studio
sso_account_id = 111111111111
sso_role_name = Artist

[profile signed-out]
sso_session = other
sso_account_id = 111111111111
sso_role_name = Artist

[profile lost-session]
sso_session = gone
sso_account_id = 111111111111
sso_role_name = Artist

[profile no-role]
sso_session = studio
sso_account_id = 111111111111

[sso-session studio]
sso_start_url = https://studio.awsapps.com/start
sso_region = eu-central-1

[sso-session other]
sso_start_url = https://other.awsapps.com/start
sso_region = us-east-1
"""

JUDGED = {
    "default": ("none", "no credentials"),
    "keys": ("keys", ""),
    "half": ("keys", "no aws_secret_access_key"),
    "role": ("role", ""),
    "second": ("role", ""),
    "behind-sign-in": ("role", "builds on the profile signed-out. Its sign-in is over"),
    "own-keys": ("role", ""),
    "ring": ("role", "leads back to itself"),
    "orphan": ("role", "nobody does not exist"),
    "mfa": ("role", "MFA device"),
    "machine": ("role", ""),
    "no-environment": ("role", "AWS_ACCESS_KEY_ID"),
    "program": ("process", ""),
    "no-program": ("process", "/nowhere/aws-vault is not found"),
    "token-file": ("web identity", ""),
    "no-token-file": ("web identity", "is not there"),
    "login": ("login", "aws login"),
    "signed-in": ("sso", ""),
    "signed-out": ("sso", "sign-in is over"),
    "lost-session": ("sso", "gone does not exist"),
    "no-role": ("sso", "sso_role_name"),
    "only-in-credentials": ("keys", ""),
}
"""Profile → its kind, and words of what stands against it."""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    (tmp_path / ".aws").mkdir()
    return tmp_path


@pytest.fixture
def configured(home: Path) -> Path:
    """A home with CONFIG, and a sign-in at the session `studio`."""
    (home / ".aws" / "config").write_text(CONFIG)
    keys = "aws_access_key_id = AKIA\naws_secret_access_key = secret\n"
    (home / ".aws" / "credentials").write_text(f"[only-in-credentials]\n{keys}")
    remember("studio", expiresAt="2026-11-21T13:00:00Z")
    return home


def remember(session: str, **token: str) -> None:
    content = json.dumps({"accessToken": "token", **token}).encode()
    aws_files.write_private(aws_files.sign_in_file(session), content)


@pytest.mark.parametrize("name", JUDGED)
def test_each_kind_is_known_and_what_stands_against_it_said(configured, name):
    """A profile that can't work says why and what to do; nothing is asked and no program is started."""
    profile = profiles.profile_of(name, NOW)
    kind, words = JUDGED[name]
    assert (profile.kind, profile.works) == (kind, not words)
    assert words in profile.problem
    assert bool(profile.advice) == bool(words)


def test_the_list_has_all_profiles(configured):
    """Those of the config file and of the credentials file, each once, with the region they name."""
    found = {profile.name: profile for profile in profiles.profiles(NOW)}
    assert set(JUDGED) <= set(found)
    assert found["keys"].region == "eu-west-1"


def test_boto3_agrees_about_what_can_work(configured):
    """What is said to be broken is refused by boto3 as well, the rest gives it credentials or the way to them."""
    code = (
        "import json, sys, boto3\nfailed = []\nfor name in sys.argv[1:]:\n"
        "    try:\n        assert boto3.Session(profile_name=name).get_credentials() is not None\n"
        "    except Exception as error: failed.append(name)\nprint(json.dumps(failed))"
    )
    # Some fail only when credentials are fetched; `program` would have to print some.
    later = {"mfa", "behind-sign-in", "signed-out", "no-token-file", "program", "machine", "default"}
    names = [name for name in JUDGED if name not in later]
    environment = {**os.environ, "AWS_EC2_METADATA_DISABLED": "true"}
    done = subprocess.run(
        [sys.executable, "-c", code, *names], env=environment, capture_output=True, text=True, check=True
    )
    assert set(json.loads(done.stdout)) == {name for name in names if JUDGED[name][1]}


@pytest.mark.parametrize(
    ("token", "signed_in"),
    [
        ({"expiresAt": "2026-11-21T12:00:01Z"}, True),
        ({"expiresAt": "2026-11-21T12:00:01UTC"}, True),
        ({"expiresAt": "2026-11-21T11:59:59Z"}, False),
        ({"expiresAt": "soon"}, False),
        ({"expiresAt": "2026-11-21T11:00:00Z", "registrationExpiresAt": "2027-01-01T00:00:00Z"}, True),
        ({"expiresAt": "2026-11-21T11:00:00Z", "registrationExpiresAt": "2026-01-01T00:00:00Z"}, False),
    ],
)
def test_a_token_counts_while_it_is_in_force_or_can_be_renewed(home, token, signed_in):
    """Whoever wrote it; what can't be read is no sign-in."""
    remember("studio", refreshToken="r", clientId="c", clientSecret="s", **token)
    portal = profiles.Portal("https://studio.awsapps.com/start", "eu-central-1", "studio")
    assert profiles.is_signed_in(portal, NOW) == signed_in


def test_a_damaged_token_is_none(home):
    """A half-written file means signing in, not a traceback."""
    aws_files.write_private(aws_files.sign_in_file("studio"), b'{"accessToken": ')
    assert not profiles.is_signed_in(profiles.Portal("https://x", "eu-central-1", "studio"), NOW)


def test_a_profile_that_does_not_exist_is_named_with_those_that_do(configured):
    """So that a typing error is found."""
    with pytest.raises(BadArguments, match=r"kyes.*keys"):
        profiles.profile_of("kyes")


def test_a_configuration_that_is_none_is_said(home):
    """Instead of a list that is silently empty."""
    (home / ".aws" / "config").write_text("region = eu-central-1\n")
    with pytest.raises(CloudNotReady, match="config"):
        profiles.profiles()


def test_no_files_are_no_profiles(home):
    """A newcomer has none, and that is no error."""
    assert profiles.profiles() == []
