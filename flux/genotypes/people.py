"""The people of a cohort: identifiers, sex, founders; lists of those to keep or to remove."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from flux.errors import ArgumentError, DataError
from flux.genotypes.checked import a_file_or_mapping, a_file_or_names
from flux.genotypes.lines import cells_of, read_lines, refused

Mask = NDArray[np.bool_]
Name = tuple[str | None, str]  # FID, where one is given, and IID

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
        DataError: it is empty, a row is too short or too long, a sex is no code of PLINK's, or two
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
    if "IID" not in names:
        raise DataError(f"{path}: row {heads[0][0]}: there is no column IID")
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
    """Two people of one name could not be told apart in the output, nor could one without."""
    seen: dict[tuple[str, str], int] = {}
    for number, name in enumerate(names):
        if name[1] == "0":
            raise refused(path, number + first_row, 2, "this is nobody's name", "0")
        if name in seen:
            text = f"the same person stands in row {seen[name] + first_row} too"
            raise refused(path, number + first_row, 2, text, " ".join(name))
        seen[name] = number


class Register:
    """Rows of people by FID and IID, or by IID alone where one family only has it."""

    def __init__(self, people: People) -> None:
        self._both = {key: row for row, key in enumerate(zip(people.fid, people.iid, strict=True))}
        self._alone = {iid: row for row, iid in enumerate(people.iid)}
        self._several = {iid for iid, count in Counter(people.iid).items() if count > 1}

    def row(self, name: Name) -> int | None:
        """The row of a person, None where the cohort has nobody of that name.

        Raises:
            ArgumentError: the IID stands for people of several families.
        """
        fid, iid = name
        if fid is not None:
            return self._both.get((fid, iid))
        if iid in self._several:
            raise ArgumentError(f"several families have an {iid!r}", hint="give FID and IID")
        return self._alone.get(iid)


def with_sex(people: People, sex: str | Path | Mapping[str, object] | None) -> People:
    """People whose sex is given: a file of `IID sex` or `FID IID sex`, or a mapping from IID.

    Raises:
        DataError: a sex that is none, or a row without one.
        ArgumentError: nobody has a name that is given, or an IID stands for several people.
    """
    if sex is None:
        return people
    asked = a_file_or_mapping("sex", sex)
    given = _sexes_of_file(asked) if isinstance(asked, Path) else _sexes_of(asked or {})
    register, found = Register(people), people.sex.copy()
    rows = [(register.row(name), value) for name, value in given.items()]
    known = [(row, value) for row, value in rows if row is not None]
    if given and not known:
        raise ArgumentError("`sex` names nobody of the cohort", hint=_some(people))
    for row, value in known:
        found[row] = value
    return replace(people, sex=found)


def _sexes_of(sex: Mapping[str, object]) -> dict[Name, int]:
    return {
        (None, iid): _sex(Path("sex"), number, iid, str(value))
        for number, (iid, value) in enumerate(sex.items(), 1)
    }


def _sexes_of_file(path: Path) -> dict[Name, int]:
    rows = cells_of(path, 3, ("IID", "sex"))
    numbered = [(i, row) for i, row in enumerate(rows, 1) if not row[0].startswith("#")]
    return {
        (row[0] if len(row) == 3 else None, row[-2]): _sex(path, i, len(row), row[-1])
        for i, row in numbered
    }


def kept(
    people: People,
    keep: str | Path | Iterable[str] | None,
    remove: str | Path | Iterable[str] | None,
) -> tuple[Mask, dict[str, str]]:
    """Who is kept: those on the first list (all without one) who are not on the second.

    A list is names of people, or a file of `FID IID` or `IID` rows. A header `#FID IID` or `#IID`
    may have further columns. An IID alone is that person of any family (of none, in PLINK).

    Returns:
        The mask, and for each list how many of its names the cohort has.

    Raises:
        ArgumentError: nobody is left, or a list names nobody.
        DataError: a file cannot be read.
    """
    mask, notes = np.ones(len(people), bool), {}
    if keep is not None:
        listed, notes["keep"] = _on_list(people, keep, "keep")
        mask &= listed
    if remove is not None:
        listed, notes["remove"] = _on_list(people, remove, "remove")
        mask &= ~listed
    if not mask.any():
        raise ArgumentError("nobody is left after `keep` and `remove`")
    return mask, notes


def _on_list(people: People, listed: str | Path | Iterable[str], name: str) -> tuple[Mask, str]:
    asked = a_file_or_names(name, listed) or []
    wanted = _listed(asked) if isinstance(asked, Path) else [(None, iid) for iid in asked]
    register, mask = Register(people), np.zeros(len(people), bool)
    rows = [register.row(one) for one in dict.fromkeys(wanted)]
    mask[[row for row in rows if row is not None]] = True
    if wanted and not mask.any():
        raise ArgumentError(f"`{name}` names nobody of the cohort", hint=_some(people))
    return mask, f"{len(rows) - rows.count(None):,} of {len(rows):,} names"


def _listed(path: Path) -> list[Name]:
    """The names in a file, with or without a header."""
    rows = [(i, row) for i, line in enumerate(read_lines(path), 1) if (row := line.split())]
    head = [cell.lstrip("#") for cell in rows[0][1]] if rows else []
    if "IID" not in head[:2]:
        body = [row for _, row in rows if not row[0].startswith("#")]
        return [(row[0], row[1]) if len(row) > 1 else (None, row[0]) for row in body]
    at = head.index("IID")
    for number, row in rows:
        if len(row) <= at:
            raise refused(path, number, at + 1, "this row has no IID")
    return [(row[0] if at else None, row[at]) for _, row in rows[1:]]


def _some(people: People) -> str:
    names = [f"{fid} {iid}" for fid, iid in zip(people.fid[:3], people.iid[:3], strict=True)]
    return f"it has people such as {', '.join(names)}"
