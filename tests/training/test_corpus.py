from __future__ import annotations

import re
from dataclasses import replace

import pytest

from flux.calculus import diff
from flux.errors import DataError
from flux.expr import Expr, count_nodes
from flux.expr.evaluate import evaluate
from flux.syntax import parse
from flux.training import PRESETS
from flux.training.corpus import (
    LARGEST,
    SMALLEST,
    VARIABLES,
    Line,
    calculus_corpus,
    calculus_lines,
    calculus_of,
    canonical_key,
    tree_size,
)
from flux.training.text import make_tokenizer

CONTEXT = 48


@pytest.fixture(scope="module")
def lines() -> list[Line]:
    return calculus_lines(seed=0, trees=1_200, context=CONTEXT)


def test_the_same_seed_draws_the_same_lines(lines: list[Line]) -> None:
    assert calculus_lines(0, 100, CONTEXT) == lines[: len(calculus_lines(0, 100, CONTEXT))]
    assert calculus_lines(1, 100, CONTEXT) != calculus_lines(0, 100, CONTEXT)


def test_expressions_have_three_to_nine_nodes_and_all_of_them_occur(lines: list[Line]) -> None:
    sizes = [tree_size(parse(line.problem)) for line in lines]
    assert set(range(SMALLEST, LARGEST)) <= set(sizes) <= set(range(SMALLEST, LARGEST + 1))


def test_lines_are_different_and_fit_into_the_context(lines: list[Line]) -> None:
    assert len(lines) > 250
    assert len({line.problem for line in lines}) == len(lines)
    assert max(len(str(line)) for line in lines) <= CONTEXT


def test_lines_of_a_preset_fit_by_its_tokens(lines: list[Line]) -> None:
    preset = replace(PRESETS["calculus"], trees=1_200, context=40)
    few = calculus_of(replace(preset, tokenizer="characters"), seed=0)
    many = calculus_of(replace(preset, tokenizer="symbols"), seed=0)
    assert few == [line for line in lines if len(str(line)) <= 40]
    assert set(few) < set(many)
    corpus = calculus_corpus(many)
    tokenizer = make_tokenizer("symbols", 100, corpus.texts())
    assert max(len(tokenizer.encode(str(line))) for line in many) == 40
    assert max(len(str(line)) for line in many) > 40


def test_drawing_tells_how_far_it_is() -> None:
    told: list[int] = []
    calculus_lines(0, 2_100, CONTEXT, progress=told.append)
    assert told == [0, 1_000, 2_000]


def test_what_is_used_twice_is_written_twice(lines: list[Line]) -> None:
    for line in lines:
        assert "_1" not in str(line)
        assert "\n" not in line.problem + line.answer
        assert parse(line.answer) is diff(parse(line.problem), "x")


def test_answers_are_derivatives_by_differences(lines: list[Line]) -> None:
    checked = 0
    for line in lines[:150]:
        f, g = parse(line.problem), parse(line.answer)
        for x in (0.7, 1.3):
            coarse, fine = _difference(f, x, 2e-5), _difference(f, x, 1e-5)
            if coarse == pytest.approx(fine, 1e-5, 1e-6):  # finite, and not too steep
                assert fine == pytest.approx(_value(g, x), 1e-4, 1e-5), line
                checked += 1
    assert checked > 150


def _difference(f: Expr, x: float, step: float) -> float:
    return (_value(f, x + step) - _value(f, x - step)) / (2 * step)


def _value(e: Expr, x: float) -> float:
    """The value by IEEE rules: nan or inf outside the domain."""
    return float(evaluate(e, {"x": x}, raise_domain=False))


def test_held_out_lines_are_disjoint_after_renaming_and_commuting(lines: list[Line]) -> None:
    text = calculus_corpus(lines)
    keys = [
        {canonical_key(parse(re.sub(r"\b[xyt]\b", "x", line.split(" -> ")[0]))) for line in part}
        for part in (text.training.splitlines(), text.validation.splitlines())
    ]
    assert keys[0].isdisjoint(keys[1])
    share = len(keys[1]) / len(keys[0] | keys[1])
    assert 0.02 < share < 0.12


PAIRS = [
    ("x*sin(x) + 2", "2 + sin(x)*x", True),
    ("x + (2 + sin(x))", "(sin(x) + 2) + x", True),
    ("x - 2", "2 - x", False),
    ("x^2", "2^x", False),
]


@pytest.mark.parametrize(("a", "b", "same"), PAIRS)
def test_the_key_is_blind_for_order_where_order_does_not_matter(a: str, b: str, same: bool) -> None:
    assert (canonical_key(parse(a)) == canonical_key(parse(b))) is same


def test_each_line_is_written_in_every_variable(lines: list[Line]) -> None:
    text = calculus_corpus(lines).training
    line = next(line for line in lines if not line.held_out and "log(x)" in line.problem)
    for name in VARIABLES:
        assert str(line.renamed(name)) in text
    assert "eyp" not in text
    assert line.renamed("t").renamed("x") == line


def test_sharing_does_not_count_as_fewer_nodes() -> None:
    e = parse("sin(x)*sin(x)")
    assert (tree_size(e), count_nodes(e)) == (5, 3)


def test_too_few_lines_are_refused(lines: list[Line]) -> None:
    for few in ([], [line for line in lines if line.held_out]):
        with pytest.raises(DataError, match="too few"):
            calculus_corpus(few)
