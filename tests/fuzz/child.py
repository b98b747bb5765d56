"""The process that runs the inputs: it says what fails, how far it is, and what it measured."""

from __future__ import annotations

from multiprocessing.connection import Connection
from typing import Any

from tests.fuzz.inputs import Input
from tests.fuzz.run import EXACT, Failure, Figures, Memory, run_many, settled, smallest

BATCH = 500
WARM_UP = 500


def work(seed: int, first: int, end: int, pipe: Connection, current: Any) -> None:
    shown: set[str] = set()

    def found(index: int, case: Input, failure: Failure) -> None:
        text = case.text
        if failure.key not in shown:
            shown.add(failure.key)
            text = smallest(case, failure).text
        pipe.send(("failure", index, text, failure))

    # What is made once and kept (tables, imports, caches) is there before memory is compared.
    run_many(seed + 1_000_003, range(WARM_UP), lambda *_: None, EXACT)
    before = settled()
    figures = Figures()
    for index in range(first, end):
        current.value = index
        part = run_many(seed, range(index, index + 1), found, EXACT)
        _merge(figures, part)
        if (index + 1 - first) % BATCH == 0:
            pipe.send(("progress", index + 1))
    pipe.send(("done", _summary(figures, before, settled())))
    pipe.close()


def _merge(whole: Figures, part: Figures) -> None:
    whole.totals += part.totals
    whole.accepted += part.accepted
    for stage, seconds in part.stages.items():
        whole.stages[stage] = max(whole.stages.get(stage, 0.0), seconds)
    whole.slowest = sorted([*whole.slowest, *part.slowest], reverse=True)[:10]


def _summary(figures: Figures, before: Memory, after: Memory) -> str:
    lines = [f"{figures.accepted} of {len(figures.totals)} inputs have a meaning"]
    shares = ((50, 0.5), (99, 0.99), (99.9, 0.999), (100, 1.0))
    times = ", ".join(f"{name}% {figures.percentile(p) * 1e3:.1f} ms" for name, p in shares)
    lines.append(f"CPU time of an input through all stages: {times}")
    stages = sorted(figures.stages.items(), key=lambda row: -row[1])
    lines.append(
        "slowest run of a stage: " + ", ".join(f"{n} {s * 1e3:.0f} ms" for n, s in stages[:8])
    )
    lines += [
        f"  {s * 1e3:8.1f} ms  index {index}, most of it in {stage}"
        for s, index, stage in figures.slowest
    ]
    drift = [late - early for early, late in zip(before, after, strict=True)]
    lines.append(
        f"memory: {drift[1]:+} live blocks (some {drift[1] * 64 / 2**20:+.2f} MB), "
        f"{drift[2]:+} nodes; the process keeps {drift[0] / 2**20:+.1f} MB for its largest inputs"
    )
    return "\n".join(lines)
