# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m worker ACTION …`: reads the command line, runs the action, ends with one line and an exit code.

Actions are rows of ACTIONS; each lies in a module of its own with `run(arguments) -> str`, which answers the last line.
The codes are in cloud_render/contract/errors.py.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import signal
import sys
import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn

from cloud_render.contract.errors import BadArguments, CloudRenderError
from cloud_render.contract.scene import Device
from worker.child import hide_environment
from worker.disk import fullness_told
from worker.interruption import stopped

log = logging.getLogger("worker")

UNEXPECTED = 70
"""A fault of our own, such as a bug: not worth a second attempt, so Batch does not make one."""


class Parser(argparse.ArgumentParser):
    """argparse that raises BadArguments, so that wrong usage ends with our exit code and not with argparse's 2."""

    def error(self, message: str) -> NoReturn:
        raise BadArguments(f"{self.prog}: {message}.", f"See {self.prog} --help.")


def count(text: str) -> int:
    """A whole number from 1 up."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 up")
    return int(text)


def number(text: str) -> int:
    """A whole number from 0 up."""
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 up")
    return int(text)


def render_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-i", "--input", required=True, help="s3://bucket/jobs/ID/job.json, or a plain scene.blend")
    parser.add_argument("-o", "--output", required=True, help="s3://bucket/prefix for frames, previews and reports")
    parser.add_argument("-f", "--frames-per-job", type=count, required=True, help="frames of one array child")
    parser.add_argument("-t", "--total-frames", type=count, help="frames of the whole job")
    parser.add_argument("--submission", type=number, default=0, help="number of the submission; 0 is the first")


def stitch_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-i", "--input", required=True, help="s3://bucket/prefix that holds frames/")
    parser.add_argument("-o", "--output", required=True, help="s3://bucket/prefix for the video")
    parser.add_argument("--submission", type=number, default=0, help="number of the submission; 0 is the first")
    parser.add_argument("--gaps", choices=("refuse", "hold"), default="refuse", help="where frames are missing")
    parser.add_argument("--fps", help="frames a second, such as 25 or 30000/1001, where there is no job.json")


def inspect_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-i", "--input", required=True, help="s3://bucket/scene.blend")
    parser.add_argument("-o", "--output", required=True, help="s3://bucket/prefix for job.json and contents.json.gz")
    parser.add_argument(
        "--frames-per-job", type=number, default=0, help="frames of one array child; 0: as many as are worth a machine"
    )
    parser.add_argument("--device", choices=typing.get_args(Device), help="instead of CLOUD_RENDER_DEVICE")
    parser.add_argument("--name", default="", help="the job's name for people, instead of the file's")
    parser.add_argument("--client", default="", help="who asks, for job.json: an execution's ARN")
    parser.add_argument(
        "--blender",
        choices=("own", "any"),
        default="any",
        help="own: only one of the release that has saved the file; where there is none, which one is written down",
    )


def stack_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--stack", required=True, help="name of the stack that the job belongs to")
    parser.add_argument(
        "--name",
        required=True,
        help="mend: the failed job's name in Batch, such as ID-0-render; begin: the job's ID; end: an execution's ARN",
    )


def install_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("version", help="such as 5.0.1; 5.0 for its newest patch")
    parser.add_argument("--to", required=True, help="s3://bucket/blender")
    parser.add_argument("--from", dest="source", default="", help="archive: a file or URL instead of the official one")
    parser.add_argument("--sha256", default="", help="what the archive must hash to, instead of the published list")


@dataclass(frozen=True)
class Action:
    """A row of the table: an action, its options, and the module whose `run` does it."""

    help: str
    options: Callable[[argparse.ArgumentParser], None]
    module: str


ACTIONS = {
    "render": Action("render the frames of one child", render_options, "worker.render"),
    "stitch": Action("make the video out of the frames", stitch_options, "worker.stitch"),
    "inspect": Action("make a job out of a .blend that lies in S3", inspect_options, "worker.inspect"),
    "mend": Action("submit once more what was lost, or say why not", stack_options, "worker.mend"),
    "begin": Action("submit the job of a dropped file", stack_options, "worker.dropped"),
    "end": Action("cancel the job of a dropped file", stack_options, "worker.dropped"),
    "install-blender": Action("put a Blender build into the bucket", install_options, "worker.install"),
}


def one_line(error: Exception) -> str:
    """Foreign words inside ours may have several lines; the log's last line has to say it all."""
    return " ".join(str(error).split())


def parser() -> argparse.ArgumentParser:
    top = Parser(prog="python -m worker", description=__doc__.split("\n", 1)[0], allow_abbrev=False)
    actions = top.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, action in ACTIONS.items():
        action.options(actions.add_parser(name, help=action.help, description=action.help, allow_abbrev=False))
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code. The last line of the log says what came of it."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(message)s")
    logging.getLogger("botocore").setLevel(logging.WARNING)
    hide_environment()
    try:
        arguments = parser().parse_args(argv)
        with fullness_told():
            done: str = importlib.import_module(ACTIONS[arguments.action].module).run(arguments)
    except CloudRenderError as error:
        log.error("error: %s", one_line(error))
        return error.exit_code
    except Exception as error:  # the edge of the program: whatever it is, the log ends with one line that says so
        log.exception("The worker itself failed:")
        log.error("error: The worker itself failed: %s: %s", type(error).__name__, one_line(error))
        return UNEXPECTED
    log.info("done: %s", done)
    return 0


def _told_to_stop(*_: object) -> NoReturn:
    raise stopped()


if __name__ == "__main__":
    # The first process of a container gets no signal that it has no handler for, and would run on until it is killed.
    signal.signal(signal.SIGTERM, _told_to_stop)
    sys.exit(main())
