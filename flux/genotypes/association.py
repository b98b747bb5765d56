"""`flux.assoc`: statistics of every variant of a cohort, and of a trait's association with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.compiled import CompiledFunction
from flux.errors import ArgumentError
from flux.genotypes.checked import a_file_or_mapping, names, one_of
from flux.genotypes.cohort import Block, Cohort, Dosages, Packed
from flux.genotypes.lines import Progress
from flux.genotypes.opened import opened
from flux.genotypes.people import UNKNOWN, Mask, kept
from flux.genotypes.ploidy import KINDS, SEX_X, kinds, ploidy
from flux.genotypes.regression import Linear, Logistic, Test
from flux.genotypes.statistics import of_block, own_formula
from flux.genotypes.traits import Floats, Given, as_cases, given_columns
from flux.genotypes.unpack import copies
from flux.genotypes.written import number_text, replace

PathLike = str | Path

MODELS = ("linear", "logistic")
_TAKEN = frozenset(
    (
        *("CHROM", "POS", "ID", "COUNTED", "OTHER", "N2", "N1", "N0", "MISSING", "F_MISS"),
        *("FREQ", "OBS_CT", "HWE_CHI2", "HWE_P", "OBS_TRAIT", "BETA", "SE", "T", "CHI2", "P"),
    )
)
_BLOCK_BYTES = 4 << 20  # of packed genotypes; a regression unpacks them
_UNPACKED = 32 << 20  # bytes


@dataclass(frozen=True)
class Association:
    """A row a variant, as columns.

    Attributes:
        columns: by name: place, identifier, the counted and the other allele, counts of people with
            two, one and no copies, MISSING, F_MISS, FREQ of the counted allele and the alleles
            OBS_CT that it is of, HWE_CHI2 and the exact HWE_P; with a trait OBS_TRAIT, BETA, SE, T
            or CHI2, P.
    """

    columns: Mapping[str, NDArray[Any]]

    def __len__(self) -> int:
        return len(self.columns["POS"])

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.columns[name]

    def write(self, path: PathLike) -> None:
        """Write the table with tabs between columns, beside the name first.

        Raises:
            DataError: the file cannot be written.
        """
        texts = [_texts(column) for column in self.columns.values()]
        lines = ["\t".join(self.columns) + "\n"]
        lines += ["\t".join(row) + "\n" for row in zip(*texts, strict=True)]
        replace(Path(path), "".join(lines))


def _texts(column: NDArray[Any]) -> list[str]:
    if column.dtype == object:
        return [str(value) for value in column.tolist()]
    return [number_text(value) for value in column.tolist()]


def assoc(
    genotypes: PathLike | Cohort,
    *,
    traits: Given = None,
    trait: str | None = None,
    covariates: Given = None,
    covariate_names: Sequence[str] | None = None,
    model: str = "linear",
    x_sex: bool = True,
    also: Mapping[str, str] | None = None,
    keep: PathLike | Iterable[str] | None = None,
    remove: PathLike | Iterable[str] | None = None,
    sex: PathLike | Mapping[str, object] | None = None,
    field: str = "auto",
    progress: Progress | None = None,
) -> Association:
    """Statistics of each variant: frequency, Hardy-Weinberg, missing calls, and association.

    Args:
        genotypes: a cohort's file, or an open cohort.
        traits: a file of `FID IID NAME...` rows, or arrays with a value a person by name.
        trait: the column, where there are several.
        covariates: likewise; an intercept is always there.
        covariate_names: of those the ones to use.
        model: `linear`, least squares; `logistic`, the score test of a trait of cases.
        x_sex: on X sex is a covariate too, and people of unknown sex are left out, as in PLINK 2.
        also: further statistics by name: formulas of n2, n1, n0 and missing.
        keep: whom to look at: a file of `FID IID` or `IID` rows, or names.
        remove: whom to leave out, likewise.
        sex: a file of `IID sex` rows, or a mapping, where the cohort's file has none.
        field: of a VCF: GT, DS, or auto.
        progress: called with what is counted, how many are done, and of how many (0: not known).

    Raises:
        DataError: a file is damaged.
        ArgumentError: an argument is not one of its choices, or a test has too few people.
        NotFoundError: the logistic model of the covariates alone has no fit.
    """
    one_of("model", model, MODELS)
    cohort = opened(genotypes, field, sex, progress)
    mask, _ = kept(cohort.people, keep, remove)
    formulas = {name: own_formula(name, text) for name, text in _named(also).items()}
    tests = _tests(cohort, mask, traits, trait, covariates, covariate_names, model, x_sex)
    variants = cohort.variants
    columns: dict[str, NDArray[Any]] = {
        "#CHROM": variants.chrom,
        "POS": variants.position,
        "ID": variants.id,
        "COUNTED": variants.counted,
        "OTHER": variants.other,
    }
    return Association(columns | _statistics(cohort, mask, formulas, tests, progress))


def _named(also: Mapping[str, str] | None) -> dict[str, str]:
    found = a_file_or_mapping("also", also or {})
    if isinstance(found, Path) or not all(isinstance(t, str) for t in (found or {}).values()):
        raise ArgumentError("`also` holds formulas by name", hint='such as {"HET": "n1"}')
    for name in found or {}:
        if name.split() != [name]:
            raise ArgumentError(f"{name!r} is no name of a column: one word is")
        if name.lstrip("#") in _TAKEN:
            raise ArgumentError(f"a column is called {name} already")
    return dict(found or {})


def _tests(
    cohort: Cohort,
    mask: Mask,
    traits: Given,
    trait: str | None,
    covariates: Given,
    of_them: Sequence[str] | None,
    model: str,
    x_sex: bool,
) -> Mapping[int, Test]:
    """The test for each kind of chromosome; none without a trait."""
    if of_them is not None and covariates is None:
        raise ArgumentError("names of covariates need `covariates`, which have them")
    if traits is None:
        if trait is not None or covariates is not None:
            raise ArgumentError("a trait and covariates need `traits`")
        return {}
    found = given_columns("traits", traits, names("trait", trait), cohort.people)
    if len(found) != 1:
        raise ArgumentError("say which trait", hint=f"`trait` is one of {', '.join(found)}")
    name, values = next(iter(found.items()))
    of_covariates = given_columns(
        "covariates", covariates, names("covariate_names", of_them), cohort.people
    )
    make: type[Linear] | type[Logistic] = Linear
    if model == "logistic":
        make, values = Logistic, as_cases(name, np.where(mask, values, np.nan))
    tests: dict[int, Test] = dict.fromkeys(range(KINDS), make(values, of_covariates, mask))
    if x_sex and (cohort.variants.chrom == "X").any():
        known = mask & (cohort.people.sex != UNKNOWN)
        if not known.any():
            text = "on X sex is a covariate, and nobody's is known"
            raise ArgumentError(text, hint="give `sex`, or x_sex=False (--no-x-sex)")
        tests[SEX_X] = make(values, of_covariates, known, cohort.people.sex.astype(np.float64))
    return tests


def _statistics(
    cohort: Cohort,
    mask: Mask,
    formulas: Mapping[str, CompiledFunction],
    tests: Mapping[int, Test],
    progress: Progress | None,
) -> dict[str, NDArray[Any]]:
    number = len(cohort.variants)
    of_chromosome = kinds(cohort.variants.chrom)
    columns: dict[str, NDArray[Any]] = {}
    for block in cohort.blocks(np.arange(number), _BLOCK_BYTES):
        for kind in np.unique(of_chromosome[block.rows]):
            some = np.flatnonzero(of_chromosome[block.rows] == kind)
            part = _of_rows(block, some)
            found = of_block(part, int(kind), cohort.people, mask, formulas)
            if tests:
                found |= _tested(part, int(kind), cohort, tests[int(kind)])
            for name, values in found.items():
                columns.setdefault(name, np.full(number, np.nan))[part.rows] = values
        if progress is not None:
            progress("variants", int(block.rows[-1]) + 1, number)
    return columns


def _of_rows(block: Block, some: NDArray[np.int64]) -> Block:
    if len(some) == len(block.rows):
        return block
    if isinstance(block, Packed):
        return Packed(block.rows[some], block.codes[some])
    return Dosages(block.rows[some], block.counted[some])


def _tested(block: Block, kind: int, cohort: Cohort, test: Test) -> dict[str, Floats]:
    """The test's columns; whoever cannot have a call is as without one."""
    from threadpoolctl import threadpool_limits

    people = len(cohort.people)
    places = ploidy(kind, cohort.people, 2)[test.people]
    unable = places == 0
    rows = max(1, _UNPACKED // (8 * people))
    parts = []
    with threadpool_limits(1, "blas"):
        for start in range(0, len(block.rows), rows):
            at = np.arange(start, min(start + rows, len(block.rows)))
            found = copies(_of_rows(block, at), people)[:, test.people]
            found[:, unable] = np.nan
            parts.append(test.of(found * (places.max(initial=1) / 2)))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
