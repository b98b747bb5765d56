"""Statistics of single variants, each a formula of the library, over counts of genotypes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.compiled import CompiledFunction
from flux.compiler import compile as compiled
from flux.errors import ArgumentError
from flux.genotypes.cohort import Block, Packed
from flux.genotypes.counts import Counts, count, frequencies, words
from flux.genotypes.hardy import hardy_exact
from flux.genotypes.people import MALE, Mask, People
from flux.genotypes.ploidy import DIPLOID, SEX_X, ploidy
from flux.syntax import parse

Floats = NDArray[np.float64]
Columns = dict[str, NDArray[Any]]

NAMES = ("n2", "n1", "n0", "missing")
_NEAR = 0.1  # a dosage so near to a whole number is a call, as PLINK's --hard-call-threshold

# Name of the column: the formula.
FORMULAS: Mapping[str, str] = {
    "HWE_CHI2": "hardy_chi_square(n2, n1, n0)",
    "F_MISS": "missing_rate(n2 + n1 + n0, missing)",
}


@cache
def formula(text: str) -> CompiledFunction:
    """A compiled formula of the library."""
    return compiled(text)


def own_formula(name: str, text: str) -> CompiledFunction:
    """A statistic that the caller wrote, of the counts.

    Raises:
        ArgumentError: it has other names.
        FluxError: it is not in the language.
    """
    unknown = sorted(set(parse(text, f"<{name}>").free_names()) - set(NAMES))
    if unknown:
        hint = f"it may use {', '.join(NAMES)}"
        raise ArgumentError(f"the statistic {name} has no `{unknown[0]}`", hint=hint)
    return formula(text)


def of_block(
    block: Block,
    kind: int,
    people: People,
    kept: Mask,
    also: Mapping[str, CompiledFunction],
) -> Columns:
    """The statistics of the variants of a block, all on chromosomes of one kind.

    Counts and missing calls are of all who are kept and can have a call; frequencies and
    Hardy-Weinberg tests of the founders among them, the latter without males on X, and nowhere else
    than on chromosomes that come in pairs.
    """
    able = kept & (ploidy(kind, people, 1) > 0)
    counts = genotype_counts(block, able)
    founders = able & people.founder
    share, alleles = frequencies(block, founders, ploidy(kind, people, 1))
    tested = founders & (people.sex != MALE) if kind == SEX_X else founders
    given = _given(counts)
    own = {name: _column(made, given) for name, made in also.items()}
    return {
        "N2": counts.two,
        "N1": counts.one,
        "N0": counts.none,
        "MISSING": counts.missing,
        "F_MISS": _column(formula(FORMULAS["F_MISS"]), given),
        "FREQ": share,
        "OBS_CT": alleles,
        **_hardy(genotype_counts(block, tested), kind),
        **own,
    }


def _hardy(counts: Counts, kind: int) -> Columns:
    number = np.shape(counts.two)
    if kind not in (DIPLOID, SEX_X):
        return {"HWE_CHI2": np.full(number, np.nan), "HWE_P": np.full(number, np.nan)}
    return {
        "HWE_CHI2": _column(formula(FORMULAS["HWE_CHI2"]), _given(counts)),
        "HWE_P": hardy_exact(counts.two, counts.one, counts.none),
    }


def _given(counts: Counts) -> dict[str, Floats]:
    values = (counts.two, counts.one, counts.none, counts.missing)
    return dict(zip(NAMES, values, strict=True))


def _column(made: CompiledFunction, given: Mapping[str, Floats]) -> Floats:
    known = {name: given[name] for name in made.inputs}
    value = np.asarray(made(known) if known else made(), np.float64)
    return np.broadcast_to(value, given["n2"].shape).copy()


def genotype_counts(block: Block, people: Mask) -> Counts:
    """How many of some people have which genotype; a dosage between calls is a missing one."""
    if isinstance(block, Packed):
        return count(block.codes, words(people))
    dosages = block.counted[:, people]
    near = [np.abs(dosages - whole) <= _NEAR for whole in (2, 1, 0)]
    two, one, none = (np.count_nonzero(some, axis=1).astype(np.float64) for some in near)
    return Counts(two, one, none, dosages.shape[1] - two - one - none)
