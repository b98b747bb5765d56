"""Polygenic scores beside sums written by hand, and laws that they keep."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import flux
from flux.genotypes import accumulate
from flux.genotypes.terms import distinct
from tests.genotypes.cohorts import Simulated, plain_score, simulate, weigh, write_weights

# Six people, four variants; what PLINK 2.00a3.5 and 1.90b6.26 print for them.
TOY_BED = bytes.fromhex("6c1b018b0b4e0e8b078e0d")
TOY_BIM = """1 rs1 0 1000 G A
1 rs2 0 2000 T C
1 rs3 0 3000 T G
2 rs4 0 1500 A T
"""
TOY_WEIGHTS = "rs1\tA\t0.2\nrs2\tT\t-0.35\nrs3\tG\t0.1\nrs4\tA\t0.05\n"
TOY_ROWS = (
    ({}, [0.3, 0.3, -0.6, 0.07, 0.29, 0.32], [0.0375, 0.0375, -0.075, 0.00875, 0.03625, 0.04]),
    (
        {"missing": "none"},
        [0.3, 0.3, -0.6, 0.35, 0.25, 0.2],
        [0.0375, 0.0375, -0.075, 0.35 / 6, 0.25 / 6, 0.2 / 6],
    ),
    ({"effect": "dominant"}, [0, 0.3, -0.3, 0.21, -0.03, 0.26], None),
    ({"effect": "recessive"}, [0.3, 0, -0.3, -0.14, 0.32, 0.06], None),
)


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    (tmp_path / "toy.bed").write_bytes(TOY_BED)
    (tmp_path / "toy.bim").write_text(TOY_BIM)
    (tmp_path / "toy.fam").write_text("".join(f"0 S{i} 0 0 0 -9\n" for i in range(1, 7)))
    (tmp_path / "w").write_text(TOY_WEIGHTS)
    return tmp_path


@pytest.mark.parametrize(("options", "sums", "averages"), TOY_ROWS)
def test_the_toy_set_has_its_published_scores(toy: Path, options, sums, averages) -> None:
    found = flux.prs(toy / "w", toy / "toy.bed", ambiguous=True, **options)
    np.testing.assert_allclose(found.sums[:, 0], sums, rtol=0, atol=1e-12)
    if averages is not None:
        np.testing.assert_allclose(found.averages[:, 0], averages, rtol=0, atol=1e-12)
        assert found.allele_count[:, 0].tolist() == [8, 8, 8, 6, 6, 6]
        assert found.dosage_sum[:, 0].tolist() == [6, 2, 4, 3, 5, 1]


@pytest.mark.parametrize("missing", ["mean", "none"])
@pytest.mark.parametrize("people", [1, 4, 5, 33, 129])
def test_sums_are_those_of_plain_arithmetic(tmp_path: Path, people: int, missing: str) -> None:
    cohort = simulate(tmp_path / "c", people=people, variants=37, missing=0.2)
    rows = weigh(cohort)
    found = flux.prs(write_weights(tmp_path / "w", rows), cohort.bed, missing=missing)
    np.testing.assert_allclose(found.sums[:, 0], plain_score(cohort, rows, missing), atol=1e-13)


def test_a_cohort_of_many_blocks_is_added_up_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accumulate, "_BLOCK_BYTES", 100)
    cohort = simulate(tmp_path / "c", people=50, variants=90)
    rows = weigh(cohort)[3:81:2]
    told = []
    weights = write_weights(tmp_path / "w", rows)
    found = flux.prs(weights, cohort.bed, progress=lambda *one: told.append(one))
    np.testing.assert_allclose(found.sums[:, 0], plain_score(cohort, rows), atol=1e-13)
    assert told[0] == ("variants read", 90, 90)
    assert told[1] == ("rows read", 39, 39)
    assert told[-1] == ("variants", 39, 39)
    assert len(told) > 5


@pytest.mark.parametrize("columns", [1, 20])
def test_the_bits_do_not_depend_on_threads(tmp_path: Path, columns: int) -> None:
    cohort = simulate(tmp_path / "c", people=9_100, variants=23)
    random = np.random.default_rng(6)
    names = [f"w{s}" for s in range(columns)]
    lines = ["\t".join(["ID", "A1", *names])]
    for name, allele, _ in weigh(cohort):
        lines.append("\t".join([name, allele, *map(str, random.normal(size=columns))]))
    weights = _written(tmp_path, "\n".join(lines) + "\n")
    one = flux.prs(weights, cohort.bed, threads=1, columns=names)
    for threads in (2, 3, 7):
        other = flux.prs(weights, cohort.bed, threads=threads, columns=names)
        assert one.sums.tobytes() == other.sums.tobytes()
        assert one.allele_count.tobytes() == other.allele_count.tobytes()


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("scores", [1, 2, 3, 4, 5, 11, 40])
def test_many_scores_in_a_pass_are_those_of_one_each(
    tmp_path: Path, scores: int, threads: int
) -> None:
    """Few go by look-up, many by a matrix product; both are the plain sum."""
    cohort = simulate(tmp_path / "c", people=2_100, variants=19)
    random = np.random.default_rng(scores)
    files, expected = [], []
    for s in range(scores):
        rows = [row for row in weigh(cohort, seed=s) if random.random() < 0.8]
        files.append(write_weights(tmp_path / f"w{s}.txt", rows))
        expected.append(flux.prs(files[-1], cohort.bed).sums[:, 0])
    found = flux.prs(files, cohort.bed, threads=threads)
    np.testing.assert_allclose(found.sums.T, expected, atol=1e-13)
    alone = [flux.prs(file, cohort.bed, missing="none") for file in files[:3]]
    for s, one in enumerate(alone):
        assert found.allele_count[:, s].tolist() == one.allele_count[:, 0].tolist()
        assert found.dosage_sum[:, s].tolist() == one.dosage_sum[:, 0].tolist()


@pytest.mark.parametrize("scores", range(1, 15))
def test_columns_of_one_file_are_scores_of_one_count(tmp_path: Path, scores: int) -> None:
    cohort = simulate(tmp_path / "c", people=70, variants=11)
    weight = np.random.default_rng(scores).normal(size=(11, scores)).round(4)
    names = [f"w{s}" for s in range(scores)]
    rows = [
        "\t".join([name, allele, *map(str, weight[i])])
        for i, (name, allele, _) in enumerate(weigh(cohort))
    ]
    (tmp_path / "w").write_text("\n".join(["\t".join(["ID", "A1", *names]), *rows]) + "\n")
    found = flux.prs(tmp_path / "w", cohort.bed, columns=names)
    for s in range(scores):
        one = [(n, a, float(weight[i, s])) for i, (n, a, _) in enumerate(weigh(cohort))]
        np.testing.assert_allclose(found.sums[:, s], plain_score(cohort, one), atol=1e-13)
    assert found.allele_count[:, 0].tolist() == (2 * (cohort.copies >= 0).sum(axis=0)).tolist()


@settings(max_examples=25)
@given(data=st.data())
def test_a_score_is_linear_and_indifferent_to_the_counted_allele(tmp_path_factory, data) -> None:
    folder = tmp_path_factory.mktemp("law")
    cohort = simulate(folder / "c", people=data.draw(st.integers(1, 40)), variants=9, missing=0)
    values = st.floats(-10, 10).map(lambda x: round(x, 3))
    weights = data.draw(st.lists(values, min_size=9, max_size=9))
    names = [(name, a, b) for _, name, _, a, b in cohort.variants]
    of_a1 = [(name, a, w) for (name, a, _), w in zip(names, weights, strict=True)]
    of_a2 = [(name, b, -w) for (name, _, b), w in zip(names, weights, strict=True)]
    one = flux.prs(write_weights(folder / "a", of_a1), cohort.bed).sums[:, 0]
    other = flux.prs(write_weights(folder / "b", of_a2), cohort.bed).sums[:, 0]
    np.testing.assert_allclose(one - other, 2 * sum(weights), atol=1e-9)  # w*g + w*(2 - g)


def test_a_genotype_that_nobody_has_counts_as_nothing(tmp_path: Path) -> None:
    cohort = simulate(tmp_path / "c", people=9, variants=3)
    cohort.copies[1] = -1
    cohort.write()
    rows = weigh(cohort)
    found = flux.prs(write_weights(tmp_path / "w", rows), cohort.bed)
    expected = plain_score(cohort, [rows[0], rows[2]])
    np.testing.assert_allclose(found.sums[:, 0], expected, atol=1e-14)


def _written(folder: Path, text: str) -> Path:
    path = folder / "weights.txt"
    path.write_text(text)
    return path


def _copies(cohort: Simulated, at: int, allele: str) -> np.ndarray:
    """Copies of an allele, all called."""
    counts_a1 = cohort.variants[at][3] == allele
    return cohort.copies[at] if counts_a1 else 2 - cohort.copies[at]


def test_weights_by_dosage_are_taken_by_the_number_of_copies(tmp_path: Path) -> None:
    cohort = simulate(tmp_path / "c", people=30, variants=2, missing=0)
    text = (
        "rsID\teffect_allele\tdosage_0_weight\tdosage_1_weight\tdosage_2_weight\n"
        "rs0\tG\t0.5\t-1\t4\nrs1\tC\t0\t2\t3\n"
    )
    found = flux.prs(_written(tmp_path, text), cohort.bed)
    expected = np.array([0.5, -1, 4])[_copies(cohort, 0, "G")]
    expected = expected + np.array([0, 2, 3])[_copies(cohort, 1, "C")]
    np.testing.assert_allclose(found.sums[:, 0], expected, atol=1e-14)


def test_rows_may_be_additive_dominant_and_recessive_in_one_file(tmp_path: Path) -> None:
    cohort = simulate(tmp_path / "c", people=30, variants=3, missing=0)
    text = (
        "rsID\teffect_allele\teffect_weight\tis_dominant\tis_recessive\n"
        "rs0\tG\t0.5\tFALSE\tFALSE\nrs1\tC\t2\tTRUE\tFALSE\nrs2\tA\t3\tFalse\tTrue\n"
    )
    found = flux.prs(_written(tmp_path, text), cohort.bed)
    expected = (
        0.5 * _copies(cohort, 0, "G")
        + 2.0 * (_copies(cohort, 1, "C") >= 1)
        + 3.0 * (_copies(cohort, 2, "A") == 2)
    )
    np.testing.assert_allclose(found.sums[:, 0], expected, atol=1e-14)


@pytest.mark.parametrize("missing", ["mean", "none"])
def test_an_interaction_is_a_product_of_dosages(tmp_path: Path, missing: str) -> None:
    cohort = simulate(tmp_path / "c", people=40, variants=4, missing=0.3)
    text = (
        "rsID\teffect_allele\teffect_weight\tis_interaction\n"
        "rs0\tA\t0.5\tFALSE\nrs0_x_rs2\tG_x_A\t2\tTRUE\nrs1_x_rs2_x_rs3\tT_x_G_x_C\t3\tTRUE\n"
    )
    found = flux.prs(_written(tmp_path, text), cohort.bed, missing=missing)
    founders = np.array([p[2] == "0" for p in cohort.people])

    def dosage(at: int, allele: str) -> np.ndarray:
        absent = cohort.copies[at] < 0
        copies = np.where(absent, 0, _copies(cohort, at, allele)).astype(float)
        mean = copies[founders & ~absent].mean() if missing == "mean" else 0.0
        return np.where(absent, mean, copies)

    expected = (
        0.5 * dosage(0, "A")
        + 2 * dosage(0, "G") * dosage(2, "A")
        + 3 * dosage(1, "T") * dosage(2, "G") * dosage(3, "C")
    )
    np.testing.assert_allclose(found.sums[:, 0], expected, atol=1e-13)


def test_an_effect_may_be_any_formula_of_the_copies(tmp_path: Path) -> None:
    cohort = simulate(tmp_path / "c", people=30, variants=8, missing=0)
    rows = weigh(cohort)
    weights = write_weights(tmp_path / "w", rows)
    found = flux.prs(weights, cohort.bed, effect="where(g == 1, 1, g^2/ploidy)")
    named = {name: (i, allele, w) for i, (name, allele, w) in enumerate(rows)}
    expected = sum(
        w * np.array([0, 1, 2])[_copies(cohort, i, allele)] for i, allele, w in named.values()
    )
    np.testing.assert_allclose(found.sums[:, 0], expected, atol=1e-13)


@pytest.mark.parametrize("missing", ["mean", "none"])
@pytest.mark.parametrize("effect", ["centered", "g - ploidy*p"])
def test_deviations_of_the_founders_add_up_to_nothing(
    tmp_path: Path, effect: str, missing: str
) -> None:
    """Who has no call is at the mean, which is nothing, whatever the rule."""
    cohort = simulate(tmp_path / "c", people=50, variants=9, missing=0.2)
    weights = write_weights(tmp_path / "w", weigh(cohort))
    found = flux.prs(weights, cohort.bed, effect=effect, missing=missing)
    founders = [p[2] == "0" for p in cohort.people]
    assert found.sums[founders].sum() == pytest.approx(0, abs=1e-13)
    assert np.ptp(found.sums) > 0.1
    assert found.notes["effect"] == f"{effect}, p from 45 founders; few"


def test_an_allele_that_everybody_has_has_no_deviation(tmp_path: Path) -> None:
    cohort = simulate(tmp_path / "c", people=20, variants=2, missing=0)
    cohort.copies[:] = 2
    weights = write_weights(tmp_path / "w", weigh(cohort.write()))
    assert not flux.prs(weights, cohort.bed, effect="standardized").sums.any()


def test_an_effect_may_be_a_constant(tmp_path: Path) -> None:
    cohort = simulate(tmp_path / "c", people=5, variants=3, missing=0)
    rows = weigh(cohort)
    found = flux.prs(write_weights(tmp_path / "w", rows), cohort.bed, effect="2")
    np.testing.assert_allclose(found.sums[:, 0], [2 * sum(w for *_, w in rows)] * 5)


@pytest.mark.parametrize("effect", ["additive", "dominant", "recessive"])
def test_the_kernel_is_the_formula_of_the_language(tmp_path: Path, effect: str) -> None:
    """The whole score as one expression over named axes, evaluated by the reference."""
    cohort = simulate(tmp_path / "c", people=21, variants=6, missing=0)
    rows = weigh(cohort)
    weights = write_weights(tmp_path / "w", rows)
    formula = {
        "additive": "additive(g)",
        "dominant": "dominant(g)",
        "recessive": "recessive(g, 2)",
    }[effect]
    score = flux.parse(f"input g[i, v], w[v]\npolygenic_score(w, {formula})")
    g = np.array([_copies(cohort, i, allele) for i, (_, allele, _) in enumerate(rows)], float)
    expected = score.evaluate(g=g.T, w=np.array([w for *_, w in rows]))
    found = flux.prs(weights, cohort.bed, effect=effect)
    np.testing.assert_allclose(found.sums[:, 0], expected, atol=1e-14)


def test_ranges_give_a_score_each(tmp_path: Path) -> None:
    cohort = simulate(tmp_path / "c", people=20, variants=12)
    rows = weigh(cohort)
    p = [10.0 ** -(i % 6) for i in range(12)]
    lines = ["SNP\tA1\tBETA\tP"]
    lines += [f"{name}\t{allele}\t{w}\t{p[i]}" for i, (name, allele, w) in enumerate(rows)]
    weights = _written(tmp_path, "\n".join(lines) + "\n")
    ranges = {"all": (0.0, 1.0), "strict": (0.0, 1e-3), "middle": (1e-3, 0.1)}
    found = flux.prs(weights, cohort.bed, ranges=ranges, among="P")
    assert found.names == ("weights_all", "weights_strict", "weights_middle")
    for s, (low, high) in enumerate(ranges.values()):
        inside = [row for row, value in zip(rows, p, strict=True) if low <= value <= high]
        np.testing.assert_allclose(found.sums[:, s], plain_score(cohort, inside), atol=1e-13)
    counts = found.columns()
    calls = (cohort.copies >= 0)[[i for i in range(12) if p[i] <= 1e-3]].sum(axis=0)
    assert counts["weights_strict_ALLELE_CT"].tolist() == (2 * calls).tolist()


def test_rows_outside_every_range_are_no_lack_of_overlap(tmp_path: Path) -> None:
    cohort = simulate(tmp_path / "c", variants=10)
    rows = weigh(cohort)
    lines = ["SNP\tA1\tBETA\tP"] + [f"{n}\t{a}\t{w}\t{i}" for i, (n, a, w) in enumerate(rows)]
    weights = _written(tmp_path, "\n".join(lines) + "\n")
    found = flux.prs(weights, cohort.bed, ranges={"two": (0, 1)}, among="P")
    np.testing.assert_allclose(found.sums[:, 0], plain_score(cohort, rows[:2]), atol=1e-14)
    assert found.matches[0].counts()["outside every range"] == 8


def test_people_are_kept_and_removed(tmp_path: Path) -> None:
    cohort = simulate(tmp_path / "c", people=30)
    weights = write_weights(tmp_path / "w", weigh(cohort))
    (tmp_path / "remove").write_text("I3\nI4\n")
    found = flux.prs(
        weights, cohort.bed, keep=[f"I{i}" for i in range(9)], remove=tmp_path / "remove"
    )
    assert found.iid == ("I0", "I1", "I2", "I5", "I6", "I7", "I8")
    assert len(found) == len(found.sums) == 7


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("scores", [1, 20])
def test_a_score_beyond_all_numbers_is_refused(tmp_path: Path, scores: int, threads: int) -> None:
    cohort = simulate(tmp_path / "c", people=2_100, variants=8)
    names = [f"w{s}" for s in range(scores)]
    lines = ["\t".join(["ID", "A1", *names])]
    lines += ["\t".join([name, allele, *["1e308"] * scores]) for name, allele, _ in weigh(cohort)]
    weights = _written(tmp_path, "\n".join(lines) + "\n")
    with pytest.raises(flux.FluxError, match="beyond the largest number"):
        flux.prs(weights, cohort.bed, columns=names, threads=threads)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"missing": "zero"}, "missing is 'zero'"),
        ({"by": "name"}, "by is 'name'"),
        ({"effect": "g*h"}, "no formula of `h`"),
        ({"effect": "__import__('os')"}, ""),
        ({"male_x": 3}, "male_x is 3"),
        ({"threads": 0}, "threads is 0"),
        ({"min_overlap": 2}, "min_overlap is 2"),
        ({"ranges": {"a": (0, 1)}}, "go together"),
        ({"ranges": {}, "among": "P"}, "no range"),
        ({"keep": ["nobody"]}, "names nobody"),
        ({"remove": [f"I{i}" for i in range(61)]}, "nobody is left"),
        ({"sex": {"X": "M"}}, "names nobody"),
        ({"sex": {"I1": "?"}}, "no sex"),
        ({"effect": "1/g"}, "not finite at g = 0"),
        ({"effect": "centered", "keep": ["I9"], "missing": "none"}, "no founder is kept"),
        ({"frequencies": "f", "missing": "none"}, "missing='none' imputes nothing"),
        ({"keep": ["I9", "I19"]}, "no founder is kept"),
        ({"columns": ["beta"]}, "no column `beta`"),
        ({"frequencies": "no.afreq"}, "no file"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(tmp_path: Path, options, text: str) -> None:
    cohort = simulate(tmp_path / "c")
    weights = write_weights(tmp_path / "w", weigh(cohort))
    with pytest.raises(flux.FluxError) as caught:
        flux.prs(weights, cohort.bed, **options)
    assert text in str(caught.value)


WRONG_TYPES = [
    lambda w, c: flux.prs(None, c),
    lambda w, c: flux.prs([], c),
    lambda w, c: flux.prs([None], c),
    lambda w, c: flux.prs(b"w", c),
    lambda w, c: flux.prs("w\0", c),
    lambda w, c: flux.prs(w, None),
    lambda w, c: flux.prs(w, 3),
    lambda w, c: flux.prs(w, "c\0.bed"),
    lambda w, c: flux.prs(w, c, columns=3),
    lambda w, c: flux.prs(w, c, columns=[3]),
    lambda w, c: flux.prs(w, c, by=["id"]),
    lambda w, c: flux.prs(w, c, effect=None),
    lambda w, c: flux.prs(w, c, effect=["g"]),
    lambda w, c: flux.prs(w, c, missing=[]),
    lambda w, c: flux.prs(w, c, frequencies=3),
    lambda w, c: flux.prs(w, c, min_overlap="all"),
    lambda w, c: flux.prs(w, c, min_overlap=float("nan")),
    lambda w, c: flux.prs(w, c, ranges=3, among="P"),
    lambda w, c: flux.prs(w, c, ranges={"a": "xy"}, among="P"),
    lambda w, c: flux.prs(w, c, ranges={"a": (1, 0)}, among="P"),
    lambda w, c: flux.prs(w, c, ranges={"a": (0, 1)}, among="P"),
    lambda w, c: flux.prs(w, c, keep=3),
    lambda w, c: flux.prs(w, c, keep=[3]),
    lambda w, c: flux.prs(w, c, sex=3),
    lambda w, c: flux.prs(w, c, sex={1: "M"}),
    lambda w, c: flux.prs(w, c, male_x="2"),
    lambda w, c: flux.prs(w, c, threads=1.5),
    lambda w, c: flux.prs(w, c, threads=True),
    lambda w, c: flux.prs(w, c, field=None),
    lambda w, c: flux.assoc(None),
    lambda w, c: flux.assoc(c, traits=3),
    lambda w, c: flux.assoc(c, traits={"y": np.arange(61)}, trait="z"),
    lambda w, c: flux.assoc(c, traits={"y": np.arange(61)}, trait=3),
    lambda w, c: flux.assoc(c, also=3),
    lambda w, c: flux.assoc(c, also={"a": 3}),
    lambda w, c: flux.assoc(c, model=None),
    lambda w, c: flux.open_cohort(None),
    lambda w, c: flux.genotypes.ld(c, None),
    lambda w, c: flux.genotypes.ld(c, [3]),
    lambda w, c: flux.genotypes.read_weights(None),
]


@pytest.mark.parametrize("call", WRONG_TYPES)
def test_arguments_of_other_types_are_refused(tmp_path: Path, call) -> None:
    cohort = simulate(tmp_path / "c")
    weights = write_weights(tmp_path / "w", weigh(cohort))
    with pytest.raises(flux.FluxError):
        call(weights, cohort.bed)


@pytest.mark.parametrize(
    ("names", "distinct_names"),
    [
        (["a", "b"], ["a", "b"]),
        (["a", "a"], ["a_1", "a_2"]),
        (["a", "a", "a_1"], ["a_2", "a_3", "a_1"]),
        (["a_1", "a", "a", "a_1"], ["a_1_1", "a_2", "a_3", "a_1_2"]),
    ],
)
def test_names_are_told_apart(names: list[str], distinct_names: list[str]) -> None:
    assert distinct(names) == distinct_names
