# SPDX-License-Identifier: GPL-3.0-or-later
"""A program that speaks as our boot script in Blender does, and fails as it is told to: for what a real Blender does
too rarely or too slowly to wait for. Its orders are JSON in FAKE_BLENDER:

{"version": "5.0.1", "crash": {"3": 1}, "kill": {}, "error": {"3": [1, 70, "no image"]}, "silent": {"2": 1},
 "slow_s": 0.2, "load_crash": 1, "empty": {"2": 1}, "unwritten": {"2": 1}, "nonsense": {"1": 1}, "chatter": 200,
 "examined": {…}, "outputs": ["depth"]}

A number counts how often it fails before it works; the counts lie in the folder FAKE_BLENDER_STATE.
"""

from __future__ import annotations

import json
import os
import signal
import struct
import sys
import time
import zlib
from pathlib import Path

ORDERS = json.loads(os.environ.get("FAKE_BLENDER", "{}"))
STATE = Path(os.environ.get("FAKE_BLENDER_STATE", "."))


def png(path: Path, grey: int) -> None:
    """An 8×8 picture of one grey."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = b"".join(b"\0" + bytes([grey]) * 24 for _ in range(8))
    header = struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    )


def due(kind: str, frame: int | str = "load") -> bool:
    """Whether this failure is still to happen; counts it."""
    wanted = ORDERS.get(kind, 0)
    times = wanted.get(str(frame), 0) if isinstance(wanted, dict) else wanted
    times = times[0] if isinstance(times, list) else times
    with (STATE / "counts").open("a+") as file:
        file.seek(0)
        before = file.read().splitlines().count(f"{kind} {frame}")
        if before < times:
            file.write(f"{kind} {frame}\n")
    return before < times


class Fake:
    def __init__(self) -> None:
        self.events = os.fdopen(int(os.environ["CLOUD_RENDER_EVENTS_FD"]), "w")

    def send(self, event: str, **fields: object) -> None:
        self.events.write(json.dumps({"event": event, **fields}) + "\n")
        self.events.flush()

    def render(self, request: dict) -> None:
        with (STATE / "processes").open("a") as file:
            file.write(f"{os.getpid()}\n")
        (STATE / "request").write_text(json.dumps(request))
        (STATE / "environment").write_text("\n".join(sorted(os.environ)))
        if due("load_crash"):
            os.abort()
        self.send("ready", device="CPU", devices=["fake"], engine="CYCLES", load_s=0.1)
        for line in sys.stdin:
            self.frame(request, json.loads(line)["frame"])
        self.send("end")

    def frame(self, request: dict, frame: int) -> None:
        with (STATE / "rendered").open("a") as file:
            file.write(f"{frame} {time.monotonic()}\n")
        for number in range(ORDERS.get("chatter", 0)):
            print(f"Fra:{frame} Mem:1M | Sample {number}/200", flush=True)
            print(f"a line that an add-on prints, number {number}", flush=True)
        if due("crash", frame):
            print("Segmentation fault in a modifier", flush=True)
            os.kill(os.getpid(), signal.SIGSEGV)
        if due("kill", frame):
            os.kill(os.getpid(), signal.SIGKILL)
        if due("silent", frame):
            time.sleep(3600)
        if due("nonsense", frame):
            self.send("frame", frame=[frame], seconds={})
        if due("error", frame):
            _, code, problem = ORDERS["error"][str(frame)]
            self.send("error", exit_code=code, problem=problem, advice="", missing=[])
            sys.exit(code)
        time.sleep(ORDERS.get("slow_s", 0))
        self.send("progress", frame=frame, sample=1, samples=1)
        stem = f"{'-' if frame < 0 else ''}{abs(frame):04d}"
        primary = Path(request["out"]) / "frames" / f"{stem}.png"
        png(primary, frame % 256)
        if due("empty", frame):
            primary.write_bytes(b"")
        if due("unwritten", frame):
            primary.unlink()
        outputs = []
        for name in ORDERS.get("outputs", ()):
            path = Path(request["out"]) / "outputs" / name / f"{stem}.png"
            png(path, 7)
            outputs.append({"name": f"{name}/{stem}.png", "path": str(path)})
        self.send(
            "frame",
            frame=frame,
            seconds=0.1,
            primary=str(primary),
            outputs=outputs,
            display=None,
            peak_memory=1000 + frame,
            warnings=[],
        )


def main() -> None:
    if "--version" in sys.argv:
        print(f"Blender {ORDERS.get('version', '5.0.1')}")
        return
    text = sys.argv[sys.argv.index("--") + 1]
    request = json.loads(Path(text[1:]).read_text() if text.startswith("@") else text)
    fake = Fake()
    if request["action"] == "examine":
        fake.send("examined", **ORDERS["examined"])
        fake.send("end")
    else:
        fake.render(request)


main()
