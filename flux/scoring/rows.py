"""The rows of a table on their way to scores, a part of them at a time, on any number of threads.

Columns and expressions come in; the scores, what was seen, and the first mistake come out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from flux.scoring import scan
from flux.scoring.columns import Array, Texts, cell_error
from flux.scoring.formulas import Formulas
from flux.scoring.report import Report
from flux.scoring.searches import STATUSES
from flux.scoring.spelling import meant

if TYPE_CHECKING:
    from flux.scoring.table_scorer import Scorer

PART = 1 << 18  # rows that a thread takes at a time


class Rows:
    """The rows of one table on their way to scores, part by part.

    Args:
        scorer: the formulas.
        columns: by the table's names.
        count: of rows.
        first: the number of the first row, for errors.

    Attributes:
        results: what `score` fills in.
    """

    def __init__(
        self, scorer: Scorer, columns: Mapping[str, Array | Texts], count: int, first: int
    ) -> None:
        self._scorer = scorer
        self._columns = columns
        self._count = count
        self._first = first
        searched = {f"{search.name}_status" for search in scorer.formulas.searches}
        self.results: dict[str, Array | Texts] = {}
        for name in scorer.scores:
            if name in searched:
                self.results[name] = Texts(np.empty(count, np.int8), STATUSES)
            else:
                flag = name == scorer.options.flag
                self.results[name] = np.empty(count, np.bool_ if flag else np.float64)

    def score(self, start: int) -> Report:
        """Score one part of the rows, and say what was seen."""
        rows = slice(start, min(start + PART, self._count))
        columns = {name: _cut(column, rows) for name, column in self._columns.items()}
        values = _inputs(self._scorer.formulas, self._scorer.numbers, columns)
        statuses = self._search(values, rows)
        self._compute(values, rows)
        whole = {n for n in self._scorer.formulas.scores if scan.complete(self._part(n, rows))}
        lacks = self._lacks(columns, whole)
        out = self._outside(columns)
        count = rows.stop - rows.start
        report = Report(
            count,
            missing={name: scan.found(_over(mask, count)) for name, mask in lacks.items()},
            outside={name: scan.found(_over(mask, count)) for name, mask in out.items()},
            ranges=dict(self._scorer.ranges),
            flags=self._scorer.flags,
            texts={n: scan.counts(c) for n, c in columns.items() if isinstance(c, Texts)},
        )
        if self._scorer.options.missing == "raise":
            self._refuse(lacks, start)
        if self._scorer.options.flag:
            flags = scan.either(out.values())
            self._put(self._scorer.options.flag, rows, False if flags is None else flags)
        for name, status in statuses.items():
            report.statuses[name] = scan.counts(status)
        self._blank(values, lacks, whole, rows, report)
        return report

    def _search(self, values: dict[str, Array], rows: slice) -> dict[str, Texts]:
        """Put the roots among the values; how the searches of those that are scores ended."""
        statuses = {}
        for searcher in self._scorer.searchers:
            name, status = searcher.search.name, f"{searcher.search.name}_status"
            values[name], found = searcher.run(values, (rows.stop - rows.start,))
            if status in self.results:
                self._put(status, rows, found.codes)
                statuses[status] = found
        return statuses

    def _lacks(
        self, columns: Mapping[str, Array | Texts], whole: set[str]
    ) -> dict[str, Array | None]:
        """Where each column has no value; not where a score without a nan would pass it on."""
        depends, complete = self._scorer.depends, 0
        for name in whole:
            complete |= depends.passed[name]
        return {
            name: None if depends.bits[name] & complete else scan.missing(column)
            for name, column in columns.items()
        }

    def _outside(self, columns: Mapping[str, Array | Texts]) -> dict[str, Array | None]:
        limited = {n: c for n, c in columns.items() if not isinstance(c, Texts)}
        ranges = {n: ends for n, ends in self._scorer.ranges.items() if n in limited}
        flags = self._scorer.flags
        return {n: scan.outside(limited[n], *ends, n in flags) for n, ends in ranges.items()}

    def _refuse(self, lacks: Mapping[str, Array | None], start: int) -> None:
        depends, needed = self._scorer.depends, 0
        for bits in depends.needed.values():
            needed |= bits
        found = [(scan.found(lacks[n]), n) for n in depends.names(needed) if n in lacks]
        rows = [(cells.first, name) for cells, name in found if cells.count]
        if rows:
            row, name = min(rows)
            raise cell_error(name, self._first + start + row, "there is no value")

    def _blank(
        self,
        values: Mapping[str, Array],
        lacks: Mapping[str, Array | None],
        whole: set[str],
        rows: slice,
        report: Report,
    ) -> None:
        """Take the value of each score where one that it needs is missing."""
        depends, lost = self._scorer.depends, dict(lacks)
        for searcher in self._scorer.searchers:
            lost[searcher.search.name] = scan.missing(values[searcher.search.name])
        holes = [(depends.bits[n], mask) for n, mask in lost.items() if mask is not None]
        for name in self._scorer.formulas.scores:
            score = self._part(name, rows)
            needed = depends.needed[name]
            mask = scan.either(mask for bit, mask in holes if bit & needed)
            if mask is not None:
                np.copyto(score, np.nan, where=mask)
            untouched = mask is None and name in whole
            report.scored[name] = score.size if untouched else scan.valued(score)

    def _compute(self, values: Mapping[str, Array], rows: slice) -> None:
        function = self._scorer.function
        given = {name: values[name] for name in function.inputs}
        # `out` is an option of the call, unless a column has that name.
        if "out" not in given and any(value.ndim for value in given.values()):
            function(given, out={name: self._part(name, rows) for name in function.outputs})
        else:
            for name, value in function(given).items():
                self._put(name, rows, value)

    def _part(self, name: str, rows: slice) -> Array:
        whole = self.results[name]
        return (whole.codes if isinstance(whole, Texts) else whole)[rows]

    def _put(self, name: str, rows: slice, values: Any) -> None:
        self._part(name, rows)[...] = values


def _cut(column: Array | Texts, rows: slice) -> Array | Texts:
    """Some rows of a column; a single number stands for each."""
    if isinstance(column, Texts):
        return Texts(column.codes[rows] if column.codes.ndim else column.codes, column.texts)
    return column[rows] if column.ndim else column


def _over(mask: Array | None, count: int) -> Array | None:
    return mask if mask is None or mask.ndim else np.broadcast_to(mask, (count,))


def _inputs(
    formulas: Formulas, numbers: Sequence[str], columns: Mapping[str, Array | Texts]
) -> dict[str, Array]:
    """The inputs of the expressions, by their names there."""
    values: dict[str, Array] = {}
    for name in numbers:
        column = columns[meant(name)]
        assert not isinstance(column, Texts)
        values[name] = column
    for truth in formulas.truths:
        texts = columns[truth.column]
        assert isinstance(texts, Texts)
        found = texts.missing() if truth.text is None else texts.equal(truth.text)
        values[truth.name] = np.asarray(found)
    return values
