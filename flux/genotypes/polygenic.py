"""Polygenic scores: weights and genotypes in, a score a person out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from flux.errors import ArgumentError, DataError
from flux.genotypes.accumulate import Pass, Sums
from flux.genotypes.build import check_build
from flux.genotypes.checked import a_path, names, one_of, paths, ranges_of, share, whole
from flux.genotypes.cohort import Cohort
from flux.genotypes.effects import Effects
from flux.genotypes.frequency_file import read_frequencies
from flux.genotypes.lines import Progress
from flux.genotypes.match import BY, Matches, Rules, match
from flux.genotypes.opened import opened
from flux.genotypes.people import kept
from flux.genotypes.scores import Scores, of_people
from flux.genotypes.terms import Ranges, Terms, distinct, terms_of
from flux.genotypes.values import MISSING, Valuing
from flux.genotypes.weights import Weights, read_weights

PathLike = str | Path
_FEW = 50  # founders; frequencies of fewer are noted


def prs(
    weights: PathLike | Sequence[PathLike],
    genotypes: PathLike | Cohort,
    *,
    columns: Sequence[str] | None = None,
    by: str = "auto",
    build: str | None = None,
    effect: str = "additive",
    missing: str = "mean",
    frequencies: PathLike | None = None,
    ambiguous: bool = False,
    flip: bool = True,
    min_overlap: float = 0.75,
    ranges: Ranges | None = None,
    among: str | None = None,
    keep: PathLike | Iterable[str] | None = None,
    remove: PathLike | Iterable[str] | None = None,
    sex: PathLike | Mapping[str, object] | None = None,
    male_x: int = 2,
    field: str = "auto",
    threads: int | None = None,
    progress: Progress | None = None,
) -> Scores:
    """Score the people of a cohort by published weights.

    score[i] = sum[f](weight[f] * effect(g[f, i])), g the copies of the effect allele

    Args:
        weights: scoring files of the PGS Catalog (plain or harmonised, also gzip), or files of
            one's own; all are scored in one pass over the genotypes.
        genotypes: a cohort's file (.bed, .pgen, .vcf, .vcf.gz, .bcf), or an open cohort.
        columns: the columns of weights, where a file has several.
        by: match by `position` and alleles, by `id` and alleles, or `auto`: by position where a
            file has positions.
        build: the cohort's genome build, where its file does not say it.
        effect: of rows that state none: additive, dominant, recessive, centered, standardized, or
            a formula of `g`, `ploidy` and `p`, the allele's frequency.
        missing: `mean`: a missing genotype counts as the mean, from the founders who are kept;
            `none`: it counts as nothing, and lowers the denominator of the average.
        frequencies: a file (.afreq, .frq) that means are taken from instead.
        ambiguous: use rows whose alleles are A and T, or C and G, as they are written.
        flip: look for alleles of the other strand too.
        min_overlap: the least share of a file's rows that must be used.
        ranges: scores of the rows within (low, high), ends included, by name.
        among: the column of the weights that `ranges` are about.
        keep: whom to score: a file of `FID IID` or `IID` rows, or names.
        remove: whom to leave out, likewise.
        sex: a file of `IID sex` rows, or a mapping, where the cohort's file has none.
        male_x: copies of X that a male counts: 2 (PLINK 2's default) or 1.
        field: of a VCF: GT, DS, or auto, dosages where it has them.
        threads: how many work at once; all cores without it. The result does not depend on it.
        progress: called with what is counted, how many are done, and of how many (0: not known).

    Raises:
        DataError: a file is damaged, builds differ, or too few rows can be used.
        ArgumentError: an argument is not one of its choices.
    """
    files = paths("weights", weights)
    valuing = Valuing(Effects(effect), one_of("missing", missing, MISSING))
    rules = Rules(one_of("by", by, BY), bool(ambiguous), bool(flip))
    least, male_x = share("min_overlap", min_overlap), whole("male_x", male_x, 1, 2)
    inside = ranges_of(ranges)
    _check_together(inside, among, frequencies, valuing)
    count = _cores() if threads is None else whole("threads", threads, 1)
    cohort = opened(genotypes, field, sex, progress)
    mask, lists = kept(cohort.people, keep, remove)
    needed = valuing.needs_frequency and frequencies is None
    if needed and not (mask & cohort.people.founder).any():
        hint = "give `frequencies`, or missing='none'"
        raise ArgumentError("no founder is kept, whose allele frequencies would count", hint=hint)
    wanted = names("columns", columns)
    read = _with_names([read_weights(path, wanted, among, progress) for path in files])
    found = [_matched(one, cohort, rules, build) for one in read]
    terms = terms_of(found, valuing.effects.kind, inside)
    for one in found:
        _check_overlap(one, least)
    known = None if frequencies is None else _known(frequencies, cohort, terms)
    sums = Pass(cohort, terms, valuing, mask, known, male_x, count).run(progress)
    notes = _notes(found, cohort, mask, valuing, frequencies) | lists
    return _scores(found, cohort, terms, sums, mask, missing, notes)


def _check_together(
    ranges: Ranges | None, among: str | None, frequencies: PathLike | None, valuing: Valuing
) -> None:
    if (ranges is None) != (among is None):
        raise ArgumentError("`ranges` and `among`, the column they are about, go together")
    if frequencies is not None and not valuing.needs_frequency:
        raise ArgumentError("frequencies are for imputing, and missing='none' imputes nothing")


def _with_names(read: Sequence[Weights]) -> list[Weights]:
    """The files under different names, which columns, notes and the log are told apart by."""
    names = distinct([one.name for one in read])
    return [replace(one, name=name) for one, name in zip(read, names, strict=True)]


def _matched(weights: Weights, cohort: Cohort, rules: Rules, build: str | None) -> Matches:
    found = match(weights, cohort.variants, rules)
    if rules.by == "position" or (rules.by == "auto" and (found.places.position > 0).any()):
        check_build(weights, cohort.variants, cohort.build, build)
    return found


def _check_overlap(found: Matches, least: float) -> None:
    """Stop where too few rows are used; what is outside every range was found all the same."""
    counts = found.counts()
    outside = counts.get("outside every range", 0)
    used, rows = int(found.used.sum()), len(found.weights)
    if used and (used + outside) / rows >= least:
        return
    reasons = [f"{number:,} {reason}" for reason, number in counts.items()]
    text = f"{found.weights.path}: {used:,} of {rows:,} rows can be used ({used / rows:.1%})"
    hint = f"at least {least:.0%} are asked for (min_overlap)" if used else ""
    raise DataError(text, hint=hint, notes=reasons)


def _known(path: PathLike, cohort: Cohort, terms: Terms) -> NDArray[np.float64]:
    known = read_frequencies(a_path("frequencies", path), cohort.variants)
    rows = np.unique(terms.variant)
    lacking = rows[np.isnan(known[rows])]
    if len(lacking):
        name = cohort.variants.id[lacking[0]]
        text = f"{path} has no frequency of {len(lacking):,} of {len(rows):,} variants"
        raise DataError(text, hint=f"such as {name}; or impute from the cohort")
    return known


def _cores() -> int:
    usable = getattr(os, "sched_getaffinity", None)  # only Linux has it
    return len(usable(0)) if usable is not None else os.cpu_count() or 1


def _notes(
    found: Sequence[Matches],
    cohort: Cohort,
    mask: NDArray[np.bool_],
    valuing: Valuing,
    frequencies: PathLike | None,
) -> dict[str, str]:
    """The header of the output: rule for missing genotypes, effect, files, rows used."""
    founders = int((mask & cohort.people.founder).sum())
    source = f"{founders:,} founders" if frequencies is None else Path(frequencies).name
    few = "; few" if frequencies is None and founders < _FEW else ""
    rule = {
        "mean": f"mean imputation, frequencies of {source}{few}",
        "none": "no mean imputation, the denominator is lowered",
    }
    about_p = f", p from {source}{few}" if valuing.effects.of_frequency else ""
    notes = {"missing": rule[valuing.missing], "effect": f"{valuing.effects.name}{about_p}"}
    notes["genotypes"] = Path(cohort.name).name
    for one in found:
        used, rows = int(one.used.sum()), len(one.weights)
        notes[f"weights {one.weights.name}"] = f"{one.weights.path.name}, {used} of {rows} rows"
    return notes


def _scores(
    found: Sequence[Matches],
    cohort: Cohort,
    terms: Terms,
    sums: Sums,
    mask: NDArray[np.bool_],
    missing: str,
    notes: Mapping[str, str],
) -> Scores:
    alleles = sums.possible if missing == "mean" else sums.alleles
    group = np.repeat(np.arange(len(terms.groups)), [len(g.columns) for g in terms.groups])
    with np.errstate(invalid="ignore", divide="ignore"):
        averages = sums.score / alleles[group]
    frequency = np.full(len(cohort.variants), np.nan)
    frequency[terms.variant] = sums.frequency
    fid, iid = of_people(cohort.people, mask)
    return Scores(
        fid=fid,
        iid=iid,
        names=_names(terms),
        sums=sums.score.T[mask],
        averages=averages.T[mask],
        allele_count=sums.alleles.T[mask],
        dosage_sum=sums.named.T[mask],
        groups=terms.groups,
        matches=tuple(found),
        notes=notes,
        variants=cohort.variants,
        frequency=frequency,
    )


def _names(terms: Terms) -> tuple[str, ...]:
    """SCORE1 for a single score, as PLINK; else the names of files, ranges and columns."""
    if terms.scores == 1:
        return ("SCORE1",)
    names = [
        group.name if len(group.columns) == 1 else _joined(terms, group.name, column)
        for group in terms.groups
        for column in group.columns
    ]
    return tuple(distinct(names))


def _joined(terms: Terms, group: str, column: str) -> str:
    return column if len(terms.groups) == 1 else f"{group}_{column}"
