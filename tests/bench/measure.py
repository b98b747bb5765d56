"""Measuring: competitors in processes of their own, taking turns; medians; tables.

Turns make a disturbance hit everybody alike, and a ratio is the median over the rounds of ratios
within a round. On one core the clock is the process's own CPU time, which other programs on the
machine do not lengthen; on several it is the wall, since threads that wait may spin.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flux.cli.machine import choose_kernels, cpu_flags, cpu_name, usable_cores

ROOT = Path(__file__).parents[2]
_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMEXPR_MAX_THREADS",
    "NUMBA_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


_LONG_SECONDS = 1.0


class AbsentError(Exception):
    """A competitor that is not installed, or cannot do the task."""


@dataclass(frozen=True)
class Sample:
    """One timed turn.

    Attributes:
        seconds: for one call.
        value: of the last call, where it is a number.
        peak_mb: resident memory at its highest since the process began.
    """

    seconds: float
    value: float | None
    peak_mb: float


def environment(threads: int) -> dict[str, str]:
    """What a competitor's process sees: that many threads, and the kernels the command line takes.

    The tests' own check of every Program is off.
    """
    chosen = {**os.environ, **dict.fromkeys(_THREAD_VARIABLES, str(threads))}
    chosen |= {"JAX_PLATFORMS": "cpu", "FLUX_VERIFY": "0", "PYTHONHASHSEED": "0"}
    choose_kernels(chosen, cpu_flags())
    return chosen


class Worker:
    """A process that serves one module's competitors.

    Args:
        module: the one whose COMPETITORS it serves.
        threads: cores that it is pinned to, and threads that libraries may use.
    """

    def __init__(self, module: str, threads: int = 1) -> None:
        self.started = time.perf_counter()
        self.note = ""
        self._asked: Mapping[str, Any] = {}
        self._threads = threads
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  (closed with the worker)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.worker", module, str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=environment(threads),
            cwd=ROOT,
            text=True,
        )

    def prepare(self, competitor: str, **task: Any) -> None:
        """Build what `run` will call, and take note of what is to be said of it.

        Raises:
            AbsentError: the competitor is not installed, or cannot do this.
        """
        self.begin({"prepare": competitor, **task})
        self.prepared()

    def prepared(self) -> None:
        """Wait until what was begun is built.

        Raises:
            AbsentError: the competitor is not installed, or cannot do this.
        """
        reply = self._reply()
        if "missing" in reply:
            raise AbsentError(reply["missing"])
        self.note = str(reply["note"])

    def run(self, times: int = 1) -> Sample:
        """Call it that often."""
        self.begin({"run": times})
        return self.sample(times)

    def sample(self, times: int = 1) -> Sample:
        """Wait until it was called as often as was begun."""
        reply = self._reply()
        spent = reply["cpu"] if self._threads == 1 else reply["wall"]
        return Sample(spent / times, reply["value"], reply["peak_mb"])

    def begin(self, request: Mapping[str, Any]) -> None:
        """Ask for something, and do not wait: one reply follows each request."""
        assert self._process.stdin is not None
        self._asked = request
        with suppress(BrokenPipeError):  # it has died; the empty reply says why
            print(json.dumps(request), file=self._process.stdin, flush=True)

    def _reply(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            self._errors.seek(0)
            said = self._errors.read().decode(errors="replace")[-2000:]
            raise RuntimeError(f"{self._asked}: {said}")
        reply: dict[str, Any] = json.loads(line)
        return reply

    def close(self) -> None:
        """End the process: it leaves when its requests end, and has ten seconds for it."""
        try:
            self._process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
        self._errors.close()


def take_turns(
    workers: Mapping[str, Worker], rounds: int, seconds: float, most_s: float = _LONG_SECONDS
) -> dict[str, list[Sample]]:
    """So many rounds, in each of which every worker runs for about so many seconds.

    A call that takes longer than `most_s` is made once only.
    """
    first = {name: _warm(worker, seconds) for name, worker in workers.items()}
    quick = {name: s for name, s in first.items() if s.seconds < most_s}
    samples: dict[str, list[Sample]] = {name: [] for name in quick}
    for _ in range(rounds):
        for name, sample in quick.items():
            samples[name].append(workers[name].run(max(1, round(seconds / sample.seconds))))
    return {name: samples.get(name, [first[name]]) for name in workers}


def _warm(worker: Worker, seconds: float) -> Sample:
    """Call it once for what is made then, and ever more often until one call's time is known."""
    sample = worker.run()
    times = 1
    while sample.seconds < _LONG_SECONDS:
        sample = worker.run(times)
        if sample.seconds * times > seconds / 4:
            break
        times *= 4
    return sample


def median_seconds(samples: Iterable[Sample]) -> float:
    """The median over the rounds."""
    return statistics.median(sample.seconds for sample in samples)


def speed_ratio(of: Sequence[Sample], against: Sequence[Sample]) -> float:
    """How many times as fast the first is: the median of the ratios within each round."""
    return statistics.median(b.seconds / a.seconds for a, b in zip(of, against, strict=True))


def figure(value: float) -> str:
    """Three digits that count, without exponents."""
    if value != value:
        return "-"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    return "\n".join(map(line, [header, ["---"] * len(header), *rows]))


def line(cells: Sequence[str]) -> str:
    """One line of such a table."""
    return "| " + " | ".join(cells) + " |"


def machine() -> str:
    """The machine, the versions and the commit, on one line."""
    import numpy

    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True
    ).stdout.strip()
    avx = "with" if "avx512f" in cpu_flags() else "without"
    return (
        f"{cpu_name()} {avx} AVX-512, {usable_cores()} cores, {platform.system()}, "
        f"Python {platform.python_version()}, NumPy {numpy.__version__}, commit {commit or '?'}"
    )
