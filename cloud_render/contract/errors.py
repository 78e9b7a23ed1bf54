# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong, what to say about it, and the worker's exit code for each.

CloudRenderError
├── BadInput                64  what the person typed, or a job.json, is not right
│   ├── BadFrames               frame text that can't be read
│   ├── BadJob                  job.json or another of our JSON files breaks its schema
│   └── BadArguments            options that don't fit together or name what is not there
├── UnreadableBlend         65  the .blend is damaged, too new, or not a .blend
├── MissingFiles            66  files the scene asks for are not there
├── NoUsableGpu             69  a GPU was required and Blender would use none
├── BlenderFailed           70  Blender gave no picture for a frame, or an encoder no video
├── DoesNotFit              71  not enough memory (RAM or VRAM) on this machine
├── StoppedByLimit          72  a limit of the job ended it (cost, time, too many failures)
├── TryAgain                75  the same call may succeed later
│   ├── StorageUnavailable      S3 can't be reached or answers with server errors
│   ├── DiskFull                no room on this disk
│   ├── FileChanged             a file changed while it was being read
│   └── Interrupted             Spot notice or SIGTERM
├── NotThere                64  an S3 object or a job that does not exist
├── Cancelled               75  the person stopped it
└── CloudNotReady           75  the client can't use the cloud
    ├── CloudUnreachable        no network, no such endpoint, request refused before it was judged
    ├── NoCredentials           none, wrong or expired ones
    │   ├── SignedOut               a sign-in through the browser is over, or there was none yet
    │   └── NotAllowed              good ones, which lack a right
    └── NoStack                 no such stack
        └── OldStack                one whose version doesn't fit
"""

from __future__ import annotations

from collections.abc import Sequence


class CloudRenderError(Exception):
    """Something a person should read: what is wrong (`problem`) and what to do next (`advice`)."""

    exit_code = 70

    def __init__(self, problem: str, advice: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.advice = advice

    def __str__(self) -> str:
        return f"{self.problem} {self.advice}".rstrip()


class BadInput(CloudRenderError):
    exit_code = 64


class BadFrames(BadInput):
    """Frame text that can't be read; `part` is the piece that is wrong."""

    def __init__(self, part: str, reason: str) -> None:
        super().__init__(
            f"Can't read the frames {part!r}: {reason}.", "Write frames like 1-250, 1-250x2 or 1-10,20..25,40."
        )
        self.part = part


class BadJob(BadInput):
    """A JSON file of ours breaks its schema; `issues` names each place and what is wrong there."""

    def __init__(self, what: str, issues: Sequence[str]) -> None:
        super().__init__(
            f"{what} can't be used: " + "; ".join(issues) + ".",
            "Submit the scene again with matching versions of Cloud Render on both sides.",
        )
        self.issues = tuple(issues)


class BadArguments(BadInput):
    """Options that don't fit together, or name what is not there."""


class UnreadableBlend(CloudRenderError):
    exit_code = 65


class MissingFiles(CloudRenderError):
    """Files the scene asks for are not there; `missing` holds one line for each."""

    exit_code = 66

    def __init__(self, missing: Sequence[str], advice: str) -> None:
        shown = "; ".join(missing[:10]) + (f"; and {len(missing) - 10} more" if len(missing) > 10 else "")
        super().__init__(f"{len(missing)} missing file{'s' if len(missing) != 1 else ''}: {shown}.", advice)
        self.missing = tuple(missing)


class NoUsableGpu(CloudRenderError):
    exit_code = 69


class BlenderFailed(CloudRenderError):
    exit_code = 70


class DoesNotFit(CloudRenderError):
    exit_code = 71


class StoppedByLimit(CloudRenderError):
    exit_code = 72


class TryAgain(CloudRenderError):
    exit_code = 75


class StorageUnavailable(TryAgain):
    pass


class DiskFull(TryAgain):
    pass


class FileChanged(TryAgain):
    """A file changed while it was being read; nothing of the wrong content was stored under its hash."""

    def __init__(self, path: object) -> None:
        super().__init__(
            f"{path} changed while it was being read.", "Let the program that writes it finish, then try again."
        )
        self.path = path


class Interrupted(TryAgain):
    pass


class NotThere(CloudRenderError):
    exit_code = 64


class Cancelled(CloudRenderError):
    exit_code = 75

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} was cancelled.")


class CloudNotReady(CloudRenderError):
    exit_code = 75


class CloudUnreachable(CloudNotReady):
    pass


class NoCredentials(CloudNotReady):
    pass


class SignedOut(NoCredentials):
    pass


class NotAllowed(NoCredentials):
    pass


class NoStack(CloudNotReady):
    pass


class OldStack(NoStack):
    pass


ERROR_OF_EXIT_CODE: dict[int, type[CloudRenderError]] = {
    64: BadInput,
    65: UnreadableBlend,
    66: MissingFiles,
    69: NoUsableGpu,
    70: BlenderFailed,
    71: DoesNotFit,
    72: StoppedByLimit,
    75: TryAgain,
}
"""The worker's exit codes and the kind of error each stands for."""
