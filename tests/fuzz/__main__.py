"""The fuzzer's command line: `python -m tests.fuzz --count 1000000 --seed 1`.

The inputs run in a child, so that a crash or a hang in native code is a finding with an index, not
the end of the run. Exit status 1 where anything failed.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from tests.fuzz.child import work
from tests.fuzz.inputs import make
from tests.fuzz.run import Failure

# A child that computes for so long without a word hangs outside Python; on a busy machine it may
# also wait for its turn.
_SILENCE_SECONDS = 180.0


@dataclass(frozen=True)
class Options:
    """What to run."""

    count: int
    seed: int
    first: int
    quiet: bool


def main() -> int:
    """Run the fuzzer."""
    options = _options()
    start, index, failures = monotonic(), options.first, {}
    end = options.first + options.count
    while index < end:
        index = _watch(options, index, end, start, failures)
    print(f"{options.count} inputs of seed {options.seed}, {len(failures)} kinds of failures")
    for key, (where, times) in failures.items():
        print(f"  {times:5} x {key} (first at {where})")
    return 1 if failures else 0


def _options() -> Options:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Fuzz Flux.")
    parser.add_argument("--count", type=int, default=10_000, help="how many inputs")
    parser.add_argument("--seed", type=int, default=1, help="the inputs follow from it")
    parser.add_argument("--from", dest="first", type=int, default=0, help="index of the first one")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    given = parser.parse_args()
    return Options(given.count, given.seed, given.first, given.quiet)


def _watch(
    options: Options, first: int, end: int, start: float, failures: dict[str, tuple[int, int]]
) -> int:
    """Run a child until it ends; the index to go on from."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    current = context.Value("q", first)
    child = context.Process(target=work, args=(options.seed, first, end, theirs, current))
    child.start()
    theirs.close()
    done, spoke = False, _cpu_seconds(child.pid)
    while True:
        if not ours.poll(_SILENCE_SECONDS):
            if _cpu_seconds(child.pid) - spoke < _SILENCE_SECONDS:
                continue
            child.kill()
            break
        spoke = _cpu_seconds(child.pid)
        try:
            kind, *content = ours.recv()
        except EOFError:
            break
        done = done or kind == "done"
        _report(options, kind, content, start, failures)
    child.join()
    if done:
        return end
    _crashed(options, int(current.value), child.exitcode, failures)
    return int(current.value) + 1


def _cpu_seconds(pid: int | None) -> float:
    """CPU time that a process has used; the clock where the system does not say."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except OSError:
        return monotonic()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _report(
    options: Options, kind: str, content: list[Any], start: float, failures: dict[str, Any]
) -> None:
    if kind == "failure":
        _show(options, *content, failures)
    elif kind == "progress" and not options.quiet:
        (index,) = content
        done = index - options.first
        rate = done / (monotonic() - start)
        left = (options.count - done) / rate if rate else 0.0
        print(f"{done}/{options.count}  {rate:.0f}/s  {left / 60:.1f} min left", flush=True)
    elif kind == "done":
        print(content[0], flush=True)


def _show(
    options: Options, index: int, text: str, failure: Failure, failures: dict[str, Any]
) -> None:
    where, times = failures.get(failure.key, (index, 0))
    failures[failure.key] = (where, times + 1)
    if times == 0:
        print(f"\n== {failure.key}\n--seed {options.seed} --from {index} --count 1")
        print(f"text: {text!r}\n{failure.details}", flush=True)


def _crashed(options: Options, index: int, code: int | None, failures: dict[str, Any]) -> None:
    key = f"the process ended with {code}"
    failure = Failure(key, "a crash, or a hang outside Python")
    _show(options, index, make(options.seed, index).text, failure, failures)


if __name__ == "__main__":
    sys.exit(main())
