# SPDX-License-Identifier: GPL-3.0-or-later
"""The door to FFmpeg: where it is, which encoders it has, and one run of it. What to ask of it is decided elsewhere."""

from __future__ import annotations

import contextlib
import fcntl
import importlib.util
import shutil
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from functools import cache
from types import TracebackType
from typing import IO, Self

from cloud_render.contract.errors import BadArguments, BlenderFailed, DiskFull, DoesNotFit
from worker.disk import LARGER

PIPE_BYTES = 1 << 20
"""Linux gives 64 KiB; a 1080p PNG of 3 MB would take 48 switches between the two processes instead of 3."""

_LAST_LINES = 12


class EncodingFailed(BlenderFailed):
    """FFmpeg ended without the video; `frames` says how many pictures had come out of it by then."""

    def __init__(self, said: Sequence[str], frames: int) -> None:
        super().__init__(f"FFmpeg failed after {frames} frames: {' / '.join(said[-3:]) or 'it said nothing'}.")
        self.frames = frames
        self.last_word = said[-1] if said else "FFmpeg can't decode it"


def program() -> str:
    """The `ffmpeg` on PATH, or else the one of the imageio-ffmpeg wheel. Raises BadArguments if there is neither."""
    return programs()[0]


def programs() -> tuple[str, ...]:
    """Every FFmpeg there is, the preferred one first. Raises BadArguments if there is none."""
    found = [path for path in (shutil.which("ffmpeg"), _of_wheel()) if path]
    if not found:
        raise BadArguments(
            "There is no FFmpeg on this computer.", "Install it (apt install ffmpeg), or: pip install imageio-ffmpeg."
        )
    return tuple(found)


@cache
def encoders(path: str) -> frozenset[str]:
    """The names of the encoders that the FFmpeg at `path` was built with. Raises BadArguments if it doesn't run."""
    try:
        listing = subprocess.run(
            [path, "-hide_banner", "-encoders"], capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL
        ).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise BadArguments(f"{path} does not run ({error}).", "Install FFmpeg anew.") from error
    rows = (line.split() for line in listing.partition("------")[2].splitlines())
    return frozenset(row[1] for row in rows if len(row) > 1)


class Run:
    """One FFmpeg process that reads from a pipe: write() what it asks for, then finish().

    Leaving the `with` block without finish() ends it; what it has written to disk by then stays.
    """

    def __init__(self, arguments: Sequence[str]) -> None:
        """`arguments` must ask for `-progress pipe:1`. Raises BadArguments if the program doesn't start."""
        try:
            # A session of its own: a Ctrl-C in the terminal reaches only us, and we end it in order.
            self._process = subprocess.Popen(
                arguments,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise BadArguments(f"{arguments[0]} does not start ({error}).", "Install FFmpeg anew.") from error
        self._into: IO[bytes] = _given(self._process.stdin)
        with contextlib.suppress(OSError, AttributeError):  # only Linux has it, and the user's quota may be used up
            fcntl.fcntl(self._into.fileno(), fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        self.frames = 0
        """Pictures encoded so far."""
        self._said: deque[str] = deque(maxlen=_LAST_LINES)
        self._listeners = [
            threading.Thread(target=self._hear_progress, args=[_given(self._process.stdout)], daemon=True),
            threading.Thread(target=self._hear_words, args=[_given(self._process.stderr)], daemon=True),
        ]
        for listener in self._listeners:
            listener.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def write(self, *pieces: bytes) -> None:
        """Hands over bytes; waits while FFmpeg is busy. Raises what finish() raises if FFmpeg has ended."""
        try:
            for piece in pieces:
                self._into.write(piece)
        except BrokenPipeError:
            self.finish()
            raise EncodingFailed(["it ended before it had all frames"], self.frames) from None

    def finish(self) -> int:
        """Ends the input, waits for the end, and answers how many pictures were encoded.

        Raises EncodingFailed, DiskFull or DoesNotFit (killed, which on Linux means out of memory).
        """
        with contextlib.suppress(BrokenPipeError):
            self._into.close()
        code = self._process.wait()
        for listener in self._listeners:
            listener.join()
        said = list(self._said)
        if code == -signal.SIGKILL:
            raise DoesNotFit(
                f"FFmpeg was killed after {self.frames} frames, most likely for lack of memory.",
                "Give the stitch job more memory, or render at a smaller size.",
            )
        if code and any(_NO_SPACE in line for line in said):
            raise DiskFull("The disk is full; the video does not fit.", LARGER)
        if code:
            raise EncodingFailed(said, self.frames)
        return self.frames

    def stop(self) -> None:
        """Ends FFmpeg if it still runs; at once, since nothing of a video that it could still end well is kept."""
        if self._process.poll() is None:
            self._process.kill()
        with contextlib.suppress(OSError):
            self._into.close()
        self._process.wait()
        for listener in self._listeners:
            listener.join()

    def _hear_progress(self, stream: IO[bytes]) -> None:
        for line in _lines(stream):
            name, _, value = line.partition("=")
            if name == "frame" and value.strip().isdigit():
                self.frames = int(value)

    def _hear_words(self, stream: IO[bytes]) -> None:
        self._said.extend(_lines(stream))


_NO_SPACE = "No space left on device"
"""As FFmpeg words ENOSPC; it never calls setlocale, so it is never translated."""


def _of_wheel() -> str:
    if importlib.util.find_spec("imageio_ffmpeg") is None:
        return ""
    import imageio_ffmpeg

    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError:  # the wheel for "any" platform has no program in it
        return ""


def _given(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise RuntimeError("a pipe that was asked for is not there")
    return stream


def _lines(stream: IO[bytes]) -> Iterator[str]:
    with stream:
        for line in stream:
            if text := line.decode(errors="replace").strip():
                yield text
