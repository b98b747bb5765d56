"""Nesting, in texts and in expressions that operators built: a value or a FluxError (T4)."""

from __future__ import annotations

import copy
import gc
import pickle
from collections.abc import Callable

import pytest

import flux
from flux.errors import FluxError
from flux.expr import Expr, apply, variable, where
from flux.expr.node import interned_count
from flux.expr.print_tree import to_tree
from flux.ops import Op
from tests.reliability.bounds import within

_MANY = 500_000
_DEEP = 20_000

NESTED = {
    "parentheses": "(" * _MANY + "x" + ")" * _MANY,
    "open parentheses": "(" * _MANY,
    "closed parentheses": ")" * _MANY,
    "brackets": "[" * _MANY,
    "minus signs": "-" * _MANY + "x",
    "nots": "!" * _MANY + "x",
    "calls": "sin(" * _MANY + "x" + ")" * _MANY,
    "powers": "2^" * _MANY + "x",
    "choices": "x ? x : " * (_MANY // 4) + "x",
    "indices": "x" + "[t = s]" * (_MANY // 4),
    "definitions": "f(x) = " * (_MANY // 4) + "x",
}
# Below the limit of the length, so that the parser meets them.
SHORTER = {name: text[:200_000] for name, text in NESTED.items()} | {
    "balanced parentheses": "(" * 100_000 + "x" + ")" * 100_000,
    "balanced calls": "sin(" * 40_000 + "x" + ")" * 40_000,
    "alternating": "(-" * 60_000 + "x" + ")" * 60_000,
    "parentheses in a comment": "x # " + "(" * 200_000,
    "parentheses in a name": "`" + "(" * 200_000 + "`",
}
DEEPEST = {
    "parentheses": "(" * 1_000 + "x" + ")" * 1_000,
    "minus signs": "-" * 1_000 + "x",
    "calls": "sin(" * 1_000 + "x" + ")" * 1_000,
    "powers": "x^" * 1_000 + "x",
    "choices": "x > 0 ? x : " * 300 + "x",
    "a long sum": " + ".join(["x"] * 10_000),
    "a long product": "*".join(f"x{i}" for i in range(10_000)),
}
BUILT: dict[str, Callable[[Expr, Expr], Expr]] = {
    "sin": lambda e, _: apply(Op.SIN, e),
    "neg": lambda e, _: -e,
    "left": lambda e, x: e + x,
    "right": lambda e, x: x * e,
    "power": lambda e, x: x**e,
    "shared": lambda e, _: e * e,
    "choice": lambda e, x: where(e, x, e),
}


@pytest.mark.parametrize("texts", [NESTED, SHORTER], ids=["too long", "too deep"])
@pytest.mark.parametrize("name", NESTED)
def test_half_a_million_levels_end_at_once(name: str, texts: dict[str, str]) -> None:
    _ends_at_once(lambda: flux.evaluate(texts[name], x=1.0))


@pytest.mark.parametrize("name", [name for name in SHORTER if name not in NESTED])
def test_a_hundred_thousand_levels_end_at_once(name: str) -> None:
    _ends_at_once(lambda: flux.evaluate(SHORTER[name], x=1.0))


@pytest.mark.parametrize("name", DEEPEST)
def test_what_is_accepted_can_be_used_everywhere(name: str) -> None:
    e = flux.parse(DEEPEST[name])
    with within():
        assert flux.parse(str(e)) is e
    assert repr(e)
    assert to_tree(e)
    assert e.to_latex()
    assert pickle.loads(pickle.dumps(e)) is e
    assert isinstance(e.simplify(), Expr)
    assert isinstance(e.diff("x" if "x0" not in DEEPEST[name] else "x7"), Expr)


@pytest.mark.parametrize("name", BUILT)
def test_deep_expressions_of_operators_live_and_die(name: str) -> None:
    gc.collect()
    before = interned_count()
    x = variable("deep")
    e, again = x, x
    for _ in range(_DEEP):
        e = BUILT[name](e, x)
    for _ in range(_DEEP):
        again = BUILT[name](again, x)
    assert e is again
    assert hash(e) == hash(again)
    assert len(repr(e)) < 2_000
    with within():
        assert pickle.loads(pickle.dumps(e)) is e
    assert copy.deepcopy(e) is e
    with within():
        assert str(e)
    with within():
        assert e.to_latex()
    _calculate(e)
    del e, again, x
    gc.collect()
    assert interned_count() <= before + 50  # what tables of the calculus keep


def _calculate(e: Expr) -> None:
    _ends_at_once(lambda: e.evaluate(deep=0.5))
    _ends_at_once(lambda: e.diff("deep"))
    _ends_at_once(lambda: e.gradient(["deep"]))
    _ends_at_once(e.simplify)


def _ends_at_once(call: Callable[[], object]) -> None:
    message = ""
    with within():
        try:
            call()
        except FluxError as error:
            message = error.render()
    assert len(message) < 2_048


def test_a_choice_within_many_choices_has_the_derivative_of_its_branch() -> None:
    x = variable("x")
    e = x * x
    for i in range(100):
        e = where(apply(Op.LT, x, i / 50), e * (1 + i / 100), 3 * e)
    forward, (backward,) = e.diff("x"), e.gradient(["x"])
    for at in (-1.0, 0.3, 0.77, 1.5, 3.0):
        assert backward.evaluate(x=at) == pytest.approx(forward.evaluate(x=at), rel=1e-12)
