"""Arrow's readers: batches are scored one by one, as they are read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flux.scoring.packages import pyarrow
from flux.scoring.report import Report
from flux.scoring.table_scorer import Scorer
from flux.scoring.tables.from_arrow import ArrowTable


def is_reader(table: Any) -> bool:
    """Whether a table is a reader of Arrow batches."""
    return type(table).__module__.startswith("pyarrow") and hasattr(table, "read_next_batch")


def scored_reader(scorer: Scorer, reader: Any) -> tuple[Any, Report]:
    """A reader of the scores, and a report that grows while it is read.

    Raises:
        UnknownNameError: the batches lack a column.
    """
    report = Report()
    keep = scorer.kept(list(reader.schema.names))
    nothing = ArrowTable(reader.schema.empty_table(), 0)
    schema = nothing.give_back(scorer.evaluate(nothing)[0], keep).schema

    def batches() -> Iterator[Any]:
        for batch in reader:
            table = ArrowTable(batch, report.rows)
            results, seen = scorer.evaluate(table)
            report.add(seen)
            yield table.give_back(results, keep)

    return pyarrow().RecordBatchReader.from_batches(schema, batches()), report
