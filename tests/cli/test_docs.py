# SPDX-License-Identifier: GPL-3.0-or-later
"""The docs say what the program does."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import click
import pytest

from cloud_render.cli import main
from cloud_render.cli.exit_codes import Exit
from cloud_render.contract import day_prices, job, scene

DOCS = Path(__file__).parents[2] / "docs"
KINDS = (
    job.RenderJob,
    job.JobFile,
    job.Overrides,
    job.Video,
    job.Hooks,
    job.Limits,
    day_prices.DayPrices,
    day_prices.MachinePrice,
)


def section(page: str, title: str) -> str:
    return re.split(rf"^## {title}$", page, flags=re.MULTILINE)[1].split("\n## ")[0]


@pytest.mark.parametrize("kind", KINDS)
def test_the_reference_of_job_json_has_every_field_in_order(kind):
    """A new field of RenderJob without its line in the reference fails here."""
    page = section((DOCS / "job-json.md").read_text("utf-8"), kind.__name__)
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \| [^|]{5,}", page, re.MULTILINE)
    assert [name for name, _ in rows] == [field.name for field in dataclasses.fields(kind)]
    required = {
        field.name
        for field in dataclasses.fields(kind)
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    }
    assert {name for name, default in rows if default == "required"} == required


def test_the_reference_of_job_json_has_every_format_and_codec():
    """The lists of the reference are those of the program."""
    page = (DOCS / "job-json.md").read_text("utf-8")
    assert ", ".join(scene.IMAGE_KINDS) in page
    for codec, containers in job.CONTAINERS_OF_CODEC.items():
        assert f"| `{codec}` | {', '.join(f'`{container}`' for container in containers)} |" in page


@pytest.mark.parametrize("name", main.COMMANDS)
def test_the_command_line_page_has_every_option(name):
    """An option that is not in the docs does not exist for who reads them."""
    page = section((DOCS / "cli.md").read_text("utf-8"), name)
    command = main.cli.get_command(click.Context(main.cli), name)
    options = [option for option in command.params if isinstance(option, click.Option)]
    cloud = {"--stack", "--stackname", "--profile", "--region", "--endpoint-url", "--ca-bundle", "--proxy", "--json"}
    missing = [opt for option in options for opt in option.opts if opt not in page and opt not in cloud]
    assert not missing


def test_the_readme_has_every_command_and_exit_code():
    """The first page is whole."""
    page = (DOCS.parent / "README.md").read_text("utf-8")
    assert all(f"cloud-render {name}" in page for name in main.COMMANDS)
    assert all(re.search(rf"^\| {code.value} \|", page, re.MULTILINE) for code in Exit)


def test_every_behaviour_that_must_never_break_has_its_tests():
    """The table in docs/testing.md names tests that are there."""
    page = section((DOCS / "testing.md").read_text("utf-8"), "What must never happen")
    rows = re.findall(r"^\| [^|]+ \| (`.+) \|$", page, re.MULTILINE)
    assert rows
    for group in (group for row in rows for group in row.split("; ")):
        file, *names = re.findall(r"`([^`]+)`", group)
        text = (DOCS.parent / "tests" / file).read_text("utf-8")
        assert names, group
        assert [name for name in names if f"def test_{name}(" not in text] == [], file


def test_links_of_the_docs_lead_somewhere():
    """No page points to one that is not there."""
    for page in [DOCS.parent / "README.md", *DOCS.glob("*.md")]:
        for target in re.findall(r"(?<!!)\[[^\]]*\]\(([^)#]+)[^)]*\)", page.read_text("utf-8")):
            assert target.startswith("http") or (page.parent / target).exists(), (page.name, target)
