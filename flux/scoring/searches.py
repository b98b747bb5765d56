"""Roots over rows: one for each, and how its search ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from flux.compiled import CompiledFunction
from flux.compiler import compile as compile_formulas
from flux.expr import inputs
from flux.numeric import solve
from flux.numeric.solution import Reason
from flux.scoring.columns import Array, Texts
from flux.scoring.formulas import Search

_MISSING = len(Reason)
STATUSES = (*(reason.name.lower() for reason in Reason), "missing")


class Searcher:
    """A search that is ready to run over columns.

    Args:
        search: what is sought.
        needs: inputs without which a row has no root.
    """

    def __init__(self, search: Search, needs: frozenset[str]) -> None:
        self.search = search
        self._needs = needs
        ends = {str(n): e for n, e in enumerate(search.ends)}
        self._ends: CompiledFunction = compile_formulas(ends, dtype="float64")
        names = {x.attributes.name for x in inputs(search.equation)} - {search.unknown}
        self._names = sorted(names | set(self._ends.inputs))

    def run(self, values: Mapping[str, Array], shape: tuple[int, ...]) -> tuple[Array, Texts]:
        """The root of each row, and how its search ended.

        Args:
            values: the inputs by name, of the shape of the rows or single numbers.
            shape: of the rows: their number.
        """
        (count,) = shape
        roots, statuses = self._part({name: values[name] for name in self._names}, count)
        return roots, Texts(statuses, STATUSES)

    def _part(self, values: Mapping[str, Array], count: int) -> tuple[Array, Array]:
        wide = {n: np.broadcast_to(v, (count,)) for n, v in values.items()}
        found = self._ends({name: wide[name] for name in self._ends.inputs}).values()
        ends = [np.array(np.broadcast_to(end, (count,))) for end in found]
        if len(ends) == 2:
            _clear_empty(*ends)
        given = {name: v for name, v in wide.items() if name in self._equation_names()}
        place: Any = tuple(ends) if len(ends) == 2 else ends[0]
        unknown = self.search.unknown
        solution = solve(self.search.equation, {**given, unknown: place}, unknown=unknown)
        lost = _lacks([wide[name] for name in sorted(self._needs & set(wide))], count)
        root = np.where(lost, np.nan, solution.root)
        return root, np.where(lost, _MISSING, solution.status).astype(np.int8)

    def _equation_names(self) -> set[str]:
        return {x.attributes.name for x in inputs(self.search.equation)} - {self.search.unknown}


def _clear_empty(low: Array, high: Array) -> None:
    """Make brackets that are empty or endless nan, so that only their own rows have no root."""
    with np.errstate(all="ignore"):
        bad = ~((high > low) & np.isfinite(high - low))
    low[bad] = np.nan


def _lacks(columns: Sequence[Array], count: int) -> Array:
    lost = np.zeros(count, np.bool_)
    for column in columns:
        if column.dtype.kind == "f":
            lost |= np.isnan(column)
    return lost
