"""Run inputs, find failures, keep figures.

A failure is an exception that is no FluxError, a warning, a stage of more than two seconds, or
512 MB of memory. Times are CPU times of this thread: how busy the machine is does not matter, but
a slow one, or one whose cores are shared, takes several times as long as another. So two seconds
are what `make fuzz` asks for, and the suite, which no timing may decide, looks for what runs away.
"""

from __future__ import annotations

import gc
import signal
import sys
import traceback
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType
from typing import NamedTuple

from flux.expr.node import interned_count
from flux.syntax import _parse
from tests.fuzz.exercise import Trace, exercise
from tests.fuzz.inputs import Input, make
from tests.fuzz.shrink import shrink

GROWTH_BYTES = 512 << 20


class Hang(BaseException):
    """An input takes too long."""


class Limits(NamedTuple):
    """How long an input may take.

    Args:
        stage_seconds: of CPU time, each stage.
        hang_seconds: all stages together, which are then stopped.
    """

    stage_seconds: float
    hang_seconds: float


EXACT = Limits(2.0, 20.0)
ROOMY = Limits(20.0, 60.0)  # machines of CI were six times as slow as one another


class Failure(NamedTuple):
    """One failure.

    Args:
        key: stage, kind and place; failures of one key are the same.
        details: the traceback, or what was too large.
    """

    key: str
    details: str


class Memory(NamedTuple):
    """Memory in use.

    Args:
        resident_bytes: of the process; it keeps what its largest input took.
        blocks: that Python's allocator has given out, some 64 bytes each.
        nodes: expressions alive.
    """

    resident_bytes: int
    blocks: int
    nodes: int


@dataclass
class Figures:
    """What a run measured; times in seconds of CPU."""

    totals: array[float] = field(default_factory=lambda: array("d"))
    stages: dict[str, float] = field(default_factory=dict)
    slowest: list[tuple[float, int, str]] = field(default_factory=list)
    accepted: int = 0

    def add(self, index: int, trace: Trace) -> None:
        """Take one input's trace in."""
        self.totals.append(trace.total)
        self.accepted += trace.accepted
        for stage, seconds in trace.seconds.items():
            self.stages[stage] = max(self.stages.get(stage, 0.0), seconds)
        stage = max(trace.seconds, key=trace.seconds.__getitem__, default="")
        self.slowest.append((trace.total, index, stage))
        if len(self.slowest) > 1_000:
            self.slowest = self.worst(10)

    def worst(self, count: int) -> list[tuple[float, int, str]]:
        """The slowest inputs: seconds, index, stage that took most of them."""
        return sorted(self.slowest, reverse=True)[:count]

    def percentile(self, share: float) -> float:
        """The time that this share of the inputs stays under."""
        return sorted(self.totals)[min(len(self.totals) - 1, int(share * len(self.totals)))]


def run_one(case: Input, trace: Trace, limits: Limits) -> Failure | None:
    """One input; its failure, or None."""
    before = resident_bytes()
    try:
        with _alarm(limits.hang_seconds):
            exercise(case, trace)
    except Hang:
        return Failure(f"{trace.stage}: hang", f"over {limits.hang_seconds} s in {trace.stage}")
    except Exception as error:
        return Failure(
            f"{trace.stage}: {_place(error)}", "".join(traceback.format_exception(error))
        )
    for stage, seconds in trace.seconds.items():
        if seconds > limits.stage_seconds:
            return Failure(f"{stage}: slow", f"{seconds:.2f} s in {stage}")
    if resident_bytes() - before > GROWTH_BYTES:
        return Failure("memory", f"{(resident_bytes() - before) >> 20} MB more")
    return None


def run_many(
    seed: int, indices: range, found: Callable[[int, Input, Failure], None], limits: Limits
) -> Figures:
    """Inputs of a seed, one after the other; each failure is reported as it is found."""
    figures = Figures()
    for index in indices:
        case, trace = make(seed, index), Trace()
        failure = run_one(case, trace, limits)
        figures.add(index, trace)
        if failure is not None:
            found(index, case, failure)
    return figures


def smallest(case: Input, failure: Failure) -> Input:
    """The input with the shortest text found that fails in the same way."""

    def fails(text: str) -> bool:
        other = run_one(replace(case, text=text), Trace(), EXACT)
        return other is not None and other.key == failure.key

    slow = failure.key.endswith(("slow", "hang")) or failure.key == "memory"
    return replace(case, text=shrink(case.text, fails, 20 if slow else 600))


def _place(error: BaseException) -> str:
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "/flux/" in f.filename]
    last = frames[-1] if frames else None
    where = f" at {Path(last.filename).name}:{last.lineno}" if last else ""
    return f"{type(error).__name__}{where}"


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    if not hasattr(signal, "setitimer"):
        yield
        return
    previous = signal.signal(signal.SIGVTALRM, _ring)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, previous)


def _ring(_: int, frame: FrameType | None) -> None:
    raise Hang


def resident_bytes() -> int:
    """Memory of this process that is in use; 0 where the system does not say."""
    statistics = Path("/proc/self/statm")
    if not statistics.exists():
        return 0
    return int(statistics.read_text(encoding="ascii").split()[1]) * 4096


def settled() -> Memory:
    """Memory in use after a collection."""
    _parse.cache_clear()
    gc.collect()
    return Memory(resident_bytes(), sys.getallocatedblocks(), interned_count())
