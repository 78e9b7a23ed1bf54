# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for Blender in faults.py: speaks as our boot script does, takes a fixed time for a frame, and draws
pictures that are the same in every run and say in broad black and white bars which frame they are.

Arguments: `--seconds S --log FILE` before those that the worker gives. What it did goes to FILE, a JSON line each.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import struct
import sys
import time
import zlib
from pathlib import Path

BARS = 10
"""Bits of the frame's number, the highest first."""

BAR = 16
HEIGHT = 48
WIDTH = BARS * BAR


def png(frame: int) -> bytes:
    """Bars above, noise below: some kilobytes, so that a transfer has a middle to break off in."""
    bars = b"".join((b"\xff" if frame >> (BARS - 1 - bit) & 1 else b"\0") * 3 * BAR for bit in range(BARS))
    noise = random.Random(frame)
    rows = [b"\0" + bars] * (HEIGHT // 2) + [b"\0" + noise.randbytes(3 * WIDTH) for _ in range(HEIGHT // 2)]
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"".join(rows), 1)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )


class Fake:
    def __init__(self, seconds: float, log: Path) -> None:
        self._seconds = seconds
        self._log = log
        self._events = os.fdopen(int(os.environ["CLOUD_RENDER_EVENTS_FD"]), "w")
        batch = {name: os.environ.get(f"AWS_BATCH_JOB_{name.upper()}", "") for name in ("id", "attempt")}
        self._who = {**batch, "process": os.getpid()}

    def say(self, event: str, **fields: object) -> None:
        self._events.write(json.dumps({"event": event, **fields}) + "\n")
        self._events.flush()

    def note(self, what: str, frame: int) -> None:
        line = json.dumps({**self._who, "what": what, "frame": frame, "time": time.time()}) + "\n"
        with self._log.open("a") as file:
            file.write(line)

    def render(self, request: dict[str, str]) -> None:
        self.say("ready", device="CPU", devices=["fake"], engine="CYCLES", load_s=0.1)
        for line in sys.stdin:
            frame = json.loads(line)["frame"]
            self.note("begun", frame)
            time.sleep(self._seconds)
            self.say("progress", frame=frame, sample=1, samples=1)
            primary = Path(request["out"]) / "frames" / f"{frame:04d}.png"
            primary.parent.mkdir(parents=True, exist_ok=True)
            primary.write_bytes(png(frame))
            self.note("rendered", frame)
            self.say(
                "frame",
                frame=frame,
                seconds=self._seconds,
                primary=str(primary),
                outputs=[],
                display=None,
                peak_memory=1000,
                warnings=[],
            )
        self.say("end")


def main() -> None:
    if "--version" in sys.argv:
        print("Blender 5.0.1")
        return
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--log", type=Path, required=True)
    cut = sys.argv.index("--", 1)
    options, _ = parser.parse_known_args(sys.argv[1:cut])
    text = sys.argv[cut + 1]
    Fake(options.seconds, options.log).render(json.loads(Path(text[1:]).read_text() if text.startswith("@") else text))


if __name__ == "__main__":
    main()
