"""Propagated uncertainty: published values, exact laws, drawing, and mistakes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import flux


def test_the_guides_own_example() -> None:
    # JCGM 100:2008, H.2: resistance, reactance and impedance, tables H.2 to H.4.
    found = flux.propagate(
        {"R": "V/I*cos(phi)", "X": "V/I*sin(phi)", "Z": "V/I"},
        V=4.9990, I=19.6610e-3, phi=1.04446,
        sd={"V": 0.0032, "I": 0.0095e-3, "phi": 0.00075},
        correlation={("V", "I"): -0.36, ("V", "phi"): 0.86, ("I", "phi"): -0.65},
    )  # fmt: skip
    assert found.value == pytest.approx({"R": 127.732, "X": 219.847, "Z": 254.260}, abs=1e-3)
    assert found.sd == pytest.approx(
        {"R": 0.071, "X": 0.295, "Z": 0.236}, abs=2e-3
    )  # rounded inputs
    sd = np.sqrt(np.diag(found.covariance))
    correlation = found.covariance / np.outer(sd, sd)
    assert correlation[0, 1] == pytest.approx(-0.588, abs=4e-3)
    assert correlation[0, 2] == pytest.approx(-0.485, abs=1e-2)
    assert correlation[1, 2] == pytest.approx(0.993, abs=2e-3)


def test_a_product_and_its_shares() -> None:
    found = flux.propagate("a*b", a=3.0, b=2.0, sd={"a": 0.1, "b": 0.2})
    assert found.value == 6
    assert found.sd == pytest.approx(math.hypot(2 * 0.1, 3 * 0.2))
    assert found.bias == 0
    assert found.shares == pytest.approx({"a": 0.04 / 0.4, "b": 0.36 / 0.4})
    assert found.doubtful is False


def test_a_name_without_uncertainty_is_exact() -> None:
    found = flux.propagate("k*x", k=5.0, x=1.0, sd={"x": 0.1})
    assert found.sd == pytest.approx(0.5)
    assert list(found.shares) == ["x"]


def test_rows_and_their_own_uncertainty() -> None:
    x, sd = np.array([1.0, 2.0, 3.0]), np.array([0.1, 0.2, 0.0])
    found = flux.propagate("x^2", x=x, sd={"x": sd})
    assert found.sd == pytest.approx(2 * x * sd)
    assert found.bias == pytest.approx(sd**2)
    assert found.covariance.shape == (3, 1, 1)
    assert found.doubtful.tolist() == [False, False, False]
    assert "3" in repr(found)


def test_a_matrix_and_pairs_say_the_same() -> None:
    matrix = [[0.04, 0.01], [0.01, 0.09]]
    pairs = {("x", "x"): 0.04, ("x", "y"): 0.01, ("y", "y"): 0.09}
    deviations = {"x": 0.2, "y": 0.3}
    by_matrix = flux.propagate("x*exp(y)", x=1.0, y=0.5, sd=["x", "y"], covariance=matrix)
    by_pairs = flux.propagate("x*exp(y)", x=1.0, y=0.5, covariance=pairs)
    by_sd = flux.propagate(
        "x*exp(y)", x=1.0, y=0.5, sd=deviations, correlation={("y", "x"): 0.01 / 0.06}
    )
    assert by_matrix.sd == by_pairs.sd == pytest.approx(by_sd.sd)
    assert by_matrix.bias == by_pairs.bias == pytest.approx(by_sd.bias)


def test_a_covariance_of_each_row() -> None:
    matrices = np.array([[[0.01, 0.0], [0.0, 0.04]], [[0.04, 0.02], [0.02, 0.09]]])
    found = flux.propagate("x + y", x=1.0, y=2.0, sd=["x", "y"], covariance=matrices)
    assert found.sd == pytest.approx(np.sqrt([0.05, 0.17]))
    drawn = found.monte_carlo(20_000)
    assert drawn.sd == pytest.approx(found.sd, rel=0.03)


@settings(max_examples=30)
@given(st.integers(0, 10**6))
def test_a_linear_formula_is_exact(seed: int) -> None:
    rng = np.random.default_rng(seed)
    weights, a = rng.normal(size=(2, 3)), rng.normal(size=(3, 3))
    names = ["x", "y", "z"]
    formulas = {
        f"f{n}": " + ".join(f"({float(w)!r})*{x}" for w, x in zip(row, names, strict=True))
        for n, row in enumerate(weights)
    }
    found = flux.propagate(
        formulas, dict.fromkeys(names, 1.0), sd=names, covariance=a @ a.T + 0.01 * np.eye(3)
    )
    wanted = weights @ (a @ a.T + 0.01 * np.eye(3)) @ weights.T
    assert found.covariance == pytest.approx(wanted)
    assert found.bias == pytest.approx({"f0": 0, "f1": 0}, abs=1e-12)


# Formula, values, sd: little curvature, so that drawing has to agree.
MILD: list[tuple[str, dict[str, float], dict[str, float]]] = [
    ("m/V", {"m": 10, "V": 2}, {"m": 0.1, "V": 0.02}),
    ("a*exp(-b*t)", {"a": 5, "b": 0.3, "t": 2}, {"a": 0.1, "b": 0.01}),
    ("sqrt(x^2 + y^2)", {"x": 3, "y": 4}, {"x": 0.1, "y": 0.1}),
    ("log(x/y)", {"x": 3, "y": 4}, {"x": 0.1, "y": 0.1}),
]


@pytest.mark.parametrize(("formula", "values", "sd"), MILD)
def test_drawing_agrees_where_the_formula_is_nearly_straight(
    formula: str, values: dict[str, float], sd: dict[str, float]
) -> None:
    found = flux.propagate(formula, values, sd=sd)
    drawn = found.monte_carlo(200_000, seed=1)
    assert not found.doubtful
    assert drawn.sd == pytest.approx(found.sd, rel=0.02)
    assert drawn.mean - found.value == pytest.approx(found.bias, abs=5 * found.sd / 447)
    assert drawn.failed == 0


def test_the_bias_of_a_square_is_its_variance() -> None:
    found = flux.propagate("x^2", x=0.0, sd={"x": 1.0})
    drawn = found.monte_carlo(200_000)
    assert (found.value, found.sd, found.bias) == (0, 0, 1)
    assert found.doubtful is True
    assert "monte_carlo" in repr(found)
    assert drawn.mean == pytest.approx(1, rel=0.02)
    assert drawn.sd == pytest.approx(math.sqrt(2), rel=0.02)
    # The square of a standard normal number has the quantiles of chi squared.
    assert drawn.quantiles[0.5] == pytest.approx(0.4549, rel=0.03)
    assert drawn.quantiles[0.975] == pytest.approx(5.0239, rel=0.03)


def test_samples_outside_the_domain_are_counted() -> None:
    drawn = flux.propagate("log(x)", x=1.0, sd={"x": 1.0}).monte_carlo(100_000)
    assert drawn.failed == pytest.approx(0.158655, abs=5e-3)
    assert math.isfinite(drawn.mean)
    assert all(math.isfinite(q) for q in drawn.quantiles.values())
    assert "failed" in repr(drawn)
    none = flux.propagate("log(x)", x=-9.0, sd={"x": 0.1}).monte_carlo(100)
    assert none.failed == 1
    assert math.isnan(none.mean)


def test_the_same_seed_gives_the_same_draws_and_rows_stand_alone() -> None:
    one = flux.propagate("x*y", x=2.0, y=3.0, sd={"x": 0.1, "y": 0.2})
    rows = flux.propagate("x*y", x=np.array([2.0, 5.0]), y=3.0, sd={"x": 0.1, "y": 0.2})
    first, again = one.monte_carlo(1000, seed=7), one.monte_carlo(1000, seed=7)
    assert first.mean == again.mean
    assert first.mean != one.monte_carlo(1000, seed=8).mean
    assert rows.monte_carlo(1000, seed=7).mean[0] == pytest.approx(first.mean, rel=1e-14)
    assert first.quantiles.keys() == {0.025, 0.5, 0.975}


def test_drawing_keeps_a_correlation_of_one() -> None:
    found = flux.propagate(
        {"sum": "x + y", "difference": "x - y"}, x=1.0, y=1.0,
        sd={"x": 0.5, "y": 0.5}, correlation={("x", "y"): 1.0},
    )  # fmt: skip
    assert found.sd == pytest.approx({"sum": 1.0, "difference": 0.0}, abs=1e-7)
    assert found.monte_carlo(1000).sd["difference"] == pytest.approx(0, abs=1e-7)


def test_a_variance_beyond_float64_is_doubtful_without_a_warning() -> None:
    found = flux.propagate("x + y", x=1.0, y=2.0, sd={"x": 1e300, "y": 1.0})
    assert found.doubtful


def test_tables_and_names_like_options() -> None:
    found = flux.propagate("sd*x", {"sd": 2.0, "x": 1.0}, sd={"x": 0.1})
    assert found.sd == pytest.approx(0.2)
    assert flux.propagate("a*x", {"a": [1.0, 2.0], "x": 3.0, "other": 0}, sd={"x": 1}).sd[
        1
    ] == pytest.approx(2)


def test_no_rows_give_no_results() -> None:
    found = flux.propagate("x^2", x=np.zeros(0), sd={"x": 0.1})
    assert found.sd.shape == (0,)
    assert found.monte_carlo(10).mean.shape == (0,)


MISTAKES: list[tuple[Callable[[], Any], str]] = [
    (lambda: flux.propagate("x^2", x=1.0), "by name"),
    (lambda: flux.propagate("x^2", x=1.0, sd={}), "by name"),
    (lambda: flux.propagate("x^2", x=1.0, sd=0.1), "by name"),
    (lambda: flux.propagate("x^2", x=1.0, sd={"z": 1}), "no `z`"),
    (lambda: flux.propagate("x^2", x=1.0, sd={"x": -1}), "from 0 on"),
    (lambda: flux.propagate("x^2", x=1.0, sd={"x": np.nan}), "from 0 on"),
    (lambda: flux.propagate("x^2", x=1.0, sd={"x": "1"}), "dtype"),
    (lambda: flux.propagate("x^2", sd={"x": 1}), "no value for `x`"),
    (lambda: flux.propagate("x^2", x=1.0, y=1.0, sd={"x": 1}), "no `y`"),
    (lambda: flux.propagate("x^2", x="1", sd={"x": 1}), "dtype"),
    (lambda: flux.propagate("x*y", x=[1, 2], y=[1, 2, 3], sd={"x": 1}), "broadcast"),
    (lambda: flux.propagate("x*y", x=[1, 2], y=1, sd={"x": [1, 2, 3]}), "broadcast"),
    (
        lambda: flux.propagate("x*y", x=1, y=1, sd={"x": [1, 2], "y": [1, 2, 3]}),
        "standard deviations have the shapes",
    ),
    (
        lambda: flux.propagate("x*y", x=1, y=1, sd={"x": 1, "y": 1}, correlation={("x", "y"): 2}),
        "fit no distribution",
    ),
    (
        lambda: flux.propagate("x*y", x=1, y=1, sd={"x": 1}, correlation={("x", "y"): 0.1}),
        "no correlation",
    ),
    (lambda: flux.propagate("x*y", x=1, y=1, sd={"x": 1}, correlation={"xy": 1}), "no pair"),
    (lambda: flux.propagate("x*y", x=1, y=1, covariance=np.eye(2)), "without names"),
    (lambda: flux.propagate("x*y", x=1, y=1, sd=["x"], covariance=np.eye(2)), "has shape"),
    (
        lambda: flux.propagate("x*y", x=1, y=1, sd=["x", "y"], covariance=[[1, 2], [0, 1]]),
        "not symmetric",
    ),
    (
        lambda: flux.propagate("x*y", x=1, y=1, sd=["x", "y"], covariance=[[1, 2], [2, 1]]),
        "negative",
    ),
    (lambda: flux.propagate("x*y", x=1, y=1, covariance={("x", "x"): np.nan}), "is a number"),
    (lambda: flux.propagate("x*y", x=1, y=1, covariance={("x", "x"): -1.0}), "negative"),
    (lambda: flux.propagate(None, x=1.0, sd={"x": 1}), "a formula is a text"),
    (lambda: flux.propagate({}, x=1.0, sd={"x": 1}), "by name"),
    (lambda: flux.propagate({1: "x"}, x=1.0, sd={"x": 1}), "by name"),
    (lambda: flux.propagate("x +", x=1.0, sd={"x": 1}), "syntax"),
    (lambda: flux.propagate("input w[d]\nw", w=np.ones(2), sd={"w": 1}), "named axes"),
    (lambda: flux.propagate("input w[d]\nsum[d](w)", w=np.ones(2), sd={"w": 1}), "plain number"),
    (lambda: flux.propagate("x", x=1.0, sd={"x": 1}).monte_carlo(1), "two samples"),
    (lambda: flux.propagate("x", x=1.0, sd={"x": 1}).monte_carlo(2.5), "whole number"),
    (lambda: flux.propagate("x", x=1.0, sd={"x": 1}).monte_carlo(seed=-1), "whole number"),
    (lambda: flux.propagate("x", x=1.0, sd={"x": 1}).monte_carlo(quantiles=[2]), "from 0 to 1"),
    (lambda: flux.propagate("x", x=1.0, sd={"x": 1}).monte_carlo(quantiles="a"), "quantiles"),
]


@pytest.mark.parametrize("row", range(len(MISTAKES)))
def test_a_mistake_is_explained(row: int) -> None:
    call, message = MISTAKES[row]
    with pytest.raises(flux.FluxError) as caught:
        call()
    assert message in str(caught.value)
