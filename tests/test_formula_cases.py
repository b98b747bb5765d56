"""Formulas with known results, of every kind: `cases/formulas.json`, through the public API.

A row is a task with its answer. Each kind has one function here, and a kind without one fails;
where this language means something else by a text, `OTHERWISE` says what, and that is tested.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import flux
from flux.errors import ArgumentError, DomainError, LimitError, ParseError, UnknownNameError
from flux.settings import override

Case = Mapping[str, Any]

CASES: list[Case] = json.loads(
    (Path(__file__).parent / "cases" / "formulas.json").read_text(encoding="ascii")
)
_COUNTS = Counter(
    eval=49, error=20, diff=19, integrate=13, simplify=9, newton=8, solve=7,
    quad=7, taylor=5, grad=4, optimize=4, factor=3, substitute=2, vm=2,
)  # fmt: skip
_PATIENT = 60  # seconds for SymPy on a busy machine
# Texts that are errors elsewhere and have a value here: max of many, sinh, chains of comparisons.
OTHERWISE = {
    "max(1,1,1,1,1,1,1,1,1,1,1)": 1.0,
    "sinh(1)": math.sinh(1),
    "1 == 1 == 1": 1.0,
}
ERRORS: Mapping[str, type[flux.FluxError]] = {
    "UNKNOWN_VAR": UnknownNameError,
    "UNKNOWN_FUNC": UnknownNameError,
    "EMPTY_EXPR": ParseError,
    "SYNTAX": ParseError,
    "UNEXPECTED_TOKEN": ParseError,
    "UNMATCHED_PAREN": ParseError,
    "TOO_DEEP": LimitError,
    "DOMAIN": DomainError,
    "DIVISION_BY_ZERO": DomainError,
    "WRONG_ARGS": ArgumentError,
}


def _text(case: Case) -> str:
    text = case["expr"]
    return text if isinstance(text, str) else text["repeat"] * text["times"] + text["then"]


def _near(found: float, case: Case, expected: float) -> None:
    assert found == pytest.approx(expected, rel=case["tol"], abs=min(case["tol"], 1e-300))


def _value(case: Case) -> None:
    text, values = _text(case), case.get("vars", {})
    _near(flux.evaluate(text, values), case, case["expect"])
    for backend in ("numpy", "vm"):
        compiled = flux.compile(flux.parse(text, given=values), backend=backend)
        _near(compiled(values), case, case["expect"])


def _error(case: Case) -> None:
    text, expected = _text(case), case["expect"]
    if text in OTHERWISE:
        assert flux.evaluate(text) == pytest.approx(OTHERWISE[text], rel=1e-15)
        return
    with pytest.raises(tuple({ERRORS[code] for code in expected["accept"]})) as caught:
        flux.evaluate(text)
    if expected["pos"] is not None and caught.value.spans:
        assert caught.value.column == expected["pos"] + 1


def _derivative(case: Case) -> None:
    derivative = flux.parse(_text(case)).diff(case["wrt"])
    for point in case["points"]:
        _near(derivative.evaluate(point["vars"]), case, point["value"])
    assert flux.equal(derivative, case["expect"])


def _antiderivative(case: Case) -> None:
    with override(max_seconds=_PATIENT):
        found = flux.parse(_text(case)).integrate(case["wrt"])
        whole = flux.integrate(_text(case), case["wrt"], case["a"], case["b"], {})
    low, high = (found.evaluate({case["wrt"]: case[end]}) for end in ("a", "b"))
    _near(high - low, case, case["definite"])
    _near(whole.value, case, case["definite"])
    assert flux.equal(found.diff(case["wrt"]), _text(case))


def _roots(case: Case) -> None:
    with override(max_seconds=_PATIENT):
        found = flux.solve_exactly(_text(case), case["wrt"])
    roots = sorted(float(root.evaluate()) for root in found.roots)
    assert found.complete
    assert roots == pytest.approx(case["expect"], rel=case["tol"])


def _newton(case: Case) -> None:
    found = flux.solve(_text(case), {case["wrt"]: case["x0"]}, max_iterations=case["max_iter"])
    assert found.converged is case["expect"]["converged"]
    _near(found.root, case, case["expect"]["root"])


def _quadrature(case: Case) -> None:
    x = np.linspace(case["a"], case["b"], case["steps"] + 1)
    y = flux.compile(_text(case))({case["wrt"]: x})
    rule = {"trapezoid": flux.trapezoid, "simpson": flux.simpson}[case["method"]]
    _near(rule(y, x), case, case["expect"])
    adaptive = flux.integrate(_text(case), case["wrt"], case["a"], case["b"], {}, method="numeric")
    assert adaptive.value == pytest.approx(case["expect"], rel=1e-12)


def _taylor(case: Case) -> None:
    polynomial = flux.parse(_text(case)).series(case["wrt"], case["center"], case["order"])
    _near(polynomial.evaluate({case["wrt"]: case["at"]}), case, case["expect"])
    for order, coefficient in enumerate(case["coeffs"]):
        there = polynomial.diff(case["wrt"], order).evaluate({case["wrt"]: case["center"]})
        assert there / math.factorial(order) == pytest.approx(coefficient, abs=case["tol"])


def _gradient(case: Case) -> None:
    found = flux.parse(_text(case)).gradient(case["order"])
    for part, expected in zip(found, case["expect"], strict=True):
        _near(part.evaluate(case["vars"]), case, expected)


def _optimum(case: Case) -> None:
    best = {"min": flux.minimize, "max": flux.maximize}[case["goal"]]
    found = best(_text(case), case["x0"], method=case["method"])
    assert found.converged
    names = list(case["x0"])
    assert [found[name] for name in names] == pytest.approx(case["expect"]["x"], abs=case["atol"])
    assert found.value == pytest.approx(case["expect"]["f"], abs=case["atol"])


def _simplified(case: Case) -> None:
    found = flux.parse(_text(case)).simplify()
    assert str(found) == case["expect"]
    names = {name: case["vars"][name] for name in found.free_names()}
    _near(found.evaluate(names), case, case["value"])


def _factored(case: Case) -> None:
    with override(max_seconds=_PATIENT):
        found = flux.parse(_text(case)).factor()
    assert found is flux.parse(case["expect"]).factor()
    assert flux.equal(found, _text(case))


def _substituted(case: Case) -> None:
    found = flux.parse(_text(case)).subs({case["var"]: case["replacement"]})
    assert flux.equal(found, case["expect"])
    assert found.expand().simplify() is flux.parse(case["expect"]).expand().simplify()


KINDS: Mapping[str, Callable[[Case], None]] = {
    "eval": _value,
    "vm": _value,
    "error": _error,
    "diff": _derivative,
    "integrate": _antiderivative,
    "solve": _roots,
    "newton": _newton,
    "quad": _quadrature,
    "taylor": _taylor,
    "grad": _gradient,
    "optimize": _optimum,
    "simplify": _simplified,
    "factor": _factored,
    "substitute": _substituted,
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['kind']}: {_text(case)[:40]}")
def test_a_known_formula_has_its_known_result(case: Case) -> None:
    KINDS[case["kind"]](case)


def test_no_kind_and_no_case_is_left_out() -> None:
    assert Counter(case["kind"] for case in CASES) == _COUNTS
    assert set(KINDS) == set(_COUNTS)
    texts = {_text(case) for case in CASES if case["kind"] == "error"}
    assert set(OTHERWISE) <= texts
