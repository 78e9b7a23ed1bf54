# SPDX-License-Identifier: GPL-3.0-or-later
"""The entry point: finds the command, runs it, and turns every way it can end into words and an exit code."""

from __future__ import annotations

import difflib
import importlib
import io
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import click

import cloud_render
from cloud_render.cli import crash_log, exit_codes, interrupt
from cloud_render.cli.exit_codes import Exit
from cloud_render.cli.options import Settings, global_options, write_sections
from cloud_render.cli.output import Output, details_of
from cloud_render.contract.errors import CloudRenderError

COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("demo", "See the whole path on this computer, without AWS."),
    "local": ("local", "Run a cloud on this computer for the other commands."),
    "setup": ("setup", "Make the cloud in your AWS account, or bring it up to date."),
    "image": ("image", "Build the worker's image in the cloud."),
    "blender": ("blender", "Show which builds of Blender the cloud has, or install one."),
    "teardown": ("teardown", "Take the cloud away with all it holds."),
    "login": ("login", "Sign in to AWS through the browser."),
    "doctor": ("doctor", "Show what works in your cloud and what doesn't."),
    "check": ("check", "Show what a .blend needs and what is missing."),
    "test": ("test_frames", "Render a few frames first, and say what the rest will cost."),
    "quote": ("quote", "Show what rendering a .blend will cost."),
    "submit": ("submit", "Send a .blend to the cloud and render it."),
    "jobs": ("jobs", "List the jobs."),
    "status": ("status", "Show how far a job is, or watch it."),
    "logs": ("logs", "Show what a job's processes printed."),
    "audit": ("audit", "Show what a job's machines went through."),
    "costs": ("costs", "Show what jobs have cost."),
    "cancel": ("control", "Stop a job; its finished frames stay."),
    "retry": ("control", "Render the frames that are missing, and the video."),
    "again": ("again", "Render some frames again with the scene as it is now."),
    "stitch": ("control", "Make the video again from the frames."),
    "download": ("download", "Bring frames and video to this computer."),
    "delete": ("control", "Remove a job and all its files from the cloud."),
}
"""Name → module in this package, and its line in the help. A table, so that `--help` imports none of them."""

EPILOG = """\b
Exit codes:
  0  done
  1  the job, or what the command was to do, failed
  2  wrong usage
  3  cancelled, by you or by someone else
  4  the cloud can't be reached or is not set up

JOB is a job's id, a part of it that only one job has at its beginning or end, or `last`.
Start with `cloud-render demo`; it needs no AWS account."""


class LazyGroup(click.Group):
    """Imports a command's module when it is called, not before."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - Click calls it so
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"cloud_render.cli.{COMMANDS[cmd_name][0]}")
        found: click.Command = getattr(module, cmd_name)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            ctx.fail(f"There is no command {args[0]!r}." + (f" Did you mean {near[0]!r}?" if near else ""))
        return super().resolve_command(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        # The commands come first: they are what a person looks for.
        self.format_commands(ctx, formatter)
        write_sections(self.get_params(ctx), ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, words) for name, (_, words) in COMMANDS.items()])


@click.group(cls=LazyGroup, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(cloud_render.__version__, message="Cloud Render %(version)s")
@global_options
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Render Blender scenes in your own AWS account, or first on this computer."""
    ctx.ensure_object(Settings)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    interrupt.end_like_ctrl_c()
    for stream in (sys.stdout, sys.stderr):
        # A name that this terminal's encoding can't show must not end the program.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        code = run(given)
        click.echo(nl=False)  # flushes; unlike sys.stdout.flush() it does nothing where stdout is closed
    except BrokenPipeError:
        _forget_stdout()  # the reader (head, less) has gone
        code = Exit.FAILED
    except OSError as error:
        _forget_stdout()
        Output().problem(f"The answer can't be written: {error.strerror}.", "Send it elsewhere.", Exit.FAILED)
        code = Exit.FAILED
    sys.exit(code)


def _forget_stdout() -> None:
    """Python must not complain about it again when it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def run(arguments: Sequence[str]) -> int:
    """The exit code of this command line, everything said. Raises nothing but OSError, where stdout takes no more."""
    # The wish for JSON counts also where the command line can't be read to its end.
    output = Output(json="--json" in arguments)
    if not arguments:
        click.echo(cli.get_help(click.Context(cli, info_name="cloud-render")))
        return Exit.USAGE
    try:
        answer = cli.main(list(arguments), prog_name="cloud-render", standalone_mode=False, obj=Settings(output=output))
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else "cloud-render"
        output.problem(error.format_message(), f"See `{path} --help`.", Exit.USAGE)
        return Exit.USAGE
    except click.ClickException as error:
        output.problem(error.format_message(), "", Exit.USAGE)
        return Exit.USAGE
    except CloudRenderError as error:
        code = exit_codes.of_error(error)
        output.problem(error.problem, error.advice, code, details_of(error))
        return code
    except (click.Abort, KeyboardInterrupt):
        output.problem("Stopped.", "", Exit.CANCELLED)
        return Exit.CANCELLED
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - the last stop: whatever it is, the person gets words and we get the traceback
        output.problem(*crash_log.words_of(error, arguments), Exit.FAILED)
        return Exit.FAILED
    return answer if isinstance(answer, int) else Exit.DONE
