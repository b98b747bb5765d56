"""What `flux.prs` gives: a score a person, counts, and what became of every row of weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.genotypes.match import REASONS, Matches
from flux.genotypes.people import People
from flux.genotypes.terms import Group
from flux.genotypes.variants import Variants
from flux.genotypes.weights import KINDS
from flux.genotypes.written import number_text, replace

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Scores:
    """Scores of N people.

    Attributes:
        fid, iid: whom the rows are of.
        names: of the S scores.
        sums, averages: (N, S); an average is a sum over the number of alleles.
        allele_count: (N, G) alleles with a call, for each file and range.
        dosage_sum: (N, G) copies of effect alleles among them.
        groups: the G files and ranges.
        matches: what became of the rows of each file.
        notes: how it was made: the header of the output.
        variants: the cohort's.
        frequency: (V,) of the counted alleles that were used in imputing; nan elsewhere.
    """

    fid: tuple[str, ...]
    iid: tuple[str, ...]
    names: tuple[str, ...]
    sums: Floats
    averages: Floats
    allele_count: Floats
    dosage_sum: Floats
    groups: tuple[Group, ...]
    matches: tuple[Matches, ...]
    notes: Mapping[str, str]
    variants: Variants
    frequency: Floats

    def __len__(self) -> int:
        return len(self.iid)

    def columns(self) -> dict[str, Any]:
        """The columns of the output by name, as PLINK names them; a pandas frame takes them."""
        families = any(fid != "0" for fid in self.fid)
        found: dict[str, Any] = {"#FID": list(self.fid)} if families else {}
        found["IID" if families else "#IID"] = list(self.iid)
        for g, group in enumerate(self.groups):
            before = f"{group.name}_" if len(self.groups) > 1 else ""
            found[f"{before}ALLELE_CT"] = self.allele_count[:, g].astype(np.int64)
            found[f"{before}NAMED_ALLELE_DOSAGE_SUM"] = self.dosage_sum[:, g]
        for what, values in (("AVG", self.averages), ("SUM", self.sums)):
            found |= {f"{name}_{what}": values[:, s] for s, name in enumerate(self.names)}
        return found

    def summary(self) -> str:
        """Rows of each file by what became of them."""
        lines = []
        for found in self.matches:
            used, rows = int(found.used.sum()), len(found.weights)
            lines.append(f"{found.weights.name}: {used:,} of {rows:,} rows ({used / rows:.1%})")
            lines += [f"  {number:>9,} {reason}" for reason, number in found.counts().items()]
        return "\n".join(lines)

    def write(self, path: str | Path) -> None:
        """Write the scores as PLINK's .sscore, beside the name first.

        Raises:
            DataError: the file cannot be written.
        """
        replace(Path(path), "".join(self._lines()))

    def _lines(self) -> Iterator[str]:
        yield from (f"##{key}={value}\n" for key, value in self.notes.items())
        columns = self.columns()
        yield "\t".join(columns) + "\n"
        texts = [_cells(column) for column in columns.values()]
        yield from ("\t".join(row) + "\n" for row in zip(*texts, strict=True))

    def write_log(self, path: str | Path) -> None:
        """Write one row for each row of weights: whether it was used, and why not.

        Raises:
            DataError: the file cannot be written.
        """
        lines = ["\t".join(_LOG) + "\n"]
        for found in self.matches:
            lines.extend(_log(found, self.variants, self.frequency))
        replace(Path(path), "".join(lines))


_LOG = (
    "#SCORE", "ROW", "ID", "CHROM", "POS", "EFFECT_ALLELE", "OTHER_ALLELE", "KIND", "WEIGHT",
    "STATUS", "REASON", "VARIANT", "VARIANT_ALLELES", "EFFECT_FREQ", "NOTE",
)  # fmt: skip


def _log(found: Matches, variants: Variants, frequency: Floats) -> Iterator[str]:
    """The log's rows of one file."""
    weights = found.weights
    of_row: list[list[int]] = [[] for _ in range(len(weights))]
    for at, owner in enumerate(found.places.owner.tolist()):
        of_row[owner].append(at)
    for row, places in enumerate(of_row):
        used = bool(found.used[row])
        there = [at for at in places if found.variant[at] >= 0]
        cells = (
            weights.name,
            str(weights.row[row]),
            weights.id[row] or ".",
            weights.chrom[row] or ".",
            str(weights.position[row] or "."),
            weights.effect[row],
            weights.other[row] or ".",
            KINDS[weights.kind[row]],
            ",".join(map(number_text, weights.weight[row])) or ".",
            "used" if used else "left out",
            REASONS[found.reason[row]],
            "+".join(str(variants.id[found.variant[at]]) for at in there) or ".",
            "+".join(_alleles(variants, found.variant[at]) for at in there) or ".",
            "+".join(_share(found, at, frequency) for at in there if used) or ".",
            "several variants fit, the first is used" if used and found.several[row] else ".",
        )
        yield "\t".join(cells) + "\n"


def _alleles(variants: Variants, row: int) -> str:
    return f"{variants.counted[row]}/{variants.other[row]}"


def _share(found: Matches, at: int, frequency: Floats) -> str:
    """The frequency of the effect allele."""
    share = float(frequency[found.variant[at]])
    return "." if np.isnan(share) else f"{share if found.counted[at] else 1 - share:.6g}"


def _cells(column: Any) -> list[str]:
    if isinstance(column, list):
        return column
    if column.dtype == np.int64:
        return [str(value) for value in column.tolist()]
    return [number_text(value) for value in column.tolist()]


def of_people(people: People, kept: NDArray[np.bool_]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Identifiers of those who are kept."""
    rows = np.flatnonzero(kept).tolist()
    return tuple(people.fid[i] for i in rows), tuple(people.iid[i] for i in rows)
