# SPDX-License-Identifier: GPL-3.0-or-later
"""What the instance knows of itself: its type and zone, and the notice that Spot takes it back. IMDSv2 only.

Off EC2 nothing is asked. CLOUD_RENDER_METADATA_URL gives another address, and turns it on wherever the worker runs.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import logging
import os
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from cloud_render.contract.report import Machine

log = logging.getLogger(__name__)

EVERY_S = 5.0
"""AWS's advice for how often to look (EC2 User Guide, "Spot Instance interruption notices")."""

_TIMEOUT_S = 1.0
_PATIENCE = 3
"""Looks without any answer after which we are not on EC2 after all, or may not ask: then no more are made."""

_VENDOR = Path("/sys/devices/virtual/dmi/id/sys_vendor")


def address() -> str:
    """The metadata service's base URL; empty where there is none to ask."""
    if given := os.environ.get("CLOUD_RENDER_METADATA_URL", ""):
        return given.rstrip("/")
    if os.environ.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true":
        return ""
    with contextlib.suppress(OSError):
        if "Amazon EC2" in _VENDOR.read_text():
            return "http://169.254.169.254"
    return ""


class Metadata:
    """The instance's metadata service. Every answer may be empty; nothing here ever raises."""

    def __init__(self, base: str) -> None:
        self._base = base
        self._token = ""
        self.answers = True
        """Whether the last request was answered at all, 404 included."""

    def machine(self) -> Machine:
        cpus = os.cpu_count() or 0
        if not self._base:
            return Machine(cpus=cpus)
        return Machine(
            instance_id=self._get("instance-id"),
            instance_type=self._get("instance-type"),
            availability_zone=self._get("placement/availability-zone"),
            cpus=cpus,
            market="spot" if self._get("instance-life-cycle") == "spot" else "on-demand",
        )

    def notice(self) -> float | None:
        """Seconds until Spot takes the instance back; None without a notice."""
        text = self._get("spot/instance-action")
        if not text:
            return None
        try:
            when = datetime.fromisoformat(json.loads(text)["time"])
        except (ValueError, KeyError, TypeError):
            return 120.0  # AWS's own promise; a notice we can't read is still a notice
        return max(0.0, (when.replace(tzinfo=when.tzinfo or UTC) - datetime.now(UTC)).total_seconds())

    def _get(self, path: str) -> str:
        """The text at `path`; empty where there is none."""
        try:
            if not self._token:
                self._token = self._ask("PUT", "latest/api/token", {"X-aws-ec2-metadata-token-ttl-seconds": "21600"})
            text = self._ask("GET", f"latest/meta-data/{path}", {"X-aws-ec2-metadata-token": self._token})
        except urllib.error.HTTPError as error:
            self.answers = True
            if error.code == 401:
                self._token = ""  # it ran out: the next look brings a new one
            return ""
        except (OSError, http.client.HTTPException):
            self.answers = False
            return ""
        self.answers = True
        return text

    def _ask(self, method: str, path: str, headers: dict[str, str]) -> str:
        request = urllib.request.Request(f"{self._base}/{path}", method=method, headers=headers)
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:
            text: str = answer.read(65_536).decode(errors="replace")
            return text


class SpotWatch:
    """A thread that looks for the notice; `deadline` is the time.monotonic() of the end, None without one."""

    def __init__(self, metadata: Metadata, told: Callable[[], None], every_s: float = EVERY_S) -> None:
        self.deadline: float | None = None
        self._metadata = metadata
        self._told = told
        self._every_s = every_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True, name="spot")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._over.set()

    def _watch(self) -> None:
        unanswered = 0
        while unanswered < _PATIENCE:
            left = self._metadata.notice()
            if left is not None:
                self.deadline = time.monotonic() + left
                log.warning("Spot takes this machine back in %.0f s", left)
                self._told()
                return
            unanswered = 0 if self._metadata.answers else unanswered + 1
            if self._over.wait(self._every_s):
                return
        log.info("no metadata service answers; Spot notices are not watched")
