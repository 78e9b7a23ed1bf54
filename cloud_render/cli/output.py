# SPDX-License-Identifier: GPL-3.0-or-later
"""The one door to the terminal. Results go to stdout, progress and remarks to stderr; with `--json`, JSON alone."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from cloud_render.contract import values
from cloud_render.contract.errors import CloudRenderError, MissingFiles

if TYPE_CHECKING:
    from rich.console import Console, RenderableType


@dataclass
class Output:
    """How this run speaks; `json` may still be switched on while the command line is being read."""

    json: bool = False

    def say(self, text: str = "") -> None:
        """A line of the result."""
        if not self.json:
            click.echo(text)

    def show(self, renderable: RenderableType) -> None:
        """A table or the like as part of the result."""
        if not self.json:
            self.console(stderr=False).print(renderable)

    def remark(self, text: str) -> None:
        """Something beside the result: what is going on, what to do next."""
        if not self.json:
            click.echo(text, err=True)

    def warn(self, problem: str, advice: str = "") -> None:
        if not self.json:
            click.echo(f"{styled('Note:', 'yellow')} {problem}", err=True)
            if advice:
                click.echo(f"      {advice}", err=True)

    def document(self, value: Any) -> None:
        """The whole JSON answer of this run."""
        if self.json:
            click.echo(json.dumps(values.to_plain(value), ensure_ascii=False, indent=1))

    def json_line(self, value: Any) -> None:
        """One of many JSON answers, for commands that go on (`--watch`, `--follow`)."""
        if self.json:
            click.echo(json.dumps(values.to_plain(value), ensure_ascii=False))

    def problem(self, problem: str, advice: str, exit_code: int, details: dict[str, Any] | None = None) -> None:
        """Why the run ends, and what to do now."""
        if self.json:
            answer = {"error": problem, "advice": advice, "exit_code": exit_code, **(details or {})}
            click.echo(json.dumps(answer, ensure_ascii=False))
            return
        click.echo(f"{styled('Problem:', 'red')} {problem}", err=True)
        if advice:
            click.echo(f"{styled('What to do:', 'cyan')} {advice}", err=True)

    def console(self, *, stderr: bool = True) -> Console:
        """Rich's console on stderr (progress) or stdout (tables). Imported here: `--help` does without."""
        from rich.console import Console

        return Console(stderr=stderr, highlight=False, emoji=False, quiet=self.json)


def details_of(error: CloudRenderError) -> dict[str, Any]:
    """What `--json` says beside the words."""
    return {"missing": list(error.missing)} if isinstance(error, MissingFiles) else {}


def styled(text: str, colour: str) -> str:
    """Click drops the colour where the stream is no terminal; NO_COLOR (no-color.org) is ours to respect."""
    return text if os.environ.get("NO_COLOR") else click.style(text, fg=colour, bold=True)
