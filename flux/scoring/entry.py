"""`flux.score` and `flux.scorer`: formulas over a table, in one call or in two."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from flux.errors import ArgumentError, DataError
from flux.expr import Expr, variable
from flux.scoring.distributed import is_lazy, scored_lazily
from flux.scoring.formulas import Formulas, only, read_formulas
from flux.scoring.streams import is_reader, scored_reader
from flux.scoring.table_scorer import ScoreOptions, Scorer, as_names
from flux.scoring.valid import card_of, inputs_of
from flux.settings import current
from flux.syntax.module import LIBRARY

Given = str | os.PathLike[str] | Expr | Mapping[str, str | Expr]


def score(
    table: Any,
    formulas: Given,
    *,
    names: str | Iterable[str] | None = None,
    missing: str = "nan",
    keep: str | Iterable[str] | None = (),
    ranges: Mapping[str, tuple[float, float]] | None = None,
    units: Mapping[str, str] | None = None,
    flag: str = "",
    threads: int = 1,
    report: bool = False,
) -> Any:
    """The values of formulas for each row of a table.

    `flux.score(table, "bmi = weight/height^2")` gives a table of the same kind, with the same rows
    in the same order, and the index of a DataFrame.

    Args:
        table: a pandas or polars DataFrame, an Arrow table, batch or reader, a mapping of names to
            arrays, or a Dask DataFrame or mapping of Dask arrays, which stays lazy.
        formulas: a text with a formula a line, `name = formula`; the path of a file with one
            (`pathlib.Path`); an expression; or several of these by name. Names are columns; those
            that are no names stand in backticks, and `sex == "F"` compares texts.
        names: which of the scores are wanted; by default all that lines bind, but those whose names
            begin with an underscore.
        missing: "nan" gives a row no value in every score that needs a missing cell, unless the
            formula asks for it with `isnan(column)`; "raise" is an error with row and column.
        keep: columns of the table to put before the scores; None for all.
        ranges: of columns, `{"age": (18, 120)}`, beside those that the formulas state.
        units: of columns, `{"creatinine": "umol/L"}`, where they are not those that the cards of
            the formulas state; columns of pint and pint-pandas carry their own. They are converted.
        flag: the name of a column to add that says whether a value of the row is out of range.
        threads: that may be used; they change no bit.
        report: whether to give a pair: the table, and a `Report` of what was missing or out of
            range; that of a Dask table is lazy too.

    Raises:
        UnknownNameError: the table lacks a column; the hint has the nearest one.
        DataError: a cell is no number, with row and column.
        FluxError: the text is not in the language.
    """
    made = scorer(
        formulas,
        names=names,
        missing=missing,
        keep=keep,
        ranges=ranges,
        units=units,
        flag=flag,
        threads=threads,
    )
    found = _scored(made, table)
    return found if report else found[0]


def _scored(scorer: Scorer, table: Any) -> tuple[Any, Any]:
    if is_lazy(table):
        return scored_lazily(scorer, table)
    if is_reader(table):
        return scored_reader(scorer, table)
    return scorer.score(table)


def scorer(
    formulas: Given,
    *,
    names: str | Iterable[str] | None = None,
    missing: str = "nan",
    keep: str | Iterable[str] | None = (),
    ranges: Mapping[str, tuple[float, float]] | None = None,
    units: Mapping[str, str] | None = None,
    flag: str = "",
    threads: int = 1,
) -> Scorer:
    """Formulas that are read and compiled once, for many tables; see `flux.score`.

    Raises:
        FluxError: the text is not in the language, or an option has no such value.
    """
    kept = None if keep is None else as_names("keep", keep)
    options = ScoreOptions(missing, ranges, units, flag, kept, threads)
    return Scorer(_wanted(_formulas(formulas), names), options)


def _wanted(formulas: Formulas, names: str | Iterable[str] | None) -> Formulas:
    return formulas if names is None else only(formulas, as_names("names", names))


def _formulas(formulas: Any) -> Formulas:
    if isinstance(formulas, os.PathLike):
        return read_formulas(read_file(Path(formulas)), str(formulas))
    if isinstance(formulas, str) and formulas.strip().isidentifier():
        return _of_library(formulas.strip()) or read_formulas(formulas)
    return read_formulas(formulas)


def _of_library(name: str) -> Formulas | None:
    """A formula of the library, with its valid ranges; None where it has none of that name."""
    definition = LIBRARY.find(name)
    card = None if definition is None else card_of(definition)
    if definition is None or card is None:
        return None
    columns = [variable(quantity.name) for quantity in card.inputs]
    return Formulas({name: definition(*columns)}, stated=tuple(inputs_of(card)))


def read_file(path: Path) -> str:
    """The text of a file of formulas.

    Raises:
        DataError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            content = file.read(4 * current().max_source_bytes + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"cannot read {str(path)!r}: {reason}") from None
    if b"\0" in content:
        raise ArgumentError(f"{str(path)!r} is no text")
    return content.decode("utf-8-sig", "surrogateescape")
