# SPDX-License-Identifier: GPL-3.0-or-later
"""Signing in through the browser, and what plain boto3 makes of what that leaves behind."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from cloud_render.client import aws_files, profiles, signin
from cloud_render.contract.errors import BadArguments, Cancelled, NoCredentials, SignedOut


def _module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up there
    spec.loader.exec_module(module)
    return module


identity_center = _module("identity_center")
START_URL = identity_center.START_URL


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder, in which AWS tools look for their files."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    return tmp_path


@pytest.fixture
def center(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    with identity_center.running() as center:
        for name, value in center.environment.items():
            monkeypatch.setenv(name, value)
        yield center


class Person(threading.Event):
    """An Event that lets no time pass; on each wait the person does the next of `deeds`."""

    def __init__(self, *deeds: Callable[[], object]) -> None:
        super().__init__()
        self.deeds = list(deeds)
        self.waits: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout)
        if self.deeds:
            self.deeds.pop(0)()
        return self.is_set()


def nothing() -> None:
    """The person is still reading."""


@pytest.fixture
def token(center: Any) -> signin.Token:
    center.confirmed = True
    return signin.begin(START_URL, "eu-central-1").wait(Person())


def boto3_says(code: str) -> subprocess.CompletedProcess[str]:
    """What a program says that knows boto3 and nothing of ours, in a process of its own."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


KEYS_OF_PROFILE = (
    "import boto3; print(boto3.Session(profile_name='render').get_credentials().get_frozen_credentials().access_key)"
)


def test_a_person_is_shown_the_code_and_the_page(center):
    """Both come from the Identity Center; the page has the code in it."""
    pending = signin.begin(START_URL, "eu-central-1")
    assert pending.user_code == "ABCD-EFGH"
    assert pending.page.endswith("?user_code=ABCD-EFGH")
    assert timedelta(minutes=9) < pending.expires - datetime.now(UTC) <= timedelta(minutes=10)
    assert "secret" not in repr(pending)


def test_it_waits_until_the_person_has_confirmed(center):
    """It asks at the pace that the Identity Center sets, and more slowly when told so."""
    person = Person(nothing, nothing, nothing, lambda: setattr(center, "confirmed", True))
    center.answers = ["AuthorizationPendingException", "SlowDownException"]
    token = signin.begin(START_URL, "eu-central-1").wait(person)
    assert person.waits == [1, 1, 6, 6]
    assert token.value not in repr(token)


def test_plain_boto3_uses_the_profile(center, token):
    """A program without anything of ours gets the role's credentials."""
    signin.write_profile("render", token, "111111111111", "Director", "eu-west-1")
    said = boto3_says(KEYS_OF_PROFILE + "; print(boto3.Session(profile_name='render').region_name)")
    assert said.stdout.split() == ["AKIA111111111111", "eu-west-1"], said.stderr


def test_plain_boto3_renews_the_token_without_a_browser(center):
    """An expired token is no reason to sign in again, and the new one lies where the old one did."""
    center.confirmed, center.token_lifetime_s = True, -10
    token = signin.begin(START_URL, "eu-central-1").wait(Person())
    signin.write_profile("render", token, "111111111111", "Artist", "eu-west-1")
    center.token_lifetime_s = 28_800
    assert profiles.profile_of("render").works
    said = boto3_says(KEYS_OF_PROFILE)
    assert said.stdout.split() == ["AKIA111111111111"], said.stderr
    assert aws_files.read_sign_in("studio")["accessToken"] != token.value


def test_accounts_and_roles_are_those_of_the_person(token):
    """All of them, by name, however many pages they come in."""
    found = signin.accounts(token)
    assert [(account.name, account.id) for account in found] == [("Assets", "111111111111"), ("Shots", "222222222222")]
    assert signin.roles(token, "111111111111") == ["Artist", "Director"]
    assert signin.name_for(found[0], "Artist") == "assets-artist"


def test_nothing_but_profile_session_and_token_is_left(home, token):
    """The token is for its owner alone, and there is no other file."""
    signin.write_profile("render", token, "111111111111", "Artist", "eu-west-1")
    files = [path for path in home.rglob("*") if path.is_file()]
    assert {path.name for path in files} == {"config", aws_files.sign_in_file("studio").name}
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert "token" not in (home / ".aws" / "config").read_text()


def test_the_persons_own_file_is_kept_to_the_line(home, token):
    """Comments, order, other profiles and their spelling stay as they were."""
    config = home / ".aws" / "config"
    before = (
        "# mine\n[default]\nregion=eu-north-1   \n\n[profile old]\naws_access_key_id = AKIAOLD\ns3 =\n  max_queue = 4\n"
    )
    config.parent.mkdir(exist_ok=True)
    config.write_text(before)
    config.chmod(0o640)
    signin.write_profile("render", token, "111111111111", "Artist", "eu-west-1")
    assert config.read_text().startswith(before)
    assert config.stat().st_mode & 0o777 == 0o640


def test_a_second_profile_shares_the_session(home, token):
    """One portal is one [sso-session], whatever the person added to its address."""
    signin.write_profile("render", token, "111111111111", "Artist", "eu-west-1")
    again = signin.begin(f"{START_URL}/#/", "eu-central-1").wait(Person())
    signin.write_profile("shots", again, "222222222222", "Artist", "eu-west-1")
    assert (home / ".aws" / "config").read_text().count("[sso-session") == 1
    assert all(profile.works for profile in profiles.profiles())


def test_another_portal_of_that_name_gets_another_session(home, center):
    """Two studios may both be called studio."""
    aws_files.write_sections(
        {"sso-session studio": {"sso_start_url": "https://studio.example/start", "sso_region": "us-east-1"}}
    )
    assert signin.begin(START_URL, "eu-central-1").portal.session == "studio-2"


@pytest.mark.parametrize("name", ["mine", "two words", "a]b", ""])
def test_no_profile_is_overwritten_and_no_odd_name_written(home, token, name):
    """The file stays as it was."""
    config = home / ".aws" / "config"
    config.write_text("[profile mine]\naws_access_key_id = AKIAMINE\n")
    with pytest.raises(BadArguments):
        signin.write_profile(name, token, "111111111111", "Artist", "eu-west-1")
    assert config.read_text() == "[profile mine]\naws_access_key_id = AKIAMINE\n"


@pytest.mark.parametrize(
    ("answer", "words"), [("ExpiredTokenException", "has expired"), ("AccessDeniedException", "refused in the browser")]
)
def test_a_sign_in_that_fails_says_why(home, center, answer, words):
    """In words, and nothing is remembered."""
    center.answers = [answer]
    with pytest.raises(NoCredentials, match=words):
        signin.begin(START_URL, "eu-central-1").wait(Person())
    assert not [path for path in home.rglob("*") if path.is_file()]


def test_a_network_that_comes_back_is_no_reason_to_begin_anew(center):
    """Server errors while the person is in the browser are waited out."""
    center.confirmed = True
    center.answers = ["InternalServerException"] * 4
    center.answers += ["AuthorizationPendingException"]
    assert signin.begin(START_URL, "eu-central-1").wait(Person()).value in center.tokens


def test_cancel_ends_the_wait(center):
    """No further question is asked."""
    person = Person(nothing)
    person.deeds.append(person.set)
    with pytest.raises(Cancelled):
        signin.begin(START_URL, "eu-central-1").wait(person)
    assert center.asked.count("/token") == 1


@pytest.mark.parametrize(
    ("start_url", "region", "words"),
    [
        ("studio", "eu-central-1", "not the address"),
        ("http://studio.awsapps.com/start", "eu-central-1", "not the address"),
        (START_URL, "Frankfurt", "not an AWS region"),
        ("https://other.awsapps.com/start", "eu-central-1", "no AWS access portal"),
    ],
)
def test_a_wrong_address_or_region_is_named(center, start_url, region, words):
    """Before the person waits for a page that would never come."""
    with pytest.raises(BadArguments, match=words):
        signin.begin(start_url, region)


def test_a_profile_of_the_older_form_signs_in_again(home, center):
    """Its token lies where boto3 looks for it: under the start URL; the configuration is not changed."""
    older = f"sso_start_url = {START_URL}\nsso_region = eu-central-1\n"
    config = home / ".aws" / "config"
    config.parent.mkdir()
    config.write_text(f"[profile render]\n{older}sso_account_id = 222222222222\nsso_role_name = Artist\n")
    before = config.read_text()
    assert profiles.profile_of("render").needs_sign_in
    center.confirmed = True
    signin.begin_again("render").wait(Person())
    assert profiles.profile_of("render").works
    assert config.read_text() == before
    assert boto3_says(KEYS_OF_PROFILE).stdout.split() == ["AKIA222222222222"]


def test_a_broken_choice_of_profile_is_no_obstacle(center, monkeypatch):
    """AWS_PROFILE may name the profile that the sign-in is to make."""
    monkeypatch.setenv("AWS_PROFILE", "not there yet")
    assert signin.begin(START_URL, "eu-central-1").user_code


def test_a_sign_in_that_was_ended_is_told_apart_from_no_rights(center, token):
    """The person ended all sessions in the portal: signing in again is the remedy."""
    center.tokens.clear()
    with pytest.raises(SignedOut):
        signin.accounts(token)


@pytest.mark.parametrize(
    "ended", ["nothing was remembered", "token expired and cannot be renewed", "ended at the portal"]
)
def test_every_command_says_to_sign_in_again(home, center, token, ended):
    """Whatever the client asks AWS for: exit code 4, what is wrong, and how to mend it."""
    signin.write_profile("render", token, "111111111111", "Artist", "eu-west-1")
    remembered = aws_files.sign_in_file("studio")
    if ended == "nothing was remembered":
        remembered.unlink()
    elif ended == "ended at the portal":
        center.tokens.clear()
        center.refreshes.clear()
    else:
        kept = json.loads(remembered.read_text())
        remembered.write_text(json.dumps({**kept, "expiresAt": "2020-01-01T00:00:00Z", "refreshToken": "unknown"}))
    command = [sys.executable, "-c", "from cloud_render.cli.main import main; main()", "--profile", "render", "jobs"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 4, done.stderr
    assert "cloud-render login" in done.stderr
    assert "Traceback" not in done.stderr
