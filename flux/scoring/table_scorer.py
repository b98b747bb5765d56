"""`flux.Scorer`: formulas compiled into one Program, and run over tables of any kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from flux.compiled import CompiledFunction
from flux.compiled.function import check_threads
from flux.compiler import compile as compile_formulas
from flux.errors import ArgumentError, LimitError, did_you_mean
from flux.expr import count_nodes
from flux.scoring.columns import Array, Texts
from flux.scoring.depends import Dependence
from flux.scoring.formulas import Formulas
from flux.scoring.report import Report, range_text
from flux.scoring.rows import PART, Rows
from flux.scoring.searches import Searcher
from flux.scoring.tables import Results, Table, check_columns, table_of
from flux.scoring.valid import Range, conversion_of, flags_of, ranges_of

MISSING = ("nan", "raise")


@dataclass(frozen=True)
class ScoreOptions:
    """How tables are scored.

    Attributes:
        missing: "nan" for no value where a column that a score needs has none; "raise" for an
            error with its row and column.
        ranges: valid ranges by column, beside those that the formulas state.
        units: of columns, where they are not those that cards state.
        flag: a column to add that says whether a value of the row is out of range; "" for none.
        keep: columns of the table that stand before the scores; None for all.
        threads: that one call may use.
    """

    missing: str = "nan"
    ranges: Mapping[str, Range] | None = None
    units: Mapping[str, str] | None = None
    flag: str = ""
    keep: tuple[str, ...] | None = ()
    threads: int = 1

    def __post_init__(self) -> None:
        if self.missing not in MISSING:
            hint = did_you_mean(str(self.missing), MISSING) or f"one of {', '.join(MISSING)}"
            raise ArgumentError(f"`missing` cannot be {self.missing!r}", hint=hint)
        if not isinstance(self.flag, str):
            raise ArgumentError(f"`flag` is the name of a column, not {self.flag!r:.60}")
        for name, given in (("ranges", self.ranges), ("units", self.units)):
            if given is not None and not isinstance(given, Mapping):
                text = f"{name} are a mapping of columns, not {given!r:.60}"
                raise ArgumentError(text, hint='such as ranges={"age": (18, 120)}')
        check_threads(self.threads)


@dataclass(frozen=True)
class Scorer:
    """Formulas that are ready to score tables; it pickles, and may be called from many threads.

    `scorer(table)` gives a table of the same kind with the scores, rows in the table's order.

    Attributes:
        formulas: what is scored.
        options: how.
    """

    formulas: Formulas
    options: ScoreOptions = ScoreOptions()

    def __post_init__(self) -> None:
        for name, ends in self.ranges.items():
            _check_range(name, ends)
        self._check_read(self.options.ranges, "a range")
        self._check_read(self.options.units, "a unit")
        for name, unit in (self.options.units or {}).items():
            conversion_of(name, str(unit), self.formulas.stated)
        for name, count in Counter(self.scores).items():
            if count > 1:
                raise ArgumentError(f"two columns of the result would be named `{name}`")
            if any("\ud800" <= c <= "\udfff" for c in name):
                raise ArgumentError(f"the name of a score is no text of Unicode: {name!r:.60}")

    def _check_read(self, given: Mapping[str, Any] | None, what: str) -> None:
        for name in given or {}:
            if name not in self.columns:
                hint = did_you_mean(str(name), self.columns)
                raise ArgumentError(f"no formula reads `{name}`, which has {what}", hint=hint)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The columns of a table that are read."""
        return self.formulas.columns()

    @cached_property
    def scores(self) -> tuple[str, ...]:
        """The columns that are added, in order: scores, the status of each root, the flag."""
        searched = {search.name for search in self.formulas.searches}
        names: list[str] = []
        for name in self.formulas.scores:
            names += [name, f"{name}_status"] if name in searched else [name]
        return (*names, self.options.flag) if self.options.flag else tuple(names)

    @cached_property
    def numbers(self) -> tuple[str, ...]:
        """The inputs of the expressions that are columns of numbers."""
        return self.formulas.numbers()

    @cached_property
    def ranges(self) -> dict[str, Range]:
        """The valid ranges of the columns that are read."""
        stated = {**ranges_of(self.formulas.stated), **(self.options.ranges or {})}
        return {name: stated[name] for name in self.columns if name in stated}

    @cached_property
    def flags(self) -> frozenset[str]:
        """The columns of which only 0 and 1 are valid."""
        own = flags_of(self.formulas.stated) - set(self.options.ranges or ())
        return own.intersection(self.columns)

    @cached_property
    def function(self) -> CompiledFunction:
        """The one Program of all scores."""
        return compile_formulas(self.formulas.scores, dtype="float64")

    @cached_property
    def searchers(self) -> list[Searcher]:
        """The searches, in the order in which they need one another."""
        return [
            Searcher(search, self.depends.needed_inputs(search))
            for search in self.formulas.searches
        ]

    def __reduce__(self) -> tuple[Any, ...]:
        return Scorer, (self.formulas, self.options)

    # Tables.

    def __call__(self, table: Any) -> Any:
        """The scores of a table, as a table of the same kind.

        Raises:
            UnknownNameError: the table lacks a column.
            DataError: a cell is no number, or with missing="raise" has none; with row and column.
            LimitError: there is not enough memory.
        """
        return self.score(table)[0]

    def score(self, table: Any) -> tuple[Any, Report]:
        """The scores of a table, and what was seen in it."""
        given = table_of(table)
        keep = self.kept(given.names)
        try:
            results, report = self.evaluate(given)
            return given.give_back(results, keep), report
        except MemoryError:
            raise LimitError("not enough memory for the scores of this table") from None

    def kept(self, names: Sequence[str]) -> list[str]:
        """The columns of a table that stand before the scores; all that are read are checked."""
        keep = list(names if self.options.keep is None else self.options.keep)
        check_columns(names, [*self.columns, *keep])
        for name in self.scores:
            if name in keep:
                hint = "keep other columns, or give the score another name"
                raise ArgumentError(f"the table has a column `{name}` already", hint=hint)
        return keep

    def evaluate(self, table: Table) -> tuple[Results, Report]:
        """The columns that are added, for a table whose columns were checked."""
        texts = self.formulas.texts()
        columns = {
            name: table.texts(name) if name in texts else self._numbers(table, name)
            for name in self.columns
        }
        shape = table.shape
        count = int(np.prod(shape))
        rows = Rows(self, columns, count, table.first)
        # Parts have one size, whatever the number of threads, so bits do not depend on it.
        starts = range(0, max(count, 1), PART)
        if self.options.threads > 1 and len(starts) > 1:
            with ThreadPoolExecutor(self.options.threads) as pool:
                reports = list(pool.map(rows.score, starts))
        else:
            reports = list(map(rows.score, starts))
        report = reports[0]
        for later in reports[1:]:
            report = report.joined(later)
        return {name: _shaped(part, shape) for name, part in rows.results.items()}, report

    def _numbers(self, table: Table, name: str) -> Array:
        """A column in the unit that its formulas need."""
        own, stated = table.unit(name), (self.options.units or {}).get(name)
        if own and stated:
            raise ArgumentError(f"column `{name}` carries a unit, {own}; `units` gives it another")
        values = table.numbers(name)
        if not own and stated is None:
            return values
        convert = conversion_of(name, own or str(stated), self.formulas.stated)
        return values if convert.is_identity else convert(values.astype(np.float64))

    @cached_property
    def depends(self) -> Dependence:
        """What each search and score depends on."""
        return Dependence(self.formulas)

    # For people.

    def explain(self) -> str:
        """What is read and computed, in words: all that a formula can do."""
        return "\n".join(self._explained())

    def _explained(self) -> Iterator[str]:
        yield f"reads {', '.join(self.columns) or 'no columns'}"
        for truth in self.formulas.truths:
            if truth.text is not None:
                yield f'compares {truth.column} with "{truth.text}"'
        for name, (low, high) in self.ranges.items():
            yield f"reports {name} {range_text(low, high, name in self.flags)}"
        for search in self.formulas.searches:
            yield f"searches {search.name}: {search.unknown} where {search.equation} is 0"
        for name in self.formulas.scores:
            used = self.depends.names(self.depends.reads[name])
            yield f"writes {name}, from {', '.join(used) or 'numbers alone'}"
        nodes = count_nodes(*self.formulas.expressions())
        yield f"{nodes} operations, constants and columns in all; nothing else can be reached"


def _shaped(values: Array | Texts, shape: tuple[int, ...]) -> Array | Texts:
    if isinstance(values, Texts):
        return Texts(values.codes.reshape(shape), values.texts)
    return values.reshape(shape)


def _check_range(name: str, ends: Any) -> None:
    try:
        low, high = map(float, ends)
    except (TypeError, ValueError):
        raise ArgumentError(f"the range of `{name}` is two numbers, not {ends!r:.60}") from None
    if not low <= high:
        raise ArgumentError(f"the range of `{name}` is empty: {low:g} to {high:g}")


def as_names(option: str, names: Any) -> tuple[str, ...]:
    """One name or several, of an option.

    Raises:
        ArgumentError: they are something else.
    """
    found = (names,) if isinstance(names, str) else names
    if not isinstance(found, Iterable) or not all(isinstance(name, str) for name in found):
        raise ArgumentError(f"`{option}` is a name or several, not {names!r:.60}")
    return tuple(found)
