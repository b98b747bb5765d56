"""Minima under constraints: published problems, prices, and what cannot be kept."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

import flux
from flux.numeric import Ending

METHODS = [None, "slsqp", "trust-constr"]

# Number, formula, start, bounds, constraints, value, from Hock and Schittkowski, Test examples for
# nonlinear programming codes (1981). Starts are moved into the bounds.
Row = tuple[int, str, dict[str, float], dict[str, Any], list[str], float]
HOCK_SCHITTKOWSKI: list[Row] = [
    (6, "(1 - x)^2", {"x": -1.2, "y": 1}, {}, ["10*(y - x^2) = 0"], 0),
    (7, "log(1 + x^2) - y", {"x": 2, "y": 2}, {}, ["(1 + x^2)^2 + y^2 = 4"], -math.sqrt(3)),
    (10, "x - y", {"x": -10, "y": 10}, {}, ["-3*x^2 + 2*x*y - y^2 + 1 >= 0"], -1),
    (11, "(x - 5)^2 + y^2 - 25", {"x": 4.9, "y": 0.1}, {}, ["x^2 <= y"], -8.498464223),
    (
        12,
        "0.5*x^2 + y^2 - x*y - 7*x - 7*y",
        {"x": 0, "y": 0},
        {},
        ["25 - 4*x^2 - y^2 >= 0"],
        -30,
    ),
    (
        14,
        "(x - 2)^2 + (y - 1)^2",
        {"x": 2, "y": 2},
        {},
        ["x = 2*y - 1", "x^2/4 + y^2 <= 1"],
        9 - 2.875 * math.sqrt(7),
    ),
    (
        21,
        "0.01*x^2 + y^2 - 100",
        {"x": 2, "y": -1},
        {"x": (2, 50), "y": (-50, 50)},
        ["10*x - y >= 10"],
        -99.96,
    ),
    (22, "(x - 2)^2 + (y - 1)^2", {"x": 2, "y": 2}, {}, ["x + y <= 2 && y >= x^2"], 1),
    (
        24,
        "((x - 3)^2 - 9)*y^3/(27*sqrt(3))",
        {"x": 1, "y": 0.5},
        {"x": (0, None), "y": (0, None)},
        ["x/sqrt(3) - y >= 0", "x + sqrt(3)*y >= 0", "6 - x - sqrt(3)*y >= 0"],
        -1,
    ),
    (
        28,
        "(x + y)^2 + (y + z)^2",
        {"x": -4, "y": 1, "z": 1},
        {},
        ["x + 2*y + 3*z = 1"],
        0,
    ),
    (
        35,
        "9 - 8*x - 6*y - 4*z + 2*x^2 + 2*y^2 + z^2 + 2*x*y + 2*x*z",
        {"x": 0.5, "y": 0.5, "z": 0.5},
        dict.fromkeys("xyz", (0, None)),
        ["x + y + 2*z <= 3"],
        1 / 9,
    ),
    (
        39,
        "-a",
        dict.fromkeys("abcd", 2),
        {},
        ["b - a^3 - c^2 = 0", "a^2 - b - d^2 = 0"],
        -1,
    ),
    (
        43,
        "a^2 + b^2 + 2*c^2 + d^2 - 5*a - 5*b - 21*c + 7*d",
        dict.fromkeys("abcd", 0),
        {},
        [
            "8 - a^2 - b^2 - c^2 - d^2 - a + b - c + d >= 0",
            "10 - a^2 - 2*b^2 - c^2 - 2*d^2 + a + d >= 0",
            "5 - 2*a^2 - b^2 - c^2 - 2*a + b + d >= 0",
        ],
        -44,
    ),
    (
        71,
        "a*d*(a + b + c) + c",
        {"a": 1, "b": 5, "c": 5, "d": 1},
        dict.fromkeys("abcd", (1, 5)),
        ["a*b*c*d >= 25", "a^2 + b^2 + c^2 + d^2 = 40"],
        17.0140173,
    ),
    (
        76,
        "a^2 + 0.5*b^2 + c^2 + 0.5*d^2 - a*c + c*d - a - 3*b + c - d",
        dict.fromkeys("abcd", 0.5),
        dict.fromkeys("abcd", (0, None)),
        ["a + 2*b + c + d <= 5", "3*a + b + 2*c - d <= 4", "b + 4*c >= 1.5"],
        -4.681818182,
    ),
]
NUMBERS = [row[0] for row in HOCK_SCHITTKOWSKI]


@pytest.mark.parametrize("row", HOCK_SCHITTKOWSKI, ids=map(str, NUMBERS))
def test_published_problems(row: Row) -> None:
    _, formula, start, bounds, constraints, value = row
    found = flux.minimize(formula, start, bounds=bounds, subject_to=constraints)
    assert found.converged, found
    assert float(found) == pytest.approx(value, rel=2e-9, abs=1e-9)
    assert found.violation <= 1e-9


@pytest.mark.parametrize("method", ["slsqp", "trust-constr"])
@pytest.mark.parametrize("row", HOCK_SCHITTKOWSKI, ids=map(str, NUMBERS))
def test_each_method_finds_them_or_does_not_claim_to(row: Row, method: str) -> None:
    _, formula, start, bounds, constraints, value = row
    found = flux.minimize(
        formula, start, bounds=bounds, subject_to=constraints, method=method, max_iterations=120
    )
    assert found.method == method
    if found.converged:
        assert found.value == pytest.approx(value, rel=1e-7, abs=1e-7)


def test_where_no_multipliers_exist_no_minimum_is_claimed() -> None:
    # Problem 13: the constraints touch with a cusp at the minimum, (1, 0).
    found = flux.minimize(
        "(x - 2)^2 + y^2", x=0.0, y=0.0, subject_to="(1 - x)^3 >= y",
        bounds={"x": (0, None), "y": (0, None)},
    )  # fmt: skip
    assert not found.converged or found.value == pytest.approx(1, abs=1e-6)


def test_prices_are_derivatives_by_the_right_side() -> None:
    def least(right: float) -> Any:
        return flux.minimize("x^2 + 2*y^2", x=1.0, y=1.0, subject_to=[f"x + y = {right}"])

    found, step = least(3.0), 1e-4
    slope = (least(3 + step).value - least(3 - step).value) / (2 * step)
    assert found.multipliers == pytest.approx({"x + y = 3.0": slope})


def test_a_constraint_that_does_not_hold_has_no_price() -> None:
    found = flux.minimize(
        "(x - 1)^2 + y^2", x=3.0, y=1.0, subject_to=["x <= 5", "y >= x - 1", "x*y <= 9"]
    )
    assert found.converged
    assert found.multipliers["x <= 5"] == 0
    assert dict(found.values) == pytest.approx({"x": 1, "y": 0}, abs=1e-9)


def test_a_maximum_under_constraints() -> None:
    found = flux.maximize("x*y", x=1.0, y=1.0, subject_to=["2*x + 2*y = 20"])
    assert found.converged
    assert float(found) == pytest.approx(25)
    assert found.multipliers["2*x + 2*y = 20"] == pytest.approx(2.5)


def test_parameters_and_chains_in_constraints() -> None:
    found = flux.minimize(
        "(x - 3)^2 + y^2", x=0.1, y=0.5, a=2.0, unknowns=["x", "y"], subject_to="0 <= x <= a"
    )
    assert found.converged
    assert dict(found.values) == pytest.approx({"x": 2, "y": 0}, abs=1e-8)


INFEASIBLE: list[list[str]] = [
    ["x + y >= 3", "x + y <= 1"],
    ["x^2 + y^2 = -1"],
    ["x = 1", "x = 2"],
]


@pytest.mark.parametrize("constraints", INFEASIBLE)
def test_constraints_that_contradict_each_other_are_named(constraints: list[str]) -> None:
    found = flux.minimize("x^2 + y^2", x=1.0, y=1.0, subject_to=constraints)
    assert found.status is Ending.INFEASIBLE
    assert found.violation > 1e-3
    assert "constraints" in found.reason


UNBOUNDED = [("x + y", ["x*y >= 1", "x <= 5"]), ("-x", ["y = x"])]


@pytest.mark.parametrize(("formula", "constraints"), UNBOUNDED)
def test_no_minimum_is_claimed_where_there_is_none(formula: str, constraints: list[str]) -> None:
    found = flux.minimize(formula, x=1.0, y=-2.0, subject_to=constraints)
    assert not found.converged


def test_no_minimum_is_claimed_where_the_gradient_is_no_number() -> None:
    assert not flux.minimize("sqrt(x)", x=0.0, subject_to=["x = 0"]).converged
    found = flux.minimize("where(x > 1e9, x, 0)*inf", x=0.0, subject_to=["x <= 1"])
    assert not found.converged


def test_a_start_of_huge_slope_gives_no_warning() -> None:
    start = {"a": -7.4, "b": -8.0, "c": 1e-300}  # where the slope of the logarithm is 1e300
    found = flux.minimize("a + b/c", start, subject_to=["log(c) = 0"], max_iterations=20)
    assert not found.converged  # it has no minimum


@pytest.mark.parametrize("method", METHODS)
def test_the_greatest_point_of_a_circle_is_no_minimum(method: str | None) -> None:
    # The start satisfies every first-order condition.
    found = flux.minimize(
        "x", x=1.0, y=0.0, subject_to="x^2 + y^2 = 1", method=method, max_iterations=50
    )
    assert not found.converged or found["x"] == pytest.approx(-1)


@settings(max_examples=25)
@given(st.integers(0, 10**6))
def test_a_quadratic_under_equations_solves_its_linear_system(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(3, 3))
    h, g, row, right = a @ a.T + np.eye(3), rng.normal(size=3), rng.normal(size=3), rng.normal()
    names = ["x", "y", "z"]
    squares = [f"{float(h[i, j] / 2)!r}*{names[i]}*{names[j]}" for i in range(3) for j in range(3)]
    formula = " + ".join([*squares, *(f"{float(g[i])!r}*{names[i]}" for i in range(3))])
    sums = " + ".join(f"{float(row[i])!r}*{names[i]}" for i in range(3))
    found = flux.minimize(
        formula, dict.fromkeys(names, 0.0), subject_to=[f"{sums} = {float(right)!r}"]
    )
    matrix = np.block([[h, -row[:, None]], [row[None, :], np.zeros((1, 1))]])
    wanted = np.linalg.solve(matrix, np.array([*-g, right]))
    assert found.converged, found
    assert list(found.values.values()) == pytest.approx(wanted[:3].tolist(), rel=1e-6, abs=1e-8)
    assert next(iter(found.multipliers.values())) == pytest.approx(wanted[3], rel=1e-6, abs=1e-8)


def test_a_linear_programme_agrees_with_scipy() -> None:
    found = flux.minimize(
        "-3*x - 5*y", x=(0, 4), y=(0, None), subject_to=["2*y <= 12", "3*x + 2*y <= 18"]
    )
    theirs = optimize.linprog([-3, -5], [[0, 2], [3, 2]], [12, 18], bounds=[(0, 4), (0, None)])
    assert found.converged
    assert found.value == pytest.approx(theirs.fun)


MISTAKES: list[tuple[Callable[[], Any], str]] = [
    (lambda: flux.minimize("x^2", x=1.0, subject_to="x > 1"), "write >="),
    (lambda: flux.minimize("x^2", x=1.0, subject_to="x != 1"), "is none"),
    (lambda: flux.minimize("x^2", x=1.0, subject_to="x"), "compares nothing"),
    (lambda: flux.minimize("x^2", x=1.0, subject_to="x +"), "<constraint>:1:"),
    (lambda: flux.minimize("x^2", x=1.0, subject_to=3), "constraints are texts"),
    (lambda: flux.minimize("x^2", x=1.0, subject_to=[3]), "constraints are texts"),
    (lambda: flux.minimize("x^2", x=1.0, subject_to="x >= a"), "`a`"),
    (lambda: flux.minimize("x^2", x=1.0, subject_to="x >= 1", method="bfgs"), "no constraints"),
    (
        lambda: flux.minimize(
            "input w[d]\nsum[d](w^2)", w=np.ones(3), subject_to="input w[d]\nw >= 1"
        ),
        "has axes",
    ),
]


@pytest.mark.parametrize("row", range(len(MISTAKES)))
def test_a_mistake_is_explained(row: int) -> None:
    call, message = MISTAKES[row]
    with pytest.raises(flux.FluxError) as caught:
        call()
    assert message in str(caught.value)
