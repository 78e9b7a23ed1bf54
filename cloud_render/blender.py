# SPDX-License-Identifier: GPL-3.0-or-later
"""The one door to Blender's process: finds a Blender, runs an `inblender` action in it, hears its events.

Blender prints what it likes on its standard output, so events (JSON lines) travel on a pipe of their own, whose
descriptor the child finds in CLOUD_RENDER_EVENTS_FD. Everything Blender prints goes to a log, line by line; its last
lines are the words for a crash.
"""

from __future__ import annotations

import collections
import contextlib
import importlib.metadata
import json
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, TextIO

from cloud_render.contract import errors, versions
from cloud_render.contract.errors import (
    BadArguments,
    BlenderFailed,
    CloudRenderError,
    DoesNotFit,
    MissingFiles,
)

log = logging.getLogger(__name__)

BOOT = Path(__file__).parent / "inblender" / "__main__.py"

PYTHON_ERROR = 9
"""Blender's exit code for a Python error in the boot script itself (`--python-exit-code`)."""

LONGEST_ARGUMENT = 30_000
"""Characters. Windows takes 32,767 for a whole command line, Linux 131,072 bytes an argument; the rest goes by file."""

LAST_LINES = 40
"""How much of the log is kept for the words of a crash."""

EXIT_GRACE_S = 60
"""How long Blender may tidy up after it closed its event pipe; freeing a heavy scene takes seconds."""

_TYPICAL_PLACES = (
    "blender",
    "blender.exe",
    "Blender.app/Contents/MacOS/Blender",
    "Contents/MacOS/Blender",
    "bin/python3",
    "bin/python",
    "python.exe",
    "Scripts/python.exe",
)
"""Where the program lies in an official archive, and in a folder with a Python that has bpy."""


@dataclass(frozen=True)
class Blender:
    """A Blender that can be started."""

    command: tuple[str, ...]
    """Everything before `-- REQUEST`, the boot script included."""
    version: str
    """Such as 5.0.1."""

    @property
    def release(self) -> str:
        """major.minor: what decides whether a file fits."""
        return versions.release(self.version)


def find(explicit: str | None = None) -> Blender:
    """The Blender to use: `explicit`, else CLOUD_RENDER_BLENDER, else `bpy` of this Python, else `blender` on PATH.

    A path may be a `blender` program or a Python that has `bpy`. Raises BadArguments that says what to install.
    """
    if chosen := explicit or os.environ.get("CLOUD_RENDER_BLENDER"):
        return of_program(chosen)
    if (version := _bpy_version_here()) is not None:
        return Blender(_python_command(sys.executable), version)
    if program := shutil.which("blender"):
        return of_program(program)
    raise BadArguments(
        "No Blender was found: this Python has no bpy, and there is no blender on PATH.",
        "Install Blender, or `pip install bpy` with Python 3.11 or 3.13, or name one with --blender PATH.",
    )


def of_build(folder: Path) -> Blender:
    """The Blender of an unpacked official archive, or of a folder with a Python that has bpy. Raises BadArguments."""
    inner = [folder, *sorted(child for child in folder.glob("*") if child.is_dir())]
    for place in (parent / name for parent in inner for name in _TYPICAL_PLACES):
        if place.is_file() and os.access(place, os.X_OK):
            return of_program(str(place))
    raise BadArguments(f"There is no Blender in {folder}.", "It should hold what an official archive unpacks to.")


def of_program(program: str) -> Blender:
    """The Blender behind the program `program`: a blender, or a Python that has bpy. Raises BadArguments."""
    path = shutil.which(program)
    if path is None:
        raise BadArguments(f"{program} is no program that can be started.", "Check --blender and CLOUD_RENDER_BLENDER.")
    says = _answer(path, "--version")
    if match := re.search(r"^Blender (\d+\.\d+(?:\.\d+)?)", says, re.MULTILINE):
        flags = ("-b", "--factory-startup", "--python-exit-code", str(PYTHON_ERROR), "-P", str(BOOT))
        return Blender((path, *flags), versions.three_numbers(match[1]))
    if says.startswith("Python "):
        return Blender(_python_command(path), _version_of_bpy(path))
    raise BadArguments(f"{path} is neither Blender nor Python: it says {says[:100]!r}.", "Check --blender.")


def _python_command(python: str) -> tuple[str, ...]:
    # -P keeps the boot script's folder off sys.path, where our collect.py or render.py could hide another module.
    return (python, "-P", str(BOOT))


def _bpy_version_here() -> str | None:
    """The version of the bpy wheel in this Python; None without one, as in Blender's own Python."""
    try:
        return versions.three_numbers(importlib.metadata.version("bpy"))
    except importlib.metadata.PackageNotFoundError:
        return None


_ASK_BPY = """
import importlib.metadata
try:
    print("bpy", importlib.metadata.version("bpy"))
except importlib.metadata.PackageNotFoundError:
    import bpy  # one built from source has no metadata
    print("bpy", bpy.app.version_string)
"""


def _version_of_bpy(python: str) -> str:
    says = _answer(python, "-c", _ASK_BPY)
    match = re.search(r"^bpy (\d+\.\d+(?:\.\d+)?)", says, re.MULTILINE)
    if not match:
        last = says.strip().splitlines()[-1:] or ["it said nothing"]
        raise BadArguments(f"{python} has no bpy that works ({last[0]}).", f"`{python} -m pip install bpy` adds it.")
    return versions.three_numbers(match[1])


def _answer(*command: str) -> str:
    """What a short command prints, errors included. Raises BadArguments when it can't run."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=120,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BadArguments(f"{command[0]} can't be run ({error}).", "Check --blender.") from error
    return done.stdout.decode(errors="replace")


def ask(
    blender: Blender,
    request: Mapping[str, Any],
    *,
    cwd: str | Path | None = None,
    env: Mapping[str, str] | None = None,
    log: TextIO | None = None,
) -> dict[str, Any]:
    """The one event that a short action answers with. Raises what the action raised, or BlenderFailed."""
    with run(blender, request, cwd=cwd, env=env, log=log) as running:
        running.close_input()
        answers = list(running.events())
    if not answers:
        raise BlenderFailed(f"Blender gave no answer to {request.get('action')!r}.", running.last_words())
    return answers[-1]


def run(
    blender: Blender,
    request: Mapping[str, Any],
    *,
    cwd: str | Path | None = None,
    env: Mapping[str, str] | None = None,
    log: TextIO | None = None,
) -> Running:
    """Start the action that `request` names. `env` is the whole environment (default: this process's); what Blender
    prints goes to `log`. Use it as a context manager: leaving it ends Blender and everything Blender started."""
    return Running(blender, request, cwd=cwd, env=env, log=log)


class Running:
    """An action in a Blender of its own. `events` is for one thread; `send` and `stop` may come from others."""

    def __init__(
        self,
        blender: Blender,
        request: Mapping[str, Any],
        *,
        cwd: str | Path | None,
        env: Mapping[str, str] | None,
        log: TextIO | None,
    ) -> None:
        self.blender = blender
        self._stopped = threading.Event()
        self._ended_well = False
        self._sending = threading.Lock()
        self._tail: collections.deque[str] = collections.deque(maxlen=LAST_LINES)
        with contextlib.ExitStack() as undo:
            argument = undo.enter_context(_argument(request))
            reader, writer = os.pipe()
            self._events: IO[bytes] = undo.enter_context(os.fdopen(reader, "rb"))
            try:
                self._process = _start((*blender.command, "--", argument), writer, cwd, env)
            finally:
                os.close(writer)  # else the pipe would never end
            self._undo = undo.pop_all()
        self._reader = threading.Thread(target=self._read_log, args=(log,), daemon=True, name="blender-log")
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def __enter__(self) -> Running:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with self._undo:
            self.close_input()
            if self._ended_well:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(EXIT_GRACE_S)
            self.stop()
            self._reader.join(timeout=5)

    def events(self) -> Iterator[dict[str, Any]]:
        """Each event as it comes, until Blender closes the pipe; after `stop` it just ends.

        Raises the CloudRenderError that the action reported, else BlenderFailed (DoesNotFit where memory ran out).
        """
        for line in self._events:
            event = self._event_of(line)
            if event is None:
                continue
            if event["event"] == "end":
                self._ended_well = True
                continue
            if event["event"] == "error":
                raise _error_of(event)
            yield event
        if not self._ended_well and not self._stopped.is_set():
            raise self._crash()

    def _event_of(self, line: bytes) -> dict[str, Any] | None:
        try:
            event = json.loads(line)
        except ValueError:
            # A process that is killed in the middle of a line; what follows says why it ended.
            log.warning("Blender's event can't be read: %r", line[:200])
            return None
        return event if isinstance(event, dict) and "event" in event else None

    def send(self, message: Mapping[str, Any]) -> None:
        """One JSON line to the action. A process that is gone takes none; `events` says why it went."""
        line = json.dumps(dict(message)).encode() + b"\n"
        with self._sending, contextlib.suppress(BrokenPipeError, ValueError):
            assert self._process.stdin is not None
            self._process.stdin.write(line)
            self._process.stdin.flush()

    def close_input(self) -> None:
        """Tell the action that nothing more comes; it finishes what it has and ends."""
        with self._sending, contextlib.suppress(BrokenPipeError):
            assert self._process.stdin is not None
            self._process.stdin.close()

    def wait(self, timeout_s: float | None = None) -> int:
        """The exit code; negative for a signal, as in subprocess. Raises subprocess.TimeoutExpired."""
        return self._process.wait(timeout_s)

    def stop(self, grace_s: float = 5) -> None:
        """End Blender and all it started: ask, wait `grace_s` seconds, then kill. Does nothing where it has ended."""
        self._stopped.set()
        if self._process.poll() is not None:
            return  # its number may be another process's by now
        _signal_group(self._process, signal.SIGTERM)
        try:
            self._process.wait(grace_s)
        except subprocess.TimeoutExpired:
            log.warning("Blender (process %d) did not end within %g s; it is killed", self.pid, grace_s)
        _signal_group(self._process, _KILL)
        self._process.wait()

    def last_words(self) -> str:
        """The last lines Blender printed."""
        self._reader.join(timeout=1)  # it ends with the process; only then are these the last ones
        return "\n".join(self._tail)

    def _read_log(self, target: TextIO | None) -> None:
        assert self._process.stdout is not None
        for raw in self._process.stdout:
            line = raw.decode(errors="replace").rstrip("\r\n")
            self._tail.append(line)
            if target is not None:
                try:
                    target.write(line + "\n")
                    target.flush()
                except (OSError, ValueError) as error:  # full disk, or closed by its owner: rendering goes on
                    log.warning("Blender's log can't be written any more: %s", error)
                    target = None

    def _crash(self) -> CloudRenderError:
        try:
            code = self._process.wait(EXIT_GRACE_S)
        except subprocess.TimeoutExpired:
            self.stop()
            return BlenderFailed("Blender hung instead of ending.", self.last_words())
        return crash_error(code, self.last_words())


_OUT_OF_MEMORY = re.compile(
    r"out of (?:gpu |and |shared |host |device |system )*memory|malloc returns null|bad_alloc|CUDA_ERROR_OUT_OF_MEMORY",
    re.IGNORECASE,
)

_ADVICE_OF_WORDS: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"(lib[\w.+-]+\.so[\w.]*): cannot open shared object file"),
        "The system library {0} is not installed; Cloud Render's README lists those that Blender needs.",
    ),
    (
        re.compile(r"(libEGL|EGL_|GHOST_\w*Context|GPU_backend|Unable to open a display)"),
        "This engine needs OpenGL through EGL: install libegl1 and libgl1-mesa-dri, or a driver that brings them.",
    ),
    (re.compile(r"No module named '(bpy|numpy)'"), "`pip install {0}` in the Python that runs Blender adds it."),
)
"""What a line of a crashed Blender's log means for the person who reads it."""


def ran_out_of_memory(words: str) -> bool:
    """Whether Blender's own words say that RAM or the GPU's memory ran out."""
    return _OUT_OF_MEMORY.search(words) is not None


def crash_error(code: int, words: str) -> CloudRenderError:
    """The error for a Blender that ended with exit code `code` (negative: by that signal), `words` being its last."""
    if code in (-9, 137):  # nobody else sends SIGKILL: the kernel does it when memory runs out
        return DoesNotFit(
            "Blender was killed, most likely because memory ran out.",
            "Use a machine with more memory, or make the scene lighter.",
        )
    if ran_out_of_memory(words):
        return DoesNotFit("Blender ran out of memory.", "Use a machine with more memory, or make the scene lighter.")
    how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
    last = [line for line in words.splitlines() if line.strip()][-8:]
    for pattern, advice in _ADVICE_OF_WORDS:
        if match := pattern.search(words):
            return BlenderFailed(
                f"Blender ended {how}: {match.string[match.start() :].splitlines()[0]}.", advice.format(match[1])
            )
    return BlenderFailed(f"Blender ended {how}.", "Its last words: " + " | ".join(last) if last else "It said nothing.")


_PLAIN_ERRORS: dict[str, type[CloudRenderError]] = {
    kind.__name__: kind
    for kind in (
        errors.BadInput,
        errors.BadArguments,
        errors.UnreadableBlend,
        errors.NoUsableGpu,
        errors.BlenderFailed,
        errors.DoesNotFit,
        errors.DiskFull,
    )
}


def _error_of(event: Mapping[str, Any]) -> CloudRenderError:
    """The error that an action sent, as it was raised there; of an unknown kind, what its exit code stands for."""
    if event.get("missing"):
        return MissingFiles(event["missing"], event["advice"])
    by_code = errors.ERROR_OF_EXIT_CODE.get(event["exit_code"], BlenderFailed)
    kind = _PLAIN_ERRORS.get(event.get("kind", ""), by_code if by_code is not MissingFiles else BlenderFailed)
    return kind(event["problem"], event["advice"])


@contextlib.contextmanager
def _argument(request: Mapping[str, Any]) -> Iterator[str]:
    """The request as one argument: itself, or `@path` of a file that lives as long as the process."""
    text = json.dumps(dict(request))
    if len(text) <= LONGEST_ARGUMENT:
        yield text
        return
    with tempfile.TemporaryDirectory(prefix="cloud-render-request-") as folder:
        path = Path(folder) / "request.json"
        path.write_text(text)
        yield f"@{path}"


def _start(
    command: tuple[str, ...], writer: int, cwd: str | Path | None, env: Mapping[str, str] | None
) -> subprocess.Popen[bytes]:
    """The process, leader of a group of its own: a Ctrl-C in the terminal is ours to answer, not Blender's."""
    environment = dict(os.environ if env is None else env)
    options: dict[str, Any] = {}
    if sys.platform == "win32":  # pragma: no cover
        import msvcrt

        handle = msvcrt.get_osfhandle(writer)
        os.set_handle_inheritable(handle, True)
        startup = subprocess.STARTUPINFO(lpAttributeList={"handle_list": [handle]})
        options = {"startupinfo": startup, "creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
        environment["CLOUD_RENDER_EVENTS_FD"] = str(handle)
    else:
        options = {"pass_fds": (writer,), "start_new_session": True}
        environment["CLOUD_RENDER_EVENTS_FD"] = str(writer)
    return subprocess.Popen(
        command,
        cwd=cwd,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        **options,
    )


_KILL = getattr(signal, "SIGKILL", signal.SIGTERM)


def _signal_group(process: subprocess.Popen[bytes], number: int) -> None:
    if sys.platform == "win32":  # pragma: no cover
        if process.poll() is None:
            subprocess.run(["taskkill", "/T", "/F", "/PID", str(process.pid)], capture_output=True, check=False)
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
