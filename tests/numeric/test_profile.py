"""Profile intervals: against published ones, SciPy's own scan, laws, and what is refused."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import flux
from flux.errors import ArgumentError, FluxError, NotFoundError, UnknownNameError
from flux.numeric.fitting import ProfileEnd
from tests.numeric import nist_sets

BOTH = (ProfileEnd.CROSSED, ProfileEnd.CROSSED)

# Reaction velocity by substrate, treated cells: Bates and Watts (1988), table A1.3.
PUROMYCIN = {
    "c": [0.02, 0.02, 0.06, 0.06, 0.11, 0.11, 0.22, 0.22, 0.56, 0.56, 1.10, 1.10],
    "v": [76, 47, 97, 107, 123, 139, 159, 152, 191, 201, 207, 200],
}
MICHAELIS_MENTEN = "v = Vm*c/(K + c)"


def puromycin(**options: Any) -> flux.Fit:
    return flux.fit(MICHAELIS_MENTEN, PUROMYCIN, Vm=205, K=0.08, **options)


def two_exponentials() -> flux.Fit:
    """The data and start of lmfit's example, whose figures are of this generator."""
    random = np.random.RandomState(0)
    x = np.linspace(1, 10, 250)
    y = 3.0 * np.exp(-x / 2) - 5.0 * np.exp(-(x - 0.1) / 10.0) + 0.1 * random.randn(x.size)
    model = "y = a1*exp(-x/t1) + a2*exp(-(x - 0.1)/t2)"
    return flux.fit(model, {"x": x, "y": y}, a1=3, a2=-4, t1=2, t2=10)


def test_puromycin_has_the_intervals_of_r() -> None:
    found = puromycin()
    # R's confint interpolates its profile, to about five digits: Vm 197.30212848 229.29006490,
    # K 0.04692517 0.08615995.
    for name, low, high in (("Vm", 197.30213, 229.29006), ("K", 0.04692517, 0.08615995)):
        profile = found.profile(name)
        assert (profile.low, profile.high) == pytest.approx((low, high), rel=2e-4)
        assert profile.ends == BOTH


# https://lmfit.github.io/lmfit-py/examples/documentation/confidence_advanced.html: the ends beside
# the value at 95.45% and 68.27%.
LMFIT = [
    ("a1", -0.27285, -0.14165, 0.16354, 0.36343),
    ("a2", -0.30440, -0.13219, 0.10689, 0.19684),
    ("t1", -0.23392, -0.12494, 0.14660, 0.32369),
    ("t2", -1.01937, -0.48813, 0.46045, 0.90439),
]


@pytest.mark.parametrize("row", LMFIT, ids=[row[0] for row in LMFIT])
def test_two_exponentials_have_the_intervals_of_lmfit(row: tuple[Any, ...]) -> None:
    name, *offsets = row
    found = two_exponentials()
    wide, narrow = (found.profile(name, math.erf(k / math.sqrt(2))) for k in (2, 1))
    ends = [wide.low, narrow.low, narrow.high, wide.high]
    assert [end - found[name] for end in ends] == pytest.approx(offsets, abs=6e-6)


def scipy_ends(found: flux.Fit, set_: nist_sets.NistSet, name: str) -> tuple[float, float]:
    """The same interval by SciPy: `least_squares` for the others, `brentq` for the ends."""
    from scipy.optimize import brentq, least_squares
    from scipy.stats import t

    sides = [flux.compile(side) for side in set_.model.split(" = ")]
    observed = sides[0]({k: set_.data[k] for k in sides[0].inputs})
    others = [n for n in found.names if n != name]
    scale = np.array([found[n] for n in others])
    quantile = t.ppf(0.975, found.degrees_of_freedom)

    def excess(value: float) -> float:
        def residuals(v: np.ndarray) -> np.ndarray:
            at = {**set_.data, name: value, **dict(zip(others, v * scale, strict=True))}
            curve: np.ndarray = observed - sides[1]({k: at[k] for k in sides[1].inputs})
            return curve

        ones = np.ones(len(others))
        least = least_squares(residuals, ones, xtol=1e-15, ftol=1e-15, gtol=1e-15)
        return float(2 * least.cost - found.chi_square) / found.noise**2 - quantile**2

    reach = 4 * quantile * found.errors[name]
    low, high = (brentq(excess, found[name], found[name] + s * reach) for s in (-1, 1))
    return low, high


@pytest.mark.parametrize("name", ["Misra1a", "DanWood", "Chwirut2", "Rat42"])
def test_sets_of_nist_have_the_intervals_that_scipy_finds(name: str) -> None:
    own = nist_sets.read(name)
    found = flux.fit(own.model, own.data, own.starts[1])
    for parameter in found.names:
        profile = found.profile(parameter)
        peer = scipy_ends(found, own, parameter)
        assert (profile.low, profile.high) == pytest.approx(peer, rel=2e-6)
        assert profile.ends == BOTH


@settings(max_examples=15)
@given(st.integers(0, 10**6), st.floats(0.5, 0.999), st.booleans())
def test_a_linear_model_has_the_intervals_of_the_textbook(
    seed: int, level: float, absolute: bool
) -> None:
    random = np.random.default_rng(seed)
    x = np.linspace(0, 5, 12)
    data = {"x": x, "y": 2 * x - 1 + random.normal(0, 0.3, 12)}
    found = flux.fit(
        "y = a + b*x", data, parameters=["a", "b"], sigma=0.3, absolute=absolute
    )  # fmt: skip
    for name, ends in found.intervals(level).items():
        profile = found.profile(name, level)
        assert (profile.low, profile.high) == pytest.approx(ends, rel=1e-6)


def test_another_spelling_of_a_parameter_has_the_same_interval() -> None:
    plain = puromycin().profile("K")
    logarithm = flux.fit("v = Vm*c/(exp(k) + c)", PUROMYCIN, Vm=205, k=-2.5).profile("k")
    assert (math.exp(logarithm.low), math.exp(logarithm.high)) == pytest.approx(
        (plain.low, plain.high), rel=1e-8
    )


def test_tau_rises_through_zero_to_the_quantile() -> None:
    profile = puromycin().profile("K", 0.9)
    assert (np.diff(profile.at) > 0).all()
    assert (np.diff(profile.tau) > 0).all()
    assert profile.tau[profile.at == profile.value].tolist() == [0.0]
    assert profile.tau[[0, -1]] == pytest.approx([-profile.quantile, profile.quantile])


def test_an_interval_may_have_no_end_where_the_data_allow_anything() -> None:
    # The curve hardly bends over these concentrations: its top may be anywhere above.
    c = np.array([0.01, 0.02, 0.03, 0.04, 0.05, 0.06])
    data = {"c": c, "v": 200 * c / (0.3 + c) + np.array([1, -1, 0.5, -1, 1, -0.5])}
    profile = flux.fit(MICHAELIS_MENTEN, data, Vm=200, K=0.3).profile("Vm")
    assert profile.ends[0] == ProfileEnd.CROSSED
    assert 0 < profile.low < profile.value
    assert profile.ends[1] in (ProfileEnd.OPEN, ProfileEnd.LOST)
    assert not math.isfinite(profile.high)
    assert profile.reasons[1]


def test_an_interval_ends_at_the_parameters_bound() -> None:
    profile = puromycin(bounds={"K": (0.06, None)}).profile("K")
    assert profile.low == 0.06
    assert profile.ends == (ProfileEnd.BOUND, ProfileEnd.CROSSED)
    assert profile.high == pytest.approx(puromycin().profile("K").high, rel=1e-8)


def test_a_parameter_at_its_bound_has_an_interval_from_there() -> None:
    found = puromycin(bounds={"K": (0.07, None)})
    assert found.at_bounds == ("K",)
    profile = found.profile("K")
    assert profile.low == profile.value == 0.07
    assert profile.ends == (ProfileEnd.BOUND, ProfileEnd.CROSSED)
    # Of the same level as the interval without a bound, whose sum of squares is the lower one.
    free = puromycin()
    rise = profile.quantile**2 * found.noise**2 + found.chi_square
    at = flux.fit(MICHAELIS_MENTEN, PUROMYCIN, Vm=205, fixed={"K": profile.high})
    assert at.chi_square == pytest.approx(rise, rel=1e-9)
    assert free.chi_square < found.chi_square


def test_a_group_has_an_interval_of_its_own() -> None:
    x = np.tile(np.linspace(0, 4, 9), 2)
    plate = np.repeat(["p", "q"], 9)
    noise = np.random.default_rng(1).normal(0, 0.1, 18)
    data = {"x": x, "y": np.where(plate == "p", 3, 7) * np.exp(-0.5 * x) + noise, "plate": plate}
    found = flux.fit("y = a*exp(-b*x)", data, a=1, b=1, groups="plate", per_group=["a"])
    profile = found.profile("a[q]")
    assert profile.low < found["a[q]"] < profile.high
    assert profile.ends == BOTH
    with pytest.raises(UnknownNameError, match="a\\[p\\]"):
        found.profile("a")


def test_a_lower_minimum_that_is_met_is_said() -> None:
    x = np.linspace(0, 10, 40)
    data = {"x": x, "y": np.sin(1.3 * x) + np.random.default_rng(0).normal(0, 0.3, 40)}
    found = flux.fit("y = sin(b*x)", data, b=2.4)  # a local minimum
    assert found.converged
    with pytest.raises(NotFoundError, match="lowest minimum") as caught:
        found.profile("b", 1 - 1e-9)
    assert "b=" in caught.value.hint


def test_profile_intervals_hold_the_truth_as_often_as_they_say() -> None:
    held, times = 0, 150
    x = np.linspace(0.2, 4, 7)
    for seed in range(times):
        y = 3 * np.exp(-0.8 * x) + np.random.default_rng(seed).normal(0, 0.15, 7)
        profile = flux.fit("y = a*exp(-b*x)", {"x": x, "y": y}, a=3, b=0.8).profile("b", 0.9)
        held += profile.low <= 0.8 <= profile.high
    assert 0.84 <= held / times <= 0.96


def test_the_likelihood_of_a_robust_loss_is_refused() -> None:
    with pytest.raises(ArgumentError, match="robust"):
        puromycin(loss="huber").profile("K")


def test_a_fit_that_did_not_converge_has_no_profile() -> None:
    with pytest.raises(NotFoundError, match="no profile"):
        flux.fit("y = exp(a + b)*x", {"x": [1, 2, 3], "y": [1, 2, 4]}, a=0, b=0).profile("a")


def test_residuals_of_rounding_have_no_profile() -> None:
    x = np.linspace(0, 1, 9)
    found = flux.fit("y = a + b*x", {"x": x, "y": 3 + 2 * x}, parameters=["a", "b"])
    with pytest.raises(NotFoundError, match="rounding"):
        found.profile("a")


def test_as_many_parameters_as_rows_have_no_profile() -> None:
    found = flux.fit("y = a + b*x", {"x": [1, 2], "y": [1, 3]}, parameters=["a", "b"])
    with pytest.raises(FluxError):
        found.profile("a")


@pytest.mark.parametrize(
    ("name", "level"),
    [("b", 0.95), ("", 0.95), ("K", 0), ("K", 1), ("K", math.nan), ("K", "0.9"), ("K", None),
     (None, 0.9), (3, 0.9), (["K"], 0.9)],
)  # fmt: skip
def test_what_is_no_parameter_or_level_is_refused(name: Any, level: Any) -> None:
    with pytest.raises(FluxError):
        puromycin().profile(name, level)
