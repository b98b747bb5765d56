"""Published weights: scoring files of the PGS Catalog, and small files of one's own.

Format: https://www.pgscatalog.org/downloads/#scoring_header (version 2.0), plain or harmonised
(`hm_` columns, which are used where they are there). A file of one's own has a header with the same
names or one of their usual spellings, or, without one, PLINK's three columns: ID, allele, weight.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from flux.errors import DataError, UnknownNameError, did_you_mean
from flux.genotypes.checked import a_path
from flux.genotypes.lines import Progress, a_number, in_parts, read_lines, refused
from flux.genotypes.variants import MOST_POSITION, Chromosomes, Texts, texts

ADDITIVE, DOMINANT, RECESSIVE, BY_DOSAGE, INTERACTION, HAPLOTYPE = range(6)
KINDS = ("additive", "dominant", "recessive", "by dosage", "interaction", "haplotype")

TOGETHER = "_x_"  # between the variants of an interaction

# A column, by the names that it goes under; the first one of a file is taken.
_SPELLINGS: Mapping[str, tuple[str, ...]] = {
    "id": ("hm_rsid", "rsid", "snp", "id", "variant_id", "variantid", "marker", "markername"),
    "chrom": ("hm_chr", "chr_name", "chr", "chrom", "chromosome"),
    "position": ("hm_pos", "chr_position", "pos", "bp", "position", "base_pair_location"),
    "effect": ("effect_allele", "ea", "a1", "allele", "allele1", "effect", "counted_allele"),
    "other": ("other_allele", "reference_allele", "oa", "nea", "a2", "allele2"),
    "inferred": ("hm_inferotherallele",),
    "weight": ("effect_weight", "weight", "beta", "effect_size", "score", "or_log"),
    "is_interaction": ("is_interaction",),
    "is_dominant": ("is_dominant",),
    "is_recessive": ("is_recessive",),
    "is_haplotype": ("is_haplotype",),
    "is_diplotype": ("is_diplotype",),
    "dosage_0": ("dosage_0_weight",),
    "dosage_1": ("dosage_1_weight",),
    "dosage_2": ("dosage_2_weight",),
}
_FLAGS = (
    ("is_haplotype", HAPLOTYPE),
    ("is_diplotype", HAPLOTYPE),
    ("is_interaction", INTERACTION),
    ("is_dominant", DOMINANT),
    ("is_recessive", RECESSIVE),
)
_TRUTH = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False, "": False}
_EMPTY = frozenset(("", "na", "n/a", "nan", "none", "null", "."))
_BASES = frozenset("ACGT")
_FEW = 1_000  # different cells of a column; equal ones are then kept once


class Shared(dict[str, str]):
    """Texts by themselves: equal ones become one."""

    def __missing__(self, text: str) -> str:
        self[text] = text
        return text


@dataclass(frozen=True)
class Weights:
    """The rows of a scoring file, as columns of equal length.

    Attributes:
        name: of the score: `pgs_id` of the header, or the file's stem.
        path: the file.
        header: its lines `#key=value`.
        build: the genome build of its positions, or an empty text.
        columns: names of the columns of weights.
        row: the line of each row, from 1.
        id, chrom, effect, other: as texts; empty where a row has none.
        position: bases from 1; 0 where a row has none.
        kind: one of KINDS for each row.
        weight: (R, S), S columns of weights.
        by_dosage: (R, 3) weights of 0, 1 and 2 copies; nan where a row has none.
        among: (R,) the values that ranges are about, or None.
        position_text: the cells of positions, which hold several where a row is an interaction.
    """

    name: str
    path: Path
    header: Mapping[str, str]
    build: str
    columns: tuple[str, ...]
    row: NDArray[np.int64]
    id: Texts
    chrom: Texts
    position: NDArray[np.int64]
    effect: Texts
    other: Texts
    kind: NDArray[np.int8]
    weight: NDArray[np.float64]
    by_dosage: NDArray[np.float64]
    among: NDArray[np.float64] | None = None
    position_text: Texts | None = None

    def __len__(self) -> int:
        return len(self.row)


@dataclass(frozen=True)
class _Table:
    """The cells of a file: names of columns, lines with their numbers, what stands between."""

    path: Path
    header: Mapping[str, str]
    names: tuple[str, ...]
    rows: NDArray[np.int64]
    columns: tuple[tuple[str, ...], ...]

    def find(self, what: str) -> str | None:
        """The name of the column that is meant, as the file spells it."""
        lower = {name.lower(): name for name in reversed(self.names)}
        return next((lower[name] for name in _SPELLINGS[what] if name in lower), None)

    def cells(self, name: str | None) -> tuple[str, ...] | None:
        """A column by the name that the file gives it."""
        return None if name is None else self.columns[self.names.index(name)]

    def texts(self, what: str) -> tuple[str, ...]:
        """A column that may be absent; its empty cells are empty texts."""
        found = self.cells(self.find(what))
        if found is None:
            return ("",) * len(self.rows)
        empty = {cell for cell in set(found) if cell.lower() in _EMPTY}
        return tuple("" if cell in empty else cell for cell in found) if empty else found

    def named(self, name: str) -> str:
        """A column that the caller named."""
        if name not in self.names:
            hint = did_you_mean(name, self.names) or f"it has {', '.join(self.names[:12])}"
            raise UnknownNameError(f"{self.path} has no column `{name}`", hint=hint)
        return name


def read_weights(
    path: str | Path,
    columns: Sequence[str] | None = None,
    among: str | None = None,
    progress: Progress | None = None,
) -> Weights:
    """The weights of a file.

    Args:
        path: the file, plain or gzip.
        columns: of weights; without them the one column that holds the weights.
        among: the column that ranges are about, such as p-values.
        progress: told of the rows that are read.

    Raises:
        DataError: the file is empty or damaged, or a cell is not what its column holds; the message
            has the row and the column.
        UnknownNameError: it has no such column.
    """
    table = _read(a_path("weights", path), progress)
    kind = _kinds(table)
    named = [table.named(name) for name in columns] if columns else _weight_columns(table)
    by_dosage = _by_dosage(table, kind)
    kind[(kind == ADDITIVE) & ~np.isnan(by_dosage).any(axis=1)] = BY_DOSAGE
    weight = _weights(table, named, kind != BY_DOSAGE)
    chroms = Chromosomes()
    places = table.texts("position")
    return Weights(
        name=table.header.get("pgs_id") or _stem(table.path),
        path=table.path,
        header=table.header,
        build=_build(table),
        columns=tuple(named) or ("dosage weights",),
        row=table.rows,
        id=texts(table.texts("id")),
        chrom=texts([text if TOGETHER in text else chroms[text] for text in table.texts("chrom")]),
        position=_positions(table, places),
        effect=texts(_effects(table)),
        other=texts(_others(table)),
        kind=kind,
        weight=weight,
        by_dosage=by_dosage,
        among=None if among is None else _numbers(table, table.named(among), None),
        position_text=texts(places),
    )


def _stem(path: Path) -> str:
    return path.name.split(".")[0] or path.name


def _read(path: Path, progress: Progress | None) -> _Table:
    header: dict[str, str] = {}
    body: list[tuple[int, str]] = []
    for number, line in enumerate(read_lines(path), 1):
        if line.startswith("#") and not body and not _is_head(line):
            key, equals, value = line.lstrip("#").partition("=")
            if equals:
                header[key.strip()] = value.strip()
        elif line.strip():
            body.append((number, line.lstrip("#") if not body else line))
    if not body:
        raise DataError(f"{str(path)!r} is empty", hint="it has no rows of weights")
    return _table(path, header, body, progress)


def _is_head(line: str) -> bool:
    """Whether a line `#CHROM POS ID A1 ...` names columns, an effect allele among them."""
    names = line[1:].lower().split()
    return not line.startswith("##") and any(name in _SPELLINGS["effect"] for name in names[1:])


def _table(
    path: Path,
    header: Mapping[str, str],
    body: list[tuple[int, str]],
    progress: Progress | None,
) -> _Table:
    between = next((mark for mark in "\t," if mark in body[0][1]), None)
    first, names = body[0][0], tuple(_split(body[0][1], between))
    if _is_bare(names):
        names = ("id", "effect_allele", *(f"weight{i}" for i in range(1, len(names) - 1)))
        names = (*names[:2], "effect_weight") if len(names) == 3 else names
    else:
        body = body[1:]
    _check_head(path, names, first, len(body))
    columns: list[list[str]] = [[] for _ in names]
    known = Shared()
    for some in in_parts(body, "rows read", progress):
        rows = [(number, _split(line, between)) for number, line in some]
        _check_rows(path, names, rows)
        for column, cells in zip(columns, zip(*(row for _, row in rows), strict=True), strict=True):
            column += map(known.__getitem__, cells) if len(set(cells)) < _FEW else cells
    numbers = np.array([number for number, _ in body], np.int64)
    return _Table(path, header, names, numbers, tuple(map(tuple, columns)))


def _split(line: str, between: str | None) -> list[str]:
    """The cells of a line; without a mark, what stands between blanks."""
    cells = line.split(between)
    return cells if between is None or " " not in line else [cell.strip() for cell in cells]


def _is_bare(cells: Sequence[str]) -> bool:
    """Whether the first row is a row already: PLINK's ID, allele, weight."""
    return len(cells) >= 3 and all(_number(cell) is not None for cell in cells[2:])


def _check_head(path: Path, names: tuple[str, ...], head: int, rows: int) -> None:
    if not rows:
        raise DataError(f"{path}: row {head} names columns, and no row follows")
    for at, name in enumerate(names, 1):
        if not name or names.count(name) > 1:
            what = f"two columns are named {name!r}" if name else "a column has no name"
            raise refused(path, head, at, what)


def _check_rows(path: Path, names: tuple[str, ...], rows: list[tuple[int, list[str]]]) -> None:
    for number, cells in rows:
        if len(cells) != len(names):
            text = f"this row has {len(cells)} cells, and there are {len(names)} columns"
            raise refused(path, number, min(len(cells), len(names)) + 1, text)


def _weights(table: _Table, named: Sequence[str], needed: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(R, S) weights; 1 where weights by dosage stand instead."""
    if not named:
        if needed.any():
            row = int(table.rows[needed.argmax()])
            raise refused(table.path, row, "dosage_0_weight", "the weights by dosage are missing")
        return np.ones((len(table.rows), 1))
    weight = np.stack([_numbers(table, name, needed) for name in named], axis=1)
    weight[~needed] = 1.0
    return weight


def _weight_columns(table: _Table) -> list[str]:
    found = table.find("weight")
    if found is not None:
        return [found]
    numbered = [name for name in table.names if name.lower().startswith(("weight", "score"))]
    if numbered:
        return numbered
    if table.find("dosage_0") is not None:
        return []
    hint = f"name it; the columns are {', '.join(table.names[:12])}"
    raise DataError(f"{table.path} has no column of weights", hint=hint)


def _kinds(table: _Table) -> NDArray[np.int8]:
    kind = np.full(len(table.rows), ADDITIVE, np.int8)
    for what, value in reversed(_FLAGS):
        kind[_truths(table, what)] = value
    both = _truths(table, "is_dominant") & _truths(table, "is_recessive")
    if both.any():
        text = "a row is not both dominant and recessive"
        raise refused(table.path, int(table.rows[both.argmax()]), "is_dominant", text)
    places = table.texts("effect"), table.texts("id")
    if any(TOGETHER in cell for column in places for cell in set(column)):
        cells = zip(*places, strict=True)
        together = np.array([TOGETHER in effect or TOGETHER in name for effect, name in cells])
        kind[together & (kind == ADDITIVE)] = INTERACTION
    return kind


def _truths(table: _Table, what: str) -> NDArray[np.bool_]:
    name = table.find(what)
    if name is None:
        return np.zeros(len(table.rows), bool)
    values = [_TRUTH.get(cell.lower()) for cell in table.texts(what)]
    for row, value, cell in zip(table.rows, values, table.texts(what), strict=True):
        if value is None:
            raise refused(table.path, int(row), name, "this is neither TRUE nor FALSE", cell)
    return np.array(values, bool)


def _by_dosage(table: _Table, kind: NDArray[np.int8]) -> NDArray[np.float64]:
    names = [table.find(f"dosage_{i}") for i in range(3)]
    found = np.full((len(table.rows), 3), np.nan)
    if None in names:
        return found
    for i, name in enumerate(names):
        assert name is not None
        filled = np.array([bool(cell) for cell in table.texts(f"dosage_{i}")])
        found[:, i] = _numbers(table, name, filled & (kind == ADDITIVE))
        found[~filled, i] = np.nan
    part = np.isnan(found).any(axis=1) & ~np.isnan(found).all(axis=1)
    if part.any():
        row = int(table.rows[part.argmax()])
        raise refused(table.path, row, names[0] or "", "weights of 0, 1 and 2 copies go together")
    return found


def _numbers(table: _Table, name: str, needed: NDArray[np.bool_] | None) -> NDArray[np.float64]:
    """A column of numbers; where they are not needed, what is none is nan."""
    cells = table.cells(name) or ()
    quick = _all_numbers(cells)
    if quick is not None:
        return quick
    values = [_number(cell) for cell in cells]
    for at, value in enumerate(values):
        missing = cells[at].lower() in _EMPTY
        if value is None and ((needed is not None and needed[at]) or not missing):
            text = "this is no number" if not missing else "the number is missing"
            raise refused(table.path, int(table.rows[at]), name, text, cells[at])
    return np.array([np.nan if value is None else value for value in values])


def _all_numbers(cells: tuple[str, ...]) -> NDArray[np.float64] | None:
    """The numbers of cells that all are finite ones, or None."""
    try:
        found = np.array(cells, np.float64)
    except ValueError:
        return None
    text = "".join(cells)
    return found if np.isfinite(found).all() and text.isascii() and "_" not in text else None


def _number(cell: str) -> float | None:
    """A finite number, or None."""
    value = a_number(cell)
    return value if value is not None and isfinite(value) else None


def _positions(table: _Table, places: Sequence[str]) -> NDArray[np.int64]:
    found = np.zeros(len(places), np.int64)
    for at, cell in enumerate(places):
        if cell.isascii() and cell.isdigit() and len(cell) <= 18 and int(cell) <= MOST_POSITION:
            found[at] = int(cell)
        elif cell and TOGETHER not in cell:
            name = table.find("position") or ""
            raise refused(table.path, int(table.rows[at]), name, "this is no position", cell)
    return found


def _effects(table: _Table) -> list[str]:
    name = table.find("effect")
    if name is None:
        hint = f"the columns are {', '.join(table.names[:12])}"
        raise DataError(f"{table.path} has no column of effect alleles", hint=hint)
    cells = table.texts("effect")
    for row, cell in zip(table.rows, cells, strict=True):
        if not cell:
            raise refused(table.path, int(row), name, "the effect allele is missing")
    capital = {cell: cell if TOGETHER in cell else cell.upper() for cell in set(cells)}
    return [capital[cell] for cell in cells]


def _others(table: _Table) -> list[str]:
    """The other allele, or the one that harmonising inferred where there is just one."""
    pairs = list(zip(table.texts("other"), table.texts("inferred"), strict=True))
    chosen = {
        (other, one): (other or (one if set(one.upper()) <= _BASES else "")).upper()
        for other, one in set(pairs)
    }
    return [chosen[pair] for pair in pairs]


def _build(table: _Table) -> str:
    """The build of the positions that are used: the harmonised ones where there are such."""
    harmonised = table.find("position") or ""
    if harmonised.lower() == "hm_pos":
        return build_name(table.header.get("HmPOS_build", ""))
    return build_name(table.header.get("genome_build", ""))


def build_name(text: str) -> str:
    """A genome build under one name, GRCh37 or GRCh38; empty where it is not known."""
    word = text.strip().lower()
    return _BUILDS.get(word, "" if word in ("", "nr", "na") else text.strip())


_BUILDS = {
    "grch37": "GRCh37",
    "hg19": "GRCh37",
    "b37": "GRCh37",
    "37": "GRCh37",
    "grch38": "GRCh38",
    "hg38": "GRCh38",
    "b38": "GRCh38",
    "38": "GRCh38",
    "grch36": "GRCh36",
    "ncbi36": "GRCh36",
    "hg18": "GRCh36",
}
