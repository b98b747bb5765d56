"""Dask: the same scorer, pickled and sent to where the partitions and chunks are.

Nothing is computed here: what comes back is as lazy as what was handed in. A partition or chunk
becomes a pair of scores and report; the scores are taken from the pairs, and the reports joined.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from flux.errors import ArgumentError, ShapeError
from flux.scoring.columns import Array, Texts
from flux.scoring.report import Report
from flux.scoring.searches import STATUSES
from flux.scoring.table_scorer import Scorer
from flux.scoring.tables import table_of


def is_lazy(table: Any) -> bool:
    """Whether a table is a Dask DataFrame, or a mapping with Dask arrays."""
    return _is_dask(table) or (isinstance(table, Mapping) and any(map(_is_dask, table.values())))


def _is_dask(value: Any) -> bool:
    return type(value).__module__.partition(".")[0] in ("dask", "dask_expr")


def scored_lazily(scorer: Scorer, table: Any) -> tuple[Any, Any]:
    """The scores, of the same kind, and the report, to be computed later.

    Raises:
        UnknownNameError: the table lacks a column.
        ArgumentError: it is another kind of Dask's.
    """
    if isinstance(table, Mapping):
        return _of_arrays(scorer, table)
    if type(table).__name__ != "DataFrame":
        hint = "give a DataFrame, or a mapping of names to arrays"
        raise ArgumentError(f"a table cannot be a Dask {type(table).__name__}", hint=hint)
    keep = scorer.kept([str(name) for name in table.columns])
    needed = [label for label in table.columns if str(label) in {*scorer.columns, *keep}]
    columns = table[needed]
    pairs = columns.map_partitions(scorer.score, meta=columns._meta, enforce_metadata=False)
    scores = pairs.map_partitions(_first, meta=scorer(columns._meta))
    return scores, pairs.reduction(_second, aggregate=_joined, meta=object)


def _first(pair: tuple[Any, Report]) -> Any:
    return pair[0]


def _second(pair: Any, **_: Any) -> Any:  # dask.array says along which axes
    return pair[1] if isinstance(pair, tuple) else pair  # an empty table, which Dask tries it on


def _joined(reports: Iterable[Report], **_: Any) -> Report:
    whole = Report()
    for report in reports:
        whole.add(report)
    return whole


def _of_arrays(scorer: Scorer, table: Mapping[str, Any]) -> tuple[dict[str, Any], Any]:
    """One stack of scores for each chunk, from which each score is taken."""
    arrays = sys.modules["dask.array"]
    keep = scorer.kept([str(name) for name in table])
    names = list(scorer.columns)
    given = [table[name] for name in names]
    if not any(map(_is_dask, given)):
        found, report = scorer.score(dict(table))
        return found, sys.modules["dask"].delayed(report)
    given = _aligned(arrays, given)
    (chunks,) = {value.chunks for value in given if _is_dask(value)}
    count = len(scorer.scores)
    pairs = arrays.map_blocks(
        _scored_chunk, *given, scorer=scorer, names=names, dtype=np.float64, meta=np.empty(0)
    )
    wide = ((count,), *chunks)
    nothing = np.empty((0, 0))
    stack = pairs.map_blocks(_first, dtype=np.float64, new_axis=[0], chunks=wide, meta=nothing)
    searched = {f"{search.name}_status" for search in scorer.formulas.searches}
    results = {
        name: _taken(stack[n], name in searched, name == scorer.options.flag)
        for n, name in enumerate(scorer.scores)
    }
    report = arrays.reduction(
        pairs, _second, _joined, dtype=object, concatenate=False, meta=np.empty((), object)
    )
    return {**{name: table[name] for name in keep}, **results}, report


def _aligned(arrays: Any, given: Sequence[Any]) -> list[Any]:
    """Arrays in equal chunks; single numbers stay as they are."""
    wide = [arrays.asarray(value) for value in given if np.ndim(value)]
    for array in wide:
        if array.ndim != 1:
            raise ShapeError(f"a column has {array.ndim} dimensions: a column has one")
    if len({array.size for array in wide}) > 1:
        shown = ", ".join(f"{array.size:,}" for array in wide)
        raise ShapeError(f"columns have different numbers of rows: {shown}")
    _, equal = arrays.core.unify_chunks(*(part for array in wide for part in (array, "i")))
    rest = iter(equal)
    return [next(rest) if np.ndim(value) else value for value in given]


def _scored_chunk(*columns: Any, scorer: Scorer, names: list[str]) -> tuple[Array, Report]:
    """The scores of a chunk as rows of a matrix, a status as its number."""
    results, report = scorer.evaluate(table_of(dict(zip(names, columns, strict=True))))
    parts = [values.codes if isinstance(values, Texts) else values for values in results.values()]
    return np.stack([np.atleast_1d(part).astype(np.float64) for part in parts]), report


def _taken(row: Any, is_status: bool, is_flag: bool) -> Any:
    if is_flag:
        return row.astype(np.bool_)
    return row.map_blocks(_status_texts, dtype=_KNOWN.dtype) if is_status else row


_KNOWN = np.array([*STATUSES, ""])


def _status_texts(codes: Array) -> Array:
    found: Array = _KNOWN[codes.astype(np.int64)]
    return found
