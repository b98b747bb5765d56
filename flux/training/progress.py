"""Showing how a run goes: a live line in a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from types import TracebackType
from typing import Protocol, TextIO

from flux.errors import DataError


@dataclass(frozen=True)
class Report:
    """What is known after a step.

    Attributes:
        step, steps: steps done, and of the whole run.
        loss: the mean training loss since the last report, nats a token.
        validation: the last validation loss; None before the first.
        steps_per_s: over the time since the last report.
        remaining_s: what the rest takes at that rate.
    """

    step: int
    steps: int
    loss: float
    validation: float | None
    steps_per_s: float
    remaining_s: float

    def line(self) -> str:
        """The report in one line."""
        validation = "   -  " if self.validation is None else f"{self.validation:.4f}"
        return (
            f"step {self.step:>{len(str(self.steps))}}/{self.steps}"
            f"  loss {self.loss:.4f}  validation {validation}"
            f"  {self.steps_per_s:,.0f} steps/s  ETA {duration(self.remaining_s)}"
        )


def duration(seconds: float) -> str:
    """A time span as people read it."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


class Meter:
    """Turns steps and their losses into reports, one each `every_s` seconds.

    Args:
        first: the step at which this part of the run begins.
        clock: the time in seconds.
    """

    def __init__(
        self,
        first: int,
        steps: int,
        every_s: float = 1.0,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._steps = steps
        self._every_s = every_s
        self._clock = clock
        self._since = (clock(), first)
        self._losses: list[float] = []
        self.validation: float | None = None

    def add(self, step: int, loss: float) -> Report | None:
        """Count a step (its number from 1); a report when one is due."""
        self._losses.append(loss)
        elapsed_s = self._clock() - self._since[0]
        if elapsed_s < self._every_s and step < self._steps:
            return None
        rate = (step - self._since[1]) / max(elapsed_s, 1e-9)
        mean = sum(self._losses) / len(self._losses)
        self._since = (self._clock(), step)
        self._losses.clear()
        left_s = (self._steps - step) / rate
        return Report(step, self._steps, mean, self.validation, rate, left_s)


class Display(Protocol):
    """Where reports go."""

    def __enter__(self) -> Display: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def show(self, report: Report) -> None:
        """Show a report."""


def display(steps: int, stream: TextIO | None = None) -> Display:
    """A live display where the stream is a terminal, else plain lines."""
    out = stream or sys.stderr
    return Live(steps, out) if out.isatty() else Lines(out)


class Lines:
    """One line a report."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.flush()

    def show(self, report: Report) -> None:
        """Print the report."""
        try:
            print(report.line(), file=self._stream, flush=True)
        except OSError as error:
            raise DataError(f"cannot write the progress: {error.strerror}") from None


class Live:
    """A bar that is redrawn."""

    def __init__(self, steps: int, stream: TextIO) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        self._progress = Progress(
            BarColumn(bar_width=24),
            TextColumn("{task.description}"),
            console=Console(file=stream),
            refresh_per_second=4,
        )
        self._task = self._progress.add_task("starting", total=steps)

    def __enter__(self) -> Live:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, report: Report) -> None:
        """Redraw the bar."""
        self._progress.update(self._task, completed=report.step, description=report.line())
