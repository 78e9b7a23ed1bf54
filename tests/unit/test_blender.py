# SPDX-License-Identifier: GPL-3.0-or-later
"""The door to Blender's process, with small programs in Blender's place."""

from __future__ import annotations

import io
import os
import signal
import stat
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from cloud_render import blender
from cloud_render.contract.errors import BadArguments, BlenderFailed, DoesNotFit, MissingFiles, NoUsableGpu


@pytest.fixture
def actor(tmp_path):
    """A Blender that runs a given piece of Python; `say(**event)` sends an event."""

    def make(code: str) -> blender.Blender:
        script = tmp_path / "actor.py"
        script.write_text(
            textwrap.dedent("""
                import json, os, signal, subprocess, sys, time
                pipe = os.fdopen(int(os.environ["CLOUD_RENDER_EVENTS_FD"]), "w")
                def say(event, **fields):
                    print(json.dumps({"event": event, **fields}), file=pipe, flush=True)
                """)
            + textwrap.dedent(code)
        )
        return blender.Blender((sys.executable, str(script)), "5.0.1")

    return make


def program(path: Path, says: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def alive(pid: int) -> bool:
    """Whether a process is there and more than a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False


def test_an_explicit_blender_is_asked_for_its_version(tmp_path):
    """A program that says it is Blender is run headless, without the user's settings, with errors that count."""
    found = blender.find(str(program(tmp_path / "blender", "Blender 4.5.3 LTS")))
    assert found.version == "4.5.3"
    assert found.release == "4.5"
    assert found.command[1:5] == ("-b", "--factory-startup", "--python-exit-code", "9")
    assert found.command[-2:] == ("-P", str(blender.BOOT))


def test_the_environment_names_a_blender(tmp_path, monkeypatch):
    """CLOUD_RENDER_BLENDER counts where none is given."""
    monkeypatch.setenv("CLOUD_RENDER_BLENDER", str(program(tmp_path / "blender", "Blender 5.2.0")))
    assert blender.find().version == "5.2.0"


def test_what_is_neither_blender_nor_python_is_refused(tmp_path):
    """With what it said."""
    with pytest.raises(BadArguments, match="neither Blender nor Python"):
        blender.find(str(program(tmp_path / "blender", "GIMP 3.0")))


def test_a_path_that_is_no_program_is_refused(tmp_path):
    """Before anything is started."""
    with pytest.raises(BadArguments, match="no program"):
        blender.find(str(tmp_path / "blender"))


def test_a_build_is_found_in_the_folder_it_unpacks_to(tmp_path):
    """An official archive holds one folder with the program in it."""
    program(tmp_path / "blender-5.2.0-linux-x64" / "blender", "Blender 5.2.0")
    assert blender.of_build(tmp_path).version == "5.2.0"


def test_a_folder_without_blender_is_no_build(tmp_path):
    """An empty or half unpacked folder."""
    with pytest.raises(BadArguments, match="no Blender in"):
        blender.of_build(tmp_path)


def test_events_arrive_in_order_and_prints_stay_in_the_log(actor):
    """Whatever Blender prints never mixes with what we need to hear."""
    log = io.StringIO()
    acting = actor("""
        print('{"event": "fake"}'); say("one", x=1); print("noise"); say("two"); say("end")
    """)
    with blender.run(acting, {}, log=log) as running:
        assert [event["event"] for event in running.events()] == ["one", "two"]
    assert "noise\n" in log.getvalue()


def test_messages_reach_the_action(actor):
    """Each as a JSON line, until the input is closed."""
    acting = actor("""
        for line in sys.stdin: say("heard", **json.loads(line))
        say("end")
    """)
    with blender.run(acting, {}) as running:
        running.send({"frame": 3})
        running.send({"frame": 4})
        running.close_input()
        assert [event["frame"] for event in running.events()] == [3, 4]
        assert running.wait() == 0


def test_the_answer_of_a_short_action_is_its_last_event(actor):
    """What `ask` is for."""
    assert blender.ask(actor('say("answer", value=7); say("end")'), {})["value"] == 7


def test_a_reported_error_is_raised_as_it_was(actor):
    """Its kind, its problem and its advice."""
    acting = actor('say("error", exit_code=69, kind="NoUsableGpu", problem="No GPU.", advice="Get one.", missing=[])')
    with pytest.raises(NoUsableGpu, match=r"No GPU\. Get one\."):
        blender.ask(acting, {})


def test_missing_files_keep_their_list(actor):
    """Each line of it."""
    acting = actor('say("error", exit_code=66, kind="MissingFiles", problem="", advice="Find it.", missing=["a", "b"])')
    with pytest.raises(MissingFiles) as caught:
        blender.ask(acting, {})
    assert caught.value.missing == ("a", "b")


def test_a_crash_has_blender_s_last_words(actor):
    """A signal without any error event."""
    acting = actor('print("about to fall"); sys.stdout.flush(); os.kill(os.getpid(), signal.SIGSEGV)')
    with pytest.raises(BlenderFailed, match=r"signal 11.*about to fall"):
        blender.ask(acting, {})


def test_an_exit_without_a_word_is_no_success(actor):
    """Exit code 0 alone says nothing."""
    with pytest.raises(BlenderFailed, match="exit code 0"):
        blender.ask(actor("sys.exit(0)"), {})


def test_an_end_that_was_said_counts_even_when_tidying_up_crashes(actor):
    """Blender sometimes falls while it frees memory, after all the work is done."""
    acting = actor('say("answer"); say("end"); pipe.close(); os.kill(os.getpid(), signal.SIGSEGV)')
    assert blender.ask(acting, {})["event"] == "answer"


def test_a_killed_blender_did_not_fit(actor):
    """The kernel kills with signal 9 when memory runs out."""
    with pytest.raises(DoesNotFit, match="memory"):
        blender.ask(actor("os.kill(os.getpid(), signal.SIGKILL)"), {})


@pytest.mark.parametrize("words", ["System is out of GPU memory", "Malloc returns null", "std::bad_alloc"])
def test_words_of_exhausted_memory_mean_it_did_not_fit(actor, words):
    """Whatever exit code follows."""
    with pytest.raises(DoesNotFit):
        blender.ask(actor(f"print({words!r}); sys.exit(1)"), {})


def test_a_missing_system_library_is_named(actor):
    """The commonest failure on a bare machine."""
    acting = actor('sys.exit("ImportError: libSM.so.6: cannot open shared object file: No such file or directory")')
    with pytest.raises(BlenderFailed, match=r"libSM\.so\.6 is not installed"):
        blender.ask(acting, {})


def test_leaving_the_block_ends_blender_and_its_children(actor):
    """The whole process group, so that nothing is left running after an error or Ctrl-C."""
    acting = actor("""
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        say("child", pid=child.pid); time.sleep(600)
    """)
    with blender.run(acting, {}) as running:
        child = next(iter(running.events()))["pid"]
    assert running.wait() == -signal.SIGTERM
    until(lambda: not alive(child))


def test_a_blender_that_ignores_the_request_to_end_is_killed(actor):
    """After the grace it was given."""
    acting = actor('signal.signal(signal.SIGTERM, signal.SIG_IGN); say("deaf"); time.sleep(600)')
    with blender.run(acting, {}) as running:
        next(iter(running.events()))
        running.stop(grace_s=0.1)
        assert running.wait() == -signal.SIGKILL


def test_after_a_stop_the_events_just_end(actor):
    """Who stopped it knows why."""
    with blender.run(actor('say("one"); time.sleep(600)'), {}) as running:
        events = running.events()
        assert next(events)["event"] == "one"
        running.stop()
        assert list(events) == []


def test_a_message_to_a_process_that_is_gone_is_no_error(actor):
    """The events say why it went."""
    with blender.run(actor('say("end")'), {}) as running:
        assert list(running.events()) == []
        running.wait()
        for _ in range(3):
            running.send({"frame": 1})


def test_a_request_that_is_too_long_for_an_argument_travels_in_a_file(actor):
    """And the file is gone afterwards."""
    acting = actor("""
        path = sys.argv[-1][1:]; say("got", path=path, size=len(json.load(open(path))["text"])); say("end")
    """)
    answer = blender.ask(acting, {"text": "x" * 200_000})
    assert answer["size"] == 200_000
    assert not Path(answer["path"]).exists()


def test_a_ctrl_c_in_the_terminal_does_not_reach_blender(actor):
    """It is in a group of its own; ending it is ours to do."""
    with blender.run(actor('say("group", number=os.getpgid(0)); say("end")'), {}) as running:
        (event,) = running.events()
    assert event["number"] not in (os.getpgid(0), 0)


def test_programs_started_by_a_script_don_t_hold_the_events_open(tmp_path):
    """The boot script keeps its pipe to itself: the events end with Blender, not with what it left behind."""
    code = (
        "import importlib.util, os, subprocess, sys\n"
        f"spec = importlib.util.spec_from_file_location('events', {str(blender.BOOT.parent / 'events.py')!r})\n"
        "module = importlib.util.module_from_spec(spec); spec.loader.exec_module(module)\n"
        "events = module.Events.of_environment()\n"
        "quiet = {'stdout': subprocess.DEVNULL, 'stderr': subprocess.DEVNULL}\n"
        "left = subprocess.Popen(['sleep', '30'], close_fds=False, **quiet)\n"
        "events.send('left', pid=left.pid); events.send('end')\n"
    )
    script = tmp_path / "actor.py"
    script.write_text(code)
    started = time.monotonic()
    answer = blender.ask(blender.Blender((sys.executable, str(script)), "5.0.1"), {})
    assert time.monotonic() - started < 20
    subprocess.run(["kill", str(answer["pid"])], check=False)


def until(true: object, seconds: float = 60) -> None:
    """Waits for what another process is about to do."""
    end = time.monotonic() + seconds
    while not true():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.01)
