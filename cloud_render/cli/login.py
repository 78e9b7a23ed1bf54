# SPDX-License-Identifier: GPL-3.0-or-later
"""`cloud-render login`: a sign-in through the browser, and the AWS profile that it is for."""

from __future__ import annotations

import os
import sys
import threading
import webbrowser
from collections.abc import Sequence

import click

from cloud_render.cli import words
from cloud_render.cli.exit_codes import Exit
from cloud_render.cli.options import Settings, command, option
from cloud_render.cli.output import Output
from cloud_render.client import profiles, signin
from cloud_render.client.signin import Account, Pending, Token
from cloud_render.contract.errors import BadArguments

NEW = "A new profile"


@command("login")
@option("--browser/--no-browser", default=True, help="Open the page, or only say where it is. Default: open it.")
@option("--start-url", metavar="URL", section=NEW, help="Of your AWS access portal: https://….awsapps.com/start.")
@option("--sso-region", metavar="REGION", section=NEW, help="Where the portal lives. Default: --region.")
@option("--account", metavar="ID", section=NEW, help="The AWS account. Default: the only one, or you are asked.")
@option("--role", metavar="NAME", section=NEW, help="The role there. Default: the only one, or you are asked.")
def login(
    settings: Settings,
    browser: bool,
    start_url: str | None,
    sso_region: str | None,
    account: str | None,
    role: str | None,
) -> int:
    """Sign in through the browser (AWS IAM Identity Center); the AWS CLI is not needed.

    With --start-url a profile is made, named by --profile. Without it, the profile that signed in before does so
    again. Profile and token lie where all AWS tools find them, and are renewed until the portal's session ends.
    """
    _take_this_line(settings)
    if start_url is None:
        pending = _pending_again(settings.profile or os.environ.get("AWS_PROFILE", ""))
        _confirmed(settings.output, pending, browser)
        settings.output.say("You are signed in.")
        return Exit.DONE
    region = settings.region or os.environ.get("AWS_REGION") or sso_region or ""
    token = _confirmed(settings.output, signin.begin(start_url, sso_region or region), browser)
    chosen = _account(token, account)
    role = _role(token, chosen, role)
    name = settings.profile or signin.name_for(chosen, role)
    signin.write_profile(name, token, chosen.id, role, region)
    settings.output.json_line({"profile": name, "account": chosen.id, "role": role, "region": region})
    settings.output.say(f"You are signed in. The profile {name} is {role} in {chosen.name or 'account'} {chosen.id}.")
    settings.output.remark(f"Use it: --profile {name}, or AWS_PROFILE={name}")
    return Exit.DONE


def _take_this_line(settings: Settings) -> None:
    """A sign-in belongs to no Connection: its requests go the way that the environment says."""
    for name, chosen in (("AWS_CA_BUNDLE", settings.ca_bundle), ("HTTPS_PROXY", settings.proxy)):
        if chosen:
            os.environ[name] = chosen


def _pending_again(profile: str) -> Pending:
    if profile:
        return signin.begin_again(profile)
    known = profiles.portals()
    if len(known) == 1:
        return signin.begin_at(known[0])
    if known:
        raise BadArguments("Several sign-ins are known here.", "Name a profile of the one that you mean: --profile.")
    raise BadArguments("No sign-in is known here yet.", "Give your AWS access portal's address: --start-url URL.")


def _confirmed(output: Output, pending: Pending, browser: bool) -> Token:
    """The token, once the person has confirmed in the browser."""
    output.json_line({"page": pending.page, "code": pending.user_code, "expires": pending.expires.isoformat()})
    output.remark(f"Confirm the code {pending.user_code} in the browser: {pending.page}")
    if browser:
        webbrowser.open(pending.page)
    return pending.wait(threading.Event())


def _account(token: Token, wanted: str | None) -> Account:
    found = signin.accounts(token)
    if not found:
        raise BadArguments("You may use no account there.", "Ask whoever runs your AWS accounts for access to one.")
    labels = [f"{account.id} {account.name}".strip() for account in found]
    return found[_choice("account", [account.id for account in found], labels, wanted)]


def _role(token: Token, account: Account, wanted: str | None) -> str:
    found = signin.roles(token, account.id)
    if not found:
        raise BadArguments(f"You have no role in {account.id}.", "Ask whoever runs your AWS accounts for one.")
    return found[_choice("role", found, found, wanted)]


def _choice(what: str, names: Sequence[str], labels: Sequence[str], wanted: str | None) -> int:
    """Which of `names` is meant: the wanted one, the only one, or the one that the person chooses."""
    there = f"There are: {words.listed(labels, most=20)}."
    if wanted is not None:
        if wanted not in names:
            raise BadArguments(f"There is no {what} {wanted} for you.", there)
        return names.index(wanted)
    if len(names) == 1:
        return 0
    if not sys.stdin.isatty():
        raise BadArguments(f"There is more than one {what}.", f"Choose one with --{what}. {there}")
    for number, label in enumerate(labels, 1):
        click.echo(f"{number:>4}  {label}", err=True)
    chosen: int = click.prompt(f"Which {what}", type=click.IntRange(1, len(names)), err=True)
    return chosen - 1
