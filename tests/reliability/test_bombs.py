"""Calls that could go on for ever end: of SymPy at its budget, of our own algebra at its steps."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

import flux
from flux.errors import FluxError, LimitError
from flux.settings import override
from tests.reliability.bounds import ROOM, within

Call = Callable[[], Any]

_BUDGET = 1  # second of SymPy
_SLACK = 2.0 * ROOM  # seconds, for a machine that does much else
_PATIENT = 60
_MANY_SINES = "*".join(f"sin({k}*x)" for k in range(1, 14))
_NEST = "sin(" * 400 + "x" + ")" * 400

ENDLESS: dict[str, Call] = {
    "an integral of a power tower": lambda: flux.parse("9^9^9^9*x").integrate("x"),
    "an integral by Risch's method": lambda: flux.parse(_MANY_SINES).integrate("x"),
    "a rational integral": lambda: flux.parse("1/(x^17 + 3*x^11 + x^5 + 7*x + 1)").integrate("x"),
    "an integral of a nest": lambda: flux.parse(_NEST).integrate("x"),
    "a limit": lambda: flux.parse("(gamma(x + 1)/x^x)^(1/x)*sin(exp(x))").limit("x", "inf"),
    "factors of a huge product": lambda: flux.parse("(a + b + c + d)^30*(x + 1)^40 + 1").factor(),
    "factors of a sparse polynomial": lambda: flux.parse("x^997*y^313 - 1").factor(),
    "roots of no closed form": lambda: flux.solve_exactly("sin(x)^3 + exp(x) = tan(x^2)", "x"),
    "a system": lambda: flux.solve_exactly(
        ["x^5 + y^4 + z = 1", "y^5 + z^4 + x = 2", "z^5 + x^4 + y = 3"], ["x", "y", "z"]
    ),
    "a sum": lambda: flux.summation("sin(k^2)*exp(k)/(k^3 + a)", "k", 1, "n"),
    "a product": lambda: flux.product("1 + sin(k)/k^5", "k", 1, "inf"),
}
OURS: dict[str, Call] = {
    "a twentieth derivative": lambda: flux.parse("tanh(sin(exp(x)))*log(x^2 + 1)").diff("x", 20),
    "a twentieth derivative in text": lambda: flux.parse("diff(gelu(x)*softplus(x), x, 20)"),
    "a twentieth derivative, simplified": lambda: (
        flux.parse("exp(x^2)*sin(x)").diff("x", 20).simplify()
    ),
    "simplify many powers": lambda: flux.parse(
        "*".join(f"(x + {i})^(y + {i})" for i in range(1_500))
    ).simplify(),
    "simplify many sums": lambda: flux.parse(
        "+".join(f"(x + {i})^{i % 9}" for i in range(1_500))
    ).simplify(),
    "simplify a nest": lambda: flux.parse(_NEST).simplify(),
    "expand": lambda: flux.parse("(a + b + c + d)^60").expand(),
    "collect": lambda: flux.parse("*".join(f"(x + y*{i})" for i in range(40))).collect("x"),
    "equality of long sums": lambda: flux.equal(
        "+".join(f"sin({i}*x)^2" for i in range(1_000)),
        "+".join(f"1 - cos({i}*x)^2" for i in range(1_000)),
    ),
    "a long series": lambda: flux.parse("exp(sin(x))*gamma(x + 2)/(1 + x)").series("x", 0, 40),
    "a series with names": lambda: flux.parse("exp(a*sin(b*x))^c").series("x", "d", 20),
    "a dense Hessian": lambda: flux.parse("*".join(f"x{i}" for i in range(300))).hessian(
        [f"x{i}" for i in range(300)]
    ),
    "conditions of many parts": lambda: flux.parse(
        "+".join(f"log(x + {i})/sqrt(y - {i})" for i in range(1_500))
    ).domain(),
    "digits of a power tower": lambda: flux.evaluate("9^9^9^9", digits=50),
    "digits of gamma": lambda: flux.evaluate("gamma(1e300)", digits=50),
    "digits of a far sine": lambda: flux.evaluate("sin(1e300) + exp(-1e300)", digits=50),
    "very many digits": lambda: flux.evaluate("gamma(1/3)*sin(2)^pi", digits=100_000),
    "an interval of everything": lambda: flux.interval("gamma(1e300*x)^x^x", x=(0, 1e300)),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_a_call_of_sympy_ends_at_its_budget(name: str) -> None:
    with override(max_seconds=_PATIENT):
        flux.parse("x").integrate("x")  # SymPy is imported, which no budget counts
    start = time.monotonic()
    with override(max_seconds=_BUDGET), pytest.raises(FluxError) as caught:
        ENDLESS[name]()
    assert time.monotonic() - start < _BUDGET + _SLACK
    if isinstance(caught.value, LimitError):
        assert "max_seconds" in caught.value.text


def test_calls_past_their_budget_one_after_the_other_wait_for_nothing_else() -> None:
    with override(max_seconds=_PATIENT):
        flux.parse("x").integrate("x")
    start = time.monotonic()
    with override(max_seconds=_BUDGET):
        for _ in range(4):
            with pytest.raises(LimitError, match="max_seconds"):
                flux.parse("9^9^9^9*x").integrate("x")
    assert time.monotonic() - start < 4 * _BUDGET + _SLACK


@pytest.mark.parametrize("name", OURS)
def test_our_own_algebra_ends(name: str) -> None:
    with within():
        try:
            OURS[name]()
        except LimitError as error:
            assert error.text  # noqa: PT017
