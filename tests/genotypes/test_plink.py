"""Scores beside PLINK 2's, to the last digit that it prints."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import flux
from tests.genotypes.cohorts import agree, needs_plink, plink, simulate, weigh, write_weights

pytestmark = needs_plink

COLUMNS = ("cols=+scoresums,+denom",)
CHROMS = ("1", "2", "X", "Y", "MT", "PAR1")


@pytest.mark.parametrize("missing", ["mean", "none"])
@pytest.mark.parametrize("effect", ["additive", "dominant", "recessive"])
def test_scores_are_those_of_plink(tmp_path: Path, missing: str, effect: str) -> None:
    cohort = simulate(tmp_path / "c", people=133, variants=57)
    weights = write_weights(tmp_path / "w", weigh(cohort))
    options = ["no-mean-imputation"] if missing == "none" else []
    options += [effect] if effect != "additive" else []
    theirs = plink(
        tmp_path, "--bfile", str(cohort.stem), "--score", str(weights), *options, *COLUMNS
    )
    mine = flux.prs(weights, cohort.bed, missing=missing, effect=effect)
    assert list(mine.fid) == theirs["#FID"]
    assert list(mine.iid) == theirs["IID"]
    assert mine.allele_count[:, 0].tolist() == [int(n) for n in theirs["ALLELE_CT"]]
    agree(mine.sums[:, 0], theirs["SCORE1_SUM"])
    agree(mine.averages[:, 0], theirs["SCORE1_AVG"])
    agree(mine.dosage_sum[:, 0], theirs["NAMED_ALLELE_DOSAGE_SUM"])


@pytest.mark.parametrize("male_x", [1, 2])
@pytest.mark.parametrize("missing", ["mean", "none"])
def test_sex_chromosomes_count_as_plink_counts_them(
    tmp_path: Path, missing: str, male_x: int
) -> None:
    cohort = simulate(tmp_path / "c", people=150, variants=48, chroms=CHROMS, missing=0.1)
    weights = write_weights(tmp_path / "w", weigh(cohort))
    options = ["no-mean-imputation"] if missing == "none" else []
    score = ["--score", str(weights), *options, *COLUMNS]
    theirs = plink(tmp_path, "--bfile", str(cohort.stem), *score, "--xchr-model", str(male_x))
    mine = flux.prs(weights, cohort.bed, missing=missing, male_x=male_x)
    assert mine.allele_count[:, 0].tolist() == [int(n) for n in theirs["ALLELE_CT"]]
    agree(mine.sums[:, 0], theirs["SCORE1_SUM"])
    agree(mine.averages[:, 0], theirs["SCORE1_AVG"])
    agree(mine.dosage_sum[:, 0], theirs["NAMED_ALLELE_DOSAGE_SUM"])


# PLINK's modifier, the effect, and whether X and MT are allowed there.
CENTERED = [("center", "centered", True), ("variance-standardize", "standardized", False)]


@pytest.mark.parametrize(("modifier", "effect", "anywhere"), CENTERED)
def test_deviations_from_the_mean_are_those_of_plink(
    tmp_path: Path, modifier: str, effect: str, anywhere: bool
) -> None:
    chroms = CHROMS if anywhere else ("1", "2")
    cohort = simulate(tmp_path / "c", people=150, variants=48, chroms=chroms, missing=0.1)
    weights = write_weights(tmp_path / "w", weigh(cohort))
    score = ["--score", str(weights), modifier, "no-mean-imputation", *COLUMNS]
    theirs = plink(tmp_path, "--bfile", str(cohort.stem), *score)
    mine = flux.prs(weights, cohort.bed, missing="none", effect=effect)
    assert mine.allele_count[:, 0].tolist() == [int(n) for n in theirs["ALLELE_CT"]]
    agree(mine.sums[:, 0], theirs["SCORE1_SUM"])
    agree(mine.averages[:, 0], theirs["SCORE1_AVG"])
    agree(mine.dosage_sum[:, 0], theirs["NAMED_ALLELE_DOSAGE_SUM"])


def test_people_who_are_left_out_do_not_count_in_frequencies(tmp_path: Path) -> None:
    cohort = simulate(tmp_path / "c", people=120)
    weights = write_weights(tmp_path / "w", weigh(cohort))
    keep = tmp_path / "keep"
    keep.write_text("".join(f"F{i} I{i}\n" for i in range(30, 110)))
    arguments = ["--bfile", str(cohort.stem), "--keep", str(keep)]
    theirs = plink(tmp_path, *arguments, "--score", str(weights), *COLUMNS)
    mine = flux.prs(weights, cohort.bed, keep=keep)
    assert list(mine.iid) == theirs["IID"]
    agree(mine.sums[:, 0], theirs["SCORE1_SUM"])


def test_frequencies_of_a_file_are_used(tmp_path: Path) -> None:
    cohort = simulate(tmp_path / "c")
    frequencies = tmp_path / "f.afreq"
    lines = ["#CHROM\tID\tREF\tALT\tALT_FREQS\tOBS_CT"]
    random = np.random.default_rng(5)
    for chrom, name, _, a, b in cohort.variants:
        lines.append(f"{chrom}\t{name}\t{b}\t{a}\t{random.uniform(0.1, 0.9):.6g}\t400")
    frequencies.write_text("\n".join(lines) + "\n")
    weights = write_weights(tmp_path / "w", weigh(cohort))
    arguments = ["--bfile", str(cohort.stem), "--read-freq", str(frequencies)]
    theirs = plink(tmp_path, *arguments, "--score", str(weights), *COLUMNS)
    mine = flux.prs(weights, cohort.bed, frequencies=frequencies)
    agree(mine.sums[:, 0], theirs["SCORE1_SUM"])
    agree(mine.averages[:, 0], theirs["SCORE1_AVG"])


def test_several_columns_of_weights_are_scored_at_once(tmp_path: Path) -> None:
    cohort = simulate(tmp_path / "c", people=70)
    random = np.random.default_rng(3)
    rows = ["ID\tA1\tone\ttwo\tthree"]
    for name, allele, _ in weigh(cohort):
        rows.append("\t".join([name, allele, *(f"{w:.5g}" for w in random.normal(size=3))]))
    weights = tmp_path / "w"
    weights.write_text("\n".join(rows) + "\n")
    score = ["--score", str(weights), "header-read", "cols=scoresums"]
    theirs = plink(tmp_path, "--bfile", str(cohort.stem), *score, "--score-col-nums", "3-5")
    mine = flux.prs(weights, cohort.bed, columns=["one", "two", "three"])
    assert mine.names == ("one", "two", "three")
    for s, name in enumerate(mine.names):
        agree(mine.sums[:, s], theirs[f"{name}_SUM"])
