"""How long compilation takes, stage by stage: GPT's gradients, and sums of ten thousand terms.

CPU seconds of this process, checks of Programs off, everything built anew; the median of three.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import flux
from flux.backends.runner import Runner
from flux.nn.programs import gradient_program
from flux.settings import override
from flux.syntax import load_text
from flux.training.recipe import Recipe
from flux.training.step import Step
from tests.bench.measure import table
from tests.bench.training_peers import PRESETS
from tests.gpt_models import gpt

pytestmark = [pytest.mark.bench, pytest.mark.usefixtures("machine_line")]

_REPEATS = 3
_MOST_SECONDS = 5.0  # "in seconds", for each stage

_SUMS = {
    "x + x + ...": "x" + " + x" * 9_999,
    "n*x + ...": " + ".join(f"{n}*x" for n in range(1, 10_001)),
    "n*x^k*sin(n*x) + ...": " + ".join(f"{n}*x^{n % 5 + 1}*sin({n}*x)" for n in range(10_000)),
}


@pytest.fixture(autouse=True)
def _no_checks() -> Iterator[None]:
    with override(verify=False):
        yield


@pytest.mark.parametrize("name", PRESETS)
def test_compiling_a_training_step(name: str) -> None:
    shape, batch, _ = PRESETS[name]

    def stages() -> Iterator[Callable[[Any], Any]]:
        sizes = {"b": batch, "t": shape.context}
        yield lambda _: load_text("", "<bench>")["gpt"].build(layers=shape.layers)
        yield lambda _: gpt(shape, dtype="float32")
        yield lambda model: (model, gradient_program(model, {**model.sizes, **sizes}))
        yield lambda found: (found[0], Runner(found[1]))
        yield lambda found: Step(found[0], Recipe(), {**found[0].sizes, **sizes})

    names = ("read", "model", "gradient and lower", "generate", "whole step")
    _report(name, names, stages)


@pytest.mark.parametrize("name", _SUMS)
def test_compiling_ten_thousand_terms(name: str) -> None:
    text = _SUMS[name]
    assert len(text) < 256 * 1024

    def stages() -> Iterator[Callable[[Any], Any]]:
        yield lambda _: flux.parse(text, f"<{time.perf_counter_ns()}>")  # past the cache of texts
        yield lambda e: (e, e.diff("x"))
        yield lambda found: (found, str(found[0]))
        yield lambda found: (found[0], flux.compile(found[0][0]))
        yield lambda found: (found[0], found[1](0.5))
        yield lambda found: flux.compile(found[0][1])

    names = ("parse", "differentiate", "print", "compile", "first call", "compile derivative")
    _report(name, names, stages)


def _report(
    title: str, names: tuple[str, ...], stages: Callable[[], Iterator[Callable[[Any], Any]]]
) -> None:
    runs = [_run(stages) for _ in range(_REPEATS)]
    medians = [statistics.median(column) for column in zip(*runs, strict=True)]
    cells = [f"{seconds * 1e3:,.1f}" for seconds in medians]
    print(f"\n{title}: milliseconds\n{table(names, [cells])}")
    assert max(medians) < _MOST_SECONDS


def _run(stages: Callable[[], Iterator[Callable[[Any], Any]]]) -> list[float]:
    """Each stage gets what the one before it gave."""
    gc.collect()
    spent, value = [], None
    for stage in stages():
        started = time.process_time()
        value = stage(value)
        spent.append(time.process_time() - started)
    return spent
