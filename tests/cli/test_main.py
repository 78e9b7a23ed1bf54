# SPDX-License-Identifier: GPL-3.0-or-later
"""How the command line answers before any command does its work."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from cloud_render.cli import exit_codes, main, options
from cloud_render.cli.exit_codes import Exit
from cloud_render.contract import errors


@pytest.fixture
def failing(monkeypatch):
    """A function that makes `cloud-render jobs` end with the exception it is given."""

    def fail_with(error: BaseException) -> None:
        def jobs(_settings: options.Settings) -> None:
            raise error

        monkeypatch.setattr(main.LazyGroup, "get_command", lambda *_: options.command("jobs")(jobs))

    return fail_with


def test_help_names_every_command_and_exit_code(capsys):
    """A person can work from --help alone."""
    assert main.run(["--help"]) == Exit.DONE
    shown = capsys.readouterr().out
    assert all(f"\n  {name} " in shown for name in main.COMMANDS)
    assert all(f"\n    {code.value}  " in shown for code in Exit)


@pytest.mark.parametrize("name", main.COMMANDS)
def test_every_command_has_help_with_the_global_options(name, capsys):
    """The table of commands and the modules agree, and each command takes the global options after its name."""
    command = main.cli.get_command(click.Context(main.cli), name)
    below = [[name, each] for each in command.commands] if isinstance(command, click.Group) else [[name]]
    for words in ([name], *below):
        assert main.run([*words, "--help"]) == Exit.DONE
        shown = capsys.readouterr().out
        assert shown.startswith(f"Usage: cloud-render {' '.join(words)} ")
        assert "--endpoint-url URL" in shown or words not in below


def test_no_arguments_show_the_help_as_wrong_usage(capsys):
    """`cloud-render` alone explains itself, and a script notices that nothing was done."""
    assert main.run([]) == Exit.USAGE
    assert "demo" in capsys.readouterr().out


def test_a_mistyped_command_is_met_with_the_nearest_one(capsys):
    """Typing errors cost one more look, not a search in the manual."""
    assert main.run(["stats"]) == Exit.USAGE
    assert "Did you mean 'status'?" in capsys.readouterr().err


def test_wrong_usage_is_json_too_when_json_was_asked(capsys):
    """With --json a script finds the error in the same place and form, wherever the option stands."""
    assert main.run(["jobs", "--json", "--nonsense"]) == Exit.USAGE
    shown = capsys.readouterr()
    answer = json.loads(shown.out)
    assert "--nonsense" in answer["error"]
    assert answer["exit_code"] == Exit.USAGE
    assert shown.err == ""


def test_errors_are_a_problem_and_what_to_do(failing, capsys):
    """Our errors come as two lines on stderr, and stdout stays clean."""
    failing(errors.NoStack("There is no stack named farm.", "Set it up first."))
    assert main.run(["jobs"]) == Exit.NO_CLOUD
    shown = capsys.readouterr()
    assert shown.err == "Problem: There is no stack named farm.\nWhat to do: Set it up first.\n"
    assert shown.out == ""


def test_missing_files_are_listed_in_json(failing, capsys):
    """A script gets the list of missing files, not only their number."""
    failing(errors.MissingFiles(["Image 'wood': /a.png"], "Find them."))
    assert main.run(["--json", "jobs"]) == Exit.FAILED
    assert json.loads(capsys.readouterr().out)["missing"] == ["Image 'wood': /a.png"]


def test_an_unexpected_error_shows_words_and_keeps_the_traceback_in_a_file(failing, capsys):
    """No person ever sees a traceback; the report has it."""
    failing(RuntimeError("the sky fell"))
    assert main.run(["jobs"]) == Exit.FAILED
    shown = capsys.readouterr().err
    assert "Traceback" not in shown
    log = Path(shown.split("this file: ")[1].strip())
    assert "RuntimeError: the sky fell" in log.read_text("utf-8")
    log.unlink()


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.Abort()])
def test_ctrl_c_ends_with_its_own_exit_code(error, failing):
    """Scripts can tell a stop by hand from a failure."""
    failing(error)
    assert main.run(["jobs"]) == Exit.CANCELLED


LOADING = """
import signal
import sys
class PressesCtrlC:
    def find_spec(self, name, path=None, target=None):
        if name == "click":
            signal.raise_signal(signal.SIGINT)
sys.meta_path.insert(0, PressesCtrlC())
from cloud_render.cli.start import main
main()
"""


def test_ctrl_c_while_the_program_loads_is_no_traceback():
    """Who notices a typing error at once is not shown where Python was."""
    done = subprocess.run([sys.executable, "-c", LOADING], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (Exit.CANCELLED, "Stopped.\n")


def test_every_kind_of_error_has_the_documented_exit_code():
    """The tree of errors maps onto the five codes of the README."""
    expected = {
        errors.BadFrames("x", "no"): Exit.USAGE,
        errors.BadArguments("x"): Exit.USAGE,
        errors.NotThere("x"): Exit.USAGE,
        errors.BadJob("x", ["y"]): Exit.FAILED,
        errors.UnreadableBlend("x"): Exit.FAILED,
        errors.MissingFiles(["x"], ""): Exit.FAILED,
        errors.BlenderFailed("x"): Exit.FAILED,
        errors.Cancelled("x"): Exit.CANCELLED,
        errors.NoCredentials("x"): Exit.NO_CLOUD,
        errors.StorageUnavailable("x"): Exit.NO_CLOUD,
    }
    assert {error: exit_codes.of_error(error) for error in expected} == expected


def test_help_loads_neither_boto3_nor_rich_nor_a_command():
    """`cloud-render --help` answers at once."""
    code = (
        "import sys\nfrom cloud_render.cli import main\nmain.run(['--help'])\n"
        "print(*sorted({'boto3', 'botocore', 'rich', 'cloud_render.client'} & set(sys.modules)), file=sys.stderr)"
    )
    asked = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert asked.stderr.strip() == ""


def test_a_reader_that_goes_away_is_no_traceback():
    """`cloud-render --help | head -1` ends quietly."""
    shown = subprocess.run(
        f"{sys.executable} -c 'from cloud_render.cli.main import main; main()' --help | head -c 1",
        shell=True,
        capture_output=True,
        text=True,
        check=False,
    )
    assert shown.stderr == ""


def ends(redirection: str, *arguments: str) -> tuple[int, str]:
    """Exit code and stderr of the command with its stdout sent there."""
    code = "from cloud_render.cli.main import main; main()"
    words = shlex.join([sys.executable, "-c", code, *arguments])
    ended = subprocess.run(f"{words} {redirection}", shell=True, capture_output=True, text=True, check=False)
    return ended.returncode, ended.stderr


def test_a_closed_stdout_is_no_traceback():
    """A service may start us without any stdout."""
    assert ends(">&-", "--help") == (Exit.DONE, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("arguments", [("--help",), ("jobs", "--json", "--nonsense")])
def test_an_answer_that_finds_no_room_says_so(arguments):
    """A full disk below `> jobs.json` is told in words, and is no fault of ours."""
    code, said = ends("> /dev/full", *arguments)
    assert code == Exit.FAILED
    assert "Traceback" not in said
    assert "No space left" in said or "no room" in said


@pytest.mark.parametrize("amount", ["nan", "inf", "0", "-1", "much"])
@pytest.mark.parametrize("command", [["submit", "x.blend"], ["retry", "last"]])
def test_a_cost_limit_that_limits_nothing_is_refused(command, amount, capsys):
    """`nan` is above no cost: a job would never end by itself."""
    assert main.run([*command, "--cost-limit", amount]) == Exit.USAGE
    assert "--cost-limit" in capsys.readouterr().err


def test_a_folder_named_as_the_scene_is_called_one(tmp_path, capsys):
    """Before the demo starts a cloud for it, too."""
    assert main.run(["demo", str(tmp_path), "--to", str(tmp_path / "to")]) == Exit.USAGE
    assert f"{str(tmp_path)!r} is a folder." in capsys.readouterr().err
    assert not (tmp_path / "to").exists()


@pytest.mark.parametrize("command", [["check"], ["submit", "--dry-run"], ["demo"]])
def test_a_scene_that_cant_be_read_is_met_with_what_to_do(command, capsys):
    """Not with a pointer to the help, which says nothing of it."""
    assert main.run([*command, "x" * 300 + ".blend"]) == Exit.FAILED
    said = capsys.readouterr().err
    assert "can't be read" in said
    assert "who may read the file" in said


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_scene_of_somebody_else_is_met_with_what_to_do(tmp_path, capsys):
    """The same for a file whose rights don't let this person read it."""
    scene = tmp_path / "shot.blend"
    scene.touch(mode=0)
    assert main.run(["check", str(scene)]) == Exit.FAILED
    assert "Permission denied. Check" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    "options",
    [
        ["submit", "--frames"],
        ["quote", "--frames"],
        ["test", "--frames"],
        ["test", "--at"],
        ["check", "--frames"],
        ["again", "last", "--frames"],
    ],
)
def test_frames_that_cant_be_read_are_told_first(options, tmp_path, capsys):
    """Before the cloud is asked, and before Blender opens the file."""
    scene = tmp_path / "shot.blend"
    scene.write_bytes(b"Blender would complain")
    assert main.run([*options, "nonsense", str(scene)]) == Exit.USAGE
    assert "Can't read the frames 'nonsense'" in capsys.readouterr().err
