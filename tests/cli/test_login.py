# SPDX-License-Identifier: GPL-3.0-or-later
"""`cloud-render login`, against an Identity Center on loopback and an empty home."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

COMMAND = [sys.executable, "-c", "from cloud_render.cli.main import main; main()", "login", "--no-browser"]
NEW = ("--start-url", "https://studio.awsapps.com/start", "--region", "eu-central-1")


@pytest.fixture
def center() -> Iterator[Any]:
    """Where the person has confirmed already."""
    path = Path(__file__).parents[1] / "client" / "identity_center.py"
    spec = importlib.util.spec_from_file_location("identity_center", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["identity_center"] = module  # dataclasses look their module up there
    spec.loader.exec_module(module)
    with module.running() as center:
        center.confirmed = True
        yield center


@pytest.fixture
def login(center: Any, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return subprocess.run(
            [*COMMAND, *arguments],
            env={**kept, **center.environment, "HOME": str(tmp_path), "USERPROFILE": str(tmp_path)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_a_new_profile_is_made(login, tmp_path):
    """The code is shown, then what can be used from now on."""
    done = login(*NEW, "--account", "111111111111", "--role", "Artist", "--profile", "render")
    assert done.returncode == 0, done.stderr
    assert "ABCD-EFGH" in done.stderr
    assert "--profile render" in done.stderr
    assert "[profile render]" in (tmp_path / ".aws" / "config").read_text()


def test_the_only_role_need_not_be_named(login):
    """Nor the profile: it is called after account and role."""
    done = login(*NEW, "--account", "222222222222", "--json")
    asked, made = (json.loads(line) for line in done.stdout.splitlines())
    assert asked["code"] == "ABCD-EFGH"
    assert (made["profile"], made["role"]) == ("shots-artist", "Artist")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "--start-url"),
        (NEW, "--account"),
        ((*NEW, "--account", "3"), "no account 3"),
        ((*NEW, "--account", "111111111111"), "--role"),
        (("--profile", "nobody"), "no AWS profile 'nobody'"),
    ],
)
def test_what_is_not_said_is_asked_for_in_words(login, tmp_path, arguments, words):
    """Where nobody can be asked, the choices are listed, and no profile is written."""
    done = login(*arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / ".aws" / "config").exists()


def test_a_profile_signs_in_again(login, center):
    """Without repeating where; all profiles of that portal are signed in with it."""
    login(*NEW, "--account", "222222222222", "--profile", "render")
    center.tokens.clear()
    assert login().returncode == 0
    assert login("--profile", "render").returncode == 0
    assert len(center.tokens) == 2
