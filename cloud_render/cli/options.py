# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that every command has, the sections of the help texts, and parameter types of our own."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import click

from cloud_render.cli.output import Output
from cloud_render.contract.errors import BadArguments

DEFAULT_STACK = "cloud-render"
CLOUD = "Which cloud (before or after the command's name)"


@dataclass
class Settings:
    """What the global options say. They may stand before or after the command's name; the last one counts."""

    stack: str = DEFAULT_STACK
    profile: str = ""
    region: str = ""
    endpoint_url: str = ""
    ca_bundle: str = ""
    proxy: str = ""
    max_upload: int = 0
    """In bytes a second; 0 for what the AWS configuration says."""
    max_download: int = 0
    output: Output = field(default_factory=Output)


class Option(click.Option):
    """An option that knows the section of the help text it belongs to."""

    def __init__(self, *args: Any, section: str = "Options", **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.section = section


class Command(click.Command):
    """A command whose help shows its options in sections."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        write_sections(self.get_params(ctx), ctx, formatter)


def write_sections(parameters: Sequence[click.Parameter], ctx: click.Context, formatter: click.HelpFormatter) -> None:
    """The options of a help text, section by section, that of the cloud last."""
    sections: dict[str, list[tuple[str, str]]] = {}
    for parameter in parameters:
        # Arguments stand in the usage line and are explained by the text below it.
        if isinstance(parameter, click.Option) and (record := parameter.get_help_record(ctx)):
            sections.setdefault(getattr(parameter, "section", "Options"), []).append(record)
    cloud = sections.pop(CLOUD, [])
    for title, records in [*sections.items(), (CLOUD, cloud)]:
        if records:
            with formatter.section(title):
                formatter.write_dl(records, col_max=34)


Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def option(*names: str, section: str = "Options", **attributes: Any) -> Callable[[Decorated], Decorated]:
    return click.option(*names, cls=Option, section=section, **attributes)


def command(name: str, **attributes: Any) -> Callable[[Callable[..., Any]], Command]:
    """A command with the global options; the function gets Settings through `click.pass_obj`."""

    def made(function: Callable[..., Any]) -> Command:
        return click.command(name, cls=Command, **attributes)(global_options(click.pass_obj(function)))

    return made


def global_options(function: Decorated) -> Decorated:
    for decorate in reversed(_GLOBAL):
        function = decorate(function)
    return function


def _remember(ctx: click.Context, parameter: click.Parameter, value: str | None) -> None:
    if value is not None:
        setattr(ctx.ensure_object(Settings), str(parameter.name), value)


def _remember_json(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value:
        ctx.ensure_object(Settings).output.json = True


def _global(*names: str, **attributes: Any) -> Callable[[Decorated], Decorated]:
    return option(*names, section=CLOUD, callback=_remember, expose_value=False, **attributes)


_GLOBAL = (
    _global("--stack", "--stackname", "stack", metavar="NAME", help=f"The stack's name. Default: {DEFAULT_STACK}."),
    _global("--profile", metavar="NAME", help="AWS profile. Default: AWS_PROFILE, or what AWS tools use here."),
    _global("--region", metavar="NAME", help="AWS region. Default: AWS_REGION, or the profile's."),
    _global(
        "--endpoint-url",
        metavar="URL",
        help="Another place than AWS, such as a local cloud. Default: AWS_ENDPOINT_URL.",
    ),
    _global(
        "--ca-bundle",
        metavar="FILE",
        help="Certificates to trust. Default: AWS_CA_BUNDLE, the profile's, or those of AWS tools.",
    ),
    _global("--proxy", metavar="URL", help="Such as http://proxy.example:3128. Default: HTTPS_PROXY, NO_PROXY."),
    option(
        "--json",
        section=CLOUD,
        is_flag=True,
        callback=_remember_json,
        expose_value=False,
        help="JSON on stdout and nothing else there.",
    ),
)


def _remember_rate(ctx: click.Context, parameter: click.Parameter, value: str | None) -> None:
    if value is None:
        return
    from cloud_render.store import pace  # 0.1 s that `--help` need not pay

    try:
        setattr(ctx.ensure_object(Settings), str(parameter.name), pace.of_text(value))
    except BadArguments as error:
        raise click.BadParameter(str(error), ctx, parameter) from error


def rate_option(name: str, what: str, section: str = "Options") -> Callable[[Decorated], Decorated]:
    """`--max-upload` or `--max-download`; what is chosen lies in the Settings."""
    variable = f"CLOUD_RENDER_{name.removeprefix('--').replace('-', '_').upper()}"
    return option(
        name,
        metavar="RATE",
        section=section,
        envvar=variable,
        callback=_remember_rate,
        expose_value=False,
        help=f"{what} no faster: 5MB/s, 40Mbit/s. Default: {variable}, or the AWS profile's s3.max_bandwidth.",
    )


class Dollars(click.FloatRange):
    """An amount above 0. `nan` and `inf`, which Python reads as numbers, are none."""

    def __init__(self) -> None:
        super().__init__(min=0, min_open=True)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        amount = super().convert(value, param, ctx)
        if not math.isfinite(amount):
            self.fail(f"{value!r} is not an amount such as 5 or 2.50.", param, ctx)
        return amount


def resolution(ctx: click.Context, parameter: click.Parameter, value: str | None) -> tuple[int, int] | None:
    """`1920x1080` as (1920, 1080); a callback for an option."""
    if value is None:
        return None
    match = re.fullmatch(r"\s*([1-9]\d{0,4})\s*[xX×]\s*([1-9]\d{0,4})\s*", value, re.ASCII)
    if not match:
        raise click.BadParameter(f"{value!r} is not a size such as 1920x1080.", ctx, parameter)
    return int(match[1]), int(match[2])


def version(ctx: click.Context, parameter: click.Parameter, value: str) -> str:
    """All three numbers of a Blender's version, or nothing; a callback for an option."""
    if value and not re.fullmatch(r"\d+\.\d+\.\d+", value, re.ASCII):
        raise click.BadParameter(f"{value!r} is not a version such as 5.0.1.", ctx, parameter)
    return value


def frames_per_job(ctx: click.Context, parameter: click.Parameter, value: str) -> int | None:
    """A whole number, or None for `auto`; a callback for an option."""
    if value == "auto":
        return None
    if not re.fullmatch(r"[1-9]\d{0,6}", value, re.ASCII):
        raise click.BadParameter(f"{value!r} is neither a whole number from 1 up nor auto.", ctx, parameter)
    return int(value)
