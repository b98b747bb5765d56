"""`flux.Scorer`: formulas compiled into one Program, and run over tables of any kind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from flux.compiled import CompiledFunction
from flux.compiled.function import check_threads
from flux.compiler import compile as compile_formulas
from flux.errors import ArgumentError, LimitError, did_you_mean
from flux.expr import count_nodes, inputs
from flux.scoring import scan
from flux.scoring.columns import Array, Texts, cell_error
from flux.scoring.formulas import Formulas
from flux.scoring.report import Report
from flux.scoring.searches import Searcher
from flux.scoring.spelling import meant
from flux.scoring.tables import Results, Table, check_columns, table_of
from flux.scoring.valid import Range

MISSING = ("nan", "raise")


@dataclass(frozen=True)
class ScoreOptions:
    """How tables are scored.

    Attributes:
        missing: "nan" for no value where a column that a score needs has none; "raise" for an
            error with its row and column.
        ranges: valid ranges by column, beside those that the formulas state.
        flag: a column to add that says whether a value of the row is out of range; "" for none.
        keep: columns of the table that stand before the scores; None for all.
        threads: that one call may use.
    """

    missing: str = "nan"
    ranges: Mapping[str, Range] | None = None
    flag: str = ""
    keep: tuple[str, ...] | None = ()
    threads: int = 1

    def __post_init__(self) -> None:
        if self.missing not in MISSING:
            hint = did_you_mean(str(self.missing), MISSING) or f"one of {', '.join(MISSING)}"
            raise ArgumentError(f"`missing` cannot be {self.missing!r}", hint=hint)
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
        for name in self.options.ranges or {}:
            if name not in self.columns:
                hint = did_you_mean(name, self.columns)
                raise ArgumentError(f"no formula reads `{name}`, which has a range", hint=hint)
        names = self.scores
        for name in names:
            if names.count(name) > 1:
                raise ArgumentError(f"two columns of the result would be named `{name}`")

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of a table that are read."""
        return self.formulas.columns()

    @property
    def scores(self) -> tuple[str, ...]:
        """The columns that are added, in order: scores, the status of each root, the flag."""
        searched = {search.name for search in self.formulas.searches}
        names: list[str] = []
        for name in self.formulas.scores:
            names += [name, f"{name}_status"] if name in searched else [name]
        return (*names, self.options.flag) if self.options.flag else tuple(names)

    @property
    def ranges(self) -> dict[str, Range]:
        """The valid ranges of the columns that are read."""
        stated = {**self.formulas.ranges, **(self.options.ranges or {})}
        return {name: stated[name] for name in self.columns if name in stated}

    @cached_property
    def function(self) -> CompiledFunction:
        """The one Program of all scores."""
        return compile_formulas(self.formulas.scores, dtype="float64", threads=self.options.threads)

    @cached_property
    def _searchers(self) -> list[Searcher]:
        needed = self.formulas.needed()
        return [Searcher(search, needed[search.name]) for search in self.formulas.searches]

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
        columns = self._read(table)
        shape = table.shape
        report = self._seen(columns, int(np.prod(shape)))
        if self.options.missing == "raise":
            self._refuse_missing(report, table.first)
        values = self._values(columns)
        statuses: dict[str, Texts] = {}
        for searcher in self._searchers:
            name = searcher.search.name
            values[name], statuses[name] = searcher.run(values, shape)
        scores = self._scores(values, columns, shape)
        results: dict[str, Array | Texts] = {}
        for name, score in scores.items():
            results[name] = score
            report.scored[name] = scan.valued(score)
            if name in statuses:
                results[f"{name}_status"] = statuses[name]
                report.statuses[f"{name}_status"] = _counts(statuses[name])
        if self.options.flag:
            results[self.options.flag] = scan.flags(self._limited(columns), shape)
        return results, report

    def _limited(self, columns: Mapping[str, Array | Texts]) -> list[tuple[Array, float, float]]:
        """The columns of numbers that have a range, with its ends."""
        pairs = [(columns[name], ends) for name, ends in self.ranges.items()]
        return [(column, *ends) for column, ends in pairs if not isinstance(column, Texts)]

    def _read(self, table: Table) -> dict[str, Array | Texts]:
        """The columns, by the table's names."""
        texts = self.formulas.texts()
        return {
            name: (table.texts if name in texts else table.numbers)(name) for name in self.columns
        }

    def _seen(self, columns: Mapping[str, Array | Texts], rows: int) -> Report:
        report = Report(rows, ranges=dict(self.ranges))
        for name, column in columns.items():
            report.missing[name] = scan.missing(column)
            if isinstance(column, Texts):
                report.texts[name] = _counts(column)
            elif name in self.ranges:
                report.outside[name] = scan.outside(column, *self.ranges[name])
        return report

    def _refuse_missing(self, report: Report, first: int) -> None:
        needed = {self._column(name) for names in self._needed().values() for name in names}
        found = [
            (f.first, name) for name, f in report.missing.items() if f.count and name in needed
        ]
        if found:
            row, name = min(found)
            raise cell_error(name, first + row, "there is no value")

    def _needed(self) -> dict[str, frozenset[str]]:
        return self.formulas.needed()

    def _column(self, name: str) -> str:
        """The column that an input is made from."""
        by_name = {truth.name: truth.column for truth in self.formulas.truths}
        return by_name.get(name, meant(name))

    def _values(self, columns: Mapping[str, Array | Texts]) -> dict[str, Array]:
        """The inputs of the expressions, by their names there."""
        values: dict[str, Array] = {}
        for name in self.formulas.numbers():
            column = columns[meant(name)]
            assert not isinstance(column, Texts)
            values[name] = column
        for truth in self.formulas.truths:
            texts = columns[truth.column]
            assert isinstance(texts, Texts)
            found = texts.missing() if truth.text is None else texts.equal(truth.text)
            values[truth.name] = np.asarray(found)
        return values

    def _scores(
        self,
        values: Mapping[str, Array],
        columns: Mapping[str, Array | Texts],
        shape: tuple[int, ...],
    ) -> dict[str, Array]:
        found = self.function({name: values[name] for name in self.function.inputs})
        needed = self._needed()
        lacks = {name: c for name, c in columns.items() if scan.missing(c).count}
        roots = {search.name: values[search.name] for search in self.formulas.searches}
        scores = {}
        for name, score in found.items():
            scores[name] = _wide(score, shape)
            names = needed.get(name, frozenset())
            parts: dict[str, Array | Texts] = {}
            for need in sorted(names):
                column = self._column(need)
                if need in roots:
                    parts[need] = roots[need]
                elif column in lacks:
                    parts[column] = lacks[column]
            scan.blank(scores[name], list(parts.values()))
        return scores

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
            yield f"reports {name} outside {low:g} to {high:g}"
        for search in self.formulas.searches:
            yield f"searches {search.name}: {search.unknown} where {search.equation} is 0"
        used = self._used()
        for name in self.formulas.scores:
            yield f"writes {name}, from {', '.join(used[name]) or 'numbers alone'}"
        nodes = count_nodes(*self.formulas.expressions())
        yield f"{nodes} operations, constants and columns in all; nothing else can be reached"

    def _used(self) -> dict[str, list[str]]:
        """The columns and roots that each score depends on."""
        found: dict[str, list[str]] = {}
        searches = {search.name: search for search in self.formulas.searches}
        for name, e in self.formulas.scores.items():
            search = searches.get(name)
            parts = (e,) if search is None else (search.equation, *search.ends)
            names = [x.attributes.name for x in inputs(*parts)]
            hidden = search.unknown if search is not None else ""
            found[name] = list(dict.fromkeys(self._column(n) for n in names if n != hidden))
        return found


def _check_range(name: str, ends: Any) -> None:
    try:
        low, high = map(float, ends)
    except (TypeError, ValueError):
        raise ArgumentError(f"the range of `{name}` is two numbers, not {ends!r:.60}") from None
    if not low <= high:
        raise ArgumentError(f"the range of `{name}` is empty: {low:g} to {high:g}")


def _counts(texts: Texts) -> dict[str, int]:
    codes = texts.codes.reshape(-1)
    found = np.bincount(codes[codes >= 0], minlength=len(texts.texts)).tolist()
    return {text: count for text, count in zip(texts.texts, found, strict=True) if count}


def _wide(score: Any, shape: tuple[int, ...]) -> Array:
    """A score for every row."""
    array = np.asarray(score)
    return array if array.shape == shape else np.array(np.broadcast_to(array, shape))


def with_options(scorer: Scorer, **options: Any) -> Scorer:
    """The same formulas with other options."""
    return Scorer(scorer.formulas, replace(scorer.options, **options))


def as_names(names: str | Iterable[str]) -> tuple[str, ...]:
    """One name or several."""
    return (names,) if isinstance(names, str) else tuple(names)
