"""Showing how a run goes: a live line in a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import exp, isfinite, isnan
from time import monotonic
from types import TracebackType
from typing import Any, Protocol, TextIO

SMOOTHING = 20  # steps


@dataclass(frozen=True)
class Pace:
    """What one step is, for figures of speed.

    Attributes:
        units: what a step sees: tokens, or rows of a table.
        unit: what they are called.
        flops: floating-point operations of a step.
        peak: floating-point operations that the machine does in a second; 0 where unknown.
    """

    units: int = 0
    unit: str = "tokens"
    flops: int = 0
    peak: float = 0.0


@dataclass(frozen=True)
class Report:
    """What is known after a step.

    Attributes:
        step, steps: steps done, and of the whole run.
        loss: the training loss, smoothed, in nats.
        validation: the last validation loss; None before the first.
        steps_per_s: over the time since the last report.
        remaining_s: what the rest takes at that rate.
        bits: the last validation loss as bits per character; None where there are no characters,
            nan where some words are not in the vocabulary.
        rate: the learning rate.
        norm: of the gradient, before clipping.
        skipped: steps left out because they were not finite.
        pace: what a step is.
    """

    step: int
    steps: int
    loss: float
    validation: float | None
    steps_per_s: float
    remaining_s: float
    bits: float | None = None
    rate: float = float("nan")
    norm: float = float("nan")
    skipped: int = 0
    pace: Pace = Pace()

    @property
    def perplexity(self) -> float | None:
        """exp(validation loss), where there are tokens to be perplexed by."""
        if self.bits is None or self.validation is None:
            return None
        return exp(min(self.validation, 700.0))

    @property
    def units_per_s(self) -> float:
        """Tokens or rows a second."""
        return self.steps_per_s * self.pace.units

    @property
    def share(self) -> float | None:
        """Of the machine's measured peak."""
        peak = self.pace.peak
        return self.steps_per_s * self.pace.flops / peak if peak else None

    def line(self) -> str:
        """The report in one line."""
        return "  ".join(self.parts())

    def parts(self) -> list[str]:
        """What the report says, one thing after another."""
        parts = [f"step {self.step:>{len(str(self.steps))}}/{self.steps}", f"loss {self.loss:.4f}"]
        validation = "   -  " if self.validation is None else f"{self.validation:.4f}"
        parts.append(f"validation {validation}")
        optional = (
            (self.perplexity, "perplexity {:.4g}"),
            (_known(self.bits), "{:.3f} bits/char"),
            (_known(self.rate), "rate {:.2e}"),
            (_known(self.norm), "gradient {:.3g}"),
            (self.skipped or None, "{} skipped"),
            (self.steps_per_s, "{:,.0f} steps/s" if self.steps_per_s >= 10 else "{:,.2f} steps/s"),
            (self.units_per_s or None, f"{{:,.0f}} {self.pace.unit}/s"),
            (self.share, "{:.0%} of peak"),
        )
        parts += [form.format(value) for value, form in optional if value is not None]
        return [*parts, f"ETA {duration(self.remaining_s)}"]

    def row(self) -> dict[str, Any]:
        """The report as a row of metrics."""
        return {
            "step": self.step,
            "loss": self.loss,
            "validation": self.validation,
            "perplexity": self.perplexity,
            "bits_per_character": self.bits,
            "learning_rate": self.rate,
            "gradient_norm": self.norm,
            "skipped": self.skipped,
            "steps_per_s": self.steps_per_s,
            f"{self.pace.unit}_per_s": self.units_per_s,
            "share_of_peak": self.share,
        }


def _known(value: float | None) -> float | None:
    return None if value is None or isnan(value) else value


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

    The loss is smoothed: each step moves it by a `SMOOTHING`-th of the way to its own, the first
    ones by more, so that it is their mean.

    Args:
        first: the step at which this part of the run begins.
        clock: the time in seconds.
        pace: what a step is.

    Attributes:
        validation, bits: the last validation loss, and what it is in bits per character.
    """

    def __init__(
        self,
        first: int,
        steps: int,
        every_s: float = 1.0,
        clock: Callable[[], float] = monotonic,
        pace: Pace = Pace(),
    ) -> None:
        self._steps = steps
        self._every_s = every_s
        self._clock = clock
        self._pace = pace
        self._since = (clock(), first)
        self._loss, self._count = 0.0, 0
        self.validation: float | None = None
        self.bits: float | None = None

    def add(
        self,
        step: int,
        loss: float,
        rate: float = float("nan"),
        norm: float = float("nan"),
        skipped: int = 0,
        due: bool = False,
    ) -> Report | None:
        """Count a step (its number from 1); a report where `due`, or when its time has come."""
        if isfinite(loss):
            self._count = min(self._count + 1, SMOOTHING)
            self._loss += (loss - self._loss) / self._count
        elapsed_s = self._clock() - self._since[0]
        if elapsed_s < self._every_s and step < self._steps and not due:
            return None
        speed = (step - self._since[1]) / max(elapsed_s, 1e-9)
        self._since = (self._clock(), step)
        left_s = (self._steps - step) / speed
        shown = (self._loss, self.validation, speed, left_s, self.bits, rate, norm, skipped)
        return Report(step, self._steps, *shown, self._pace)

    def paused(self, seconds: float) -> None:
        """Leave out time that went into something else than steps."""
        self._since = (self._since[0] + seconds, self._since[1])


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


def silence(stream: TextIO) -> None:
    """Let what is written to a stream that takes no more go nowhere, what waits there included."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


class Lines:
    """One line a report. Where they cannot be written any more, a run goes on without them."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *_: object) -> None:
        """Each line has been written."""

    def show(self, report: Report) -> None:
        """Print the report."""
        try:
            print(report.line(), file=self._stream, flush=True)
        except OSError:
            silence(self._stream)


class Live:
    """A bar that is redrawn, and below it the report on as many lines as it needs."""

    def __init__(self, steps: int, stream: TextIO) -> None:
        from rich.console import Console
        from rich.live import Live as Redrawn

        self._steps = steps
        self._report: Report | None = None
        self._console = Console(file=stream)
        self._shown = Redrawn(
            console=self._console, refresh_per_second=4, get_renderable=self._drawn
        )

    def __enter__(self) -> Live:
        self._shown.start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):  # the terminal is gone
            self._shown.stop()

    def show(self, report: Report) -> None:
        """Redraw the bar."""
        self._report = report
        self._shown.refresh()

    def _drawn(self) -> Any:
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        width = self._console.width
        step, parts = (self._report.step, self._report.parts()) if self._report else (0, [])
        lines = "\n".join(wrapped(parts, width)) or "starting"
        drawn = Table.grid()
        drawn.add_row(ProgressBar(self._steps, step, width=min(width, _BAR)))
        drawn.add_row(Text(lines))
        return drawn


_BAR = 80  # columns


def wrapped(parts: Sequence[str], width: int) -> list[str]:
    """The parts on lines of a width, each part whole."""
    lines: list[str] = []
    for part in parts:
        if lines and len(lines[-1]) + 2 + len(part) <= width:
            lines[-1] += f"  {part}"
        else:
            lines.append(part)
    return lines
