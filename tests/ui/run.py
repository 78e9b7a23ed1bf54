# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays what an artist does with the extension, in a real Blender window, against a local cloud; keeps pictures of it.

    python tests/ui/run.py --blender 5.2 --keep pictures

Needs Linux and root (it makes a Debian in a folder, once, and enters it), debootstrap, and this project with its
`test` extra in the Python that runs it. Exit codes: 0 all went well, 1 an act failed, 2 it can't run here.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from chroot import SUITES, CannotRun, with_blender
from cloud import PROFILE, in_the_cloud
from play import ACTS
from stage import PROJECT, ActFailed, Stage, say

NAMES = [act.name for act in ACTS]


def main() -> int:
    options = _parser().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job begins with it ignored
    keep = (options.keep or PROJECT / "build" / f"ui-{options.blender}").resolve()
    try:
        with ExitStack() as undo:
            chroot = undo.enter_context(with_blender(options.blender))
            folder = undo.enter_context(tempfile.TemporaryDirectory(prefix="cloud-render-ui-"))
            addon = options.zip or _built(Path(folder))
            cloud = undo.enter_context(in_the_cloud(options.blender))
            stage = Stage(chroot, keep, {"UI_ENDPOINT": cloud.endpoint_url, "UI_PROFILE": PROFILE})
            stage.set(addon)
            cloud.write_aws_files(stage.home / ".aws")
            for act in ACTS[: 1 + NAMES.index(options.until)]:
                stage.play(act)
    except CannotRun as problem:
        return _failed(str(problem), 2)
    except ActFailed as failure:
        return _failed(str(failure), 1)
    except KeyboardInterrupt:
        return _failed("stopped", 130)
    say(f"all went well; pictures and logs are in {keep}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="The extension in a real Blender window, driven like a person does.")
    parser.add_argument("--blender", choices=SUITES, default="4.3", help="which Blender (default: 4.3)")
    parser.add_argument(
        "--keep", type=Path, metavar="DIR", help="for pictures and logs (default: build/ui-4.3 or -5.2)"
    )
    parser.add_argument("--zip", type=Path, metavar="FILE", help="an extension that is built already")
    parser.add_argument("--until", choices=NAMES, default=NAMES[-1], metavar="ACT", help="the last act to play")
    return parser


def _built(folder: Path) -> Path:
    say("building the extension")
    command = [sys.executable, str(PROJECT / "build_addon.py"), "--output-dir", str(folder)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    zips = list(folder.glob("cloud_render-*.zip"))
    if done.returncode != 0 or len(zips) != 1:
        raise ActFailed(f"build_addon.py made {len(zips)} zips and ended with {done.returncode}:\n{done.stdout}")
    return zips[0]


def _failed(words: str, code: int) -> int:
    sys.stderr.write(f"ui: {words}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
