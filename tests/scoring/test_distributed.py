"""Dask DataFrames and arrays: the same scores, on threads and in processes."""

from __future__ import annotations

from typing import Any

import dask
import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest

import flux
from flux.errors import ArgumentError, DataError, UnknownNameError

TEXT = """
y = where(sex == "F", a, 2*a)
d = root(x^2 - abs(a), x, 0, 1e6)
"""


def frame(rows: int = 1000) -> pd.DataFrame:
    random = np.random.default_rng(0)
    a = random.normal(size=rows)
    a[::50] = np.nan
    columns = {"sex": random.choice(["F", "M"], rows), "a": a, "unread": a}
    return pd.DataFrame(columns, index=np.arange(rows) + 7)


@pytest.mark.parametrize("scheduler", ["threads", "processes", "sync"])
def test_a_dask_dataframe(scheduler: str) -> None:
    whole = frame()
    lazy = flux.score(dd.from_pandas(whole, npartitions=4), TEXT, keep="sex", flag="far",
                      ranges={"a": (-2, 2)})  # fmt: skip
    assert isinstance(lazy, dd.DataFrame)
    found = lazy.compute(scheduler=scheduler)
    wanted = flux.score(whole, TEXT, keep="sex", flag="far", ranges={"a": (-2, 2)})
    pd.testing.assert_frame_equal(found, wanted, check_dtype=False)
    assert list(lazy.columns) == ["sex", "y", "d", "d_status", "far"]


@pytest.mark.parametrize("scheduler", ["threads", "processes"])
def test_a_mapping_of_dask_arrays(scheduler: str) -> None:
    whole = frame()
    columns: dict[str, Any] = {
        "sex": da.from_array(whole["sex"].to_numpy().astype("U1"), chunks=300),
        "a": da.from_array(whole["a"].to_numpy(), chunks=200),
    }
    lazy = flux.score(columns, TEXT, flag="far", ranges={"a": (-2, 2)})
    assert all(isinstance(value, da.Array) for value in lazy.values())
    (found,) = dask.compute(lazy, scheduler=scheduler)
    wanted = flux.score({name: whole[name].to_numpy().astype("U1" if name == "sex" else float)
                         for name in columns}, TEXT, flag="far", ranges={"a": (-2, 2)})  # fmt: skip
    assert list(found) == list(wanted)
    for name, values in wanted.items():
        np.testing.assert_array_equal(found[name], values)


def counted(value: Any) -> Any:
    """The value; each call leaves a mark."""
    COUNTED.append(len(value))
    return value


COUNTED: list[int] = []


@pytest.mark.parametrize("parts", [1, 20])
@pytest.mark.parametrize("kind", ["frame", "arrays"])
def test_the_report_is_lazy_and_counts_from_the_top(kind: str, parts: int) -> None:
    whole = frame()
    ranges = {"a": (-2.7, 2.7)}
    _, wanted = flux.score(whole, TEXT, ranges=ranges, report=True)
    table: Any = dd.from_pandas(whole, npartitions=parts)
    table = table.map_partitions(counted, meta=table._meta)
    if kind == "arrays":
        table = {
            n: da.from_array(whole[n].to_numpy(object), chunks=1000 // parts) for n in ("sex", "a")
        }
        table["a"] = table["a"].astype(float).map_blocks(counted, meta=np.empty(0))
    COUNTED.clear()
    scores, report = flux.score(table, TEXT, ranges=ranges, report=True)
    assert sum(COUNTED) == 0
    assert report.compute(scheduler="sync") == wanted
    assert wanted.missing["a"].first == 0
    assert wanted.outside["a"].first > 50  # in a later part
    COUNTED.clear()
    found, joined = dask.compute(scores, report, scheduler="sync")
    assert joined == wanted
    assert len(found["y"]) == 1000
    assert sum(COUNTED) == 1000  # once for both


def test_numbers_and_arrays_beside_dask_arrays() -> None:
    columns = {"a": da.arange(6, chunks=2), "b": 3, "c": np.ones(6)}
    found = flux.score(columns, "y = a*b + c")
    assert found["y"].compute().tolist() == [1, 4, 7, 10, 13, 16]
    plain, report = flux.score(columns, "y = b + 1", report=True)
    assert (plain["y"], report.compute().rows) == (4, 1)


def test_mistakes_show_before_anything_is_computed() -> None:
    lazy = dd.from_pandas(frame(), npartitions=2)
    with pytest.raises(UnknownNameError, match="no column `aa`"):
        flux.score(lazy, "y = aa")
    for wrong in (lazy["a"], da.ones(3)):
        with pytest.raises(ArgumentError, match="a table cannot be a Dask"):
            flux.score(wrong, "y = a")


def test_a_bad_cell_is_an_error_where_it_is_computed() -> None:
    table = dd.from_pandas(frame(), npartitions=2)
    with pytest.raises(DataError, match="column `a`: there is no value"):
        flux.score(table, "y = a", missing="raise").compute(scheduler="threads")
