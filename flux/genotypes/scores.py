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


_SEVERAL = "several variants fit, the first is used"


def _log(found: Matches, variants: Variants, frequency: Floats) -> Iterator[str]:
    """The log's rows of one file."""
    weights, used = found.weights, found.used.tolist()
    columns = (
        [weights.name] * len(weights),
        [str(row) for row in weights.row.tolist()],
        [text or "." for text in weights.id.tolist()],
        [text or "." for text in weights.chrom.tolist()],
        [str(at or ".") for at in weights.position.tolist()],
        weights.effect.tolist(),
        [text or "." for text in weights.other.tolist()],
        [KINDS[kind] for kind in weights.kind.tolist()],
        [",".join(map(number_text, row)) for row in weights.weight.tolist()],
        ["used" if one else "left out" for one in used],
        [REASONS[reason] for reason in found.reason.tolist()],
        *_of_variants(found, variants, frequency),
        [_SEVERAL if one else "." for one in (found.used & found.several).tolist()],
    )
    return ("\t".join(row) + "\n" for row in zip(*columns, strict=True))


def _of_variants(found: Matches, variants: Variants, frequency: Floats) -> Iterator[list[str]]:
    """Names, alleles and effect frequencies of the variants of each row, + between several."""
    there = found.variant >= 0
    owner, at = found.places.owner[there], found.variant[there]
    alleles = zip(variants.counted[at].tolist(), variants.other[at].tolist(), strict=True)
    share = np.where(found.counted[there], frequency[at], 1 - frequency[at])
    share[~found.used[owner]] = np.nan
    texts = (
        variants.id[at].tolist(),
        [f"{counted}/{other}" for counted, other in alleles],
        ["." if value != value else f"{value:.6g}" for value in share.tolist()],
    )
    for column in texts:
        yield _by_row(len(found.weights), owner.tolist(), column)


def _by_row(rows: int, owner: list[int], texts: list[str]) -> list[str]:
    made = ["."] * rows
    for row, text in zip(owner, texts, strict=True):
        made[row] = text if made[row] == "." else f"{made[row]}+{text}"
    return made


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
