"""Fits: against SciPy, laws, what must not be claimed, and what is refused."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import flux
from flux.errors import FluxError
from flux.numeric.fitting import Fit, FitReason

Array = NDArray[np.float64]

DECAY = "y = a*exp(-b*x) + c"
START = {"a": 1.0, "b": 1.0, "c": 0.0}
SATURATION = "y = vmax*x/(km + x)"


def decay(seed: int, rows: int = 60, noise: float = 0.05) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    x = np.linspace(0, 5, rows)
    y = 3 * np.exp(-0.8 * x) + 0.5 + random.normal(0, noise, rows)
    return {"x": x, "y": y}


def with_outliers(seed: int) -> dict[str, Any]:
    data = decay(seed)
    data["y"][::9] += 1
    return data


def curve(x: Array, a: float, b: float, c: float) -> Any:
    return a * np.exp(-b * x) + c


# Against SciPy.


@pytest.mark.parametrize("absolute", [False, True])
def test_weights_and_covariance_are_those_of_curve_fit(absolute: bool) -> None:
    from scipy.optimize import curve_fit

    data = decay(0)
    data["s"] = np.linspace(0.05, 0.2, 60)
    found = flux.fit(DECAY, data, START, sigma="s", absolute=absolute)
    values, covariance = curve_fit(
        curve, data["x"], data["y"], [1, 1, 0], sigma=data["s"], absolute_sigma=absolute, xtol=1e-14
    )
    assert found.converged
    assert list(found.values.values()) == pytest.approx(list(values), rel=1e-7)
    assert found.covariance == pytest.approx(covariance, rel=1e-4)
    same = flux.fit(DECAY, data, START, weights=data["s"] ** -2, absolute=absolute)
    assert list(same.values.values()) == pytest.approx(list(values), rel=1e-7)


@pytest.mark.parametrize("loss", ["huber", "soft_l1", "cauchy"])
@pytest.mark.parametrize("seed", range(3))
def test_robust_losses_are_those_of_scipy(loss: str, seed: int) -> None:
    from scipy.optimize import least_squares

    data = with_outliers(seed)
    found = flux.fit(DECAY, data, START, loss=loss, threshold=0.1)
    peer = least_squares(
        lambda p: data["y"] - curve(data["x"], *p),
        [1, 1, 0], loss=loss, f_scale=0.1, xtol=1e-15, ftol=1e-15, gtol=1e-15,
    )  # fmt: skip
    assert found.converged
    assert found.costs[0] == pytest.approx(peer.cost, rel=1e-12)
    assert list(found.values.values()) == pytest.approx(list(peer.x), rel=1e-6)


def test_active_and_inactive_bounds_are_those_of_scipy() -> None:
    from scipy.optimize import least_squares

    data = with_outliers(0)
    bounds = {"b": (0.9, 2), "c": (0, 0.4), "a": (None, 100)}
    found = flux.fit(DECAY, data, START, bounds=bounds)
    peer = least_squares(
        lambda p: data["y"] - curve(data["x"], *p),
        [1, 1, 0.1], bounds=([-np.inf, 0.9, 0], [100, 2, 0.4]), xtol=1e-15, ftol=1e-15,
    )  # fmt: skip
    assert found.converged
    assert list(found.values.values()) == pytest.approx(list(peer.x), rel=1e-6)
    assert found.at_bounds == ("b", "c")
    assert math.isnan(found.errors["b"])
    assert found.errors["a"] > 0


def test_intervals_are_those_of_the_textbook() -> None:
    from scipy.stats import linregress, t

    data = decay(3)
    found = flux.fit("y = a + b*x", data, parameters=["a", "b"])
    line = linregress(data["x"], data["y"])
    assert found["b"] == pytest.approx(line.slope, rel=1e-12)
    assert found.errors["b"] == pytest.approx(line.stderr, rel=1e-10)
    assert found.errors["a"] == pytest.approx(line.intercept_stderr, rel=1e-10)
    assert found.r_squared == pytest.approx(line.rvalue**2, rel=1e-12)
    half = t.ppf(0.995, 58) * line.stderr
    assert found.intervals(0.99)["b"] == pytest.approx((line.slope - half, line.slope + half))
    # The band of a straight line: s * sqrt(1/n + (x - mean)^2/Sxx), plus 1 for a prediction.
    x, at = data["x"], 7.0
    part = 1 / 60 + (at - x.mean()) ** 2 / ((x - x.mean()) ** 2).sum()
    confidence = found.band(x=[at])
    assert confidence.error[0] == pytest.approx(found.noise * math.sqrt(part), rel=1e-10)
    prediction = found.band(x=[at], kind="prediction", level=0.9)
    assert prediction.error[0] == pytest.approx(found.noise * math.sqrt(1 + part), rel=1e-10)
    reach = t.ppf(0.95, 58) * prediction.error[0]
    assert prediction.high[0] - prediction.value[0] == pytest.approx(reach)


def test_information_criteria_are_those_of_the_normal_likelihood() -> None:
    from scipy.stats import norm

    data = decay(4)
    found = flux.fit(DECAY, data, START)
    sigma = math.sqrt(found.chi_square / 60)
    likelihood = norm.logpdf(found.residuals, scale=sigma).sum()
    assert found.statistics.log_likelihood == pytest.approx(likelihood)
    assert found.aic == pytest.approx(2 * 4 - 2 * likelihood)
    assert found.bic == pytest.approx(4 * math.log(60) - 2 * likelihood)
    known = flux.fit(DECAY, data, START, sigma=0.05, absolute=True)
    likelihood = norm.logpdf(known.residuals, scale=0.05).sum()
    assert known.aic == pytest.approx(2 * 3 - 2 * likelihood)


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    truth, held, times = 0.8, 0, 200
    for seed in range(times):
        found = flux.fit(DECAY, decay(seed, rows=25), a=3.0, b=0.8, c=0.5)
        low, high = found.intervals(0.9)["b"]
        held += low <= truth <= high
    assert 0.84 <= held / times <= 0.96


@pytest.mark.parametrize("loss", ["huber", "soft_l1", "cauchy", "welsch", "arctan"])
def test_robust_intervals_hold_the_truth_in_spite_of_outliers(loss: str) -> None:
    held, times = 0, 40
    for seed in range(times):
        random = np.random.default_rng(seed)
        x = np.linspace(0, 5, 50)
        y = 2 * x + 1 + random.normal(0, 0.1, 50)
        y[random.integers(0, 50, 4)] += random.normal(0, 20, 4)
        found = flux.fit("y = m*x + k", {"x": x, "y": y}, m=1.0, k=0.0, loss=loss)
        low, high = found.intervals(0.9)["m"]
        held += found.converged and low <= 2 <= high
    assert 0.8 <= held / times <= 0.98


# Recognised, shared, fixed.


@pytest.mark.parametrize(
    ("model", "linear"),
    [
        ("y = a + b*x + c*x^2", True),
        ("y = a*exp(-x) + b*log(x + 1) + c", True),
        ("y = (a + b)*x + (c - b)*x^2 - a", True),
        ("y = a*b*x + c", False),
        ("y = a + x^b + c", False),
        ("y = a + b*x + abs(c)*x^2", False),
        ("y = floor(a) + a + b*x + c*x^2", False),  # its derivatives are free of it
    ],
)
def test_models_that_are_linear_are_solved_in_one_step(model: str, linear: bool) -> None:
    data = decay(1)
    found = flux.fit(model, data, a=1.3, b=0.7, c=0.4)
    assert (found.status == FitReason.ONE_STEP) == linear
    if linear:
        names = flux.parse(model.split("=")[1])
        columns = [flux.compile(names.diff(p))(x=data["x"]) for p in "abc"]
        design = np.stack([np.broadcast_to(column, 60) for column in columns], axis=1)
        values = np.linalg.lstsq(design, data["y"])[0]
        assert [found[p] for p in "abc"] == pytest.approx(values, rel=1e-9)


def grouped(seed: int = 0) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    x = np.tile(np.linspace(0, 5, 30), 3)
    top = np.repeat([3.0, 7.0, 5.0], 30)
    plate = np.repeat(["p1", "p2", "p3"], 30)
    return {"x": x, "y": top * np.exp(-0.5 * x) + random.normal(0, 0.02, 90), "plate": plate}


def test_a_parameter_may_differ_by_group_and_another_be_shared() -> None:
    data = grouped()
    found = flux.fit("y = a*exp(-b*x)", data, a=1.0, b=1.0, groups="plate", per_group=["a"])
    assert found.names == ("a[p1]", "a[p2]", "a[p3]", "b")
    assert list(found.values.values()) == pytest.approx([3, 7, 5, 0.5], rel=0.02)
    # The same, with a column of zeros and ones for each group.
    ones = {f"g{i}": (data["plate"] == f"p{i}").astype(float) for i in (1, 2, 3)}
    long = flux.fit(
        "y = (a1*g1 + a2*g2 + a3*g3)*exp(-b*x)", {**data, **ones}, a1=1.0, a2=1.0, a3=1.0, b=1.0
    )
    assert list(found.values.values()) == pytest.approx([long[p] for p in ("a1", "a2", "a3", "b")])
    assert found.covariance[:3, 3] == pytest.approx(
        [long.covariance[long.names.index(p), long.names.index("b")] for p in ("a1", "a2", "a3")],
        rel=1e-5,
    )
    assert found.predict(x=0.0, plate="p2") == pytest.approx(found["a[p2]"])
    rows = found.predict(x=[0.0, 0.0], plate=["p1", "p3"])
    assert rows == pytest.approx([found["a[p1]"], found["a[p3]"]])
    apart = [
        flux.fit(
            "y = a*exp(-b*x)", {k: v[data["plate"] == p] for k, v in data.items()}, a=1.0, b=1.0
        )
        for p in ("p1", "p2", "p3")
    ]
    all_apart = flux.fit(
        "y = a*exp(-b*x)", data, a=1.0, b=1.0, groups=data["plate"], per_group=["a", "b"]
    )
    assert all_apart["b[p2]"] == pytest.approx(apart[1]["b"], rel=1e-8)
    assert all_apart.chi_square == pytest.approx(sum(f.chi_square for f in apart))


def test_fixed_parameters_stay_and_have_no_error() -> None:
    data = decay(2)
    for fixed in (["c"], {"c": 0.5}):
        found = flux.fit(DECAY, data, a=1.0, b=1.0, c=0.5, fixed=fixed)
        assert found.names == ("a", "b")
        assert found["c"] == 0.5
        assert found.errors["c"] == 0
    assert found.degrees_of_freedom == 58
    direct = flux.fit("y = a*exp(-b*x) + 0.5", data, a=1.0, b=1.0)
    assert found["b"] == pytest.approx(direct["b"], rel=1e-12)


def test_several_starts_find_a_minimum_that_one_does_not() -> None:
    x = np.linspace(0, 10, 50)
    data = {"x": x, "y": 2 * np.sin(3 * x)}
    one = flux.fit("y = a*sin(b*x)", data, a=1.0, b=(0, 1))
    several = flux.fit("y = a*sin(b*x)", data, a=1.0, b=(0, 6), starts=30)
    assert one.chi_square > 1
    assert several.converged
    assert several["b"] == pytest.approx(3, rel=1e-9)
    assert len(several.costs) == 30
    assert several.costs == tuple(sorted(several.costs))
    again = flux.fit("y = a*sin(b*x)", data, a=1.0, b=(0, 6), starts=30)
    assert again.costs == several.costs


def test_options_give_way_to_names_of_the_model() -> None:
    x = np.linspace(-3, 3, 40)
    data = {"x": x, "y": 3 * np.exp(-((x - 0.5) ** 2) / (2 * 0.7**2))}
    model = "y = weights*exp(-(x - mu)^2/(2*sigma^2))"
    found = flux.fit(model, data, weights=1.0, mu=0.1, sigma=1.0)
    assert [found[p] for p in ("weights", "mu", "sigma")] == pytest.approx([3, 0.5, 0.7])
    also = flux.fit("y = e*x + c", data, {"e": 1.0, "c": 0.0})
    assert set(also.names) == {"e", "c"}


def test_the_response_may_be_a_formula_of_columns() -> None:
    x = np.linspace(0, 3, 20)
    found = flux.fit("log(y) = k - b*x", {"x": x, "y": 3 * np.exp(-0.5 * x)}, parameters=["k", "b"])
    assert found["b"] == pytest.approx(0.5)
    e = flux.parse("k*x")
    for model in (e, "k*x"):
        assert flux.fit(model, {"x": x, "y": 2 * x}, k=1.0, response="y")["k"] == pytest.approx(2)


def test_what_follows_from_parameters_has_an_error() -> None:
    found = flux.fit(DECAY, decay(5), START)
    half_life = found.estimate("log(2)/b")
    assert float(half_life) == pytest.approx(math.log(2) / found["b"])
    assert half_life.error == pytest.approx(half_life.value * found.errors["b"] / found["b"])
    difference = found.estimate("a - c")
    i, j = found.names.index("a"), found.names.index("c")
    variance = found.covariance[i, i] + found.covariance[j, j] - 2 * found.covariance[i, j]
    assert difference.error == pytest.approx(math.sqrt(variance))


# Tables.


def test_any_table_will_do() -> None:
    data = decay(6)
    expected = flux.fit(DECAY, data, START)["b"]
    rows = list(zip(data["x"], data["y"], strict=True))
    structured = np.array(rows, dtype=[("x", float), ("y", float)])
    tables: list[Any] = [structured, {k: list(v) for k, v in data.items()}]
    for library in ("pandas", "polars"):
        try:
            tables.append(__import__(library).DataFrame(data))
        except ImportError:
            continue
    for table in tables:
        assert flux.fit(DECAY, table, START)["b"] == expected
        assert flux.fit(DECAY, table, START).predict(table).shape == (60,)


def test_rows_without_a_number_are_named_or_dropped() -> None:
    data = decay(7)
    data["y"][[3, 9]] = np.nan
    data["x"][5] = np.inf
    with pytest.raises(FluxError, match=r"column `(x|y)` is (inf|nan) in row [35]"):
        flux.fit(DECAY, data, START)
    found = flux.fit(DECAY, data, START, missing="drop")
    kept = np.isfinite(data["x"]) & np.isfinite(data["y"])
    same = flux.fit(DECAY, {k: v[kept] for k, v in data.items()}, START)
    assert found.values == same.values
    assert found.residuals.size == 57


# Nothing false is claimed.


@pytest.mark.parametrize(
    ("model", "start", "names"),
    [
        ("y = (a + b)*x", {"a": 1.0, "b": 1.0}, ("a", "b")),
        ("y = exp(a + b)*x + k", {"a": 1.0, "b": 1.0, "k": 0.0}, ("a", "b")),
        ("y = a^2*x", {"a": 0.0}, ("a",)),
        ("y = a*x + 0*b", {"a": 1.0, "b": 1.0}, ("b",)),
        ("y = floor(a)*x", {"a": 1.5}, ("a",)),
        ("y = a*x + b*exp(-c*(x + 1000))", {"a": 1.0, "b": 1.0, "c": 9.0}, ("b", "c")),
    ],
)
def test_what_the_data_do_not_determine_is_named(
    model: str, start: dict[str, float], names: tuple[str, ...]
) -> None:
    found = flux.fit(model, decay(8), start)
    assert not found.converged
    assert found.status == FitReason.UNDETERMINED
    assert found.undetermined == names
    assert ", ".join(names) in found.reason
    assert all(math.isnan(found.errors[name]) for name in names)


def test_a_saddle_is_left() -> None:
    # cost = (b^2 + (5 - b^2)^2)/2 has a maximum at 0, where the gradient is zero.
    data = {"u": [1, 0], "v": [0, 1], "y": [0, 5]}
    found = flux.fit("y = b*u + b^2*v", data, b=0.0)
    assert found.converged
    assert abs(found["b"]) == pytest.approx(math.sqrt(4.5))
    held = flux.fit("y = b*u + b^2*v", data, b=0.0, bounds={"b": (0, 0.0001)})
    assert held.at_bounds == ("b",)


@pytest.mark.parametrize(
    ("model", "start"),
    [
        ("y = sqrt(a - 100*x)", {"a": 1.0}),
        ("y = a*exp(b*x)", {"a": 1.0, "b": 1000.0}),
        ("y = log(a)*x", {"a": -1.0}),
    ],
)
def test_a_start_that_is_not_finite_says_so(model: str, start: dict[str, float]) -> None:
    found = flux.fit(model, decay(9), start)
    assert found.status == FitReason.NOT_FINITE
    assert not found.converged
    assert all(math.isnan(error) for error in found.errors.values())
    assert "not finite" in repr(found)


def test_a_dose_of_zero_has_derivatives() -> None:
    dose = np.array([0, 0, 0.1, 0.3, 1, 3, 10, 30, 100])
    for slope in (0.6, 1.0, 1.7):
        y = 0.1 + 0.9 / (1 + (dose / 2.5) ** slope)
        model = "y = bottom + (top - bottom)/(1 + (dose/ec50)^n)"
        start = {"bottom": 0.0, "top": 1.0, "ec50": 1.0, "n": 1.0}
        found = flux.fit(model, {"dose": dose, "y": y}, start)
        assert found.converged
        assert [found[p] for p in start] == pytest.approx([0.1, 1.0, 2.5, slope], rel=1e-7)
    flat = flux.fit("y = (a*dose)^n", {"dose": dose, "y": np.sqrt(2 * dose)}, a=1.0, n=1.0)
    assert [flat["a"], flat["n"]] == pytest.approx([2, 0.5])


def test_too_few_steps_are_no_convergence() -> None:
    found = flux.fit(DECAY, decay(9), a=50.0, b=0.01, c=9.0, max_iterations=1)
    assert found.status == FitReason.ITERATIONS
    assert not found.converged


def test_as_many_parameters_as_rows_have_no_errors() -> None:
    found = flux.fit("y = a*exp(-b*x)", {"x": [1.0, 2.0], "y": [3.0, 1.0]}, a=1.0, b=1.0)
    assert found.converged
    assert [found["a"], found["b"]] == pytest.approx([9, math.log(3)])
    assert math.isnan(found.errors["a"])


MODELS = [
    (SATURATION, {"vmax": 5.0, "km": 1.0}),
    (DECAY, START),
    ("y = a*sin(b*x + c)", START),
    ("y = a/(1 + exp(b*(x - c)))", START),
    ("y = a*exp(-b*x) + c*exp(-d*x)", {**START, "c": 1.0, "d": 0.1}),
]


@given(
    case=st.sampled_from(MODELS),
    seed=st.integers(0, 2**32 - 1),
    loss=st.sampled_from(["squares", "squares", "huber", "cauchy"]),
)
@settings(max_examples=20)
def test_where_convergence_is_claimed_no_place_nearby_is_lower(
    case: tuple[str, dict[str, float]], seed: int, loss: str
) -> None:
    model, start = case
    random = np.random.default_rng(seed)
    x = random.uniform(0.1, 6, 25)
    data = {"x": x, "y": random.normal(0, 1, 25) + random.choice([0, 3]) * np.exp(-x)}
    begin = {name: float(value * random.lognormal(0, 0.7)) for name, value in start.items()}
    threshold = None if loss == "squares" else 0.5
    found = flux.fit(model, data, begin, loss=loss, threshold=threshold)
    if not found.converged:
        return
    cost = costs_of(model, data, loss)
    best = cost(found.values)
    assert best == pytest.approx(found.costs[0], rel=1e-9)
    half = np.linalg.cholesky(found.covariance + 1e-14 * np.diag(np.diag(found.covariance)))
    for size in (1e-4, 1e-2):
        for direction in random.normal(size=(12, len(begin))):
            step = half @ direction
            # Nearby: within a part of the errors, and of the values where these are smaller.
            step *= size * min(
                1.0, *(abs(found[n] / t) for n, t in zip(found.names, step, strict=True))
            )
            moved = {n: found[n] + s for n, s in zip(found.names, step, strict=True)}
            assert cost(moved) >= best * (1 - 1e-9)


def costs_of(model: str, data: dict[str, Any], loss: str) -> Callable[[Any], float]:
    """Half the sum of squares, or of what takes their place, written out."""
    function = flux.compile(model.split("=")[1])

    def cost(values: Any) -> float:
        z = ((data["y"] - function({"x": data["x"], **values})) / 0.5) ** 2
        rho = {
            "squares": z,
            "huber": np.where(z <= 1, z, 2 * np.sqrt(z) - 1),
            "cauchy": np.log1p(z),
        }
        return 0.5 * 0.25 * float(rho[loss].sum())

    return cost


@given(
    scale=st.floats(-9, 9).map(lambda k: 10**k),
    stretch=st.floats(-9, 9).map(lambda k: 10**k),
)
@settings(max_examples=30)
def test_units_do_not_matter(scale: float, stretch: float) -> None:
    data = decay(11)
    plain = flux.fit(SATURATION, data, vmax=2.0, km=-3.0)
    other = {"x": data["x"] * stretch, "y": data["y"] * scale}
    found = flux.fit(SATURATION, other, vmax=2.0 * scale, km=-3.0 * stretch)
    assert found.status == plain.status
    if found.converged:
        assert found["vmax"] / scale == pytest.approx(plain["vmax"], rel=1e-6)
        assert found.errors["km"] / stretch == pytest.approx(plain.errors["km"], rel=1e-5)


# The result.


def test_a_fit_prints_pickles_and_is_asked_by_name() -> None:
    found = flux.fit(DECAY, decay(0), START)
    shown = repr(found)
    assert shown.startswith(DECAY)
    for text in ("standard error", "95% interval", "converged: True", "57 degrees of freedom"):
        assert text in shown
    assert "<td>a</td>" in found._repr_html_()
    again = pickle.loads(pickle.dumps(found))
    assert isinstance(again, Fit)
    assert again.values == found.values
    assert again.predict(x=1.0) == found.predict(x=1.0)
    with pytest.raises(FluxError, match="no `bb`"):
        found["bb"]
    assert found.correlation.diagonal() == pytest.approx([1, 1, 1])


DATA = {"x": [1.0, 2.0, 3.0], "y": [2.0, 4.0, 7.0], "name": ["p", "q", "p"]}
FIT = flux.fit("y = a*x", DATA, a=1.0)

MISTAKES: list[tuple[Callable[[], Any], str]] = [
    (lambda: flux.fit("y = a*xx", DATA, a=1.0), "1:7: name error: `xx` is neither a column nor"),
    (lambda: flux.fit("y = a*x", DATA), "`a` is neither"),
    (lambda: flux.fit("y = a*x", DATA, b=1.0), "the model has no `b`"),
    (lambda: flux.fit("y = a*x", DATA, a=1.0, x=2.0), "`x` is a column, and has a value"),
    (lambda: flux.fit("a*x", DATA, a=1.0), "does not say what was measured"),
    (lambda: flux.fit("y + a = x", DATA, a=1.0), "stands on the side of what was measured"),
    (lambda: flux.fit("y = x", DATA), "no parameter to fit"),
    (lambda: flux.fit("y = a*x[t]", DATA, a=1.0), "error"),
    (lambda: flux.fit("y = a*", DATA, a=1.0), "syntax error"),
    (lambda: flux.fit("y = a*name", DATA, a=1.0), "`name` has dtype"),
    (lambda: flux.fit("y = a*x", {"x": [1.0], "y": [1.0, 2.0]}, a=1.0), "rows: x 1, y 2"),
    (lambda: flux.fit("y = a*x", {"x": [], "y": []}, a=1.0), "0 rows cannot determine"),
    (lambda: flux.fit("y = a*x", np.ones(3), a=1.0), "not ndarray"),
    (lambda: flux.fit("y = a*x", DATA, a=math.nan), "must be a finite number"),
    (lambda: flux.fit("y = a*x", DATA, a=(3.0, 1.0)), "the lower one comes first"),
    (lambda: flux.fit("y = a*x", DATA, a=(0.0, math.inf)), "has no start"),
    (lambda: flux.fit("y = a*x", DATA, a=5.0, bounds={"a": (0, 1)}), "outside its bounds"),
    (lambda: flux.fit("y = a*x", DATA, a=5.0, bounds={"b": (0, 1)}), "no parameter `b`"),
    (lambda: flux.fit("y = a*x", DATA, a=1.0, bounds={"a": 1}), "a pair"),
    (lambda: flux.fit("y = a*x", DATA, a=1.0, fixed=["b"]), "no parameter `b`"),
    (lambda: flux.fit("y = a*x", DATA, a=1.0, fixed={"a": "1"}), "`a`"),
    (lambda: flux.fit("y = a*x", DATA, a=1.0, fixed="a"), "no parameter to fit"),
    (lambda: flux.fit("y = a*x", DATA, a=1.0, sigma=1.0, weights=1.0), "sigma and weights"),
    (lambda: flux.fit("y = a*x", DATA, a=1.0, sigma="s"), "no column `s`"),
    (lambda: flux.fit("y = a*x", DATA, a=1.0, sigma=[1.0, 0.0, 1.0]), "not in row 1"),
    (lambda: flux.fit("y = a*x", DATA, a=1.0, weights=[1.0, 2.0]), "differ in their number"),
    (lambda: flux.fit("y = a*x", DATA, a=1.0, absolute="yes"), "true or false"),
    (lambda: flux.fit("y = a*x", DATA, a=1.0, loss="hubber"), "did you mean `huber`?"),
    (lambda: flux.fit("y = a*x", DATA, a=1.0, threshold=1.0), "for a robust loss"),
    (lambda: flux.fit("y = a*x", DATA, a=1.0, loss="huber", threshold=-1.0), "above 0"),
    (lambda: flux.fit("y = a*x", DATA, a=1.0, groups="name"), "groups need per_group"),
    (lambda: flux.fit("y = a*x", DATA, a=1.0, per_group=["a"]), "needs groups"),
    (lambda: flux.fit("y = a*x", DATA, a=1.0, groups="nam", per_group=["a"]), "`name`?"),
    (lambda: flux.fit("y = a*x", DATA, a=1.0, groups="name", per_group=["b"]), "no parameter `b`"),
    (lambda: flux.fit("y = a*x", DATA, a=1.0, groups=["p"], per_group=["a"]), "3 rows"),
    (lambda: flux.fit("y = a*x", DATA, a=1.0, starts=0), "starts must be a whole number"),
    (lambda: flux.fit("y = a*x", DATA, a=1.0, seed=-1), "seed must be"),
    (lambda: flux.fit("y = a*x", DATA, a=1.0, max_iterations=True), "max_iterations must be"),
    (lambda: flux.fit("y = a*x", DATA, a=1.0, missing="skip"), "no missing 'skip'"),
    (lambda: flux.fit("y = exp(a*x)", DATA, parameters=["a"]), "`a` needs a start"),
    (lambda: flux.fit("log(y - 5) = a*x", DATA, a=1.0), "is nan in row 0"),
    (lambda: FIT.intervals(95), "between 0 and 1"),
    (lambda: FIT.band(x=1.0, kind="both"), "no kind of band"),
    (lambda: FIT.band(x=1.0, level=1.0), "between 0 and 1"),
    (lambda: FIT.predict(), "no value for `x`"),
    (lambda: FIT.predict([1.0]), "by name or as a table"),
    (lambda: FIT.predict(x="1"), "`x` has dtype"),
    (lambda: FIT.estimate("b + 1"), "`b` is no parameter"),
    (lambda: FIT.estimate("a +"), "syntax error"),
]


@pytest.mark.parametrize(("call", "text"), MISTAKES, ids=[text for _, text in MISTAKES])
def test_mistakes_are_explained(call: Callable[[], Any], text: str) -> None:
    with pytest.raises(FluxError) as caught:
        call()
    assert text in str(caught.value)


def test_an_unknown_group_is_named() -> None:
    data = grouped()
    found = flux.fit("y = a*exp(-b*x)", data, a=1.0, b=1.0, groups="plate", per_group="a")
    with pytest.raises(FluxError, match="no group 'p4'"):
        found.predict(x=1.0, plate="p4")
    with pytest.raises(FluxError, match="no value for `plate`"):
        found.predict(x=1.0)
    with pytest.raises(FluxError, match="shared by all rows"):
        found.estimate("a*2")
