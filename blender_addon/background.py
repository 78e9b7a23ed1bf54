# SPDX-License-Identifier: GPL-3.0-or-later
"""Work off the main thread. A thread never touches bpy: it posts messages, and the pump brings them to their handlers.

The same Task runs in the background (`start`) or at once, for scripts (`run`).
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from cloud_render.contract.errors import NoCredentials

log = logging.getLogger(__name__)

JOIN_S = 2.0
"""How long unregistering waits for threads that were told to stop; they are daemons, so Blender can leave anyway."""


def _nothing(_value: Any) -> None:
    pass


def _raise(error: Exception) -> None:
    raise error


@dataclass
class Task:
    """Something to be done with the cloud. `work` runs in a thread, the three others in the main one, by the pump."""

    name: str
    """Two tasks of one name never run at the same time."""
    work: Callable[[ModuleType, Task], Any]
    """Gets the module `cloud`, the door to the client library, and this task."""
    done: Callable[[Any], None] = _nothing
    failed: Callable[[Exception], None] = _raise
    told: Callable[[Any], None] = _nothing
    """Hears what `work` tells while it goes on."""
    stop: threading.Event = field(default_factory=threading.Event)
    _tell: Callable[[Any], None] = _nothing

    def tell(self, value: Any) -> None:
        """From inside `work`: hand a value to `told`."""
        self._tell(value)

    def stopped(self) -> bool:
        return self.stop.is_set()


def _result_of(task: Task) -> Any:
    from . import cloud  # boto3 is loaded here, by the first thread that needs it

    try:
        return task.work(cloud, task)
    except NoCredentials:
        cloud.forget()  # so that those of a new sign-in are seen
        raise


@dataclass(frozen=True)
class _Message:
    task: Task
    kind: str
    """told, done or failed: the handler of the task that is to hear it."""
    value: Any


class Background:
    """The threads of this Blender and the one queue they speak through."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[_Message] = queue.SimpleQueue()
        self._running: dict[str, tuple[Task, threading.Thread]] = {}

    def start(self, task: Task) -> bool:
        """Whether it was started: not while one of that name runs."""
        if self.runs(task.name):
            return False
        task._tell = lambda value: self._queue.put(_Message(task, "told", value))
        thread = threading.Thread(target=self._work, args=(task,), name=f"cloud-render {task.name}", daemon=True)
        self._running[task.name] = (task, thread)
        thread.start()
        return True

    def run(self, task: Task) -> Any:
        """At once, in this thread, as a script wants it: what `work` gives. Raises what it raises."""
        task._tell = task.told
        try:
            result = _result_of(task)
        except Exception as error:
            task.failed(error) if task.failed is not _raise else None
            raise
        task.done(result)
        return result

    def runs(self, name: str) -> bool:
        return name in self._running

    def stop(self, name: str) -> None:
        """Ask the task to end; it does within a second, and says so as every end is said."""
        if name in self._running:
            self._running[name][0].stop.set()

    def stop_each(self) -> None:
        """Ask all of them to end."""
        for task, _ in self._running.values():
            task.stop.set()

    def drain(self, budget_s: float) -> int:
        """Hand over what the threads posted, until `budget_s` is spent; how many messages that were."""
        ends = time.perf_counter() + budget_s
        handed = 0
        while time.perf_counter() < ends:
            try:
                message = self._queue.get_nowait()
            except queue.Empty:
                break
            self._hand_over(message)
            handed += 1
        return handed

    def stop_all(self) -> None:
        """End all of them; nothing that they posted is heard any more."""
        self.stop_each()
        ends = time.monotonic() + JOIN_S
        for _, thread in self._running.values():
            thread.join(max(ends - time.monotonic(), 0))
        self._running.clear()
        self._queue = queue.SimpleQueue()

    def _hand_over(self, message: _Message) -> None:
        task = message.task
        if message.kind != "told":
            self._running.pop(task.name, None)
        getattr(task, message.kind)(message.value)

    def _work(self, task: Task) -> None:
        posted = self._queue
        try:
            result = _result_of(task)
        except Exception as error:  # noqa: BLE001 - whatever it is, it travels to the main thread as a message
            posted.put(_Message(task, "failed", error))
        else:
            posted.put(_Message(task, "done", result))


BACKGROUND = Background()
