# SPDX-License-Identifier: GPL-3.0-or-later
"""A pool of threads that never holds the program back: what hangs in a dead line or disk is left behind.

Python waits at its end for the threads of concurrent.futures, however long their request's time-outs and retries are.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent import futures
from concurrent.futures import Future
from functools import partial
from typing import Any, TypeVar

from cloud_render.contract.errors import StorageUnavailable

T = TypeVar("T")


class Crew:
    """At most `size` threads, one more started with each of the first tasks. Tasks begin in the order they came."""

    def __init__(self, size: int, name: str) -> None:
        self._size = size
        self._name = name
        self._tasks: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = queue.SimpleQueue()
        self._threads = 0

    def submit(self, task: Callable[..., T], *arguments: Any) -> Future[T]:
        """Use it in one thread."""
        future: Future[T] = Future()
        self._tasks.put((future, lambda: task(*arguments)))
        if self._threads < self._size:
            self._threads += 1
            threading.Thread(target=self._work, daemon=True, name=self._name).start()
        return future

    def dismiss(self) -> None:
        """Nothing more begins; what is under way is left to itself."""
        while True:
            try:
                self._tasks.get_nowait()
            except queue.Empty:
                break
        for _ in range(self._threads):
            self._tasks.put(None)

    def _work(self) -> None:
        while task := self._tasks.get():
            _carry_out(*task)
            # Nothing of the last task may stay alive while the thread waits: its answer holds megabytes.
            del task


def insist(seconds: float, attempts: int, act: Callable[..., T], *arguments: Any) -> T:
    """What `act` answers; one that takes longer than `seconds` is left behind and begun anew.

    Raises StorageUnavailable after so many attempts, and what `act` raises.
    """
    for _ in range(attempts):
        future: Future[T] = Future()
        threading.Thread(target=_carry_out, args=(future, partial(act, *arguments)), daemon=True, name="ask").start()
        futures.wait([future], seconds)
        if future.done():
            return future.result()
    raise StorageUnavailable("The storage does not answer.", "Check the network, then try again.")


def _carry_out(future: Future[Any], act: Callable[[], Any]) -> None:
    future.set_running_or_notify_cancel()
    try:
        future.set_result(act())
    except BaseException as error:  # noqa: BLE001 - handed on to whoever asks for the result
        future.set_exception(error)
