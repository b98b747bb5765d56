"""The people of a cohort: identifiers, sex, founders; lists of those to keep or to remove."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from flux.errors import ArgumentError, DataError
from flux.genotypes.checked import a_file_or_mapping, a_file_or_names
from flux.genotypes.lines import cells_of, read_lines, refused

Mask = NDArray[np.bool_]

UNKNOWN, MALE, FEMALE = 0, 1, 2
_SEXES = {"1": MALE, "m": MALE, "male": MALE, "2": FEMALE, "f": FEMALE, "female": FEMALE}
_NO_SEX = frozenset(("0", "-9", "na", "nan", "u", "unknown", "."))
_FAM = ("FID", "IID", "father", "mother", "sex", "phenotype")


@dataclass(frozen=True)
class People:
    """Columns of equal length.

    Attributes:
        fid, iid: identifiers; a family of `0` is none.
        sex: UNKNOWN, MALE or FEMALE.
        founder: neither parent is named; allele frequencies are those of the founders.
        phenotype: as texts, where the file has one.
    """

    fid: tuple[str, ...]
    iid: tuple[str, ...]
    sex: NDArray[np.int8]
    founder: Mask
    phenotype: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.iid)


def named(iids: Sequence[str], path: Path) -> People:
    """People of whom only names are known, as in a VCF.

    Raises:
        DataError: two have one name.
    """
    _refuse_twins(path, [("0", iid) for iid in iids], 0)
    n = len(iids)
    return People(("0",) * n, tuple(iids), np.zeros(n, np.int8), np.ones(n, bool))


def read_fam(path: Path) -> People:
    """The people of a .fam file.

    Raises:
        DataError: it is empty, a row is too short or too long, a sex is unknown to PLINK, or two
            rows have the same identifiers.
    """
    rows = cells_of(path, len(_FAM), _FAM[:5])
    _refuse_twins(path, [(row[0], row[1]) for row in rows], 1)
    return People(
        tuple(row[0] for row in rows),
        tuple(row[1] for row in rows),
        np.array([_sex(path, number, 5, row[4]) for number, row in enumerate(rows, 1)], np.int8),
        np.array([row[2] == row[3] == "0" for row in rows], bool),
        tuple(row[5] if len(row) == 6 else "-9" for row in rows),
    )


def read_psam(path: Path) -> People:
    """The people of a .psam file: a header `#FID IID ...` or `#IID ...`; without one, a .fam.

    Raises:
        DataError: as `read_fam`, or it has no column of names.
    """
    lines = [(i, line) for i, line in enumerate(read_lines(path), 1) if line.strip()]
    heads = [(i, line) for i, line in lines if line.startswith(("#FID", "#IID"))]
    if not heads:
        return read_fam(path)
    names = heads[0][1].lstrip("#").split()
    body = [(i, line.split()) for i, line in lines if i > heads[0][0]]
    for i, row in body:
        if len(row) != len(names):
            text = f"this row has {len(row)} cells, and there are {len(names)} columns"
            raise refused(path, i, min(len(row), len(names)) + 1, text)
    if not body:
        raise DataError(f"{str(path)!r} names nobody")
    cells = {name: [row[at] for _, row in body] for at, name in enumerate(names)}
    n = len(body)
    fid = cells.get("FID", ["0"] * n)
    _refuse_twins(path, list(zip(fid, cells["IID"], strict=True)), body[0][0])
    sexes = cells.get("SEX", ["0"] * n)
    parents = zip(cells.get("PAT", ["0"] * n), cells.get("MAT", ["0"] * n), strict=True)
    return People(
        tuple(fid),
        tuple(cells["IID"]),
        np.array([_sex(path, i, "SEX", s) for (i, _), s in zip(body, sexes, strict=True)], np.int8),
        np.array([father == mother == "0" for father, mother in parents], bool),
    )


def _sex(path: Path, row: int, column: int | str, cell: str) -> int:
    word = cell.lower()
    if word in _NO_SEX:
        return UNKNOWN
    if word not in _SEXES:
        raise refused(path, row, column, "this is no sex", cell, "1 or M, 2 or F, 0 for unknown")
    return _SEXES[word]


def _refuse_twins(path: Path, names: Sequence[tuple[str, str]], first_row: int) -> None:
    """Two people of one name could not be told apart in the output."""
    seen: dict[tuple[str, str], int] = {}
    for number, name in enumerate(names):
        if name in seen:
            text = f"the same person stands in row {seen[name] + first_row} too"
            raise refused(path, number + first_row, 2, text, " ".join(name))
        seen[name] = number


def with_sex(people: People, sex: str | Path | Mapping[str, object] | None) -> People:
    """People whose sex is given: a file of `IID sex` or `FID IID sex`, or a mapping from IID.

    Raises:
        DataError: a sex that is none, or a row without one.
        ArgumentError: nobody has a name that is given.
    """
    if sex is None:
        return people
    asked = a_file_or_mapping("sex", sex)
    given = _sexes_of_file(asked) if isinstance(asked, Path) else _sexes_of(asked or {})
    found = np.array([given.get(iid, -1) for iid in people.iid], np.int8)
    if given and not (found >= 0).any():
        raise ArgumentError("`sex` names nobody of the cohort", hint=_some(people))
    return replace(people, sex=np.where(found >= 0, found, people.sex).astype(np.int8))


def _sexes_of(sex: Mapping[str, object]) -> dict[str, int]:
    return {
        str(iid): _sex(Path("sex"), number, str(iid), str(value))
        for number, (iid, value) in enumerate(sex.items(), 1)
    }


def _sexes_of_file(path: Path) -> dict[str, int]:
    rows = cells_of(path, 3, ("IID", "sex"))
    named_rows = [(i, row) for i, row in enumerate(rows, 1) if not row[0].startswith("#")]
    return {row[-2]: _sex(path, i, len(row), row[-1]) for i, row in named_rows}


def kept(
    people: People,
    keep: str | Path | Iterable[str] | None,
    remove: str | Path | Iterable[str] | None,
) -> Mask:
    """Who is kept: those on the first list (all without one) who are not on the second.

    A list is a file of `FID IID` or `IID` rows, as PLINK reads them, or names of people.

    Raises:
        ArgumentError: nobody is left, or a list names nobody.
        DataError: a file cannot be read.
    """
    mask = np.ones(len(people), bool)
    if keep is not None:
        mask &= _on_list(people, keep, "keep")
    if remove is not None:
        mask &= ~_on_list(people, remove, "remove")
    if not mask.any():
        raise ArgumentError("nobody is left after `keep` and `remove`")
    return mask


def _on_list(people: People, listed: str | Path | Iterable[str], name: str) -> Mask:
    asked = a_file_or_names(name, listed) or []
    if not isinstance(asked, Path):
        wanted = frozenset(asked)
        mask = np.array([iid in wanted for iid in people.iid], bool)
    else:
        rows = cells_of(asked, 1 << 20, ("IID",))
        pairs = {(row[0], row[1]) for row in rows if len(row) > 1}
        alone = {row[0] for row in rows if len(row) == 1}
        both = zip(people.fid, people.iid, strict=True)
        mask = np.array([iid in alone or (fid, iid) in pairs for fid, iid in both], bool)
    if not mask.any():
        raise ArgumentError(f"`{name}` names nobody of the cohort", hint=_some(people))
    return mask


def _some(people: People) -> str:
    names = [f"{fid} {iid}" for fid, iid in zip(people.fid[:3], people.iid[:3], strict=True)]
    return f"it has people such as {', '.join(names)}"
