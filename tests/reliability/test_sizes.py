"""Sizes that no memory holds, arrays of too many dimensions: an error, no crash (T2, T11)."""

from __future__ import annotations

import numpy as np
import pytest

import flux
from flux.errors import FluxError, LimitError, ShapeError
from flux.expr import count_nodes
from flux.source import Source
from flux.syntax.elaborate import _run
from flux.syntax.read import read
from tests.fuzz.inputs import make

_TEXTS = (
    "axis t\nsum[t](sin(position[t]))",
    "axis t\nposition[t]*2.5",
    "axis t, s\nsum[t](sin(position[t])*cos(position[s]))",
)
_MODEL = "model m(x[t]):\n    param W[t] ~ normal(0, 1)\n    sum[t](x*W)\n"


@pytest.mark.parametrize("backend", ["numpy", "vm"])
@pytest.mark.parametrize("text", _TEXTS)
@pytest.mark.parametrize("size", [2**50, 2**62, 2**63, 2**70, 10**30])
def test_sizes_that_no_memory_holds_are_refused(size: int, text: str, backend: str) -> None:
    with pytest.raises(FluxError, match=r"memory|an arena's size is out of range"):
        flux.compile(text, backend=backend, sizes={"t": size, "s": size})()


@pytest.mark.parametrize("size", [2**50, 2**62, 10**30])
def test_a_model_that_no_memory_holds_is_refused(size: int) -> None:
    with pytest.raises(LimitError, match="memory"):
        flux.Model(flux.load_text(_MODEL)["m"].build(), {"t": size})


def test_a_size_may_be_a_number_of_numpy() -> None:
    assert flux.compile("axis t\nsum[t](position[t])", sizes={"t": np.int64(4)})() == 6.0


@pytest.mark.parametrize("backend", ["numpy", "vm"])
def test_a_broadcast_that_no_memory_holds_is_refused(backend: str) -> None:
    row = np.broadcast_to(np.float64(1), (1 << 30,))
    f = flux.compile("x + y", backend=backend)
    for call in (
        lambda: f(row.reshape(-1, 1), row),
        lambda: flux.evaluate("x + y", x=row.reshape(-1, 1), y=row),
    ):
        with pytest.raises(FluxError):
            call()


@pytest.mark.parametrize("backend", ["numpy", "vm"])
def test_arrays_of_too_many_dimensions_are_refused(backend: str) -> None:
    f = flux.compile("x + y", backend=backend)
    with pytest.raises(ShapeError, match="40 dimensions"):
        f(np.ones((1,) * 40), 1.0)
    assert f(np.ones((1,) * 32), 1.0).shape == (1,) * 32
    g = flux.compile("input x[a, b]\nx + y", backend=backend)
    with pytest.raises(ShapeError, match="33 dimensions"):
        g(np.ones((2, 3)), np.ones((1,) * 31))


def test_a_text_without_definitions_and_derivatives_makes_two_nodes_a_character_at_most() -> None:
    texts = ["<".join("1234567890" * 50), "a<b<c<d<e", "mean[a,b](1)", "input x[a,b]\nmean[a,b](x)"]
    texts += [make(7, index).text for index in range(3_000)]
    seen = 0
    for text in texts:
        try:
            tree = read(Source(text))
            machine = _run(tree, tree.statements, (), False)
        except FluxError:
            continue
        if not machine.multiplied and machine.scope.result is not None:
            seen += 1
            assert count_nodes(machine.scope.result) <= 2 * len(text), text
    assert seen > 300
