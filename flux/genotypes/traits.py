"""Traits and covariates of people: files as PLINK reads them, or arrays.

A file has a header `FID IID NAME...` or `IID NAME...`; NA, nan and -9 are missing, as in PLINK.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.errors import ArgumentError, DataError, UnknownNameError, did_you_mean
from flux.genotypes.checked import a_file_or_mapping
from flux.genotypes.lines import a_number, read_lines, refused
from flux.genotypes.people import People, Register

Floats = NDArray[np.float64]
Given = str | Path | Mapping[str, Any] | None

_MISSING = frozenset(("na", "nan", "-9", ".", ""))


def read_traits(path: Path, people: People, names: Sequence[str] | None) -> dict[str, Floats]:
    """Columns of a file, a value a person of the cohort; nan where the file has none.

    Raises:
        DataError: it is damaged, a cell is no number, or it has nobody of the cohort.
        UnknownNameError: it has no such column.
        ArgumentError: an IID stands for people of several families.
    """
    rows = [(i, line.split()) for i, line in enumerate(read_lines(path), 1) if line.strip()]
    if not rows:
        raise DataError(f"{str(path)!r} is empty")
    head = [cell.lstrip("#") for cell in rows[0][1]]
    first = 2 if head[0] == "FID" else 1
    if head[first - 1 : first] != ["IID"] or len(head) == first:
        text = f"{path}: row 1: expected the header FID IID NAME or IID NAME"
        raise DataError(text, hint=f"it starts {' '.join(head[:4])}")
    places = {name: _place(path, head, first, name) for name in names or head[first:]}
    register = Register(people)
    found = {name: np.full(len(people), np.nan) for name in places}
    seen: set[int] = set()
    for number, row in rows[1:]:
        if len(row) != len(head):
            text = f"this row has {len(row)} cells, and there are {len(head)} columns"
            raise refused(path, number, min(len(row), len(head)) + 1, text)
        person = register.row((row[0] if first == 2 else None, row[first - 1]))
        if person is None:
            continue
        if person in seen:
            raise refused(path, number, first, "this person stands above too", row[first - 1])
        seen.add(person)
        for name, place in places.items():
            found[name][person] = _value(path, number, name, row[place])
    if not seen:
        raise DataError(f"{path} has nobody of the cohort", hint="by FID and IID")
    return found


def _place(path: Path, head: list[str], first: int, name: str) -> int:
    if name not in head[first:]:
        hint = did_you_mean(name, head[first:]) or f"it has {', '.join(head[first:][:8])}"
        raise UnknownNameError(f"{path} has no column `{name}`", hint=hint)
    return head.index(name, first)


def _value(path: Path, row: int, name: str, cell: str) -> float:
    if cell.lower() in _MISSING:
        return np.nan
    value = a_number(cell)
    if value is None or not np.isfinite(value):
        raise refused(path, row, name, "this is no number", cell)
    return value


def given_columns(
    what: str, given: Given, names: Sequence[str] | None, people: People
) -> dict[str, Floats]:
    """Columns of a file, or arrays with a value a person, by name.

    Raises:
        ArgumentError: an array of another length, or of no numbers.
        DataError, UnknownNameError: as `read_traits`.
    """
    asked = a_file_or_mapping(what, given)
    if asked is None:
        return {}
    if isinstance(asked, Path):
        return read_traits(asked, people, names)
    for name in names or ():
        if name not in asked:
            hint = did_you_mean(name, list(asked))
            raise UnknownNameError(f"{what} has no column `{name}`", hint=hint)
    return {name: _array(name, asked[name], people) for name in names or asked}


def _array(name: str, values: Any, people: People) -> Floats:
    try:
        array = np.asarray(values, np.float64)
    except (TypeError, ValueError):
        raise ArgumentError(f"{name} holds something else than numbers") from None
    if array.shape != (len(people),):
        text = f"{name} has shape {array.shape}, and there are {len(people)} people"
        raise ArgumentError(text)
    if np.isinf(array).any():
        raise ArgumentError(f"{name} is infinite at person {int(np.isinf(array).argmax()) + 1}")
    return array


def as_cases(name: str, values: Floats) -> Floats:
    """A trait of cases as 0 and 1: given as 0 and 1, or as PLINK's 1 and 2, where 0 is missing.

    Raises:
        ArgumentError: it has other values, or only cases, or only controls.
    """
    kinds = set(np.unique(values[~np.isnan(values)]).tolist())
    if not kinds <= {0.0, 1.0, 2.0}:
        odd = min(kinds - {0.0, 1.0, 2.0})
        text = f"{name} has the value {odd:g}; cases are 1 among 0, or 2 among 1"
        raise ArgumentError(text, hint="model='linear' is for other numbers")
    if 2.0 in kinds:
        values = np.where(values == 0, np.nan, values - 1)
    cases, people = np.count_nonzero(values == 1), np.count_nonzero(~np.isnan(values))
    if not 0 < cases < people:
        raise ArgumentError(f"{name} has {cases} cases among {people} people")
    return values
