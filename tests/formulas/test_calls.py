"""Formulas called: values, units, ranges, missing values, and every mistake of a caller."""

from __future__ import annotations

import math
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pint
import pytest

import flux
from flux.errors import ArgumentError, DataError, FluxError, ShapeError, UnknownNameError

EGFR = flux.formulas.get("egfr_ckd_epi_2021")
REGISTRY = pint.UnitRegistry()


def test_values_come_by_place_and_by_name() -> None:
    assert EGFR(1.09, 55, 0) == EGFR(creatinine=1.09, age=55, female=0)
    assert EGFR(1.09, female=0, age=55) == EGFR(1.09, 55, False)
    assert isinstance(EGFR(1.09, 55, 0), float)


def test_arrays_broadcast() -> None:
    found = EGFR([[0.8], [1.1]], np.array([40, 50, 60]), 1)
    assert found.shape == (2, 3)
    assert found[1, 2] == EGFR(1.1, 60, 1)
    assert EGFR(np.zeros(0) + 1.0, 55, 0).shape == (0,)
    assert EGFR(pd.Series([0.8, 1.1]), 55, 0).shape == (2,)


def test_a_mapping_or_a_table_gives_the_columns_of_the_inputs() -> None:
    table = {"age": [40, 50], "creatinine": [0.8, 1.1], "name": ["a", "b"]}
    wanted = EGFR([0.8, 1.1], [40, 50], 1)
    assert EGFR(table, female=1).tolist() == wanted.tolist()
    assert EGFR(pd.DataFrame(table), female=1).tolist() == wanted.tolist()
    found = EGFR({**table, "female": 1, "age": 50}, units={"creatinine": "g/L"}, outside="nan")
    assert np.isnan(found).all()


def test_options_yield_to_inputs_of_their_names() -> None:
    text = (
        "# title: t\n# source: s\n# result r [1] 0 to 9: r\n# input unit [1] 0 to 3: x\n"
        "# input outside [m] 0 to 3: y\nsum_of(unit, outside) = unit + outside\n"
    )
    added = flux.formulas.read(text)["sum_of"]
    assert added(unit=1, outside=200, units={"outside": "cm"}) == 3
    assert added(1, 2) == 3


def test_units_are_converted_however_they_are_said() -> None:
    wanted = EGFR(1.0, 55, 0)
    moles = 1.0 / 0.011312
    assert EGFR(moles, 55, 0, units={"creatinine": "umol/L"}) == pytest.approx(wanted, rel=1e-13)
    assert EGFR(REGISTRY.Quantity(moles, "umol/L"), 55, 0) == pytest.approx(wanted, rel=1e-13)
    array = REGISTRY.Quantity(np.array([moles, 2 * moles]), "umol/L")
    assert EGFR(array, 55, 0)[0] == pytest.approx(wanted, rel=1e-13)
    assert EGFR(REGISTRY.Quantity(10, "mg/L"), 55, 0) == pytest.approx(wanted, rel=1e-13)


def test_a_result_is_converted() -> None:
    ldl = flux.formulas.get("ldl_friedewald")
    found = ldl(200, 50, 150, unit="mmol/L")
    assert found == pytest.approx(120 / 38.665, rel=1e-12)
    with pytest.raises(ArgumentError, match="no such quantity"):
        ldl(200, 50, 150, unit="year")


def test_the_form_in_mmol_agrees_with_the_converted_one() -> None:
    """But for the 2.2 that laboratories round 2.18 to."""
    units = dict.fromkeys(["total_cholesterol", "hdl", "triglycerides"], "mmol/L")
    converted = flux.formulas.get("ldl_friedewald")(5.2, 1.3, 1.7, units=units, unit="mmol/L")
    assert converted == pytest.approx(
        flux.formulas.get("ldl_friedewald_si")(5.2, 1.3, 1.7), abs=0.01
    )


def test_homa_is_the_same_in_both_units() -> None:
    mmol = flux.formulas.get("homa_ir")(glucose=5.5, insulin=10)
    mg = flux.formulas.get("homa_ir_mg_dl")(5.5, 10, units={"glucose": "mmol/L"})
    assert mg == pytest.approx(mmol, rel=1e-3)


# ---- Ranges and missing values -------------------------------------------------------------------


def test_a_value_outside_its_range_is_an_error_with_its_place() -> None:
    with pytest.raises(DataError) as caught:
        EGFR([0.9, 96.4], 55, 0)
    assert "`creatinine` is 96.4 at 1, outside the range" in str(caught.value)
    assert "0.1 to 40 mg/dL" in str(caught.value)
    assert caught.value.hint.startswith("`units` says which unit it is in; `outside`")
    with pytest.raises(DataError, match=r"`age` is 17 at \[1, 0\]"):
        EGFR(1.0, [[18], [17]], 0)


def test_rows_outside_are_left_out_or_kept() -> None:
    left_out = EGFR([0.9, 96.4], 55, 0, outside="nan")
    kept = EGFR([0.9, 96.4], 55, 0, outside="keep")
    assert np.isnan(left_out).tolist() == [False, True]
    assert np.isfinite(kept).all()
    assert left_out[0] == kept[0]


@pytest.mark.parametrize("value", [0.5, 2, -1, math.inf])
def test_a_flag_is_0_or_1(value: float) -> None:
    with pytest.raises(DataError, match="0 or 1"):
        EGFR(1.0, 55, value)


def test_what_is_missing_gives_nan_also_for_a_flag() -> None:
    """`where` takes nan for true, so that a person of unknown sex would be a woman."""
    assert math.isnan(EGFR(1.0, 55, math.nan))
    assert math.isnan(EGFR(math.nan, 55, 0))
    assert np.isnan(EGFR([1.0, math.nan], 55, [1, 0])).tolist() == [False, True]
    assert math.isnan(EGFR(1.0, 55, math.nan, outside="keep"))


# ---- Mistakes --------------------------------------------------------------------------------

MISTAKES: list[tuple[tuple[Any, ...], dict[str, Any], type[FluxError], str]] = [
    ((), {}, UnknownNameError, "no value for `creatinine`"),
    ((1, 55, 0, 1), {}, ArgumentError, "4 arguments for 3 inputs"),
    ((1, 55), {"sex": 0}, UnknownNameError, "has no input `sex`"),
    ((1, 55), {"femal": 0}, UnknownNameError, "did you mean `female`?"),
    ((1, 55, 0), {"age": 55}, ArgumentError, "`age` is given twice"),
    ((1, 55, 0), {"outside": "drop"}, ArgumentError, "one of raise, nan, keep"),
    ((1, 55, 0), {"outside": "keeep"}, ArgumentError, "did you mean `keep`?"),
    ((1, 55, 0), {"units": "mg/dL"}, ArgumentError, "units are a mapping"),
    ((1, 55, 0), {"units": {"creatinin": "mg/dL"}}, UnknownNameError, "`creatinine`?"),
    ((1, 55, 0), {"units": {"creatinine": 3}}, ArgumentError, "plain number is not"),
    ((1, 55, 0), {"units": {"creatinine": None}}, UnknownNameError, "no unit"),
    (({"creatinine": 1, "age": 55},), {}, UnknownNameError, "no column `female`"),
    ((pd.DataFrame({"creatinin": [1]}),), {"age": 1, "female": 0}, UnknownNameError, "no column"),
    ((1, 55, 0), {"units": ""}, ArgumentError, "units are a mapping"),
    ((1, 55, 0), {"outside": [1]}, ArgumentError, "no way [1]"),
    (("high", 55, 0), {}, ArgumentError, "`creatinine` has dtype"),
    (([1, None], 55, 0), {}, ArgumentError, "`creatinine` has dtype object"),
    ((1 + 2j, 55, 0), {}, ArgumentError, "complex"),
    (([1, 2], [55, 56, 57], 0), {}, ShapeError, "do not broadcast"),
    (([[1], [1, 2]], 55, 0), {}, ArgumentError, "not an array"),
    ((10**400, 55, 0), {}, FluxError, "`creatinine`"),
    ((np.ma.array([1.0], mask=[True]), 55, 0), {}, ArgumentError, "masked"),
]


@pytest.mark.parametrize(("args", "named", "kind", "words"), MISTAKES)
def test_a_mistake_is_an_error_of_flux(
    args: tuple[Any, ...], named: dict[str, Any], kind: type[FluxError], words: str
) -> None:
    with pytest.raises(kind) as caught:
        EGFR(*args, **named)
    assert words in str(caught.value)


def test_a_quantity_with_two_units_is_refused() -> None:
    with pytest.raises(ArgumentError, match="carries a unit"):
        EGFR(REGISTRY.Quantity(1, "mg/dL"), 55, 0, units={"creatinine": "mg/dL"})


def test_names_are_found_or_suggested() -> None:
    with pytest.raises(UnknownNameError) as caught:
        flux.formulas.get("egfr_ckdepi_2021")
    assert "did you mean `egfr_ckd_epi_2021`?" in str(caught.value)
    with pytest.raises(UnknownNameError, match="there is no formula") as caught:
        flux.formulas.get("severinghaus")
    assert caught.value.hint == "there are oxygen_saturation, oxygen_pressure"
    with pytest.raises(UnknownNameError) as caught:
        flux.formulas.get("kidny")
    assert caught.value.hint == "did you mean `kidney`?"
    with pytest.raises(UnknownNameError) as caught:
        flux.formulas.get("zzzz")
    assert str(caught.value.hint).startswith("the topics are blood gas, body, ")
    with pytest.raises(ArgumentError):
        flux.formulas.get(3)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError):
        flux.formulas.list(None)  # type: ignore[arg-type]


def test_formulas_are_searched_by_words_of_any_case() -> None:
    names = [formula.name for formula in flux.formulas.list("CKD-EPI cystatin")]
    assert names == ["egfr_ckd_epi_2021_cystatin", "egfr_ckd_epi_2012_cystatin"]
    assert {f.topic for f in flux.formulas.list("blood gas")} >= {"blood gas"}
    assert flux.formulas.list("no such thing") == []
    assert len(flux.formulas.list()) > 90


def test_a_text_of_ones_own_gives_formulas() -> None:
    text = (
        "# title: t\n# source: s\n# result r [m] 0 to 9: r\n# input x [m] 0 to 3: x\n"
        "# example x=1 -> 2 +- 0: s\ntwice(x) = helper(x)\nhelper(x) = 2*x\n"
    )
    found = flux.formulas.read(text)
    assert list(found) == ["twice"]
    assert found["twice"](150, units={"x": "cm"}) == 3.0
    assert "helper" in found["twice"].to_latex()
    with pytest.raises(DataError):
        found["twice"](4)


@pytest.mark.parametrize("text", [3, b"# title: t", None, Path("mine.flux"), ["f(x) = x"]])
def test_what_is_no_text_has_no_formulas(text: Any) -> None:
    for reader in (flux.formulas.read, flux.formulas.read_cards):
        with pytest.raises(ArgumentError, match=f"text, not {type(text).__name__}"):
            reader(text)


def test_a_formula_pickles() -> None:
    assert pickle.loads(pickle.dumps(EGFR)) is EGFR
    text = (
        "# title: t\n# source: s\n# result r [m] 0 to 9: r\n# input x [m] 0 to 3: x\nf(x) = 2*x\n"
    )
    assert pickle.loads(pickle.dumps(flux.formulas.read(text)["f"]))(1.5) == 3


def test_an_expression_of_a_formula_compiles_and_pickles() -> None:
    compiled = pickle.loads(pickle.dumps(flux.compile(EGFR.expr)))
    assert compiled(creatinine=1.09, age=55, female=0) == EGFR(1.09, 55, 0)
