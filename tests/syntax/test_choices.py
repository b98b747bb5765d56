"""Choices that are made when a graph is built, by options and by `training`."""

from __future__ import annotations

import pytest

from flux.errors import ArgumentError, FluxError, UnknownNameError
from flux.ops import Op
from flux.syntax import Graph, load_text, parse

TEXT = """
layer affine[d](x[d]; biased: int = 1, times: real = 2):
    param W[d] ~ normal(0, 1)
    param b[d] = 0
    y = biased ? x*W + b : x*W
    biased - 1 ? y*times : y
"""


def build(text: str, name: str, **options: float) -> Graph:
    return load_text(text)[name].build(**options)


def paths(graph: Graph) -> list[str]:
    return [parameter.path for parameter in graph.parameters]


def test_a_choice_by_an_option_is_the_side_it_takes() -> None:
    with_bias, without = build(TEXT, "affine"), build(TEXT, "affine", biased=0)
    assert paths(with_bias) == ["W", "b"]
    assert paths(without) == ["W"]
    assert str(with_bias.result).endswith("\nx*W + b")
    assert str(without.result).endswith("\nx*W*2")


def test_the_other_side_is_not_built() -> None:
    text = """
layer inner[d](x[d]):
    param W[d] ~ normal(0, 1)
    x*W
layer outer[d](x[d]; deep: int = 0):
    deep ? inner(inner(x)) : x*2
"""
    assert paths(build(text, "outer")) == []
    assert sorted(paths(build(text, "outer", deep=1))) == ["inner.W", "inner_1.W"]


def test_a_choice_by_a_value_stays_a_choice() -> None:
    graph = build("layer bent[d](x[d]):\n    param a = 0\n    x < 0 ? a*x : x\n", "bent")
    assert graph.result.op is Op.WHERE


def test_a_formula_keeps_its_choices() -> None:
    assert parse("1 ? a : b").op is Op.WHERE
    assert parse(str(parse("1 ? a : b"))) is parse("1 ? a : b")


def test_parameters_that_nothing_needs_stay_where_nothing_was_chosen() -> None:
    graph = build("layer spare[d](x[d]):\n    param a = 0\n    x*2\n", "spare")
    assert paths(graph) == ["a"]


NOISY = """
layer noisy[d](x[d]; rate: real = 0.5):
    training*rate ? where(random[d]() < rate, 0, x) : x
"""


def test_a_text_that_says_training_is_built_twice() -> None:
    graph = build(NOISY, "noisy")
    assert graph.training is not None
    assert [e.attributes.name for e in graph.inputs] == ["x"]
    assert [e.attributes.name for e in graph.training.inputs] == ["x", "seed", "step"]
    assert build(TEXT, "affine").training is None
    trained = build(NOISY, "noisy", rate=0).training
    assert trained is not None
    assert trained.result is build(NOISY, "noisy").result


def test_a_name_of_the_text_shadows_training() -> None:
    graph = build("layer own[d](x[d], training):\n    training*x\n", "own")
    assert graph.training is None
    assert [e.attributes.name for e in graph.inputs] == ["x", "training"]
    formula = parse("training*2")
    assert formula.args[0].op is Op.INPUT


REFUSED: list[tuple[str, type[FluxError], str]] = [
    ("f(x) = training*x\n", UnknownNameError, "`training`"),
    (
        "layer f[d](x[d]):\n    param a[d] = 1\n    training ? a*x : x\n",
        ArgumentError,
        "'a' only in or only out of training",
    ),
]


@pytest.mark.parametrize(("text", "error", "message"), REFUSED)
def test_what_training_cannot_do(text: str, error: type[FluxError], message: str) -> None:
    with pytest.raises(error, match=message):
        build(text, "f")
