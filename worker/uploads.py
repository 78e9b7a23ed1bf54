# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings rendered frames to S3 in a thread, while Blender renders on. The primary image of a frame always goes last."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cloud_render.contract.errors import BlenderFailed, CloudRenderError
from cloud_render.contract.keys import Prefix
from cloud_render.contract.report import FrameReport
from cloud_render.contract.scene import problem_of_scene_path
from worker import preview
from worker.cache import in_words
from worker.s3 import Bucket

log = logging.getLogger(__name__)

CONTENT_TYPES = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "webp": "image/webp",
    "tif": "image/tiff",
    "bmp": "image/bmp",
    "exr": "image/x-exr",
    "avif": "image/avif",
}
"""By extension; a browser shows what it knows."""


def content_type(path: Path) -> str:
    return CONTENT_TYPES.get(path.suffix[1:].lower(), "application/octet-stream")


@dataclass(frozen=True)
class RenderedFrame:
    """A frame whose files are whole and on this disk."""

    frame: int
    render_s: float
    primary: Path
    outputs: tuple[tuple[str, Path], ...]
    """Name below outputs/ and file."""
    display: Path | None
    """Display-referred PNG, where the primary is not one."""


def problem_of_output(name: str) -> str:
    """Why nothing can be stored by that name below outputs/; empty where it can. A scene's word is not enough for
    display/, where one child could so put its pictures into the video in place of another's.
    """
    return "display/ is the video's" if name.startswith("display/") else problem_of_scene_path(name)


class Uploads:
    """One thread that uploads frames in the order they come. `told` is called, in that thread, after each of them.

    The first error ends it: `error` holds it, and what still waits stays on the disk.
    """

    def __init__(
        self,
        bucket: Bucket,
        prefix: Prefix,
        extension: str,
        told: Callable[[], None],
        warn: Callable[[str], None],
        keep: bool = False,
    ) -> None:
        self.done: list[FrameReport] = []
        self.error: CloudRenderError | None = None
        self._bucket = bucket
        self._prefix = prefix
        self._extension = extension
        self._told = told
        self._warn = warn
        self._keep = keep
        self._given = 0
        self._waiting: queue.SimpleQueue[RenderedFrame | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, daemon=True, name="uploads")
        self._thread.start()

    @property
    def pending(self) -> int:
        """Frames given and not yet in S3."""
        return self._given - len(self.done)

    def give(self, rendered: RenderedFrame) -> None:
        self._given += 1
        self._waiting.put(rendered)

    def finish(self, timeout_s: float | None = None) -> None:
        """Waits until all that was given is in S3. Raises what went wrong; after `timeout_s` it just returns."""
        self._waiting.put(None)
        self._thread.join(timeout_s)
        if self.error:
            raise self.error

    def _work(self) -> None:
        while (rendered := self._waiting.get()) is not None:
            try:
                self.done.append(self._upload(rendered))
            except CloudRenderError as error:
                self.error = error
            except Exception as error:  # noqa: BLE001 - a thread's own end is heard by nobody: handed on instead
                self.error = CloudRenderError(f"The upload of frame {rendered.frame} failed: {error!r}.")
            self._told()
            if self.error:
                return

    def _upload(self, rendered: RenderedFrame) -> FrameReport:
        started = time.monotonic()
        frame = rendered.frame
        objects = [(self._prefix.output(name), path) for name, path in rendered.outputs]
        if rendered.display:
            objects.append((self._prefix.display(frame), rendered.display))
        if small := self._preview(rendered):
            objects.append((self._prefix.preview(frame), small))
        objects.append((self._prefix.frame(frame, self._extension), rendered.primary))
        size = sum(self._bucket.put_file(key, path, content_type(path)) for key, path in objects)
        if not self._keep:
            for _, path in objects:
                path.unlink(missing_ok=True)
        took = time.monotonic() - started
        log.info("frame %d: rendered in %.1f s, %s uploaded in %.1f s", frame, rendered.render_s, in_words(size), took)
        return FrameReport(frame, round(rendered.render_s, 3), round(took, 3), size)

    def _preview(self, rendered: RenderedFrame) -> Path | None:
        image = rendered.display or rendered.primary
        target = image.with_name(f"{image.stem}.preview.jpg")
        try:
            preview.make(image, target)
        except BlenderFailed as error:  # a frame without its small picture is still a frame
            self._warn(f"Frame {rendered.frame} has no preview: {error}")
            return None
        return target
