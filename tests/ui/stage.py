# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in the chroot for one run (the zip, the scene, the artist's home), and the Blenders started there."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from chroot import Chroot

HERE = Path(__file__).parent
PROJECT = HERE.parents[1]

AT = PurePosixPath("/srv/ui")
"""The run's folder, as seen from inside."""
HOME = PurePosixPath("/home/artist")

TEMPORARY = PurePosixPath("/tmp")
SCENE = HOME / "turntable" / "demo.blend"

TAIL = 40
"""Lines of Blender's log that a failure shows."""

OPENER = """\
#!/bin/sh
# What a desktop does with a video or a folder; what was opened is written down. Blender waits for the end of this.
echo "$1" >> /srv/ui/opened
case $1 in
*.mp4 | *.mkv | *.webm | *.mov)
    export SDL_AUDIODRIVER=dummy
    (
        timeout 15 ffplay -loglevel error -loop 0 -noborder -left 400 -top 480 -x 640 -y 360 "$1"
        echo closed >> /srv/ui/opened
    ) > /dev/null 2>&1 &
    ;;
esac
"""


class ActFailed(Exception):
    """An act did not end well; the text is what to look at."""


@dataclass(frozen=True)
class Act:
    """One start of Blender, and what the person does with it."""

    name: str
    hands: str = "events"
    """Or "xdotool"."""
    limit_s: float = 180.0
    opens_scene: bool = True


class Stage:
    """The chroot, set for one run."""

    def __init__(self, chroot: Chroot, keep: Path, environment: Mapping[str, str]) -> None:
        self._chroot = chroot
        self._keep = keep
        """Where the pictures and Blender's logs go, outside."""
        self._environment = {
            "HOME": str(HOME),
            "USER": "artist",
            "LANG": "C.UTF-8",
            "LIBGL_ALWAYS_SOFTWARE": "1",
            "BLENDER_USER_RESOURCES": str(HOME / "blender"),
            **environment,
        }

    @property
    def home(self) -> Path:
        """The artist's home folder, from outside."""
        return self._outside(HOME)

    def set(self, addon: Path) -> None:
        """Clear what an earlier run left; bring the zip, ourselves, the artist's scene. Raises ActFailed."""
        for place in (AT, HOME, TEMPORARY):
            shutil.rmtree(self._outside(place), ignore_errors=True)
            self._outside(place).mkdir(parents=True)
        self._outside(TEMPORARY).chmod(0o1777)
        self._keep.mkdir(parents=True, exist_ok=True)
        for old in (*self._keep.glob("[0-9][0-9]-*.png"), *self._keep.glob("*-failed.png")):
            old.unlink()
        (self._outside(AT) / "pictures").mkdir()
        shutil.copy(addon, self._outside(HOME) / "cloud_render.zip")
        shutil.copy(HERE / "session.sh", self._outside(AT))
        for folder in (HERE / "inside", PROJECT / "cloud_render"):
            shutil.copytree(folder, self._outside(AT) / folder.name, ignore=shutil.ignore_patterns("__pycache__"))
        opener = self._chroot.root / "usr/local/bin/xdg-open"
        opener.write_text(OPENER)
        opener.chmod(0o755)
        self._make_scene()

    def play(self, act: Act) -> None:
        """Start Blender on a screen and play an act. Raises ActFailed."""
        simulate = ["--enable-event-simulate"] if act.hands == "events" else []
        scene = [str(SCENE)] if act.opens_scene else []
        arguments = ["--online-mode", *simulate, "--window-geometry", "0", "0", "1600", "1000", *scene]
        script = ["--python", str(AT / "inside/start.py"), "--", act.name, act.hands, str(AT / "pictures")]
        display = str(AT / "display")
        command = ["sh", str(AT / "session.sh"), display, "blender", *arguments, *script]
        began = time.monotonic()
        code, log = self._run(act.name, command, act.limit_s)
        self._bring_pictures()
        if code != 0:
            raise ActFailed(self._words(act.name, f"ended with {code}", log))
        say(f"{act.name}: {time.monotonic() - began:.0f} s")

    def _make_scene(self) -> None:
        arguments = ["blender", "-b", "--factory-startup", "--python-exit-code", "9"]
        script = ["--python", str(AT / "inside/make_scene.py"), "--", str(AT), str(SCENE.parent)]
        code, log = self._run("make_scene", [*arguments, *script], 120)
        if code != 0:
            raise ActFailed(self._words("make_scene", f"ended with {code}", log))

    def _run(self, name: str, command: Sequence[str], limit_s: float) -> tuple[int, Path]:
        """The exit code, and the file that has all it printed. What starts with "UI " is shown as it comes."""
        log = self._keep / f"{name}.log"
        with log.open("w") as written, self._started(command) as process:
            clock = threading.Timer(limit_s, self._time_is_over, (process, name, limit_s))
            clock.start()
            try:
                for line in process.stdout or ():
                    written.write(line)
                    written.flush()
                    if line.startswith("UI "):
                        say(line[3:].rstrip())
            finally:
                clock.cancel()
            return process.wait(), log

    @contextlib.contextmanager
    def _started(self, command: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
        process = subprocess.Popen(
            self._chroot.own_processes(*command, **self._environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,  # a Ctrl-C in the terminal is ours to answer
        )
        try:
            yield process
        finally:
            process.kill()  # and with it all that runs in there
            process.wait()

    def _time_is_over(self, process: subprocess.Popen[str], name: str, limit_s: float) -> None:
        say(f"{name}: not over after {limit_s:.0f} s")
        display = (self._outside(AT) / "display").read_text().strip()
        look = ("import", "-silent", "-window", "root", str(AT / "pictures" / f"{name}-failed.png"))
        try:
            subprocess.run(self._chroot.command(*look, DISPLAY=f":{display}"), timeout=20, check=False)
        finally:
            process.kill()

    def _bring_pictures(self) -> None:
        shutil.copytree(self._outside(AT) / "pictures", self._keep, dirs_exist_ok=True)

    def _words(self, name: str, end: str, log: Path) -> str:
        tail = "".join(f"    {line}\n" for line in log.read_text(errors="replace").splitlines()[-TAIL:])
        pictures = sorted(self._keep.glob("*.png"), key=lambda path: path.stat().st_mtime)
        last = f"The last picture: {pictures[-1]}" if pictures else "There is no picture."
        return f"{name} {end}. The end of {log}:\n{tail}{last}"

    def _outside(self, place: PurePosixPath) -> Path:
        return self._chroot.root / place.relative_to("/")


def say(words: str) -> None:
    print(f"ui: {words}", flush=True)
