"""A batch is cut into parts where its loss is proved to be a multiple of the sum of theirs."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from flux.nn import Model
from flux.nn.parts import Split, most_parts, split_batch
from flux.syntax import Graph, load_text
from flux.training import model_graph
from flux.training.presets import PRESETS

SIZES = {"b": 6, "d": 3, "c": 4}


def graph(loss: str, inputs: str = "x[b, d], y[b]") -> Graph:
    text = f"model m[d]({inputs}):\n    param W[d] ~ normal(0, 1)\n    loss = {loss}\n"
    built = load_text(text)["m"].build()
    return built.training or built


CUT = [
    ("mean[b]((sum[d](x*W) - y)^2)", Fraction(1, 2)),
    ("sum[b]((sum[d](x*W) - y)^2)", Fraction(1)),
    ("sum[b]((sum[d](x*W) - y)^2/size[b])", Fraction(1, 2)),
    ("mean[b](y) + mean[b](sum[d](x*W)) + 0.1*sum[d](W^2)", Fraction(1, 2)),
    ("sum[d](W^2)", Fraction(1, 2)),
    ("sum[b](sum[d](x*W))*size[b]", Fraction(2)),
    ("-3*sum[b](y*sum[d](W)) - sum[b](exp(x[d = 0]*W[d = 1]))", Fraction(1)),
    ("mean[b](where(y > 0, sum[d](x*W), max[d](x*W)))", Fraction(1, 2)),
    ("sum[d](W*mean[b](stop(x)))", Fraction(1, 2)),
    ("mean[b](x[d = where(y > 0, 1, 0)]*sum[d](W))", Fraction(1, 2)),
]


@pytest.mark.parametrize(("loss", "factor"), CUT)
def test_what_adds_up_is_cut(loss: str, factor: Fraction) -> None:
    assert split_batch(graph(loss), SIZES, 2) == Split("b", 2, factor)


WHOLE = [
    "mean[b]((sum[d](x*W) - mean[b](y))^2)",  # examples meet
    "sqrt(sum[b](sum[d](x*W)^2))",
    "sum[b](sum[d](x*W)*y)/sum[b](y)",
    "sum[b](sum[d](x*W)) + mean[b](y)",  # factors differ
    "max[b](sum[d](x*W))",
    "mean[b](y*b*sum[d](W))",  # the place in the batch counts
    "mean[b](y*sum[d](W) + size[b])",
    "mean[b](y)*sum[b](sum[d](x*W))",
    "sum[d](W)/mean[b](y)",
    "sum[b](y*exp(size[b]*sum[d](W)))",
    "sum[d](W)*y[b = 0]",
    "sum[b, c](y*y[b = c]*sum[d](W))",
]


@pytest.mark.parametrize("loss", WHOLE)
def test_what_does_not_add_up_stays_whole(loss: str) -> None:
    assert split_batch(graph(loss), SIZES, 2) is None


def test_random_numbers_by_place_stay_whole() -> None:
    drawn = graph("mean[b, t](sum[d](dropout_layer(x; rate = 0.5)*W))", "x[b, t, d]")
    assert split_batch(drawn, {**SIZES, "t": 5}, 2) is None
    kept = graph("mean[b, t](sum[d](dropout_layer(x; rate = 0)*W))", "x[b, t, d]")
    assert split_batch(kept, {**SIZES, "t": 5}, 2)


def test_the_number_of_parts_divides_the_batch() -> None:
    loss = graph("mean[b]((sum[d](x*W) - y)^2)")
    assert split_batch(loss, SIZES, 4) is None
    assert [most_parts(loss, SIZES, limit) for limit in range(1, 8)] == [1, 2, 3, 3, 3, 6, 6]


def test_the_axis_of_a_parameter_is_no_batch() -> None:
    loss = graph("sum[d](W*x)", "x[d]")
    assert split_batch(loss, {"d": 4}, 2) is None


@pytest.mark.parametrize("name", ["tiny", "medium", "nanogpt-cpu"])
def test_language_models_are_cut_along_their_batch(name: str) -> None:
    found = model_graph(PRESETS[name])
    sizes = {"b": 16, "t": PRESETS[name].context}
    assert split_batch(found, sizes, 2) == Split("b", 2, Fraction(1, 2))


# Losses put together at random from parts that may add up and parts that may not.
_VECTORS = st.sampled_from(["y", "sum[d](x*W)", "x[d = 1]", "exp(y)", "max[d](x*W)"])
_EACH = st.recursive(
    _VECTORS,
    lambda inner: st.one_of(
        st.builds("({} + {})".format, inner, inner),
        st.builds("{}*{}".format, inner, inner),
        st.builds("({})/size[b]".format, inner),
        st.builds("tanh({})".format, inner),
        st.builds("({} - mean[b]({}))".format, inner, inner),
    ),
    max_leaves=4,
)
_TOTALS = st.one_of(
    st.builds("sum[b]({})".format, _EACH),
    st.builds("mean[b]({})".format, _EACH),
    st.just("sum[d](W^2)"),
    st.just("size[b]"),
)
_LOSSES = st.recursive(
    _TOTALS,
    lambda inner: st.one_of(
        st.builds("({} + {})".format, inner, inner),
        st.builds("({} - {})".format, inner, inner),
        st.builds("{}*({})".format, inner, inner),
        st.builds("({})/size[b]".format, inner),
    ),
    max_leaves=4,
)


@given(_LOSSES, st.sampled_from([2, 3]))
def test_the_proof_holds_in_numbers(loss: str, parts: int) -> None:
    found = graph(loss)
    split = split_batch(found, SIZES, parts)
    assume(split and not {"x", "y"}.isdisjoint(loss))
    assert split is not None
    random = np.random.default_rng(0)
    x, y = random.uniform(-1, 1, (6, 3)), random.uniform(-1, 1, 6)
    whole = _gradients(found, {"x": x, "y": y})
    each = [
        _gradients(found, {"x": a, "y": b})
        for a, b in zip(np.split(x, parts), np.split(y, parts), strict=True)
    ]
    for name, value in whole.items():
        total = float(split.factor) * sum(part[name] for part in each)
        np.testing.assert_allclose(total, value, rtol=1e-10, atol=1e-10)


def _gradients(found: Graph, batch: Mapping[str, Any]) -> dict[str, Any]:
    model = Model(found, {"d": 3}, seed=1, dtype="float64")
    given = {e.attributes.name: batch[e.attributes.name] for e in found.inputs}
    return {"loss": model.loss(**given), **model.gradient(**given)}
