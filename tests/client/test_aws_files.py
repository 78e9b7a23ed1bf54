# SPDX-License-Identifier: GPL-3.0-or-later
"""The person's ~/.aws/config changed by the line."""

from __future__ import annotations

import configparser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_render.client.aws_files import with_section, write_sections
from cloud_render.contract.errors import BadArguments, CloudNotReady

VALUES = {"sso_session": "studio", "region": "eu-west-1"}
WRITTEN = "sso_session = studio\nregion = eu-west-1\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", f"[profile a]\n{WRITTEN}"),
        ("[profile b]\nregion = x", f"[profile b]\nregion = x\n\n[profile a]\n{WRITTEN}"),
        ("[profile a]\n\n[profile b]\n", f"[profile a]\n{WRITTEN}\n[profile b]\n"),
        ("[profile a]\nregion=x\noutput = json\n", f"[profile a]\noutput = json\n{WRITTEN}"),
        ('[profile "a"]\nREGION : x\n# end\n', f'[profile "a"]\n# end\n{WRITTEN}'),
        ("[profile a]\nregion =\n  x\ns3 =\n  y = 1\n", f"[profile a]\ns3 =\n  y = 1\n{WRITTEN}"),
        ("[profile a]\nregion_name = x\n", f"[profile a]\nregion_name = x\n{WRITTEN}"),
        ("[profile b]\r\nregion = x\r\n", f"[profile b]\nregion = x\n\n[profile a]\n{WRITTEN}".replace("\n", "\r\n")),
    ],
)
def test_only_the_lines_that_mean_the_same_are_replaced(before, after):
    """Comments, other keys, nested ones, other sections and the ends of lines stay."""
    assert with_section(before, "profile a", VALUES) == after


names = st.sampled_from(["profile a", "profile b", "default", "sso-session s"])
keys = st.sampled_from(["region", "output", "sso_session", "ca_bundle"])
sections = st.dictionaries(names, st.dictionaries(keys, st.sampled_from(["x", "y = z", "#w"])))


def parsed(text: str) -> dict[str, dict[str, str]]:
    parser = configparser.RawConfigParser()
    parser.read_string(text)
    return {name: dict(parser[name]) for name in parser.sections()}


@given(sections, names)
def test_what_a_parser_reads_is_the_old_with_the_new(before, title):
    """For every file and section: exactly these values are set, none else changes, and twice is as once."""
    text = "".join(
        f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in rows.items()) for name, rows in before.items()
    )
    after = with_section(text, title, VALUES)
    assert parsed(after) == {**before, title: {**before.get(title, {}), **VALUES}}
    assert with_section(after, title, VALUES) == after


def test_a_link_stays_a_link(tmp_path, monkeypatch):
    """Who keeps dotfiles elsewhere finds the change there."""
    (tmp_path / "dotfiles").write_text("# kept \udcff\n", "utf-8", "surrogateescape")
    (tmp_path / "config").symlink_to(tmp_path / "dotfiles")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    write_sections({"profile a": VALUES})
    assert (tmp_path / "config").is_symlink()
    assert (tmp_path / "dotfiles").read_bytes() == b"# kept \xff\n\n[profile a]\n" + WRITTEN.encode()
    assert len(list(tmp_path.iterdir())) == 2


def test_a_device_is_never_replaced_by_a_file(monkeypatch):
    """AWS_CONFIG_FILE=/dev/null is a common way to have no profiles."""
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    with pytest.raises(BadArguments, match="no file"):
        write_sections({"profile a": VALUES})
    assert Path("/dev/null").is_char_device()


def test_a_folder_that_can_not_be_written_is_named(tmp_path, monkeypatch):
    """With the path, not with a traceback."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "file" / "config"))
    with pytest.raises(CloudNotReady, match="Could not write"):
        write_sections({"profile a": VALUES})
