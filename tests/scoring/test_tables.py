"""Scoring tables of every kind: equal values, the kind handed in, order and index kept."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import flux
from flux.errors import ArgumentError, DataError, ShapeError, UnknownNameError

EGFR = """
_k = where(sex == "F", 0.7, 0.9)
_a = where(sex == "F", -0.241, -0.302)
egfr = 142*min(scr/_k, 1)^_a*max(scr/_k, 1)^-1.2*0.9938^age*where(sex == "F", 1.012, 1)
old = age > 65
"""
COLUMNS: dict[str, list[Any]] = {
    "id": ["p1", "p2", "p3", "p4", "p5"],
    "sex": ["F", "M", None, "F", "M"],
    "scr": [0.8, 1.1, 0.9, None, 4.0],
    "age": [70, 50, 66, 40, 60],
}
# CKD-EPI 2021, creatinine: the first two and the last are published worked values (79.2; 82; 16.3),
# to the digits that the equation gives.
WANTED = [79.21510262436031, 81.78200505872415, math.nan, math.nan, 16.3247639662122]

KINDS: dict[str, Callable[[dict[str, list[Any]]], Any]] = {
    "mapping": lambda columns: {n: np.array(v, dtype=object) for n, v in columns.items()},
    "lists": dict,
    "pandas": lambda columns: pd.DataFrame(columns, index=list("vwxyz")),
    "pandas nullable": lambda columns: pd.DataFrame(columns).convert_dtypes(),
    "pandas arrow": lambda columns: pa.table(columns).to_pandas(types_mapper=pd.ArrowDtype),
    "pandas categories": lambda columns: pd.DataFrame(columns).astype({"sex": "category"}),
    "pandas objects": lambda columns: pd.DataFrame(columns, dtype=object),
    "polars": lambda columns: pl.DataFrame(columns),
    "polars categories": lambda columns: pl.DataFrame(columns).cast({"sex": pl.Categorical}),
    "polars enum": lambda columns: pl.DataFrame(columns).cast({"sex": pl.Enum(["M", "F"])}),
    "polars lazy": lambda columns: pl.LazyFrame(columns),
    "arrow": lambda columns: pa.table(columns),
    "arrow batch": lambda columns: pa.RecordBatch.from_pydict(columns),
    "arrow chunks": lambda columns: pa.concat_tables(
        [pa.table(columns).slice(0, 2), pa.table(columns).slice(2)]
    ),
    "arrow dictionary": lambda columns: pa.table(
        {**columns, "sex": pa.array(columns["sex"]).dictionary_encode()}
    ),
    "arrow reader": lambda columns: pa.RecordBatchReader.from_batches(
        pa.table(columns).schema, pa.table(columns).to_batches(2)
    ),
}


def as_columns(found: Any) -> dict[str, list[Any]]:
    """A result of any kind as lists; None becomes nan."""
    if isinstance(found, pl.LazyFrame):
        found = found.collect()
    if isinstance(found, pa.RecordBatchReader):
        found = found.read_all()
    if isinstance(found, pl.DataFrame):
        return found.to_dict(as_series=False)
    if isinstance(found, pa.Table | pa.RecordBatch):
        return found.to_pydict()
    return {name: list(found[name]) for name in found}


@pytest.mark.parametrize("kind", KINDS)
def test_a_table_of_every_kind_gives_one_of_its_kind(kind: str) -> None:
    table = KINDS[kind](COLUMNS)
    found = flux.score(table, EGFR, keep="id")
    assert type(found) is type(table)
    columns = as_columns(found)
    assert list(columns) == ["id", "egfr", "old"]
    assert list(columns["id"]) == COLUMNS["id"]
    assert columns["egfr"] == pytest.approx(WANTED, rel=1e-14, nan_ok=True)
    assert columns["old"] == [1, 0, 1, 0, 0]


def test_an_index_is_kept() -> None:
    table = KINDS["pandas"](COLUMNS).iloc[[3, 0, 4]]
    found = flux.score(table, EGFR)
    assert list(found.index) == ["y", "v", "z"]
    assert found.loc["v", "egfr"] == pytest.approx(WANTED[0])
    assert list(flux.score(table, "x = age", keep=None).columns) == ["id", "sex", "scr", "age", "x"]
    double = pd.DataFrame({"a": [1, 2]}, index=[7, 7])
    assert flux.score(double, "b = 2*a", keep="a")["b"].tolist() == [2, 4]


def test_a_table_is_left_as_it_was() -> None:
    for kind in ("mapping", "pandas", "polars", "arrow"):
        table = KINDS[kind](COLUMNS)
        flux.score(table, EGFR, keep=None)
        assert list(as_columns(table)) == list(COLUMNS)


@pytest.mark.parametrize("rows", [0, 1])
@pytest.mark.parametrize("kind", [k for k in KINDS if "enum" not in k])
def test_few_rows_and_none(kind: str, rows: int) -> None:
    typed = pa.table(COLUMNS).schema
    columns = {name: values[:rows] for name, values in COLUMNS.items()}
    if not rows and kind.startswith("arrow"):
        columns = {n: pa.array([], typed.field(n).type) for n in columns}
        if kind == "arrow reader":
            empty = pa.RecordBatchReader.from_batches(typed, [])
            assert flux.score(empty, EGFR).read_all().num_rows == 0
            return
        if kind == "arrow dictionary":
            return
    elif not rows:
        columns = {n: np.array([], "O" if n in ("id", "sex") else float) for n in columns}
        if kind.startswith("polars"):
            columns = {n: pl.Series(n, [], pl.String if n in ("id", "sex") else pl.Float64)
                       for n in columns}  # fmt: skip
    found = as_columns(flux.score(KINDS[kind](columns) if kind != "pandas" else
                                  pd.DataFrame(columns), EGFR))  # fmt: skip
    assert found["egfr"] == pytest.approx(WANTED[:rows])


def test_dtypes_of_numbers_give_their_values() -> None:
    wanted = [2.0, 4.0, 6.0]
    for dtype in "bBhHiIlLqQefdg?":
        values = np.array([1, 2, 3], dtype)
        expected = [2.0, 2.0, 2.0] if dtype == "?" else wanted
        assert flux.score({"a": values}, "y = 2*a")["y"].tolist() == expected
    assert flux.score({"a": np.array([1, 2, 3], ">f8")}, "y = 2*a")["y"].tolist() == wanted
    assert flux.score({"a": np.arange(1.0, 7)[::2]}, "y = 2*a")["y"].tolist() == [2, 6, 10]
    mixed = [1, 2.0, True, Decimal("2.5"), np.int8(3), np.float32(0.5)]
    array = np.array(mixed, object)
    assert flux.score({"a": array}, "y = 2*a")["y"].tolist() == [2, 4, 2, 5, 6, 1]
    assert flux.score(pd.DataFrame({"a": array}), "y = 2*a")["y"].tolist() == [2, 4, 2, 5, 6, 1]
    money = pa.table({"a": pa.array([Decimal("1.10"), None], pa.decimal128(5, 2))})
    assert flux.score(money, "y = 2*a")["y"].to_pylist() == pytest.approx(
        [2.2, math.nan], nan_ok=True
    )
    assert flux.score(pl.from_arrow(money), "y = a")["y"][0] == 1.1


@pytest.mark.parametrize(
    "column",
    [
        np.ma.masked_array([1.0, 2.0, 3.0], [False, True, False]),
        np.ma.masked_array([1, 2, 3], [False, True, False]),
        [1, None, 3],
        [1.0, math.nan, 3.0],
        np.array([1, pd.NA, 3], object),
        [1, Decimal("sNaN"), 3],
        pd.Series([1, None, 3], dtype="Int64"),
        pd.Series([1, None, 3], dtype="float64[pyarrow]"),
        pl.Series([1, None, 3]),
    ],
    ids=lambda column: type(column).__name__,
)
def test_every_spelling_of_nothing_is_missing(column: Any) -> None:
    found, report = flux.score({"a": column}, "y = a > 0", report=True)
    assert found["y"] == pytest.approx([1, math.nan, 1], nan_ok=True)
    assert (report.missing["a"].count, report.missing["a"].first) == (1, 1)
    assert report.scored["y"] == 2


@pytest.mark.parametrize("nothing", [None, math.nan, np.nan, pd.NA])
def test_nothing_beside_texts_in_a_list_is_missing(nothing: Any) -> None:
    found, report = flux.score({"sex": ["F", nothing, "nan"]}, 'y = sex == "nan"', report=True)
    assert found["y"] == pytest.approx([0, math.nan, 1], nan_ok=True)
    assert report.missing["sex"].count == 1


# A comparison with nan is false, and nan is true as a condition: neither may become a score.
def test_a_missing_value_is_never_a_number() -> None:
    table = {"age": [70.0, math.nan], "sex": ["F", None]}
    for text in (
        "age > 65",
        "where(age > 65, 1, 0)",
        "min(age, 10)",
        "age^0",
        'where(sex == "F", 1, 2)',
        'where(sex != "F", 1, 2)',
        'sex == "F" or sex == "M"',
        "where(age, 1, 2)",
    ):
        found = flux.score(table, f"y = {text}")["y"]
        assert not math.isnan(found[0]), text
        assert math.isnan(found[1]), text


def test_a_formula_may_ask_what_is_missing() -> None:
    table = {"a": [1.0, math.nan], "b": [math.nan, 5.0], "sex": ["F", None]}
    text = 'y = where(isnan(a), 7, a)\nz = y + b\ns = where(isnan(sex), 9, sex == "F")'
    found = flux.score(table, text)
    assert found["y"].tolist() == [1, 7]
    assert found["z"] == pytest.approx([math.nan, 12], nan_ok=True)
    assert found["s"].tolist() == [1, 9]
    assert flux.score(table, "y = where(isnan(a), 7, a)", missing="raise")["y"].tolist() == [1, 7]


def test_missing_raise_names_row_and_column() -> None:
    table = KINDS["pandas"](COLUMNS)
    with pytest.raises(DataError, match="row 3, column `sex`: there is no value"):
        flux.score(table, EGFR, missing="raise")
    with pytest.raises(DataError, match="row 4, column `scr`: there is no value"):
        flux.score(table, "y = scr", missing="raise")
    assert flux.score(table, "y = age", missing="raise")["y"].tolist() == COLUMNS["age"]


def test_a_report_counts_what_was_seen() -> None:
    report = flux.score(COLUMNS, EGFR, ranges={"age": (45, 65), "scr": (0, 2)}, report=True)[1]
    assert str(report).split("\n") == [
        "5 rows",
        "scr: 1 missing, the first in row 4",
        "sex: 1 missing, the first in row 3",
        "scr: 1 outside 0 to 2, the first in row 5",
        "age: 3 outside 45 to 65, the first in row 1",
        "sex: 'F' 2, 'M' 2",
        "egfr: 3 of 5 rows have a value",
        "old: 5 of 5 rows have a value",
    ]
    assert type(report).from_json(report.as_json()) == report
    twice = report.joined(report)
    assert twice.rows == 10
    assert twice.missing["scr"].count == 2
    assert twice.missing["scr"].first == 3


def test_numbers_alone_stand_for_every_row() -> None:
    assert flux.score({"a": [1.0, 2.0], "b": 3}, "y = a*b")["y"].tolist() == [3, 6]
    assert flux.score({"a": 2.0, "b": 3}, "y = a*b") == {"y": 6.0}
    assert flux.score({"a": 4.0}, "y = root(x^2 - a, x, 0, 9)")["y"] == pytest.approx(2)
    assert flux.score({"a": [1.0, 2.0]}, "y = 3")["y"].tolist() == [3, 3]
    assert flux.score(pd.DataFrame({"a": [1, 2]}), "y = 3")["y"].tolist() == [3, 3]


def test_infinities_are_values() -> None:
    table = {"a": [math.inf, -math.inf, 1e308]}
    found, report = flux.score(table, "y = a\nz = 10*a", ranges={"a": (0, 9)}, report=True)
    assert found["y"].tolist() == table["a"]
    assert found["z"].tolist() == [math.inf, -math.inf, math.inf]
    assert report.outside["a"].count == 3


# Roots.

FIVE = """
curve(x, top, bottom, ec50, slope, skew) = bottom + (top - bottom)/(1 + (x/ec50)^-slope)^skew
dose = root(curve(x, 2, 0.1, 3, 1.4, 0.8) - signal, x, 1e-6, 1e6)
"""


def test_one_root_a_row_with_its_status() -> None:
    dose = np.geomspace(0.01, 100, 50)
    signal = 0.1 + 1.9 / (1 + (dose / 3) ** -1.4) ** 0.8
    table = {"signal": np.concatenate([signal, [5.0, math.nan]])}
    found, report = flux.score(table, FIVE, report=True)
    assert found["dose"][:50] == pytest.approx(dose, rel=1e-9)
    assert np.isnan(found["dose"][50:]).all()
    assert set(found["dose_status"][:50]) <= {"converged", "rounding"}
    assert found["dose_status"][51] == "missing"
    assert found["dose_status"][50] not in ("converged", "rounding", "missing")
    assert sum(report.statuses["dose_status"].values()) == 52
    frame = flux.score(pd.DataFrame(table), FIVE)
    assert list(frame.columns) == ["dose", "dose_status"]


def test_progress_of_an_enzyme_and_what_follows_from_it() -> None:
    from scipy.special import lambertw

    random = np.random.default_rng(1)
    table = {"s0": random.uniform(1, 9, 500), "t": random.uniform(0, 9, 500)}
    text = "s = root(x + 2*log(x/s0) - s0 + 0.4*t, x, 1e-9, s0)\nused = 1 - s/s0"
    found = flux.score(table, text)
    exact = 2 * lambertw(table["s0"] / 2 * np.exp((table["s0"] - 0.4 * table["t"]) / 2)).real
    assert found["s"] == pytest.approx(exact, rel=1e-9)
    assert found["used"] == pytest.approx(1 - exact / table["s0"], rel=1e-7, abs=1e-9)


def test_an_empty_bracket_is_its_own_rows_alone() -> None:
    table = {"a": [4.0, 4.0, 4.0, 4.0], "high": [9.0, -1.0, math.inf, math.nan]}
    found = flux.score(table, "y = root(x^2 - a, x, 0, high)\nz = y > 1")
    assert found["y"][0] == pytest.approx(2)
    assert np.isnan(found["y"][1:]).all()
    assert found["z"] == pytest.approx([1, math.nan, math.nan, math.nan], nan_ok=True)
    assert found["y_status"][3] == "missing"
    start = flux.score({"a": [4.0, 9.0]}, "y = root(x^2 - a, x, a)")["y"]
    assert start == pytest.approx([2, 3])


# Hostile tables.


@pytest.mark.parametrize(
    "table",
    [
        {"a": [2**63, 2**60]},
        {"a": np.array([2**63, 2**60], np.uint64)},
        pd.DataFrame({"a": pd.array([2**63, 2**60], "UInt64")}),
        pl.DataFrame({"a": pl.Series([2**63, 2**60], dtype=pl.Int128)}),
        pa.table({"a": pa.array([2**63, 2**60], pa.uint64())}),
    ],
)
def test_large_integers_that_a_float_holds_are_taken(table: Any) -> None:
    found = flux.score(table, "y = a")
    assert [float(value) for value in np.asarray(found["y"])] == [2.0**63, 2.0**60]


@pytest.mark.parametrize("rows", [0, 2])
@pytest.mark.parametrize(
    "made",
    [
        lambda cells: {"sex": np.array(cells)},
        lambda cells: pd.DataFrame({"sex": np.array(cells)}),
        lambda cells: pd.DataFrame({"sex": pd.array([pd.NA] * len(cells), "Int64")}),
        lambda cells: pl.DataFrame({"sex": pl.Series(cells, dtype=pl.Float64)}),
        lambda cells: pl.DataFrame({"sex": pl.Series([None] * len(cells), dtype=pl.Int8)}),
        lambda cells: pa.table({"sex": pa.array(cells, pa.float64())}),
        lambda cells: pa.table({"sex": pa.nulls(len(cells), pa.int8())}),
    ],
)
def test_a_category_of_which_every_row_lacks_a_value(
    made: Callable[[list[float]], Any], rows: int
) -> None:
    found, report = flux.score(made([math.nan] * rows), 'y = sex == "F"', report=True)
    assert len(found["y"]) == rows
    assert np.isnan(np.asarray(found["y"], float)).all()
    assert report.missing["sex"].count == rows


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"a": ["1", "2"]}, "row 1, column `a`: the text '1' is no number"),
        ({"a": np.array([1, "x"], object)}, "row 2, column `a`: the text 'x' is no number"),
        ({"a": [1.0, [2.0]]}, "row 2, column `a`: a value of type list is no number"),
        ({"a": np.array([1, {}], object)}, "row 2, column `a`: a value of type dict"),
        ({"a": [1, 2**53 + 1]}, "row 2, column `a`: 9007199254740993 has no exact float64"),
        ({"a": [1, 10**400]}, "row 2, column `a`: 1000"),
        ({"a": np.array([3, 2**63 + 1], np.uint64)}, "row 2, column `a`: 9223372036854775809"),
        ({"a": np.array([-(2**53) - 1])}, "row 1, column `a`: -9007199254740993"),
        ({"a": np.array(["2020-01-01"], "M8[D]")}, "column `a` holds dates"),
        ({"a": np.array([1j])}, "column `a` holds complex numbers"),
        ({"a": np.array([b"1"])}, "column `a` holds bytes"),
        ({"a": np.ones((2, 2))}, "column `a` has 2 dimensions"),
        (pd.DataFrame({"a": ["x"]}), "row 1, column `a`: the text 'x' is no number"),
        (pd.DataFrame({"a": pd.to_datetime(["2020-01-01"])}), "column `a` holds dates"),
        (pd.DataFrame({"a": pd.array([1, 2**53 + 1], "Int64")}), "row 2, column `a`: 90071"),
        (pd.DataFrame({"a": [1], "b": [2]}).set_axis(["a", "a"], axis=1), "both named `a`"),
        (pl.DataFrame({"a": ["x"]}), "row 1, column `a`: the text 'x' is no number"),
        (pl.DataFrame({"a": [1, 2**53 + 1, None]}), "row 2, column `a`: 90071"),
        (pl.DataFrame({"a": [[1], [2]]}), "column `a`"),
        (pa.table({"a": ["x"]}), "row 1, column `a`: the text 'x' is no number"),
        (pa.table({"a": [1, 2**53 + 1, None]}), "row 2, column `a`: 90071"),
        (pa.table({"a": [[1], [2]]}), "column `a`"),
        (pa.Table.from_arrays([pa.array([1])] * 2, ["a", "a"]), "both named `a`"),
    ],
)
def test_a_cell_that_is_no_number_is_named(table: Any, message: str) -> None:
    with pytest.raises(DataError) as caught:
        flux.score(table, "y = a")
    assert message in caught.value.text


@pytest.mark.parametrize(
    "table",
    [
        {"sex": [1, 0]},
        {"sex": np.array(["F", 1], object)},
        {"sex": ["F", 1]},
        pd.DataFrame({"sex": ["F", ["F"]]}),
        pd.DataFrame({"sex": [1.0]}),
        pd.DataFrame({"sex": pd.Categorical([1, 2])}),
        pl.DataFrame({"sex": [True]}),
        pa.table({"sex": [1]}),
        pa.table({"sex": pa.array([1]).dictionary_encode()}),
    ],
)
def test_a_category_of_something_else_than_texts_is_refused(table: Any) -> None:
    with pytest.raises(DataError, match="column `sex`"):
        flux.score(table, 'y = sex == "F"')


def test_a_missing_column_is_named_with_the_nearest() -> None:
    for kind in ("mapping", "pandas", "polars", "arrow"):
        with pytest.raises(UnknownNameError, match="no column `agee`") as caught:
            flux.score(KINDS[kind](COLUMNS), "y = agee")
        assert caught.value.hint == "did you mean `age`?"
    with pytest.raises(UnknownNameError) as caught:
        flux.score({"größe": [1]}, "y = `größ`")
    assert caught.value.hint == r"did you mean `gr\u{F6}\u{DF}e`?"
    with pytest.raises(UnknownNameError, match="no column `x`"):
        flux.score({"a": [1]}, "y = a", keep="x")


def test_lengths_must_agree() -> None:
    with pytest.raises(ShapeError, match="`a` has 2, `b` has 3"):
        flux.score({"a": [1, 2], "b": [1, 2, 3]}, "y = a + b")
    assert flux.score({"a": [1, 2], "b": [1, 2, 3]}, "y = a")["y"].tolist() == [1, 2]


def test_a_score_takes_no_kept_column_name() -> None:
    with pytest.raises(ArgumentError, match="has a column `age` already"):
        flux.score(KINDS["pandas"](COLUMNS), {"age": "2*age"}, keep=None)
    assert flux.score(KINDS["pandas"](COLUMNS), {"age": "2*age"})["age"].iloc[0] == 140


@pytest.mark.parametrize("table", [None, 3, "people.csv", [1, 2], np.ones(3), {1, 2}, object()])
def test_what_is_no_table_is_refused(table: Any) -> None:
    with pytest.raises(ArgumentError, match="a table cannot be a"):
        flux.score(table, "y = a")


def test_a_series_is_no_table() -> None:
    for series in (pd.Series([1.0], name="a"), pl.Series("a", [1.0])):
        with pytest.raises(ArgumentError, match="Series"):
            flux.score(series, "y = a")


cells = st.one_of(
    st.none(), st.floats(), st.integers(), st.booleans(), st.text(max_size=3), st.binary()
)


@given(st.lists(cells, max_size=6))
def test_any_cells_give_numbers_or_an_error(column: list[Any]) -> None:
    try:
        found = flux.score({"a": np.array([*column, None], object)}, "y = a")["y"]
    except DataError:
        return
    for cell, value in zip(column, found.tolist(), strict=False):
        assert value == cell or ((cell is None or cell != cell) and math.isnan(value))


@given(st.lists(st.floats(-1e6, 1e6) | st.just(math.nan), max_size=50), st.integers(1, 3))
def test_scores_are_those_of_the_compiled_formula(values: list[float], threads: int) -> None:
    x = np.array(values)
    text = "y = 2*x + sin(x)\nz = where(x > 1, x^2, exp(-x^2))"
    found = flux.score({"x": x}, text, threads=threads)
    with np.errstate(all="ignore"):
        wanted = {"y": flux.compile("2*x + sin(x)")(x), "z": flux.compile(
            "where(x > 1, x^2, exp(-x^2))")(x)}  # fmt: skip
    wanted["z"] = np.where(np.isnan(x), np.nan, wanted["z"])
    for name, score in wanted.items():
        np.testing.assert_array_equal(found[name], score)


def test_tables_import_no_package_that_is_not_handed_in() -> None:
    code = (
        "import flux, sys, numpy\n"
        "flux.score({'a': numpy.ones(3), 's': numpy.array(['F', 'M', 'F'])}, "
        "'y = a\\nz = s == \"F\"')\n"
        "bad = {'pandas', 'polars', 'pyarrow', 'dask', 'scipy', 'sympy'} & set(sys.modules)\n"
        "sys.exit(str(bad) if bad else 0)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
