"""Models and their gradients print as blocks that people can read and Flux can parse."""

import pytest

from flux.expr import Expr, inputs
from flux.syntax import parse
from flux.training.library import graph


@pytest.fixture(scope="module")
def loss() -> Expr:
    result = graph("gpt", layers=2).result
    assert isinstance(result, Expr)
    return result


def test_a_model_parses_back_to_the_same_node(loss):
    text = str(loss)
    assert parse(text) is loss
    assert len(text) < 4_000
    assert "_4 = where(s <= t, " in text


def test_every_gradient_of_a_model_parses_back_to_the_same_node(loss):
    names = [x.attributes.name for x in inputs(loss) if not x.attributes.integer]
    for name, gradient in zip(names, loss.gradient(names), strict=True):
        assert parse(str(gradient)) is gradient, name
