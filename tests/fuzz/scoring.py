"""Random formulas over random tables: what `flux.score` and `flux score` do with both.

Nothing but FluxError leaves either, no warning is shown, and what comes back obeys the laws of
scoring: a row's scores are its own, every kind of table has the same, and reports count right.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

import flux
from flux.scoring.files import score_file
from tests.fuzz.exercise import BrokenError, check_error
from tests.fuzz.mutate import mutated

NAMES = ("a", "b", "out", "e", "größe", "a b", "__class__", "`\\", "0", "sex", "site")
_TEXTS = ("F", "M", "", " ", "NA", "ü", '"', "x, y", "1")
_NUMBERS = (
    *(0.0, -0.0, 1.0, -1.5, 1e-300, 1e300, 2.0**53, float("inf"), float("-inf"), float("nan")),
    *(0, 1, -7, True, False, None),
)
_ODD = (2**53 + 1, 10**400, "x", "1", b"1", [1], 1j, object, np.datetime64("2020-01-01"))

Columns = dict[str, list[Any]]

# ---- Formulas ------------------------------------------------------------------------------------


def _name(rng: Random) -> str:
    name = rng.choice(NAMES)
    return name if name in ("a", "b", "out", "e", "__class__") else f"`{_spelled(name)}`"


def _spelled(name: str) -> str:
    return name.replace("`", "\\u{60}")


def _value(rng: Random, depth: int) -> str:
    if depth == 0 or rng.random() < 0.2:
        return rng.choice((_name(rng), _name(rng), rng.choice(("0", "1", "2.5", "1e308", "nan"))))
    return _SHAPES[rng.randrange(len(_SHAPES))](rng, depth - 1)


_SHAPES: tuple[Callable[[Random, int], str], ...] = (
    lambda rng, d: f"({_value(rng, d)} {rng.choice('+-*/^%')} {_value(rng, d)})",
    lambda rng, d: f"({_value(rng, d)} {rng.choice(('<', '>=', '==', '!='))} {_value(rng, d)})",
    lambda rng, d: f"{rng.choice(('exp', 'log', 'sqrt', 'abs', 'not ', '-'))}({_value(rng, d)})",
    lambda rng, d: f"where({_value(rng, d)}, {_value(rng, d)}, {_value(rng, d)})",
    lambda rng, d: f"isnan({_name(rng)})",
    lambda rng, d: f'({rng.choice(("sex", "site", "a"))} == "{_text(rng)}")',
    lambda rng, d: f'("{_text(rng)}" != sex and {_value(rng, d)})',
    lambda rng, d: f"bmi({_value(rng, d)}, {_value(rng, d)})",
    lambda rng, d: f"own({_value(rng, d)})",
)


def _text(rng: Random) -> str:
    return rng.choice(_TEXTS).replace('"', "\\u{22}")


def _line(rng: Random, number: int) -> str:
    name = rng.choice((*[f"y{number}"] * 6, f"_{number}", f"`ä {number}`", "a", "y0"))
    if rng.random() < 0.15:
        ends = rng.choice(("0, 9", "1", f"{_name(rng)}, 1e3", "-inf, inf"))
        return f"{name} = root({_value(rng, 2)} - x, x, {ends})"
    return f"{name} = {_value(rng, 3)}" + rng.choice(("", "", "  # größe"))


def made_text(rng: Random) -> str:
    """A scoring text; every third is damaged."""
    lines = [_line(rng, number) for number in range(rng.randint(1, 4))]
    if any("own(" in line for line in lines):
        lines.insert(0, rng.choice(('own(t) = where(t == "F", 1, 2)', "own(t) = t + 1")))
    text = rng.choice(("\n", "\r\n")).join(lines)
    return mutated(rng, text) if rng.random() < 0.3 else text


# ---- Tables --------------------------------------------------------------------------------------


def made_columns(rng: Random) -> Columns:
    """Columns of cells; in some tables one cell is what no column should hold."""
    rows = rng.choice((0, 1, 2, 5, 9))
    names = rng.sample(NAMES, rng.randint(len(NAMES) - 2, len(NAMES)))
    columns = {name: _column(rng, name, rows) for name in names}
    if rows and rng.random() < 0.15:
        columns[rng.choice(names)][rng.randrange(rows)] = rng.choice(_ODD)
    return columns


def _column(rng: Random, name: str, rows: int) -> list[Any]:
    if name in ("sex", "site"):
        return [rng.choice((*_TEXTS[:2], rng.choice(_TEXTS), None)) for _ in range(rows)]
    if rng.random() < 0.3:
        return [rng.randint(-5, 5) for _ in range(rows)]
    return [rng.choice(_NUMBERS) if rng.random() < 0.5 else rng.gauss(0, 3) for _ in range(rows)]


# Tables that hold the same cells; a package may refuse to hold some.
KINDS: Mapping[str, Callable[[Columns], Any]] = {
    "objects": lambda columns: {n: np.array([*v, None], object)[:-1] for n, v in columns.items()},
    "pandas": pd.DataFrame,
    "polars": lambda columns: pl.DataFrame(columns, strict=False),
    "arrow": pa.table,
    "batch": lambda columns: pa.table(columns).to_batches()[0],
}


def table_of(kind: str, columns: Columns) -> Any:
    """The columns as a table of a kind; None where its package does not hold them."""
    try:
        return KINDS[kind](columns)
    except Exception:  # whatever a package says of cells that it does not hold
        return None


# ---- Laws ----------------------------------------------------------------------------------------


def exercise_scoring(seed: str, folder: Path) -> bool:
    """One text over one table; whether it was scored."""
    rng = Random(seed)
    text, columns = made_text(rng), made_columns(rng)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scorer = _attempt(lambda: flux.scorer(text, missing=rng.choice(("nan", "nan", "raise"))))
        if scorer is None:
            return False
        scorer.explain()
        found = _attempt(lambda: scorer.score(columns))
        if found is not None:
            _check_report(*found, scorer)
            _check_rows(scorer, columns, found[0], rng)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of packages, about cells that they turn into others
            table = table_of(rng.choice(list(KINDS)), columns)
        other = _attempt(lambda: scorer(table)) if table is not None else None
        if found is not None and other is not None:
            arrays = {name: np.asarray(other[name]) for name in found[0]}
            _check_equal(found[0], arrays, "kinds of tables")
        _files(scorer, columns, folder, rng)
    return found is not None


def _attempt(function: Callable[[], Any]) -> Any:
    """The value, or None where it raises FluxError; the error is looked at too."""
    try:
        return function()
    except flux.FluxError as error:
        check_error(error)
        return None


def _check_equal(some: Mapping[str, Any], others: Mapping[str, Any], what: str) -> None:
    for name, values in some.items():
        one, other = np.atleast_1d(values), np.atleast_1d(others[name])
        equal = (
            one == other
            if one.dtype.kind == "U"
            else (one == other) | ((one != one) & (other != other))
        )
        if one.shape != other.shape or not np.all(equal):
            raise BrokenError(f"{what} differ in {name}: {one!r} and {other!r}")


def _check_report(found: Mapping[str, Any], report: flux.scoring.Report, scorer: Any) -> None:
    for name in scorer.formulas.scores:
        valued = np.count_nonzero(~np.isnan(np.atleast_1d(found[name])))
        if report.scored[name] != valued:
            raise BrokenError(f"{name} has {valued} values, reported are {report.scored[name]}")
    if str(type(report).from_json(report.as_json())) != str(report):
        raise BrokenError("a report changes when it is stored")


def _check_rows(scorer: Any, columns: Columns, found: Mapping[str, Any], rng: Random) -> None:
    """The scores of some rows alone are those that they have among others."""
    rows = len(next(iter(columns.values())))
    if not rows:
        return
    start = rng.randrange(rows)
    alone = _attempt(lambda: scorer({name: cells[start:] for name, cells in columns.items()}))
    if alone is None:
        raise BrokenError(f"rows from {start} on are refused where all of them are not")
    _check_equal(alone, {name: np.atleast_1d(v)[start:] for name, v in found.items()}, "rows")


# ---- Files ---------------------------------------------------------------------------------------


def _files(scorer: Any, columns: Columns, folder: Path, rng: Random) -> None:
    """Blocks of any size and any number of jobs write the same bytes, or all of them fail."""
    table = folder / "table.csv"
    table.write_bytes(_as_csv(columns, rng))
    answers = {
        _file_answer(scorer, table, folder / out, block, jobs)
        for out, block, jobs in (("a.csv", 1 << 20, 1), ("b.csv", rng.randint(1, 60), 1),
                                 ("c.csv", 7, 2))
    }  # fmt: skip
    if len(answers) > 1:
        raise BrokenError(f"blocks differ: {answers}")
    left = sorted(path.name for path in folder.iterdir() if path.suffix in (".part", ".journal"))
    if left:
        raise BrokenError(f"left behind: {left}")


def _file_answer(scorer: Any, table: Path, out: Path, block: int, jobs: int) -> bytes | None:
    report = _attempt(lambda: score_file(scorer, str(table), str(out), block=block, jobs=jobs))
    if report is None:
        return None
    content = out.read_bytes()
    out.unlink()
    return content


def _as_csv(columns: Columns, rng: Random) -> bytes:
    end = rng.choice(("\n", "\r\n", "\r"))
    rows = zip(*columns.values(), strict=True)
    lines = [columns, *rows]
    text = end.join(",".join(_cell(cell) for cell in line) for line in lines)
    content = (text + rng.choice((end, ""))).encode()
    if rng.random() < 0.2:  # a byte is damaged
        at = rng.randrange(len(content))
        content = content[:at] + bytes([rng.choice(b'\0",\r\n\xff;x')]) + content[at + 1 :]
    return content


def _cell(cell: Any) -> str:
    text = "" if cell is None else str(cell)
    return '"' + text.replace('"', '""') + '"' if any(c in text for c in '",\n\r') else text
