# SPDX-License-Identifier: GPL-3.0-or-later
"""Drives Blender through a slice: sends frames, hears events, watches the clock, hands finished frames to the uploads.

All that happens is a message on one queue, which the main thread reads: Blender's events, the end of an upload, a Spot
notice. A frame that Blender fails on is tried once more in a fresh process.
"""

from __future__ import annotations

import collections
import contextlib
import functools
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cloud_render.blender import Running
from cloud_render.contract.errors import BlenderFailed, CloudRenderError, DoesNotFit, Interrupted, StoppedByLimit
from cloud_render.contract.job import Limits
from worker.attempt import Draft
from worker.frame_event import rendered_frame
from worker.interruption import Interruption, stopped
from worker.metadata import SpotWatch
from worker.quiet_log import QuietLog
from worker.uploads import Uploads

log = logging.getLogger(__name__)

AHEAD = 2
"""Frames sent to Blender and not yet in S3: one renders while another is uploaded, no third is at risk."""

STALL_S = 1_800.0
"""Seconds without any sign of life, before frames tell what is usual. Compiling GPU kernels and building a large BVH
are silent for minutes."""

STALL_FRAMES = 3
"""So many frames tell what is usual."""

LEAST_STALL_S = 600.0
STALL_TIMES = 20.0
"""Of the longest frame so far: EEVEE and a compositor say nothing within a frame, and the next may be much heavier."""

TICK_S = 0.5
PROGRESS_EVERY_S = 30.0

UPLOAD_S = 20.0
"""Kept free before a Spot deadline, for the upload of the last frame."""

FINISH_S = 8.0
"""After SIGTERM: for what is being uploaded. With Blender's 5 s this stays below interruption.LEAVE_S."""

AGAIN = (BlenderFailed, DoesNotFit)
"""Worth a second try in a fresh process, whose memory is empty; every other error would only come again."""


@dataclass(frozen=True)
class Heard:
    """An event of Blender process number `process`; None: it has ended well, which it should only do when told."""

    process: int
    event: Mapping[str, Any] | CloudRenderError | None


@dataclass(frozen=True)
class Wake:
    """Something else changed: an upload ended, Spot gave notice."""


Message = Heard | Wake


class Session:
    """Renders frames with `start`, which gives a Blender process for the render action."""

    def __init__(
        self,
        start: Callable[[], Running],
        limits: Limits,
        interruption: Interruption,
        draft: Draft,
        blender_log: QuietLog,
        check_cost: Callable[[float], None],
        out: Path,
    ) -> None:
        """`out` is where Blender may write. `check_cost` raises StoppedByLimit if the job can't pay for one more frame,
        which takes so many seconds."""
        self.messages: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self.uploads: Uploads
        self.spot: SpotWatch | None = None
        self.ready_at = 0.0
        """time.monotonic() when Blender was first ready; 0 before."""
        self._start = start
        self._stall_limit_s = limits.stall_s
        self._frame_s = limits.frame_s
        self._interruption = interruption
        self._draft = draft
        self._blender_log = blender_log
        self._check_cost = check_cost
        self._out = out
        self._limit: StoppedByLimit | None = None
        """Why no further frame begins."""
        self._waiting: collections.deque[int] = collections.deque()
        self._sent: collections.deque[int] = collections.deque()
        self._failed: set[int] = set()
        self._times: list[float] = []
        self._processes = 0
        self._alive = 0.0
        self._begun = 0.0
        self._told = 0.0
        self._ready_seen = False
        self._noticed: int | None = None
        """The frame that was in progress when Spot gave notice."""

    def wake(self) -> None:
        """For other threads: have the main one look again."""
        self.messages.put(Wake())

    def render(self, frames: Sequence[int]) -> None:
        """All of `frames` rendered and in S3. Raises BlenderFailed or DoesNotFit (after a second try), Interrupted,
        or what Blender or S3 said; what is in S3 by then stays."""
        self._waiting.extend(frames)
        with self._interruption.held(), self._uploads_finished():
            while self._waiting:
                try:
                    self._one_process()
                except AGAIN as error:
                    self._try_again(error)

    @contextlib.contextmanager
    def _uploads_finished(self) -> Iterator[None]:
        try:
            yield
        except Interrupted:
            with contextlib.suppress(CloudRenderError):  # we leave anyway, and a retry uploads what is missing
                self.uploads.finish(FINISH_S if self._interruption.asked else UPLOAD_S)
            raise
        except CloudRenderError as error:
            self._finish_quietly(error)
            raise
        self.uploads.finish()

    def _finish_quietly(self, reason: CloudRenderError) -> None:
        """Finished frames go up even where another one failed; the first error is the one that is told."""
        if reason is self.uploads.error:
            return
        try:
            self.uploads.finish()
        except CloudRenderError as error:
            log.warning("warning: %s", error)

    def _try_again(self, error: BlenderFailed | DoesNotFit) -> None:
        frame = self._sent[0] if self._sent else self._waiting[0]
        self._waiting.extendleft(reversed(self._sent))
        self._sent.clear()
        if frame in self._failed:
            raise type(error)(f"Frame {frame} failed twice: {error.problem}", error.advice) from error
        self._failed.add(frame)
        self._draft.warn(f"Frame {frame} failed and is tried once more in a fresh process: {error}")

    def _one_process(self) -> None:
        """One Blender, until all frames are rendered or it fails."""
        self._processes += 1
        self._ready_seen = False
        self._alive = self._begun = time.monotonic()
        with self._start() as running:
            reader = threading.Thread(target=self._listen, args=(running, self._processes), daemon=True, name="events")
            reader.start()
            self._drive(running)

    def _listen(self, running: Running, process: int) -> None:
        put = functools.partial(_put, self.messages, process)
        try:
            for event in running.events():
                put(event)
            put(None)
        except CloudRenderError as error:
            put(error)
        except Exception as error:  # noqa: BLE001 - a thread's own end is heard by nobody: handed on instead
            put(BlenderFailed(f"Blender's events can't be read: {error!r}."))

    def _drive(self, running: Running) -> None:
        """Until the last frame is on the disk; what Blender does after it is of no interest, and is not waited for."""
        while self._waiting or self._sent:
            self._feed(running)
            message = self._next_message()
            if isinstance(message, Heard) and message.process == self._processes:
                self._hear(message.event)
            self._look_around()
            if self._limit and not self._sent:
                raise self._limit

    def _next_message(self) -> Message:
        try:
            return self.messages.get(timeout=TICK_S)
        except queue.Empty:
            return Wake()

    def _feed(self, running: Running) -> None:
        while self._waiting and self._noticed is None and len(self._sent) + self.uploads.pending < AHEAD:
            if not self._can_pay():
                return
            frame = self._waiting.popleft()
            self._sent.append(frame)
            running.send({"frame": frame})

    def _can_pay(self) -> bool:
        """The frame in progress is paid already, and is finished in any case."""
        try:
            self._check_cost(sum(self._times) / len(self._times) if self._times else 0.0)
        except StoppedByLimit as error:
            self._limit = error
        return self._limit is None

    def _hear(self, event: Mapping[str, Any] | CloudRenderError | None) -> None:
        if isinstance(event, CloudRenderError):
            raise event
        if event is None:
            raise BlenderFailed(f"Blender ended before frame {[*self._sent, *self._waiting][0]}.", "See the log.")
        self._alive = time.monotonic()
        try:
            {"ready": self._ready, "progress": self._progress, "frame": self._frame}.get(event["event"], _ignore)(event)
        except (KeyError, TypeError, ValueError) as error:  # a scene's script may write into Blender's pipe
            raise BlenderFailed(f"Blender's events can't be read: {event!r:.200} ({error!r}).") from error

    def _ready(self, event: Mapping[str, Any]) -> None:
        self._begun = self._alive
        self._ready_seen = True
        self.ready_at = self.ready_at or self._alive
        devices = tuple(event.get("devices") or ())
        self._draft.add(device=event["device"], devices=devices)
        log.info("ready: %s on %s %s", event.get("engine", ""), event["device"], ", ".join(devices))
        for warning in event.get("warnings", ()):
            self._draft.warn(warning)

    def _progress(self, event: Mapping[str, Any]) -> None:
        if self._alive - max(self._told, self._begun) > PROGRESS_EVERY_S:
            self._told = self._alive
            log.info("frame %s: sample %s of %s", event["frame"], event["sample"], event["samples"])

    def _frame(self, event: Mapping[str, Any]) -> None:
        rendered = rendered_frame(event, self._out)
        if not self._sent or rendered.frame != self._sent[0]:
            raise BlenderFailed(f"Blender rendered frame {rendered.frame}, which is not the one it was sent.")
        self._sent.popleft()
        self._begun = self._alive
        self._times.append(rendered.render_s)
        self._blender_log.next_frame()
        self._draft.add(peak_memory=max(self._draft.report.peak_memory, int(event.get("peak_memory") or 0)))
        for warning in event.get("warnings", ()):
            self._draft.warn(warning)
        self.uploads.give(rendered)

    def _look_around(self) -> None:
        """What the clock and others say. Raises to end this process, or everything."""
        if self._interruption.asked:
            raise stopped()
        if self.uploads.error:
            raise self.uploads.error
        self._look_at_spot()
        now = time.monotonic()
        frame = self._sent[0] if self._sent else None
        if frame is None:
            self._alive = self._begun = now  # it waits for us, not we for it
            return
        stall_s = self._stall_limit_s or stall_after(self._times)
        if now - self._alive > stall_s:
            raise BlenderFailed(
                f"Blender gave no sign of life for {stall_s:.0f} s on frame {frame}.",
                "Raise limits.stall_s of the job if the scene needs longer.",
            )
        if self._frame_s and self._ready_seen and now - self._begun > self._frame_s:
            raise BlenderFailed(
                f"Frame {frame} took longer than the limit of {self._frame_s:g} s.",
                "Raise limits.frame_s of the job, or make the frame lighter.",
            )

    def _look_at_spot(self) -> None:
        """After the notice nothing new begins; the frame in progress is finished if it fits. Raises Interrupted."""
        deadline = self.spot.deadline if self.spot else None
        if deadline is None:
            return
        current = self._sent[0] if self._sent else None
        if self._noticed is None:
            self._noticed = current
        now = time.monotonic()
        # Without a frame time yet the try costs nothing: the machine is paid until it goes.
        needed = max(0.0, sum(self._times) / len(self._times) - (now - self._begun)) if self._times else 0.0
        # The frame behind the one in progress was sent before the notice; it is not waited for.
        if current is None or current != self._noticed or now + needed + UPLOAD_S > deadline:
            raise Interrupted("Spot takes this machine back.", "A retry renders the rest elsewhere.")


def stall_after(times: Sequence[float]) -> float:
    """Seconds of silence that mean a hung Blender, where the job has no limit; `times` are the frames' so far."""
    return STALL_S if len(times) < STALL_FRAMES else max(LEAST_STALL_S, STALL_TIMES * max(times))


def _put(
    messages: queue.SimpleQueue[Message], process: int, event: Mapping[str, Any] | CloudRenderError | None
) -> None:
    messages.put(Heard(process, event))


def _ignore(_event: Mapping[str, Any]) -> None:
    """Events of a later version that this worker does not need."""
