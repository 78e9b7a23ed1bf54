# SPDX-License-Identifier: GPL-3.0-or-later
"""What is going on, stage by stage: a live line with a bar on a terminal, plain lines anywhere else, on stderr.

Knows nothing of jobs: it is told words and numbers.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from cloud_render.cli import words
from cloud_render.cli.output import Output
from cloud_render.contract.errors import Cancelled

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live

PLAIN_INTERVAL_S = 15.0
"""Without a terminal a stage that goes on says so this often: enough for a log, not too much for one."""

TEXT_WIDTH = 26
"""Characters for the words before the bar, so that the bars of all stages begin in one column."""


class Stage:
    """One thing that takes time. Its attributes may be set from any thread; the display reads them."""

    def __init__(self, doing: str, done: str, clock: Callable[[], float]) -> None:
        self.doing = doing
        self.done = done
        """What the line says once the stage is over; may be set until then."""
        self.completed = 0.0
        self.total = 0.0
        """0: how much there is to do is not known."""
        self.note = ""
        """Beside the bar: `31/48 frames, 12 s left`."""
        self.below: tuple[str, ...] = ()
        """Lines below the bar."""
        self.failed = False
        """Whether the stage ends badly although nothing is raised."""
        self._clock = clock
        self._began = clock()

    @property
    def seconds(self) -> float:
        return self._clock() - self._began

    @property
    def share(self) -> float:
        return min(self.completed / self.total, 1.0) if self.total > 0 else 0.0


class Stages:
    """The stages of one run; `times` keeps how long each took."""

    def __init__(self, output: Output, clock: Callable[[], float] = time.monotonic) -> None:
        self._output = output
        self._clock = clock
        self._console = output.console()
        self._said_at = clock()
        self.times: list[tuple[str, float]] = []

    @property
    def live(self) -> bool:
        return self._console.is_terminal and not self._output.json

    @contextmanager
    def stage(self, doing: str, done: str = "") -> Iterator[Stage]:
        """Show `doing` while the block runs and `done` afterwards, or that it was stopped or ended badly."""
        stage = Stage(doing, done or doing, self._clock)
        self._said_at = self._clock()
        try:
            with self._live(stage) if self.live else nullcontext():
                yield stage
        except (KeyboardInterrupt, Cancelled):
            # No failure: it was wished so, and what is in the cloud may well go on.
            self._end(stage, "–", "yellow", stage.doing)
            raise
        except BaseException:
            self._end(stage, "✗", "red", stage.doing)
            raise
        if stage.failed:
            self._end(stage, "✗", "red", stage.done)
            return
        self.times.append((stage.done, stage.seconds))
        self._end(stage, "✓", "green", stage.done)

    def tick(self, stage: Stage) -> None:
        """For whoever waits in a loop: lets plain output say now and then how far the stage is."""
        if not self.live and not self._output.json and self._clock() - self._said_at >= PLAIN_INTERVAL_S:
            self._say_plain(stage)

    def _live(self, stage: Stage) -> Live:
        from rich.live import Live
        from rich.spinner import Spinner

        spinner = Spinner("dots" if self._unicode else "line", style="cyan")
        return Live(
            console=self._console,
            get_renderable=lambda: _line(stage, spinner, self._console),
            refresh_per_second=8,
            transient=True,
        )

    def _say_plain(self, stage: Stage) -> None:
        self._said_at = self._clock()
        self._output.remark("  ".join(part for part in (f"… {stage.doing}", stage.note, *stage.below) if part))

    def _end(self, stage: Stage, sign: str, colour: str, text: str) -> None:
        if self._output.json:
            return
        from rich.text import Text

        plain_sign = {"✓": "*", "✗": "x", "–": "-"}[sign]
        line = Text.assemble((sign if self._unicode else plain_sign, colour), f" {text} ", (_brief(stage), "dim"))
        self._console.print(line)

    @property
    def _unicode(self) -> bool:
        return self._console.encoding.lower().startswith("utf")


def _brief(stage: Stage) -> str:
    return f"({words.duration(stage.seconds)})"


def _line(stage: Stage, spinner: RenderableType, console: Console) -> RenderableType:
    """The stage as it is now: spinner, words, bar where the total is known, note; then the lines below."""
    from rich.console import Group
    from rich.padding import Padding
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    row = Table.grid(padding=(0, 1))
    row.add_column(width=1)
    row.add_column(min_width=min(TEXT_WIDTH, console.width // 2))
    cells: list[RenderableType] = [spinner, Text(stage.doing)]
    # Below 60 columns words are worth more than a bar.
    if stage.total > 0 and console.width >= 60:
        row.add_column()
        cells.append(ProgressBar(total=1.0, completed=stage.share, width=min(40, console.width // 3)))
    row.add_column(no_wrap=True, overflow="ellipsis")
    cells.append(Text(stage.note or words.duration(stage.seconds), style="" if stage.note else "dim"))
    row.add_row(*cells)
    below = [Padding(Text(text, style="dim"), (0, 0, 0, 2)) for text in stage.below]
    return Group(row, *below)
