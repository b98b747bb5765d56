"""Minima: known ones with every method, what is none, and laws."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

import flux
from flux.numeric import Ending

METHODS = ["newton", "bfgs", "lbfgs", "cg", "gradient", "momentum", "adam"]
QUICK = ["newton", "bfgs", "lbfgs", "cg"]

ROSENBROCK = "(1 - x)^2 + 100*(y - x^2)^2"
BEALE = "(1.5 - x + x*y)^2 + (2.25 - x + x*y^2)^2 + (2.625 - x + x*y^3)^2"
HIMMELBLAU = "(x^2 + y - 11)^2 + (x + y^2 - 7)^2"
POWELL = "(a + 10*b)^2 + 5*(c - d)^2 + (b - 2*c)^4 + 10*(a - d)^4"
WOOD = (
    "100*(b - a^2)^2 + (1 - a)^2 + 90*(d - c^2)^2 + (1 - c)^2"
    " + 10.1*((b - 1)^2 + (d - 1)^2) + 19.8*(b - 1)*(d - 1)"
)

# Formula, start, minimum: More, Garbow and Hillstrom, Testing unconstrained optimization software
# (1981), and Himmelblau, Applied nonlinear programming (1972).
KNOWN: list[tuple[str, dict[str, float], dict[str, float]]] = [
    ("(x - 3)^2", {"x": 0.0}, {"x": 3}),
    ("x^2 + y^2", {"x": 10.0, "y": 10.0}, {"x": 0, "y": 0}),
    (ROSENBROCK, {"x": -1.2, "y": 1.0}, {"x": 1, "y": 1}),
    (BEALE, {"x": 1.0, "y": 1.0}, {"x": 3, "y": 0.5}),
    (HIMMELBLAU, {"x": 1.0, "y": 1.0}, {"x": 3, "y": 2}),
    (WOOD, {"a": -3.0, "b": -1.0, "c": -3.0, "d": -1.0}, dict.fromkeys("abcd", 1.0)),
    ("x*log(x)", {"x": 1.0}, {"x": 1 / math.e}),
    ("x - log(x)", {"x": 20.0}, {"x": 1}),
    ("cosh(x - 2) + (y + 1)^4 + y^2", {"x": 0.0, "y": 3.0}, {"x": 2, "y": -0.4102454876985416}),
    ("x^2 + 1e6*y^2", {"x": 1.0, "y": 1.0}, {"x": 0, "y": 0}),
    (f"1e12*({ROSENBROCK})", {"x": -1.2, "y": 1.0}, {"x": 1, "y": 1}),
    (f"1e-12*({ROSENBROCK})", {"x": -1.2, "y": 1.0}, {"x": 1, "y": 1}),
    ("(x - 1e6)^2 + (y + 1e6)^2", {"x": 0.0, "y": 0.0}, {"x": 1e6, "y": -1e6}),
]


@pytest.mark.parametrize("method", QUICK)
@pytest.mark.parametrize(("formula", "start", "minimum"), KNOWN)
def test_known_minima(
    formula: str, start: dict[str, float], minimum: dict[str, float], method: str
) -> None:
    found = flux.minimize(formula, start, method=method)
    assert found.converged, found
    assert dict(found.values) == pytest.approx(minimum, rel=1e-6, abs=1e-7)
    assert found.iterations < 250
    assert float(found) == found.value == pytest.approx(flux.evaluate(formula, found.values))


SLOW = [KNOWN[n] for n in (0, 1, 3, 6, 7, 8)]


@pytest.mark.parametrize("method", ["gradient", "momentum", "adam"])
@pytest.mark.parametrize(("formula", "start", "minimum"), SLOW)
def test_known_minima_down_the_gradient(
    formula: str, start: dict[str, float], minimum: dict[str, float], method: str
) -> None:
    found = flux.minimize(formula, start, method=method)
    assert found.converged, found
    assert dict(found.values) == pytest.approx(minimum, rel=1e-6, abs=1e-7)


# Formula, method, start, rate, tolerance, most steps, minimum: with given rates and budgets.
CASES = [
    (ROSENBROCK, "adam", {"x": 0.0, "y": 0.0}, 0.01, 1e-4, 5000, [1, 1]),
    ("x^2+2*y^2+3*z^2", "adam", {"x": 10.0, "y": 10.0, "z": 10.0}, 0.1, 1e-4, 1000, [0, 0, 0]),
    (ROSENBROCK, "cg", {"x": -1.2, "y": 1.0}, None, 1e-6, 2000, [1, 1]),
    ("x^2+y^2", "momentum", {"x": 10.0, "y": 10.0}, 0.1, 1e-6, 500, [0, 0]),
    ("x^2+y^2", "cg", {"x": 10.0, "y": 10.0}, None, 1e-6, 500, [0, 0]),
]


@pytest.mark.parametrize(("formula", "method", "start", "rate", "tolerance", "most", "at"), CASES)
def test_cases_with_rates_and_budgets(
    formula: str,
    method: str,
    start: dict[str, float],
    rate: float | None,
    tolerance: float,
    most: int,
    at: list[float],
) -> None:
    found = flux.minimize(
        formula, start, method=method, rate=rate, tolerance=tolerance, max_iterations=most
    )
    assert found.converged, found
    assert found.iterations <= most
    assert list(found.values.values()) == pytest.approx(at, abs=1e-3)
    assert found.value == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("method", ["newton", "lbfgs"])
def test_a_singular_minimum_is_found(method: str) -> None:
    found = flux.minimize(POWELL, a=3.0, b=-1.0, c=0.0, d=1.0, method=method)
    assert found.converged, found
    assert list(found.values.values()) == pytest.approx([0] * 4, abs=1e-9)


# Formula, start, why there is no minimum to be claimed.
NONE: list[tuple[str, dict[str, float], set[Ending]]] = [
    ("x", {"x": 1.0}, {Ending.UNBOUNDED}),
    ("-x^2", {"x": 1.0}, {Ending.UNBOUNDED}),
    ("x^2 - y^2", {"x": 1.0, "y": 0.5}, {Ending.UNBOUNDED}),
    ("x^3 - 3*x", {"x": -3.0}, {Ending.UNBOUNDED}),
    ("1/x", {"x": 1.0}, {Ending.UNBOUNDED}),
    ("1/x", {"x": -1.0}, {Ending.UNBOUNDED, Ending.STALLED}),
    ("exp(-x)", {"x": 0.0}, {Ending.ITERATIONS, Ending.STALLED, Ending.FLAT}),
    ("exp(-x) + 1", {"x": 0.0}, {Ending.ITERATIONS, Ending.STALLED, Ending.FLAT}),
    ("exp(x)", {"x": 50.0}, {Ending.ITERATIONS, Ending.STALLED, Ending.FLAT}),
    ("atan(x)", {"x": 1.0}, {Ending.UNBOUNDED, Ending.FLAT, Ending.STALLED}),
    ("tanh(x)", {"x": 1.0}, {Ending.FLAT}),
    ("x^3", {"x": 1.0}, {Ending.SADDLE, Ending.UNBOUNDED}),
    ("5 + x^5", {"x": 1.0}, {Ending.SADDLE, Ending.UNBOUNDED}),
    ("x^3 + (y - 1)^2", {"x": 0.0, "y": 1.0}, {Ending.SADDLE}),
    ("x^3", {"x": 0.0}, {Ending.SADDLE}),
    ("log(x)", {"x": 1.0}, {Ending.FLAT, Ending.STALLED}),
    ("sqrt(x)", {"x": 1.0}, {Ending.FLAT, Ending.STALLED}),
    ("sqrt(-1 - x^2)", {"x": 1.0}, {Ending.NOT_FINITE}),
    ("x + nan", {"x": 1.0}, {Ending.NOT_FINITE}),
    ("where(x > 1, x^2, x - 5)", {"x": 3.0}, {Ending.UNBOUNDED}),
    ("1e-12*(1 - x)^2 + 200*(y - x^2)^2", {"x": -1.2, "y": 1.0}, {Ending.ITERATIONS}),
]


@pytest.mark.parametrize("method", QUICK)
@pytest.mark.parametrize(("formula", "start", "endings"), NONE)
def test_what_is_no_minimum_is_not_claimed(
    formula: str, start: dict[str, float], endings: set[Ending], method: str
) -> None:
    found = flux.minimize(formula, start, method=method, max_iterations=400)
    assert not found.converged, found
    assert found.status in endings, found
    assert found.reason
    with pytest.raises(flux.FluxError, match="no minimum was found"):
        float(found)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("formula", "start", "endings"), NONE[:8] + NONE[10:19])
def test_no_method_claims_a_false_minimum(
    formula: str, start: dict[str, float], endings: set[Ending], method: str
) -> None:
    assert not flux.minimize(formula, start, method=method, max_iterations=200).converged


@pytest.mark.parametrize("method", ["bfgs", "lbfgs", "cg", "gradient", "momentum", "adam"])
def test_a_saddle_is_named(method: str) -> None:
    found = flux.minimize("x^2 - y^2 + y^4", x=0.0, y=0.0, method=method)
    assert found.status is Ending.SADDLE
    assert "saddle" in found.reason


def test_newton_leaves_a_saddle() -> None:
    found = flux.minimize("x^2 - y^2 + y^4", x=1.0, y=0.0)
    assert found.converged
    assert abs(found["y"]) == pytest.approx(math.sqrt(0.5))
    assert found.value == pytest.approx(-0.25)


def test_a_valley_and_a_constant_are_minima() -> None:
    valley = flux.minimize("(x - y)^2", x=1.0, y=3.0)
    assert valley.converged
    assert valley["x"] == pytest.approx(valley["y"])
    assert flux.minimize("3 + 0*x", x=1.0).value == 3.0


def test_rounding_ends_a_search_that_cannot_do_better() -> None:
    found = flux.minimize("x^4 - 4*x^3 + 6*x^2 - 4*x + 1", x=3.0)
    assert found.status is Ending.ROUNDING
    assert found["x"] == pytest.approx(1, abs=1e-3)


def test_a_maximum_is_the_minimum_of_the_negative() -> None:
    found = flux.maximize("x*exp(-x)", x=0.5)
    assert found.converged
    assert found.maximised
    assert found["x"] == pytest.approx(1)
    assert float(found) == pytest.approx(1 / math.e)
    assert [step.value for step in found.steps] == sorted(step.value for step in found.steps)
    none = flux.maximize("x^2", x=1.0)
    assert none.status is Ending.UNBOUNDED
    assert "rises" in none.reason


# Bounds.


@pytest.mark.parametrize("method", METHODS)
def test_bounds_are_kept_at_every_step(method: str) -> None:
    found = flux.minimize(
        "(x - 3)^2 + (y + 2)^2 + x*y", x=0.5, y=0.5,
        bounds={"x": (0, 2), "y": (0, None)}, method=method,
    )  # fmt: skip
    assert found.converged, found
    assert dict(found.values) == pytest.approx({"x": 2, "y": 0})
    assert all(0 <= s.values["x"] <= 2 and s.values["y"] >= 0 for s in found.steps)
    assert found.gradient_norm == 0


@pytest.mark.parametrize("method", METHODS)
def test_a_bound_that_does_not_hold_changes_nothing(method: str) -> None:
    found = flux.minimize("(x - 3)^2 + (y - 1)^4 + y^2", x=(0, 10), y=(0, 10), method=method)
    assert found.converged, found
    assert dict(found.values) == pytest.approx({"x": 3, "y": 0.4102454876985416}, rel=1e-6)


def test_a_maximum_at_a_bound_that_gives_way_inside_is_no_minimum() -> None:
    found = flux.minimize("-x^2", x=0.0, bounds={"x": (0, 2)}, method="bfgs")
    assert found.status is Ending.SADDLE
    assert flux.minimize("-x^2", x=0.0, bounds={"x": (0, 2)})["x"] == 2


def test_bounds_of_a_fixed_unknown() -> None:
    found = flux.minimize("(x - 3)^2 + (y - x)^2", x=(1, 1), y=(-5, 5))
    assert found.converged
    assert dict(found.values) == pytest.approx({"x": 1, "y": 1})


def test_a_tuple_is_bounds_and_the_start_is_between() -> None:
    assert flux.minimize("x^2", x=(2, 6)).steps[0].values["x"] == 4
    assert flux.minimize("x^2", x=(2, np.inf)).steps[0].values["x"] == 3
    assert flux.minimize("x^2", x=(2, None))["x"] == 2
    assert flux.minimize("x^2", x=(-np.inf, -2)).steps[0].values["x"] == -3


# Arrays.


def chain(n: int) -> str:
    return "input x[d], y[d]\nsum[d](100*(y - x^2)^2 + (1 - x)^2)"


@pytest.mark.parametrize("method", ["newton", "lbfgs", "cg"])
def test_a_name_with_axes_is_a_vector(method: str) -> None:
    start = {"x": np.full(6, -1.2), "y": np.full(6, 1.0)}
    found = flux.minimize(chain(6), start, method=method)
    assert found.converged, found
    assert found["x"] == pytest.approx(np.ones(6), abs=1e-6)
    assert found["y"].shape == (6,)


def test_thousands_of_unknowns_and_bounds_for_each() -> None:
    target = np.linspace(-1, 1, 3000)
    found = flux.minimize(
        "input w[d], t[d]\nsum[d]((w - t)^4 + (w - t)^2)",
        w=np.full(3000, 0.5), t=target, unknowns="w", bounds={"w": (0, 1)},
    )  # fmt: skip
    assert found.method == "lbfgs"
    assert found.converged, found
    assert found["w"] == pytest.approx(np.clip(target, 0, 1), abs=1e-6)


def test_least_squares_over_a_named_axis() -> None:
    t = np.linspace(0, 2, 30)
    found = flux.minimize(
        "input t[n], y[n]\nmean[n]((y - a*exp(-b*t))^2)",
        {"t": t, "y": 2 * np.exp(-3 * t)}, a=1.0, b=1.0, unknowns=["a", "b"],
    )  # fmt: skip
    assert found.converged
    assert dict(found.values) == pytest.approx({"a": 2, "b": 3}, rel=1e-6)


# What a result says.


def test_every_step_is_there() -> None:
    found = flux.minimize(ROSENBROCK, x=-1.2, y=1.0)
    assert len(found.steps) == found.iterations + 1
    assert found.steps[0].values == {"x": -1.2, "y": 1.0}
    assert found.steps[-1].values == found.values
    for step in found.steps:
        assert step.value == pytest.approx(flux.evaluate(ROSENBROCK, step.values))
    falling = [step.value for step in found.steps]
    assert falling == sorted(falling, reverse=True)
    assert found.steps[-1].gradient_norm == found.gradient_norm


def test_a_result_shows_itself() -> None:
    found = flux.minimize("(x - 3)^2", x=0.0)
    assert repr(found).splitlines()[:2] == ["minimum: 0.0", "  x: 3.0"]
    assert "<table>" in found._repr_html_()
    assert pickle.loads(pickle.dumps(found)).values == found.values
    with pytest.raises(flux.FluxError, match="no unknown"):
        found["y"]


def test_options_give_way_to_names() -> None:
    found = flux.minimize("(rate - 3)^2 + (method - 1)^2", rate=0.0, method=0.5)
    assert dict(found.values) == pytest.approx({"rate": 3, "method": 1})
    assert flux.minimize("(x - a)^2", x=0.0, a=2.0, unknowns="x")["x"] == pytest.approx(2)
    assert flux.minimize("(x - a)^2", {"x": 0.0, "a": 2.0}, unknowns=["x"])["x"] == pytest.approx(2)
    assert flux.minimize("(e - 2)^2", e=0.0)["e"] == pytest.approx(2)


def test_an_expression_is_taken_too() -> None:
    e = flux.parse("(x - 3)^2")
    assert flux.minimize(e, x=0.0)["x"] == pytest.approx(3)


# Laws.


@settings(max_examples=40)
@given(
    st.integers(1, 4),
    st.integers(0, 10**6),
    st.floats(-6, 6),
    st.sampled_from([*QUICK, "gradient"]),
)
def test_a_convex_quadratic_has_the_minimum_of_its_normal_equations(
    n: int, seed: int, log_scale: float, method: str
) -> None:
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(n, n))
    matrix = a @ a.T + np.eye(n)
    wanted = rng.normal(size=n)
    names = [f"x{i}" for i in range(n)]
    moved = [f"({x} - ({w!r}))" for x, w in zip(names, wanted.tolist(), strict=True)]
    terms = [f"{matrix[i, j]!r}*{moved[i]}*{moved[j]}".replace("np.float64", "")
             for i in range(n) for j in range(n)]  # fmt: skip
    formula = f"{10.0**log_scale!r}*(" + " + ".join(terms) + ")"
    found = flux.minimize(formula, dict.fromkeys(names, 0.0), method=method)
    assert found.converged, found
    assert np.array(list(found.values.values())) == pytest.approx(wanted, rel=1e-5, abs=1e-6)


@settings(max_examples=40)
@given(st.floats(0, 11), st.sampled_from(["newton", "bfgs", "lbfgs"]))
def test_an_ill_conditioned_quadratic_is_solved_or_declined(log: float, method: str) -> None:
    formula = f"(x + y - 3)^2 + {10.0**-log!r}*(x - y - 1)^2"
    found = flux.minimize(formula, x=10.0, y=-7.0, method=method)
    assert found.converged or log > 6
    if found.converged:
        assert dict(found.values) == pytest.approx({"x": 2, "y": 1}, rel=1e-4)


SMOOTH = [
    (ROSENBROCK, ("x", "y")),
    (BEALE, ("x", "y")),
    (HIMMELBLAU, ("x", "y")),
    ("exp(x + 3*y - 0.1) + exp(x - 3*y - 0.1) + exp(-x - 0.1)", ("x", "y")),
    ("sin(x)*cos(y) + (x^2 + y^2)/20", ("x", "y")),
]


@settings(max_examples=60)
@given(st.sampled_from(SMOOTH), st.floats(-3, 3), st.floats(-3, 3), st.sampled_from(QUICK))
def test_what_is_claimed_is_a_local_minimum(
    row: tuple[str, tuple[str, str]], x: float, y: float, method: str
) -> None:
    formula, _ = row
    found = flux.minimize(formula, x=x, y=y, method=method)
    if not found.converged:
        return
    at = np.array(list(found.values.values()))
    around = np.random.default_rng(0).normal(size=(200, 2)) * 1e-3
    points = at + around
    f = flux.compile(formula)
    values = f({"x": points[:, 0], "y": points[:, 1]})
    assert (values >= found.value - 1e-12 * max(1, abs(found.value))).all()


@pytest.mark.parametrize(("formula", "names"), SMOOTH)
def test_scipy_finds_the_same(formula: str, names: tuple[str, str]) -> None:
    f = flux.compile(formula)
    start = {"x": 0.5, "y": 0.7}
    theirs = optimize.minimize(lambda p: f(dict(zip(names, p, strict=True))), [0.5, 0.7], tol=1e-12)
    ours = flux.minimize(formula, start)
    assert ours.converged
    assert ours.value == pytest.approx(theirs.fun, rel=1e-8, abs=1e-9)


# Mistakes.

MISTAKES: list[tuple[Callable[[], Any], str]] = [
    (lambda: flux.minimize("x^2"), "`x` has no start"),
    (lambda: flux.minimize("x^2", x="1"), "dtype"),
    (lambda: flux.minimize("x^2", x=None), "`x`"),
    (lambda: flux.minimize("x^2", x=np.nan), "not finite"),
    (lambda: flux.minimize("x^2", x=np.inf), "not finite"),
    (lambda: flux.minimize("x^2", x=[1.0, 2.0]), "no axes"),
    (lambda: flux.minimize("x^2", x=[]), "no axes"),
    (lambda: flux.minimize("input w[d]\nsum[d](w^2)", w=1.0), "has the axes"),
    (lambda: flux.minimize("input w[d]\nsum[d](w^2)", w=np.zeros(0)), "no entries"),
    (lambda: flux.minimize("input w[d]\nw^2", w=np.zeros(2)), "has the axes"),
    (lambda: flux.minimize("x^2 + a", x=1.0, unknowns="x"), "no value for `a`"),
    (lambda: flux.minimize("x^2", x=1.0, z=1.0), "no `z`"),
    (lambda: flux.minimize("x^2", x=1.0, unknowns="z"), "no `z`"),
    (lambda: flux.minimize("x^2", x=1.0, unknowns=3), "unknowns are a list"),
    (lambda: flux.minimize("x^2", x=1.0, unknowns=[]), "each of them once"),
    (lambda: flux.minimize("x^2", x=1.0, unknowns=["x", "x"]), "each of them once"),
    (lambda: flux.minimize("x^2 + a", x=(0, 1), a=1.0), "not clear"),
    (lambda: flux.minimize("3"), "no unknown"),
    (lambda: flux.minimize("x > 1", x=1.0), "compares"),
    (lambda: flux.minimize("x^2 = 1", x=1.0), ""),
    (lambda: flux.minimize("x +", x=1.0), ""),
    (lambda: flux.minimize(None, x=1.0), "a formula is a text"),
    (lambda: flux.minimize("x^2", [1.0]), "by name or as a mapping"),
    (lambda: flux.minimize("x^2", x=(1, 0)), "hold nothing"),
    (lambda: flux.minimize("x^2", x=(0, np.nan)), "hold nothing"),
    (lambda: flux.minimize("x^2", x=(np.inf, np.inf)), "hold nothing"),
    (lambda: flux.minimize("x^2", x=(0, 1, 2)), "3 ends"),
    (lambda: flux.minimize("x^2", x=5.0, bounds={"x": (0, 1)}), "outside its bounds"),
    (lambda: flux.minimize("x^2", x=5.0, bounds={"x": 1}), "two ends"),
    (lambda: flux.minimize("x^2", x=5.0, bounds={"z": (0, 1)}), "no `z`"),
    (lambda: flux.minimize("x^2", x=5.0, bounds=[(0, 1)]), "bounds are by name"),
    (lambda: flux.minimize("x^2*a", x=5.0, a=(0, 1), unknowns="x"), "only an unknown"),
    (lambda: flux.minimize("x^2*a", x=5.0, a=[1.0, 2.0], unknowns="x"), "has rows"),
    (lambda: flux.minimize("x^2", x=5.0, method="newtn"), "no method"),
    (lambda: flux.minimize("x^2", x=5.0, method=["newton"]), "no method"),
    (lambda: flux.minimize("x^2", x=5.0, rate=0.1), "takes no rate"),
    (lambda: flux.minimize("x^2", x=5.0, rate=-1, method="adam"), "above 0"),
    (lambda: flux.minimize("x^2", x=5.0, tolerance=1j), "tolerance"),
    (lambda: flux.minimize("x^2", x=5.0, tolerance=0), "tolerance"),
    (lambda: flux.minimize("x^2", x=5.0, max_iterations=0), "max_iterations"),
    (lambda: flux.minimize("x^2", x=5.0, max_iterations=2.5), "max_iterations"),
    (lambda: flux.maximize("input k[] int\nx^2*k", x=5.0, k=1, unknowns="k"), ""),
]


@pytest.mark.parametrize("row", range(len(MISTAKES)))
def test_a_mistake_is_explained(row: int) -> None:
    call, message = MISTAKES[row]
    with pytest.raises(flux.FluxError) as caught:
        call()
    assert message in str(caught.value)
