"""Differential equations: known solutions, stiff ones, events, and what cannot be followed."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

import flux

METHODS = ["auto", "rk45", "dop853", "radau", "bdf"]

# Equations, values, the unknown, its solution.
KNOWN: list[tuple[dict[str, str], dict[str, Any], str, Callable[[Any], Any]]] = [
    ({"x": "-k*x"}, {"x": 3, "k": 0.7, "t": (0, 5)}, "x", lambda t: 3 * np.exp(-0.7 * t)),
    ({"x": "v", "v": "-x"}, {"x": 0, "v": 1, "t": (0, 6)}, "x", np.sin),
    ({"x": "r*x*(1 - x)"}, {"x": 0.1, "r": 2, "t": (0, 4)}, "x",
     lambda t: 1 / (1 + 9 * np.exp(-2 * t))),
    ({"x": "2*t*x"}, {"x": 1, "t": (0, 1.5)}, "x", lambda t: np.exp(t**2)),
    ({"x": "cos(t)"}, {"x": 0, "t": (3, -2)}, "x", lambda t: np.sin(t) - np.sin(3)),
]  # fmt: skip


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("equations", "values", "name", "solution"), KNOWN)
def test_known_solutions(
    equations: dict[str, str],
    values: dict[str, Any],
    name: str,
    solution: Callable[[Any], Any],
    method: str,
) -> None:
    at = np.linspace(*values["t"], 23)
    found = flux.integrate_ode(equations, values, at=at, method=method)
    assert found.completed
    assert found.times.tolist() == at.tolist()
    np.testing.assert_allclose(found[name], solution(at), rtol=3e-6, atol=3e-7)
    steps = flux.integrate_ode(equations, values, method=method)
    np.testing.assert_allclose(steps[name], solution(steps.times), rtol=3e-6, atol=3e-7)
    assert steps.end == values["t"][1]


def test_a_smaller_tolerance_gives_more_digits() -> None:
    errors = [
        abs(
            flux.integrate_ode({"x": "-x"}, t=(0, 1), x=1, tolerance=t, method="dop853")["x"][-1]
            - math.exp(-1)
        )
        for t in (1e-4, 1e-8, 1e-12)
    ]
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 1e-12


ROBERTSON = {
    "y1": "-0.04*y1 + 1e4*y2*y3",
    "y2": "0.04*y1 - 1e4*y2*y3 - 3e7*y2^2",
    "y3": "3e7*y2^2",
}


@pytest.mark.parametrize("method", ["auto", "radau", "bdf"])
def test_robertsons_stiff_kinetics(method: str) -> None:
    """Hairer and Wanner, Solving ODEs II, problem ROBER: the values at t = 40."""
    found = flux.integrate_ode(ROBERTSON, t=(0, 40), y1=1, y2=0, y3=0, method=method)
    last = [found[name][-1] for name in ROBERTSON]
    assert last == pytest.approx([0.7158271, 9.185535e-6, 0.2841637], rel=1e-6)
    assert found.evaluations < 5000


def test_the_steps_are_those_of_solve_ivp() -> None:
    equations = {"x": "a*x - b*x*y", "y": "c*x*y - d*y"}
    values = {"x": 10, "y": 5, "a": 1.1, "b": 0.4, "c": 0.1, "d": 0.4}
    found = flux.integrate_ode(equations, values, t=(0, 20), method="dop853", absolute=1e-9)

    def slope(_t: float, state: Any) -> list[float]:
        x, y = state
        return [1.1 * x - 0.4 * x * y, 0.1 * x * y - 0.4 * y]

    expected = solve_ivp(slope, (0, 20), [10, 5], "DOP853", rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(found.times, expected.t, rtol=1e-10)
    np.testing.assert_allclose(found["y"], expected.y[1], rtol=1e-9)


def test_events_are_placed_and_directed() -> None:
    found = flux.integrate_ode(
        {"x": "v", "v": "-x"}, t=(0, 20), x=0, v=1, tolerance=1e-10,
        events={"zero": "x = 0", "up": "x > 0", "down": "0 > x", "never": "x = 2"},
    )  # fmt: skip
    np.testing.assert_allclose(found.events["zero"], np.pi * np.arange(1, 7), rtol=1e-8)
    np.testing.assert_allclose(found.events["up"], 2 * np.pi * np.arange(1, 4), rtol=1e-8)
    np.testing.assert_allclose(found.events["down"], np.pi * np.arange(1, 7, 2), rtol=1e-8)
    assert found.events["never"].size == 0


def test_an_event_ends_the_integration() -> None:
    found = flux.integrate_ode(
        {"h": "v", "v": "-g"}, t=(0, 20), h=10, v=0, g=9.81,
        events={"landing": "h < 0"}, until="landing", at=np.linspace(0, 20, 201),
    )  # fmt: skip
    fall = math.sqrt(20 / 9.81)
    assert found.completed
    assert "event" in found.reason
    assert found.end == pytest.approx(fall, rel=1e-9)
    assert found.events["landing"] == pytest.approx([fall])
    assert found.times[-1] <= found.end
    assert found(found.end)["v"] == pytest.approx(-9.81 * fall)
    assert (found["h"] >= -1e-12).all()


def test_an_event_of_time_and_parameters() -> None:
    found = flux.integrate_ode(
        {"x": "1"}, t=(0, 3), x=0, events={"late": "t > when"}, until=["late"], when=1.25
    )
    assert found.end == pytest.approx(1.25)


# Equations, values, part of the reason.
STOPPED = [
    ({"x": "x^2"}, {"x": 1, "t": (0, 2)}, "too small"),
    ({"x": "-sqrt(x)"}, {"x": 1, "t": (0, 5)}, "not finite"),
    ({"x": "log(x)"}, {"x": -1, "t": (0, 5)}, "not finite"),
]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("equations", "values", "reason"), STOPPED)
def test_what_cannot_be_followed_is_said_to_be(
    equations: dict[str, str], values: dict[str, Any], reason: str, method: str
) -> None:
    found = flux.integrate_ode(equations, values, method=method, max_evaluations=50_000)
    assert not found.completed
    assert found.end < values["t"][1]
    assert np.isfinite(found["x"]).all()
    if method == "auto":
        assert reason in found.reason


def test_evaluations_are_bounded() -> None:
    values = {"t": (0, 4e3), "y1": 1, "y2": 0, "y3": 0}
    found = flux.integrate_ode(ROBERTSON, values, method="rk45", max_evaluations=2000)
    assert not found.completed
    assert found.evaluations < 2020
    assert "most evaluations" in found.reason


@settings(max_examples=40)
@given(st.floats(-2, 2), st.floats(0.1, 3), st.floats(-5, 5), st.floats(0.1, 4))
def test_a_linear_equation_follows_its_formula(k: float, x: float, t0: float, span: float) -> None:
    found = flux.integrate_ode({"x": "k*x"}, t=(t0, t0 + span), x=x, k=k)
    assert found["x"][-1] == pytest.approx(x * math.exp(k * (found.end - t0)), rel=1e-5)
    middle = t0 + span / 3
    assert found(middle)["x"] == pytest.approx(x * math.exp(k * (middle - t0)), rel=1e-5)


@pytest.mark.parametrize("method", ["auto", "dop853", "radau"])
def test_sensitivities_are_the_derivatives_of_the_solution(method: str) -> None:
    """x = x0 exp(-k t) + c/k (1 - exp(-k t)), differentiated by hand."""
    at = np.linspace(0, 4, 9)
    found = flux.integrate_ode(
        {"x": "c - k*x"}, t=(0, 4), x=2, k=0.7, c=0.3, at=at, method=method,
        sensitivities=["k", "x", "c"],
    )  # fmt: skip
    decay = np.exp(-0.7 * at)
    by_k = -2 * at * decay + 0.3 * (at * decay / 0.7 - (1 - decay) / 0.49)
    np.testing.assert_allclose(found["dx/dk"], by_k, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(found["dx/dx"], decay, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(found["dx/dc"], (1 - decay) / 0.7, rtol=1e-6, atol=1e-7)


def test_sensitivities_of_coupled_equations_agree_with_differences() -> None:
    equations = {"x": "a*x - b*x*y", "y": "c*x*y - d*y"}
    values = {"x": 10, "y": 5, "a": 1.1, "b": 0.4, "c": 0.1, "d": 0.4, "t": (0, 6)}
    options = {"method": "dop853", "tolerance": 1e-12}
    found = flux.integrate_ode(equations, values, sensitivities="b", **options)
    step = 1e-4
    above, below = (
        flux.integrate_ode(equations, {**values, "b": 0.4 + s}, **options) for s in (step, -step)
    )
    for name in "xy":
        difference = (above[name][-1] - below[name][-1]) / (2 * step)
        assert found[f"d{name}/db"][-1] == pytest.approx(difference, rel=1e-5)


def test_a_tiny_parameter_leaves_tolerances_finite() -> None:
    found = flux.integrate_ode({"x": "a*0 + 1"}, t=(0, 1), x=-1e300, a=1e-300, sensitivities=["a"])
    assert found.completed
    assert found["dx/da"][-1] == 0


def test_other_names_for_the_time_and_for_options() -> None:
    found = flux.integrate_ode({"t": "-t*s", "at": "t"}, {"s": (0, 1)}, time="s", t=1, at=0)
    assert found["t"][-1] == pytest.approx(math.exp(-0.5), rel=1e-6)
    assert found["s"] is found.times


def test_expressions_and_pickles() -> None:
    e = flux.parse("-k*x")
    found = flux.integrate_ode({"x": e}, t=(0, 1), x=1, k=2)
    again = pickle.loads(pickle.dumps(found))
    assert again(0.5)["x"] == found(0.5)["x"]
    assert "completed: True" in repr(found)
    assert "<table>" in found._repr_html_()
    several = found(np.array([[0.1, 0.2], [0.3, 0.4]]))["x"]
    assert several.shape == (2, 2)
    with pytest.raises(flux.FluxError, match="outside"):
        found(2.0)
    with pytest.raises(flux.FluxError, match="outside"):
        found(math.nan)
    with pytest.raises(flux.FluxError, match="no unknown `z`"):
        found["z"]


def ode(**values: Any) -> Callable[[], Any]:
    """x' = -k x with some values changed."""
    return lambda: flux.integrate_ode({"x": "-k*x"}, {"x": 1, "k": 1, "t": (0, 1), **values})


def with_options(**options: Any) -> Callable[[], Any]:
    return lambda: flux.integrate_ode({"x": "-k*x"}, {"x": 1, "k": 1, "t": (0, 1)}, **options)


REFUSED: list[tuple[Callable[[], Any], str]] = [
    (lambda: flux.integrate_ode(["x = 1"], t=(0, 1)), "mapping"),  # type: ignore[arg-type]
    (lambda: flux.integrate_ode({}, t=(0, 1)), "mapping"),
    (lambda: flux.integrate_ode({1: "x"}, t=(0, 1)), "a text"),  # type: ignore[dict-item]
    (lambda: flux.integrate_ode({"x": "x +"}, t=(0, 1), x=1), "syntax"),
    (lambda: flux.integrate_ode({"x": "x[d]"}, t=(0, 1), x=1), ""),
    (lambda: flux.integrate_ode({"x": "-q*x"}, t=(0, 1), x=1), "no value for `q`"),
    (lambda: flux.integrate_ode({"x": "-x"}, t=(0, 1)), "no value for `x`"),
    (lambda: flux.integrate_ode({"x": "-x"}, t=(0, 1), x=1, y=2), "no `y`"),
    (lambda: flux.integrate_ode({"x": "-x"}, x=1), "no first and last time"),
    (lambda: flux.integrate_ode({"t": "-t"}, t=1), "the time and an unknown"),
    (ode(t=(0, 1, 2)), "no first and last time"),
    (ode(t=(0, math.inf)), "no span"),
    (ode(t=(1, 1)), "no span"),
    (ode(x=math.nan), "`x` starts at nan"),
    (ode(x=[1, 2]), "is an array"),
    (ode(k="a"), "k"),
    (with_options(method="euler"), "no method"),
    (with_options(tolerance=0), "tolerance"),
    (with_options(absolute=-1), "absolute tolerance"),
    (with_options(absolute={"q": 1}), "`q`"),
    (with_options(at=[2]), "outside"),
    (with_options(events=["x"]), "mapping"),
    (with_options(events={"e": 3}), "an event is a text"),
    (with_options(events={"e": "x = q"}), "`q`"),
    (with_options(until="e"), "no event `e`"),
    (with_options(until=3), "until"),
    (with_options(max_evaluations=0), "max_evaluations"),
    (with_options(largest_step=0), "largest_step"),
    (with_options(largest_step=math.nan), "largest_step"),
    (with_options(largest_step="1"), "largest_step"),
    (with_options(time=3), "time"),
    (with_options(sensitivities=3), "list of names"),
    (with_options(sensitivities="q"), "`q`"),
    (with_options(sensitivities=["t"]), "`t`"),
    (
        lambda: flux.integrate_ode(
            {"x": "where(t < 9, x, k)"},
            t=(0, 1),
            x=1,
            k=math.nan,
            sensitivities=["k"],
            method="rk45",
        ),
        "no sensitivity to `k`, which is nan",
    ),
]


@pytest.mark.parametrize(("call", "message"), REFUSED)
def test_mistakes_are_flux_errors(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(flux.FluxError) as error:
        call()
    assert message in str(error.value)


def test_a_tolerance_beyond_all_floats_is_a_mistake() -> None:
    with pytest.raises(flux.FluxError, match="absolute tolerance"):
        flux.integrate_ode({"x": "-x"}, t=(0, 1), x=1.0, absolute=10**400)


@pytest.mark.parametrize("method", ["auto", "rk45", "dop853", "radau", "bdf"])
def test_a_short_pulse_is_met_by_steps_that_are_shorter(method: str) -> None:
    pulse = {"x": "exp(-((t - 50)/0.01)^2)"}
    found = flux.integrate_ode(pulse, t=(0, 100), x=0, method=method, largest_step=0.02)
    assert found["x"][-1] == pytest.approx(0.01 * math.sqrt(math.pi), rel=1e-5)
