"""Statistics of variants beside PLINK 2's, SciPy's, and regressions fitted one at a time."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import flux
from flux.errors import FluxError
from flux.genotypes import ld
from flux.genotypes.hardy import hardy_exact
from tests.genotypes.cohorts import Simulated, agree, needs_plink, plink, simulate
from tests.genotypes.test_formats import vcf

CHROMS = ("1", "2", "X", "Y", "MT")

# People with two, one and no copies, and the exact p: R's HardyWeinberg and PLINK 1.9's --hardy.
EXACT = [
    ((298, 489, 213), 0.6556634885626216),
    ((68, 28, 4), 0.5153670257245229),
    ((2, 3, 1), 1.0),
    ((2, 2, 1), 1.0),
]


def fractions_of(two: int, one: int, none: int) -> float:
    """The exact p by whole numbers: every likelihood is an integer up to one factor."""
    a, b = 2 * two + one, 2 * none + one
    n = two + one + none

    def likelihood(h: int) -> int:
        return math.comb(n, h) * math.comb(n - h, (a - h) // 2) * 2**h

    all_of_them = [likelihood(h) for h in range(a % 2, min(a, b) + 1, 2)]
    seen = likelihood(one)
    unlikely = [x for x in all_of_them if x <= seen]
    return sum(unlikely) / sum(all_of_them)


@pytest.mark.parametrize(("counts", "p"), EXACT)
def test_the_exact_test_has_its_published_values(counts, p: float) -> None:
    two, one, none = (np.array([float(n)]) for n in counts)
    assert hardy_exact(two, one, none)[0] == pytest.approx(p, rel=1e-11)
    assert fractions_of(*counts) == pytest.approx(p, rel=1e-11)


@settings(max_examples=200)
@given(counts=st.lists(st.tuples(*[st.integers(0, 60)] * 3), min_size=1, max_size=8))
def test_the_exact_test_is_that_of_whole_numbers(counts) -> None:
    counts = [c for c in counts if sum(c)] or [(1, 0, 0)]
    columns = np.array(counts, float).T
    mine = hardy_exact(*columns)
    expected = [fractions_of(*c) for c in counts]
    np.testing.assert_allclose(mine, expected, rtol=1e-9)


def test_the_exact_test_of_extreme_counts() -> None:
    columns = np.array([[0, 0, 0], [5, 0, 0], [10_000, 0, 10_000], [0, 900, 0]], float).T
    found = hardy_exact(*columns)
    assert np.isnan(found[0])
    assert found[1] == 1
    assert found[2] == 0
    assert 0 < found[3] < 1e-200


@settings(max_examples=100)
@given(two=st.integers(0, 99), one=st.integers(0, 99), none=st.integers(0, 99))
def test_chi_square_of_hardy_weinberg_is_scipys(two: int, one: int, none: int) -> None:
    n = two + one + none
    share = (2 * two + one) / (2 * n) if n else 0
    value = flux.evaluate("hardy_chi_square(n2, n1, n0)", n2=two, n1=one, n0=none)
    if share in (0, 1):
        assert value == 0
        return
    expected = n * np.array([share**2, 2 * share * (1 - share), (1 - share) ** 2])
    theirs = stats.chisquare([two, one, none], expected, ddof=1)
    assert value == pytest.approx(theirs.statistic, rel=1e-9, abs=1e-12)
    tail = flux.evaluate("chi_square_tail(x)", x=value)
    assert tail == pytest.approx(theirs.pvalue, rel=1e-9, abs=1e-300)


@needs_plink
def test_frequencies_missing_calls_and_hardy_weinberg_are_those_of_plink(tmp_path: Path) -> None:
    cohort = simulate(tmp_path / "c", people=140, variants=50, chroms=CHROMS, missing=0.1)
    found = flux.assoc(cohort.bed)
    bfile = ("--bfile", str(cohort.stem))
    frequency = plink(tmp_path, *bfile, "--freq")
    agree(found["FREQ"], frequency["ALT_FREQS"])
    agree(found["OBS_CT"], frequency["OBS_CT"])
    missing = plink(tmp_path, *bfile, "--missing", "variant-only")
    agree(found["F_MISS"], missing["F_MISS"])
    assert found["MISSING"].tolist() == [int(n) for n in missing["MISSING_CT"]]
    hardy = plink(tmp_path, *bfile, "--hardy", "--autosome")
    on_pairs = [i for i, row in enumerate(cohort.variants) if row[0] in "12"]
    assert [cohort.variants[i][1] for i in on_pairs] == hardy["ID"]
    agree(found["HWE_P"][on_pairs], hardy["P"])
    unpaired = [i for i, row in enumerate(cohort.variants) if row[0] in ("Y", "MT")]
    assert np.isnan(found["HWE_P"][unpaired]).all()


def _traits(folder: Path, cohort: Simulated, cases: bool = False) -> tuple[Path, Path]:
    """A trait that two variants move, and two covariates; some values are missing."""
    random = np.random.default_rng(8)
    n = len(cohort.people)
    covariates = random.normal(size=(n, 2)) * [1, 2] + [0, 3]
    value = cohort.copies[3] * 0.4 - cohort.copies[7] * 0.3 + covariates @ [0.5, 0.2]
    value = value + random.normal(size=n)
    if cases:
        value = 1 + (value > np.median(value))
    lines, others = ["#FID IID y"], ["FID IID pc1 pc2"]
    for i, (fid, iid, *_) in enumerate(cohort.people):
        lines.append(f"{fid} {iid} {'NA' if i % 17 == 4 else value[i]}")
        others.append(f"{fid} {iid} {covariates[i, 0]} {-9 if i == 3 else covariates[i, 1]}")
    (folder / "y").write_text("\n".join(lines) + "\n")
    (folder / "x").write_text("\n".join(others) + "\n")
    return folder / "y", folder / "x"


@needs_plink
@pytest.mark.parametrize("x_sex", [True, False])
@pytest.mark.parametrize("missing", [0.0, 0.1])
def test_linear_regression_is_that_of_plink(tmp_path: Path, missing: float, x_sex: bool) -> None:
    cohort = simulate(tmp_path / "c", people=150, variants=60, missing=missing, chroms=CHROMS)
    y, x = _traits(tmp_path, cohort)
    found = flux.assoc(cohort.bed, traits=y, covariates=x, x_sex=x_sex)
    how = ["hide-covar", "omit-ref", *([] if x_sex else ["no-x-sex"])]
    arguments = ["--glm", *how, "--pheno", str(y), "--covar", str(x)]
    theirs = plink(tmp_path, "--bfile", str(cohort.stem), *arguments)
    for mine, printed in (("BETA", "BETA"), ("SE", "SE"), ("T", "T_STAT"), ("P", "P")):
        agree(found[mine], theirs[printed])
    assert found["OBS_TRAIT"].tolist() == [int(n) for n in theirs["OBS_CT"]]


def _whole_regression(g: np.ndarray, x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Slope of g and its error, by one least-squares fit."""
    there = ~np.isnan(g)
    design = np.column_stack([np.ones(there.sum()), x[there], g[there]])
    beta, *_ = np.linalg.lstsq(design, y[there], rcond=None)
    rest = y[there] - design @ beta
    variance = rest @ rest / (len(rest) - design.shape[1])
    return beta[-1], math.sqrt(variance * np.linalg.inv(design.T @ design)[-1, -1])


@pytest.mark.parametrize("form", ["bed", "vcf"])
def test_linear_regression_is_one_fit_a_variant(tmp_path: Path, form: str) -> None:
    cohort = simulate(tmp_path / "c", people=40, variants=12, missing=0.2)
    path = cohort.bed if form == "bed" else vcf(cohort)
    random = np.random.default_rng(3)
    y, x = random.normal(size=40) * 9 + 1e4, random.normal(size=(40, 2))
    covariates = {"a": x[:, 0], "b": x[:, 1]}
    found = flux.assoc(path, traits={"y": y}, covariates=covariates)
    for i, row in enumerate(cohort.copies):
        beta, error = _whole_regression(np.where(row < 0, np.nan, row), x, y)
        assert found["BETA"][i] == pytest.approx(beta, rel=1e-8)
        assert found["SE"][i] == pytest.approx(error, rel=1e-8)
        p = 2 * stats.t.sf(abs(beta / error), found["OBS_TRAIT"][i] - 4)
        assert found["P"][i] == pytest.approx(p, rel=1e-7)


def test_the_score_test_is_that_of_the_likelihood(tmp_path: Path) -> None:
    """Score and information of the whole logistic model, at the fit without the variant."""
    from scipy.optimize import minimize

    cohort = simulate(tmp_path / "c", people=120, variants=10, missing=0)
    y_path, x_path = _traits(tmp_path, cohort, cases=True)
    found = flux.assoc(cohort.bed, traits=y_path, covariates=x_path, model="logistic")
    rows = [line.split() for line in y_path.read_text().splitlines()[1:]]
    others = [line.split() for line in x_path.read_text().splitlines()[1:]]
    use = [i for i in range(120) if rows[i][2] != "NA" and others[i][3] != "-9"]
    y = np.array([float(rows[i][2]) - 1 for i in use])
    x = np.array([[1, float(others[i][2]), float(others[i][3])] for i in use])
    null = minimize(
        lambda b: np.logaddexp(0, x @ b).sum() - y @ (x @ b), np.zeros(3), method="BFGS", tol=1e-12
    )
    mu = 1 / (1 + np.exp(-(x @ null.x)))
    for i in range(10):
        z = np.column_stack([x, cohort.copies[i][use]])
        score = z.T @ (y - mu)
        information = z.T @ ((mu * (1 - mu))[:, None] * z)
        expected = score @ np.linalg.solve(information, score)
        assert found["CHI2"][i] == pytest.approx(expected, rel=1e-5, abs=1e-8)
        assert found["P"][i] == pytest.approx(stats.chi2.sf(found["CHI2"][i], 1), rel=1e-10)
    assert found["OBS_TRAIT"].tolist() == [len(use)] * 10


def test_sex_is_a_covariate_on_x_unless_it_is_one_already(tmp_path: Path) -> None:
    cohort = simulate(tmp_path / "c", people=90, variants=12, chroms=("1", "X"))
    y = {"y": np.random.default_rng(2).normal(size=90)}
    sex = np.array([float(p[4]) for p in cohort.people])
    known = [p[1] for p in cohort.people if p[4] != "0"]
    found = flux.assoc(cohort.bed, traits=y)
    stated = flux.assoc(cohort.bed, traits=y, covariates={"sex": sex}, keep=known)
    on_x = found["#CHROM"] == "X"
    np.testing.assert_allclose(found["BETA"][on_x], stated["BETA"][on_x], rtol=1e-9)
    assert not np.isclose(found["BETA"][~on_x], stated["BETA"][~on_x], rtol=1e-6).any()
    without = flux.assoc(cohort.bed, traits=y, x_sex=False)
    assert not np.isclose(found["BETA"][on_x], without["BETA"][on_x], rtol=1e-6).any()
    of_one_sex = flux.assoc(cohort.bed, traits=y, keep=[p[1] for p in cohort.people if p[4] == "2"])
    assert np.isfinite(of_one_sex["BETA"]).all()


def test_on_x_the_sex_of_somebody_must_be_known(tmp_path: Path) -> None:
    cohort = simulate(tmp_path / "c", people=30, variants=6, chroms=("1", "X"))
    y = {"y": np.arange(30.0)}
    with pytest.raises(FluxError, match="nobody's is known"):
        flux.assoc(cohort.bed, traits=y, sex={f"I{i}": 0 for i in range(30)})
    assert len(flux.assoc(cohort.bed, sex={f"I{i}": 0 for i in range(30)})) == 6


def test_the_score_test_without_covariates_is_the_trend_test(tmp_path: Path) -> None:
    """n*r^2 of genotype and status, as in Cochran and Armitage, each on its own people."""
    cohort = simulate(tmp_path / "c", people=90, variants=8, missing=0.0)
    status = (np.random.default_rng(1).random(90) < 0.4).astype(float)
    found = flux.assoc(cohort.bed, traits={"status": status}, model="logistic")
    for i, row in enumerate(cohort.copies):
        r = np.corrcoef(row, status)[0, 1]
        assert found["CHI2"][i] == pytest.approx(90 * r**2, rel=1e-9)


def test_people_without_a_call_are_left_out_of_the_score_test(tmp_path: Path) -> None:
    cohort = simulate(tmp_path / "c", people=80, variants=6, missing=0.3)
    status = (np.random.default_rng(2).random(80) < 0.5).astype(float)
    found = flux.assoc(cohort.bed, traits={"status": status}, model="logistic")
    mu = status.mean()
    for i, row in enumerate(cohort.copies):
        there = row >= 0
        g = row[there] - row[there].mean()
        score, variance = g @ (status[there] - mu), mu * (1 - mu) * (g @ g)
        assert found["CHI2"][i] == pytest.approx(score**2 / variance, rel=1e-9)


def test_variants_without_variance_have_no_slope(tmp_path: Path) -> None:
    cohort = simulate(tmp_path / "c", people=30, variants=4)
    cohort.copies[1] = 2
    cohort.copies[2] = -1
    cohort.write()
    y = np.random.default_rng(1).normal(size=30)
    found = flux.assoc(cohort.bed, traits={"y": y}, covariates={"g": cohort.copies[3]})
    assert np.isnan(found["P"]).tolist() == [False, True, True, True]
    assert found["FREQ"][1] == 1
    assert np.isnan(found["FREQ"][2])
    assert found["F_MISS"][2] == 1


def test_own_statistics_are_formulas_of_the_counts(tmp_path: Path) -> None:
    cohort = simulate(tmp_path / "c")
    found = flux.assoc(cohort.bed, also={"HET": "n1/(n2 + n1 + n0)", "FIVE": "5"})
    called = (cohort.copies >= 0).sum(axis=1)
    np.testing.assert_allclose(found["HET"], (cohort.copies == 1).sum(axis=1) / called)
    assert found["FIVE"].tolist() == [5.0] * 40


@pytest.mark.parametrize("form", ["bed", "vcf"])
def test_linkage_is_the_squared_correlation(tmp_path: Path, form: str) -> None:
    cohort = simulate(tmp_path / "c", people=50, variants=12, missing=0.1)
    cohort.copies[5] = np.where(cohort.copies[4] < 0, -1, 2 - cohort.copies[4])
    cohort.write()
    path = cohort.bed if form == "bed" else vcf(cohort)
    pairs = [("rs0", "rs1"), ("rs7", "rs3"), ("rs4", "rs5"), ("rs2", "rs2")]
    found = ld(path, pairs)
    for (one, other), value in zip(pairs, found, strict=True):
        x, y = cohort.copies[int(one[2:])], cohort.copies[int(other[2:])]
        both = (x >= 0) & (y >= 0)
        assert value == pytest.approx(np.corrcoef(x[both], y[both])[0, 1] ** 2, rel=1e-10)
    assert found[2] == pytest.approx(1)
    (tmp_path / "pairs").write_text("rs0 rs1\nrs7 rs3\n")
    assert ld(path, tmp_path / "pairs").tolist() == found[:2].tolist()


def test_linkage_of_what_is_not_there_is_refused(tmp_path: Path) -> None:
    cohort = simulate(tmp_path / "c", variants=5)
    with pytest.raises(FluxError, match="no variant `rs9`"):
        ld(cohort.bed, [("rs1", "rs9")])
    with pytest.raises(FluxError, match="no pairs"):
        ld(cohort.bed, [])
    cohort.variants[2] = cohort.variants[1]
    cohort.write()
    with pytest.raises(FluxError, match="rs1 stands for several"):
        ld(cohort.bed, [("rs1", "rs0")])


def test_the_table_is_written_and_read_back(tmp_path: Path) -> None:
    cohort = simulate(tmp_path / "c", variants=6)
    found = flux.assoc(cohort.bed)
    found.write(tmp_path / "out.tsv")
    lines = [line.split("\t") for line in (tmp_path / "out.tsv").read_text().splitlines()]
    assert lines[0] == list(found.columns)
    at = lines[0].index("HWE_P")
    assert [float(line[at]) for line in lines[1:]] == found["HWE_P"].tolist()


WRONG = [
    ({"model": "cox"}, "model is 'cox'"),
    ({"trait": "y"}, "need `traits`"),
    ({"traits": {"y": np.zeros(61)}}, "the trait is 0 for everybody"),
    ({"traits": {"y": np.zeros(60)}}, "y has shape (60,)"),
    ({"traits": {"y": ["a"] * 61}}, "something else than numbers"),
    ({"traits": {"y": np.full(61, np.inf)}}, "y is infinite at person 1"),
    ({"traits": {"y": np.full(61, np.nan)}}, "0 people have the trait"),
    ({"traits": {"y": np.arange(61), "z": np.arange(61)}}, "say which trait"),
    ({"traits": {"y": np.arange(61)}, "model": "logistic"}, "y has the value 3"),
    ({"traits": {"y": np.ones(61)}, "model": "logistic"}, "61 cases among 61 people"),
    (
        {"traits": {"y": np.arange(61)}, "covariates": {"a": np.ones(61)}},
        "the covariates depend on one another",
    ),
    (
        {
            "traits": {"y": np.arange(61) > 30},
            "covariates": {"a": np.arange(61.0)},
            "model": "logistic",
        },
        "no fit",
    ),
    ({"also": {"H": "n3"}}, "has no `n3`"),
    ({"also": {"POS": "n1"}}, "called POS already"),
    ({"also": {"HWE_P": "n1"}}, "called HWE_P already"),
    ({"also": {"A\tB": "n1"}}, "is no name of a column"),
    ({"also": {"": "n1"}}, "is no name of a column"),
    ({"traits": {"y": np.arange(61)}, "covariate_names": ["a"]}, "need `covariates`"),
]


def test_every_column_has_a_name_that_no_other_may_have(tmp_path: Path) -> None:
    cohort = simulate(tmp_path / "c")
    for traits in (None, {"y": np.arange(61) % 2}):
        for model in ("linear", "logistic"):
            for name in flux.assoc(cohort.bed, traits=traits, model=model).columns:
                with pytest.raises(FluxError, match=f"called {name.lstrip('#')} already"):
                    flux.assoc(cohort.bed, also={name.lstrip("#"): "n1"})


@pytest.mark.parametrize(("options", "text"), WRONG)
def test_arguments_that_do_not_fit_are_refused(tmp_path: Path, options, text: str) -> None:
    cohort = simulate(tmp_path / "c")
    with pytest.raises(FluxError) as caught:
        flux.assoc(cohort.bed, **options)
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("", "is empty"),
        ("a b c\n", "expected the header"),
        ("FID\n", "expected the header"),
        ("IID y\nI0 1 2\n", "row 2, column 3: this row has 3 cells"),
        ("IID y\nI0 x\n", "row 2, column y: this is no number: 'x'"),
        ("IID y\nI0 1\nI0 2\n", "row 3, column 1: this person stands above too"),
        ("IID y\nQ 1\n", "nobody of the cohort"),
    ],
)
def test_wrong_traits_are_refused_with_their_place(tmp_path: Path, content: str, text: str) -> None:
    cohort = simulate(tmp_path / "c")
    (tmp_path / "y").write_text(content)
    with pytest.raises(FluxError) as caught:
        flux.assoc(cohort.bed, traits=tmp_path / "y")
    assert text in str(caught.value)
