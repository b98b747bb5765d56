"""Formulas and their inverses, as laws: there and back again, as far as the digits reach."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import flux

EPSILON = 2.0**-52
Floats = st.SearchStrategy[float]


def between(low: float, high: float) -> Floats:
    return st.floats(low, high, allow_subnormal=False)


def over(low: float, high: float) -> Floats:
    """Even in the logarithm."""
    return between(math.log(low), math.log(high)).map(math.exp)


# A formula, its input, the inverse and what it calls the result; then that input and the others.
CURVE = {"top": between(50, 100), "bottom": between(0, 20), "slope": between(0.3, 6)}
INVERSES: list[tuple[str, str, str, str, Mapping[str, Floats]]] = [
    ("hill", "concentration", "hill_inverse", "effect",
     {"concentration": over(1e-3, 1e3), "emax": over(0.1, 1e3), "ec50": over(0.01, 100),
      "n": between(0.3, 6)}),
    ("logistic4", "dose", "logistic4_inverse", "response",
     {"dose": over(1e-3, 1e3), "ec50": over(0.01, 100), **CURVE}),
    ("logistic5", "dose", "logistic5_inverse", "response",
     {"dose": over(1e-3, 1e3), "middle": over(0.01, 100), "asymmetry": between(0.3, 6), **CURVE}),
    ("oxygen_saturation", "po2", "oxygen_pressure", "saturation", {"po2": over(0.01, 500)}),
    ("jukes_cantor", "p", "jukes_cantor_inverse", "distance", {"p": over(1e-9, 0.7499)}),
    ("haldane_distance", "recombination", "haldane_recombination", "distance",
     {"recombination": over(1e-9, 0.4999)}),
    ("kosambi_distance", "recombination", "kosambi_recombination", "distance",
     {"recombination": over(1e-9, 0.4999)}),
    ("score_percentile", "score", "score_at_percentile", "percentile",
     {"score": between(-6, 4), "mean": between(-1, 1), "deviation": between(0.5, 3)}),
]  # fmt: skip


@pytest.mark.parametrize("row", INVERSES, ids=lambda row: row[0])
@settings(max_examples=150)
@given(data=st.data())
def test_the_inverse_leads_back(
    row: tuple[str, str, str, str, Mapping[str, Floats]], data: st.DataObject
) -> None:
    """But for the digits that the value itself does not have: its rounding over the slope."""
    name, by, inverse, result, strategies = row
    values = {key: data.draw(strategy) for key, strategy in strategies.items()}
    formula = flux.formulas.get(name)
    there = formula(values)
    slope = flux.compile(formula.expr.diff(by))(values)
    others = {key: value for key, value in values.items() if key != by}
    back = flux.formulas.get(inverse)({result: there, **others}, outside="keep")
    lost = 16 * EPSILON * (abs(there) + abs(others.get("top", 0.0)))
    if lost < 1e-3 * abs(slope * values[by]):
        assert abs(back - values[by]) <= 1e-12 * abs(values[by]) + lost / abs(slope)


@settings(max_examples=150)
@given(p=st.one_of(over(1e-300, 0.5), between(0.5, 0.999999)))
def test_a_quantile_has_its_probability(p: float) -> None:
    z = flux.formulas.get("normal_quantile")(p)
    assert flux.evaluate("normal_cdf(z)", z=z) == pytest.approx(p, rel=4e-13 * (1 + z * z))


@settings(max_examples=100)
@given(
    time=between(0, 200), s0=over(0.1, 100), vmax=over(0.01, 10), km=over(0.1, 100)
)  # fmt: skip
def test_what_is_left_after_a_time_tells_the_time(
    time: float, s0: float, vmax: float, km: float
) -> None:
    """vmax*t = s0 - S + km*log(s0/S), the equation that the progress curve solves."""
    left = flux.formulas.get("progress_curve")(time, s0, vmax, km)
    if left > 0:
        spent = s0 - left + km * math.log(s0 / left)
        assert spent == pytest.approx(vmax * time, rel=1e-11, abs=1e-12 * (s0 + km))


@settings(max_examples=60)
@given(share=between(0.01, 0.99), vmax=over(0.1, 100), km=over(0.01, 100))
def test_the_solver_inverts_what_has_no_inverse_here(share: float, vmax: float, km: float) -> None:
    bracket = (0.0, 200 * km)
    rate = {"vmax": vmax, "km": km, "v": share * vmax}
    found = flux.solve("michaelis_menten(s, vmax, km) = v", s=bracket, **rate)
    assert found.converged
    assert found.root == pytest.approx(km * share / (1 - share), rel=1e-9)
