"""Units of columns: converted to those of the cards, or refused."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import flux
from flux.cli.entry import run
from flux.errors import ArgumentError, FluxError

pint = pytest.importorskip("pint", reason="the extra `units` is not installed")
UREG: Any = pint.UnitRegistry()

EGFR = 'egfr = egfr_ckd_epi_2021(creatinine, age, sex == "F")'
TABLE = {"creatinine": [0.8, 1.1], "age": [70.0, 50.0], "sex": ["F", "M"]}
WANTED = [79.21510262436031, 81.78200505872415]
MOLAR = [value * 88.4 for value in TABLE["creatinine"]]  # umol/L, to three digits


def test_a_column_with_a_stated_unit_is_converted() -> None:
    table = {**TABLE, "creatinine": MOLAR}
    scorer = flux.scorer(EGFR, units={"creatinine": "umol/L"})
    found, report = scorer.score(table)
    assert found["egfr"] == pytest.approx(WANTED, rel=1e-3)
    assert report.outside["creatinine"].count == 0
    own = flux.formulas.get("egfr_ckd_epi_2021")
    exact = own(MOLAR, TABLE["age"], [1, 0], units={"creatinine": "umol/L"})
    assert found["egfr"] == pytest.approx(exact, rel=1e-14)
    assert pickle.loads(pickle.dumps(scorer))(table)["egfr"].tolist() == found["egfr"].tolist()
    same = flux.score(TABLE, EGFR, units={"creatinine": "mg/dL"})["egfr"]
    assert same == pytest.approx(WANTED, rel=1e-14)


def test_columns_of_quantities_carry_their_own() -> None:
    table: dict[str, Any] = {**TABLE, "creatinine": np.array(MOLAR) * UREG("umol/L")}
    assert flux.score(table, EGFR)["egfr"] == pytest.approx(WANTED, rel=1e-3)
    with pytest.raises(ArgumentError, match="carries a unit"):
        flux.score(table, EGFR, units={"creatinine": "mg/dL"})
    with pytest.raises(ArgumentError, match="no formula says which unit"):
        flux.score(table, "y = 2*creatinine")


def test_columns_of_pint_pandas_carry_their_own() -> None:
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pint_pandas")
    columns = {
        "creatinine": pandas.array([*MOLAR, np.nan], dtype="pint[umol/L]"),
        "age": pandas.array([840, 600, None], dtype="pint[month][Int64]"),
        "sex": ["F", "M", "F"],
    }
    frame = pandas.DataFrame(columns, index=[5, 6, 7])
    found, report = flux.score(frame, EGFR, keep="creatinine", report=True)
    assert found["egfr"].tolist() == pytest.approx([*WANTED, np.nan], rel=1e-3, nan_ok=True)
    assert found.index.tolist() == [5, 6, 7]
    assert str(found["creatinine"].dtype).startswith("pint[micromole / liter]")
    assert (report.missing["creatinine"].count, report.missing["age"].first) == (1, 2)
    with pytest.raises(ArgumentError, match="no such quantity"):
        flux.score(frame.assign(age=columns["creatinine"]), EGFR)
    with pytest.raises(ArgumentError, match="carries a unit, month"):
        flux.score(frame, EGFR, units={"age": "year"})
    with pytest.raises(ArgumentError, match="no formula says which unit"):
        flux.score(frame, "y = 2*age")


@pytest.mark.parametrize(
    ("units", "message"),
    [
        ({"creatinine": "mmHg"}, "no such quantity"),
        ({"creatinine": "nonsense"}, "nonsense"),
        ({"creatinin": "mg/dL"}, "no formula reads `creatinin`"),
        ({"sex": "mg/dL"}, "no formula says"),
        ("mg/dL", "mapping"),
    ],
)
def test_units_that_do_not_fit_are_refused(units: Any, message: str) -> None:
    with pytest.raises(FluxError) as caught:
        flux.scorer(EGFR, units=units)
    assert message in caught.value.text


def test_two_formulas_may_need_different_units() -> None:
    text = """
# title: One
# source: none
# result y [1] 0 to 9: y
# input c [mg/dL] 0 to 9: c
one(c) = c
# title: Two
# source: none
# result y [1] 0 to 9: y
# input c [mg/L] 0 to 9: c
two(c) = c
y = one(a) + two(a)
"""
    with pytest.raises(ArgumentError, match="different units"):
        flux.scorer(text, units={"a": "g/L"})


def test_units_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "t.csv"
    table.write_text("creatinine,age,sex\n70.72,70,F\n")
    arguments = ["score", EGFR, str(table), "--keep", "none", "--units"]
    assert run([*arguments, "creatinine=umol/L"]) == 0
    assert float(capsys.readouterr().out.split()[1]) == pytest.approx(WANTED[0], rel=1e-3)
    assert run([*arguments, "creatinine"]) == 2
