"""Linkage disequilibrium of pairs of variants: the squared correlation of their dosages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.errors import ArgumentError, UnknownNameError, did_you_mean
from flux.genotypes.cohort import Cohort
from flux.genotypes.lines import Progress, cells_of
from flux.genotypes.opened import opened
from flux.genotypes.people import Mask, kept
from flux.genotypes.statistics import formula
from flux.genotypes.unpack import copies
from flux.genotypes.written import number_text, replace

Floats = NDArray[np.float64]
Pairs = str | Path | Sequence[tuple[str, str]]

_BLOCK_BYTES = 4 << 20
_PAIRS = 256  # looked at together
_MOST_BYTES = 1 << 30  # of dosages that are kept


def ld(
    genotypes: str | Path | Cohort,
    pairs: Pairs,
    *,
    keep: str | Path | Iterable[str] | None = None,
    remove: str | Path | Iterable[str] | None = None,
    field: str = "auto",
    progress: Progress | None = None,
) -> Floats:
    """r^2 of each pair of variants, over the people with a call of both.

    r^2 = (n*sum(x*y) - sum(x)*sum(y))^2 / ((n*sum(x^2) - sum(x)^2)*(n*sum(y^2) - sum(y)^2))

    Args:
        genotypes: a cohort's file, or an open cohort.
        pairs: of identifiers; or a file with a pair a row.
        keep: whom to look at: a file of `FID IID` or `IID` rows, or names.
        remove: whom to leave out, likewise.
        field: of a VCF: GT, DS, or auto.
        progress: called with what is counted, how many are done, and of how many (0: not known).

    Raises:
        UnknownNameError: the cohort has no such variant.
        ArgumentError: an identifier stands for several variants.
        DataError: a file is damaged.
    """
    cohort = opened(genotypes, field, progress=progress)
    mask, _ = kept(cohort.people, keep, remove)
    named = _named(pairs)
    rows = _rows(cohort, sorted({name for pair in named for name in pair}))
    if len(rows) * int(mask.sum()) * 8 > _MOST_BYTES:
        raise ArgumentError(f"{len(rows):,} variants are too many at once", hint="fewer pairs")
    wanted = np.array(sorted(set(rows.values())), np.int64)
    known = _dosages(cohort, mask, wanted, progress)
    found = np.empty(len(named))
    for start in range(0, len(named), _PAIRS):
        some = named[start : start + _PAIRS]
        x, y = (np.stack([known[rows[pair[i]]] for pair in some]) for i in (0, 1))
        found[start : start + _PAIRS] = _squared_correlation(x, y)
        if progress is not None:
            progress("pairs", min(start + _PAIRS, len(named)), len(named))
    return found


def write_linkage(
    output: str | Path, genotypes: str | Path, pairs: str | Path, options: Mapping[str, Any]
) -> int:
    """Write the r^2 of a file's pairs as a table; how many there are.

    Raises:
        FluxError: as `ld`, or the file cannot be written.
    """
    named = _named(pairs)
    found = ld(genotypes, named, **options)
    rows = [f"{a}\t{b}\t{number_text(r2)}\n" for (a, b), r2 in zip(named, found, strict=True)]
    replace(Path(output), "".join(["#ID_A\tID_B\tR2\n", *rows]))
    return len(named)


def _named(pairs: Pairs) -> list[tuple[str, str]]:
    if isinstance(pairs, str | Path):
        return [(row[0], row[1]) for row in cells_of(Path(pairs), 2, ("ID", "ID"))]
    try:
        named = [(str(one), str(other)) for one, other in pairs]
    except (TypeError, ValueError):
        raise ArgumentError("pairs are no pairs of identifiers") from None
    if not named:
        raise ArgumentError("no pairs of variants")
    return named


def _rows(cohort: Cohort, names: Sequence[str]) -> dict[str, int]:
    wanted = set(names)
    found: dict[str, int] = {}
    for row, name in enumerate(cohort.variants.id):
        if name in wanted and name in found:
            raise ArgumentError(f"{name} stands for several variants of {cohort.name}")
        if name in wanted:
            found[name] = row
    for name in names:
        if name not in found:
            hint = did_you_mean(name, cohort.variants.id[:2_000].tolist())
            raise UnknownNameError(f"{cohort.name} has no variant `{name}`", hint=hint)
    return found


def _dosages(
    cohort: Cohort, mask: Mask, rows: NDArray[np.int64], progress: Progress | None
) -> dict[int, Floats]:
    found: dict[int, Floats] = {}
    for block in cohort.blocks(rows, _BLOCK_BYTES):
        values = copies(block, len(cohort.people))[:, mask]
        found.update(zip(block.rows.tolist(), values, strict=True))
        if progress is not None:
            progress("variants", len(found), len(rows))
    return found


def _squared_correlation(x: Floats, y: Floats) -> Floats:
    both = ~(np.isnan(x) | np.isnan(y))
    x, y = np.where(both, x, 0.0), np.where(both, y, 0.0)
    sums = {"x": x, "y": y, "xx": x * x, "yy": y * y, "xy": x * y, "n": both.astype(np.float64)}
    text = "squared_correlation(n, x, y, xx, yy, xy)"
    found: Floats = formula(text)({name: values.sum(axis=1) for name, values in sums.items()})
    return found
