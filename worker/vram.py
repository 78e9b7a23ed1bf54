# SPDX-License-Identifier: GPL-3.0-or-later
"""How much memory on the GPU a render needs, as `nvidia-smi` tells it. Nothing here can fail a render.

It is what all programs together have taken since the measuring began: inside a container the driver names no process
that we would know as Blender's, and a child has its GPUs for itself.
"""

from __future__ import annotations

import logging
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager

log = logging.getLogger(__name__)

FIRST_S, EVERY_S = 0.25, 4.0
"""Between two looks at first, for frames of a second; then twice as long each time, up to this."""

PATIENCE_S = 10.0
"""For one answer: 20 ms on a healthy machine, 2 s where the driver was asleep."""

HEAD_START_S = 3.0
"""Blender waits so long for the first look, which tells what was in use before it."""

_QUERY = ("--query-gpu=memory.used", "--format=csv,noheader,nounits")


class Vram:
    """A thread that looks at the GPUs until it is told to stop."""

    def __init__(self, program: str) -> None:
        self.peak = 0
        """Bytes that were taken on the fullest GPU; 0 where nobody could tell, or none were."""
        self._program = program
        self._before: tuple[int, ...] = ()
        self._looked = threading.Event()
        self._stopped = threading.Event()
        # A daemon: where the driver hangs, nvidia-smi can't even be killed.
        self._thread = threading.Thread(target=self._watch, daemon=True, name="vram")

    def start(self) -> None:
        self._thread.start()
        self._looked.wait(HEAD_START_S)

    def stop(self) -> None:
        self._stopped.set()

    def _watch(self) -> None:
        try:
            self._before = self._used()
            self._looked.set()
            pause = FIRST_S
            while not self._stopped.wait(pause):
                taken = (now - before for now, before in zip(self._used(), self._before, strict=True))
                self.peak = max(self.peak, *taken)
                pause = min(2 * pause, EVERY_S)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            log.info("GPU memory is not known: %s", error)
        finally:
            self._looked.set()

    def _used(self) -> tuple[int, ...]:
        """Bytes, of each GPU. Raises OSError, ValueError or SubprocessError where it can't be told."""
        asked = subprocess.run(
            [self._program, *_QUERY], capture_output=True, text=True, check=True, timeout=PATIENCE_S, errors="replace"
        )
        used = tuple(int(line) << 20 for line in asked.stdout.split("\n") if line.strip())
        if not used:
            raise ValueError("nvidia-smi names no GPU")
        return used


@contextmanager
def measured() -> Iterator[Vram]:
    """Within the block the GPUs are looked at, where there is `nvidia-smi`."""
    program = shutil.which("nvidia-smi")
    vram = Vram(program or "")
    if program:
        vram.start()
    try:
        yield vram
    finally:
        vram.stop()
