"""The library: its worked examples, references in another form, derivatives, kinks, cards."""

from __future__ import annotations

import math
import re
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

import flux
from flux.errors import DataError
from flux.formulas import Formula, Quantity, is_outside
from flux.syntax.module import LIBRARY
from tests.formulas.reference import REFERENCES

FORMULAS = {formula.name: formula for formula in flux.formulas.list()}
EXAMPLES = [(name, n) for name, f in FORMULAS.items() for n in range(len(f.card.examples))]
ROWS = 120


@pytest.mark.parametrize(("name", "number"), EXAMPLES)
def test_the_worked_examples_come_out(name: str, number: int) -> None:
    example = FORMULAS[name].card.examples[number]
    found = FORMULAS[name](**dict(example.values))
    assert abs(found - example.expected) <= example.tolerance


@pytest.mark.parametrize("name", FORMULAS)
def test_a_card_says_all_that_it_must(name: str) -> None:
    card = FORMULAS[name].card
    assert len(card.examples) >= 2
    assert card.checked
    assert card.source
    assert re.search(r"doi:10\.\d{4,}/\S+|\b(1[89]|20)\d\d\b|NBK\d+", card.source)
    for example in card.examples:
        assert example.tolerance <= max(0.02 * abs(example.expected), 5e-3)  # whole percents


def test_most_formulas_have_a_value_that_others_published() -> None:
    published = [f for f in FORMULAS.values() if any(e.is_published for e in f.card.examples)]
    assert len(published) >= 0.7 * len(FORMULAS)


def test_every_formula_has_a_reference() -> None:
    assert set(REFERENCES) == set(FORMULAS)


# ---- References ----------------------------------------------------------------------------------


# Narrower than the valid range, where the reference itself loses digits or takes long.
NARROW: dict[tuple[str, str], tuple[float, float]] = {
    ("hardy_weinberg_exact", "n_aa"): (0, 300),
    ("hardy_weinberg_exact", "n_ab"): (0, 300),
    ("hardy_weinberg_exact", "n_bb"): (0, 300),
    ("haldane_recombination", "distance"): (1, 2000),
    ("kosambi_recombination", "distance"): (1, 800),
    ("kosambi_distance", "recombination"): (0.01, 0.4999),
    ("haldane_distance", "recombination"): (0.01, 0.4999),
    ("jukes_cantor", "p"): (0.01, 0.749),
    ("jukes_cantor_inverse", "distance"): (0.01, 40),
    ("kimura", "transitions"): (0.01, 0.24),
    ("kimura", "transversions"): (0.01, 0.499),
    **{(name, "confidence"): (0.5, 0.999) for name in FORMULAS},
    ("normal_quantile", "p"): (1e-12, 0.999999),
    ("score_at_percentile", "percentile"): (1e-10, 99.999),
    ("attributable_fraction", "relative_risk"): (0.01, 1000),
    ("oxygen_saturation", "po2"): (1, 700),
    ("oxygen_pressure", "saturation"): (0.001, 0.9999),
    ("wilson_low", "successes"): (1, 1000),
    ("wilson_low", "trials"): (1000, 100000),
    ("wilson_high", "successes"): (0, 1000),
    ("wilson_high", "trials"): (1000, 100000),
    ("log_additive_risk", "baseline"): (1e-6, 0.999),
    ("log_additive_risk", "beta"): (-2, 2),
    ("log_additive_risk", "dosage"): (0, 10),
    ("positive_predictive_value", "prevalence"): (1e-6, 1),
    ("positive_predictive_value", "sensitivity"): (1e-3, 1),
    ("z_p_value", "z"): (-8, 8),
    ("wald_p_value", "error"): (0.5, 10),
    ("wald_p_value", "estimate"): (-10, 10),
    ("chi2_p_value", "chi2"): (1e-3, 60),
    ("progress_curve", "time"): (0, 100),
    ("progress_curve", "s0"): (0.1, 100),
    ("progress_curve", "km"): (0.1, 100),
    ("progress_curve", "vmax"): (0.001, 10),
    ("morrison", "enzyme"): (1e-3, 1e6),
    ("morrison", "inhibitor"): (0, 1e6),
    ("morrison", "ki"): (1e-3, 1e6),
    ("number_needed_to_treat", "control"): (0.5, 1),
    ("number_needed_to_treat", "treated"): (0, 0.49),
    ("lod", "recombinants"): (0, 10),
    ("lod", "meioses"): (10, 100),
    **{("matthews_correlation", f"n_{cell}"): (1, 1000) for cell in ("tp", "fp", "tn", "fn")},
    ("mean_arterial_pressure", "sbp"): (120, 300),
    ("mean_arterial_pressure", "dbp"): (10, 119),
    ("fst_hudson", "frequency_1"): (0.05, 0.95),
    ("tajima_d", "n_sequences"): (4, 60),
    ("tajima_d", "n_sites"): (1, 500),
    ("tajima_d", "pairwise"): (0, 200),
    ("inbreeding_coefficient", "n_aa"): (1, 1000),
    ("inbreeding_coefficient", "n_ab"): (1, 1000),
    ("inbreeding_coefficient", "n_bb"): (1, 1000),
    ("hardy_weinberg_chi2", "n_aa"): (1, 1000),
    ("hardy_weinberg_chi2", "n_ab"): (1, 1000),
    ("hardy_weinberg_chi2", "n_bb"): (1, 1000),
    ("hardy_weinberg_p_value", "n_aa"): (40, 60),
    ("hardy_weinberg_p_value", "n_ab"): (80, 120),
    ("hardy_weinberg_p_value", "n_bb"): (40, 60),
    **{(f"linkage_{kind}", n): (1, 1000) for kind in ("d", "d_prime", "r2")
       for n in ("n_ab", "n_a", "n_b", "n_o")},
    **{(f"{name}{end}", cell): (0.5, 1000) for name in ("odds_ratio", "risk_ratio")
       for end in ("", "_low", "_high") for cell in "abcd"},
    **{("risk_difference", cell): (0.5, 1000) for cell in "abcd"},
    **{(name, n): (0.2, 4) for name in FORMULAS for n in ("slope", "n", "asymmetry")},
    **{(name, n): (0.1, 50) for name in ("hill", "hill_inverse", "logistic4", "logistic5",
                                         "logistic4_inverse", "logistic5_inverse")
       for n in ("concentration", "ec50", "dose", "middle")},
    **{(name, "top"): (60, 100) for name in FORMULAS},
    **{(name, "bottom"): (0, 20) for name in FORMULAS},
    **{(name, "response"): (21, 59) for name in FORMULAS},
    ("hill", "emax"): (10, 100),
    ("hill_inverse", "emax"): (60, 100),
    ("hill_inverse", "effect"): (1, 59),
}  # fmt: skip


def _range(name: str, quantity: Quantity) -> tuple[float, float]:
    low, high = NARROW.get((name, quantity.name), (quantity.low, quantity.high))
    return max(low, quantity.low), min(high, quantity.high)


@cache
def sample(name: str) -> dict[str, NDArray[np.float64]]:
    """Rows within the valid range: uniform in the value, or in its logarithm where it is wide."""
    random = np.random.default_rng(sum(map(ord, name)))
    found = {}
    for quantity in FORMULAS[name].card.inputs:
        low, high = _range(name, quantity)
        if quantity.is_flag:
            values = random.integers(0, 2, ROWS).astype(float)
        elif low > 0 and high / low > 100:
            values = np.exp(random.uniform(math.log(low), math.log(high), ROWS))
        else:
            values = random.uniform(low, high, ROWS)
        if quantity.name.startswith("n_") or quantity.name in ("recombinants", "meioses"):
            values = np.round(values)
        found[quantity.name] = np.clip(values, low, high)
    return found


@pytest.mark.parametrize("name", FORMULAS)
def test_a_formula_agrees_with_its_reference(name: str) -> None:
    rows = sample(name)
    found = FORMULAS[name](**rows)
    wanted = [REFERENCES[name](*map(float, row)) for row in zip(*rows.values(), strict=True)]
    np.testing.assert_allclose(found, wanted, rtol=2e-10, atol=1e-12)
    assert np.isfinite(found).all()


@pytest.mark.parametrize("name", FORMULAS)
def test_results_lie_within_the_range_that_the_card_says(name: str) -> None:
    found = np.asarray(FORMULAS[name](**sample(name)))
    assert not is_outside(FORMULAS[name].card.result, found * (1 - 1e-12)).any()


ANY = [0.0, -0.0, -1.0, 1.0, 2.0, math.nan, math.inf, -math.inf, 1e308, -1e308]


@pytest.mark.parametrize("name", FORMULAS)
def test_what_is_no_valid_value_gives_nan_or_an_error_and_never_a_number(name: str) -> None:
    """Each input in turn is anything at all, and at and just beyond the ends of its range."""
    formula = FORMULAS[name]
    example = dict(formula.card.examples[0].values)
    for q in formula.card.inputs:
        ends = [q.low, q.high, math.nextafter(q.low, -math.inf), math.nextafter(q.high, math.inf)]
        values = np.array([*ANY, *ends])
        outside = is_outside(q, values) | np.isnan(values)
        given = {**example, q.name: values}
        found = formula(given, outside="nan")
        assert np.isnan(found[outside]).all(), q.name
        _check_result(formula, found[~outside])
        with pytest.raises(DataError, match=f"`{q.name}` is"):
            formula(given)
        assert np.array_equal(formula({**given, q.name: values[~outside]}), found[~outside], True)


def _check_result(formula: Formula, found: NDArray[np.float64]) -> None:
    """Numbers within the range of the card, but for rounding; where there is none, nan."""
    low, high = formula.card.result.low, formula.card.result.high
    number = found[~np.isnan(found)]
    assert (number >= low - 1e-12 * abs(low)).all(), number.min()
    assert (number <= high + 1e-12 * abs(high)).all(), number.max()


@pytest.mark.parametrize("name", FORMULAS)
def test_results_lie_within_their_range_over_the_whole_range_of_the_inputs(name: str) -> None:
    random = np.random.default_rng(2)
    rows = {q.name: _anywhere(q, random) for q in FORMULAS[name].card.inputs}
    if name == "hardy_weinberg_exact":
        rows = {key: np.rint(values) for key, values in rows.items()}
    _check_result(FORMULAS[name], FORMULAS[name](rows))


IMPOSSIBLE = [
    ("mean_arterial_pressure", {"sbp": 80, "dbp": 120}),
    ("lod", {"recombinants": 11, "meioses": 10, "theta": 0.1}),
    ("wilson_low", {"successes": 101, "trials": 100, "confidence": 0.99}),
    ("wilson_high", {"successes": 101, "trials": 100, "confidence": 0.99}),
    ("kimura", {"transitions": 0.4, "transversions": 0.3}),
    ("matthews_correlation", {"n_tp": 5, "n_fp": 3, "n_tn": 0, "n_fn": 0}),
    ("fst_hudson", {"frequency_1": 1, "n_1": 4, "frequency_2": 1, "n_2": 4}),
    ("hardy_weinberg_chi2", {"n_aa": 10, "n_ab": 0, "n_bb": 0}),
    ("linkage_r2", {"n_ab": 10, "n_a": 5, "n_b": 0, "n_o": 0}),
]


@pytest.mark.parametrize(("name", "values"), IMPOSSIBLE)
def test_values_that_do_not_go_together_give_nan(name: str, values: dict[str, float]) -> None:
    """Swapped columns, more successes than trials, one allele only."""
    assert math.isnan(FORMULAS[name](values))


@pytest.mark.parametrize("name", FORMULAS)
def test_numbers_one_by_one_are_those_of_arrays(name: str) -> None:
    rows = sample(name)
    formula = FORMULAS[name]
    found = formula(**rows)
    for i in range(3):
        one = formula(**{key: float(values[i]) for key, values in rows.items()})
        assert isinstance(one, float)
        np.testing.assert_allclose(one, found[i], rtol=1e-12)


# ---- Derivatives ---------------------------------------------------------------------------------

DISCRETE = {"hardy_weinberg_exact", "cha2ds2_vasc"}  # sums over whole numbers, points that jump
SMOOTH = [name for name in FORMULAS if name not in DISCRETE]


def _by(formula: Formula) -> list[str]:
    return [quantity.name for quantity in formula.card.inputs if not quantity.is_flag]


@cache
def slopes(name: str) -> flux.CompiledFunction:
    """The derivatives by every input that is no flag, by name."""
    formula = FORMULAS[name]
    return flux.compile({by: formula.expr.diff(by) for by in _by(formula)})


@pytest.mark.parametrize("name", SMOOTH)
def test_derivatives_are_finite_and_those_of_differences(name: str) -> None:
    formula, rows = FORMULAS[name], sample(name)
    value = np.asarray(formula(**rows))
    apart = _distance_from_kinks(formula, rows)
    for by, slope in slopes(name)(rows).items():
        assert np.isfinite(slope).all(), by
        step = 1e-5 * np.where(rows[by] == 0, 1.0, np.abs(rows[by]))
        low, high = _range(name, next(q for q in formula.card.inputs if q.name == by))
        inside = (rows[by] - step > low) & (rows[by] + step < high) & (apart > 1e-3)
        up = formula(**{**rows, by: rows[by] + step}, outside="keep")
        down = formula(**{**rows, by: rows[by] - step}, outside="keep")
        difference = (up - down) / (2 * step)
        allowed = 1e-4 * np.abs(slope) + 1e-9 * np.abs(value) / step + 1e-12
        assert (np.abs(difference - slope) <= allowed)[inside].all(), by


@pytest.mark.parametrize("name", SMOOTH)
def test_sensitivities_at_the_worked_examples_are_those_of_differences(name: str) -> None:
    """To fourth order; where the points of a difference are on one side of every kink."""
    formula, checked = FORMULAS[name], 0
    for example in formula.card.examples:
        values = dict(example.values)
        for by, slope in slopes(name)(values).items():
            step = 2e-4 * (abs(values[by]) or 1.0)
            at = {**values, by: values[by] + step * np.array([-2, -1, 1, 2])}
            one = next(q for q in formula.card.inputs if q.name == by)
            rows = {key: np.full(ROWS, value) for key, value in values.items()}
            if is_outside(one, at[by]).any() or _distance_from_kinks(formula, rows)[0] < 1e-2:
                continue
            difference = formula(at) @ np.array([1, -8, 8, -1]) / (12 * step)
            size = abs(formula(values)) / (abs(values[by]) or 1.0)
            assert slope == pytest.approx(difference, rel=2e-6, abs=1e-8 * size + 1e-13), by
            checked += 1
    assert checked


@pytest.mark.parametrize("name", SMOOTH)
def test_derivatives_are_finite_over_the_whole_range(name: str) -> None:
    """Wherever the value is; at the ends of the range too, but for its kinks."""
    formula = FORMULAS[name]
    random = np.random.default_rng(1)
    rows = {q.name: _anywhere(q, random) for q in formula.card.inputs}
    smooth = np.isfinite(np.asarray(formula(**rows))) & (_distance_from_kinks(formula, rows) > 0)
    for by, slope in slopes(name)(rows).items():
        assert np.isfinite(np.broadcast_to(slope, (ROWS,))[smooth]).all(), by


def _anywhere(quantity: Quantity, random: np.random.Generator) -> NDArray[np.float64]:
    low, high = quantity.low, quantity.high
    if quantity.is_flag:
        return random.integers(0, 2, ROWS).astype(float)
    ends = random.choice([low, high], ROWS)
    if low > 0:
        values = np.exp(random.uniform(math.log(low), math.log(high), ROWS))
    else:
        values = low + (high - low) * random.uniform(0, 1, ROWS) ** random.choice([1, 9], ROWS)
    return np.asarray(np.clip(np.where(random.uniform(0, 1, ROWS) < 0.1, ends, values), low, high))


def _distance_from_kinks(
    formula: Formula, rows: dict[str, NDArray[np.float64]]
) -> NDArray[np.float64]:
    """How far each row is from the nearest kink, beside the size of its sides."""
    found = np.full(ROWS, np.inf)
    for kink in formula.card.kinks:
        left, right = (flux.compile(side)(rows) for side in kink.split("=", 1))
        scale = np.maximum(np.abs(left), np.abs(right)) + 1e-300
        found = np.minimum(found, np.abs(left - right) / scale)
    return found


KINKS = [(name, n) for name, f in FORMULAS.items() for n in range(len(f.card.kinks))]


@pytest.mark.parametrize(("name", "number"), KINKS)
def test_a_kink_that_a_card_names_is_one(name: str, number: int) -> None:
    """On the two sides of it, slopes differ, or the value ends; a range has one side at its end."""
    formula = FORMULAS[name]
    left, _, right = formula.card.kinks[number].partition("=")
    by = left.split("^")[0].split("*")[0].strip()
    rows = {key: values.copy() for key, values in sample(name).items()}
    others = {k: v for k, v in rows.items() if k != by}
    place = np.broadcast_to(_solved(formula, by, left, right, others), (ROWS,))
    quantity = next(q for q in formula.card.inputs if q.name == by)
    if (place <= quantity.low).all():
        return
    step = 1e-6 * np.maximum(np.abs(place), 1e-3)
    above, below = (slopes(name)({**others, by: place + s})[by] for s in (step, -step))
    alike = np.abs(above - below) <= 1e-3 * np.maximum(np.abs(above), np.abs(below))
    assert alike.mean() < 0.8  # beyond an end of the domain, a slope is nan


def _solved(
    formula: Formula, by: str, left: str, right: str, others: dict[str, NDArray[np.float64]]
) -> NDArray[np.float64]:
    if left.strip() == by:
        return np.asarray(flux.compile(right)({**others}))
    power = 2 if "^2" in left else 1
    factor = flux.compile(right)({**others})
    rest = left.strip().removeprefix(by).removeprefix("^2").removeprefix("*") or "1"
    return np.asarray((factor / flux.compile(rest)({**others})) ** (1 / power))


@pytest.mark.parametrize("slope", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("response", [0.5, 9.5])
def test_a_response_that_no_dose_has_gives_nan(response: float, slope: float) -> None:
    """A whole exponent would make a negative dose of it."""
    curve = {"top": 9, "bottom": 1, "slope": slope}
    assert math.isnan(FORMULAS["logistic4_inverse"](response=response, ec50=2, **curve))
    rest = {"middle": 2, "asymmetry": 1.0}
    assert math.isnan(FORMULAS["logistic5_inverse"](response=response, **rest, **curve))
    assert math.isnan(FORMULAS["hill_inverse"](effect=9.5, emax=9, ec50=2, n=slope))


# ---- The files -----------------------------------------------------------------------------------


def test_formulas_can_be_called_in_every_text() -> None:
    found = flux.evaluate("egfr_ckd_epi_2021(c, 55, 0) + 0*bmi(70, 1.75)", c=1.09)
    assert round(found) == 80


def test_names_of_formulas_clash_with_no_other_of_the_library() -> None:
    assert len(set(LIBRARY.names())) == len(list(LIBRARY.names()))


def test_derivatives_of_formulas_are_formulas() -> None:
    assert str(flux.parse("michaelis_menten(s, v, k)").diff("v")) == "s/(k + s)"


@pytest.mark.parametrize("name", FORMULAS)
def test_latex_and_text_are_shown(name: str) -> None:
    latex = FORMULAS[name].to_latex()
    assert latex.count("{") == latex.count("}")
    assert "\n" in latex or "=" in latex
    assert max(map(len, latex.splitlines())) < 600  # of which a person reads a line
    assert str(FORMULAS[name]).startswith(f"{name}: {FORMULAS[name].card.title}")
