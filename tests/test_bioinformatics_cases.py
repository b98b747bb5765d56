"""Worked and published values of bioinformatics: `cases/bioinformatics.json`, every row of it.

A row is a formula with its values, an equation, a fit, a maximum or a set of genotypes. Each kind
has one function here, and a kind without one fails. A formula is computed from the text of the row
and by the library's formula of the same meaning, one by one and as columns.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import flux

Case = Mapping[str, Any]

CASES: list[Case] = json.loads(
    (Path(__file__).parent / "cases" / "bioinformatics.json").read_text(encoding="ascii")
)
_COUNTS = Counter(eval=13, reference_value=1, solve=2, maximise=1, fit=4, prs=1)
_VALUES = 53  # of the rows that have several
_LIPIDS = {"TC": "total_cholesterol", "HDL": "hdl", "TG": "triglycerides", "SBP": "sbp"}
_GENOTYPES = {"nAA": "n_aa", "nAB": "n_ab", "nBB": "n_bb"}
# The library's formula for a row, and its names for the row's inputs where they differ.
FORMULAS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "ckd_epi_2021_creatinine": ("egfr_ckd_epi_2021", {"Scr": "creatinine"}),
    "cockcroft_gault": (
        "creatinine_clearance_cockcroft_gault",
        {"Scr": "creatinine", "wt": "weight"},
    ),
    "homa_ir_si": ("homa_ir", {"insulin_uU_ml": "insulin", "glucose_mmol_l": "glucose"}),
    "ldl_friedewald": ("ldl_friedewald", _LIPIDS),
    "ldl_sampson_nih": ("ldl_sampson", _LIPIDS),
    "framingham_2008_general_cvd": ("framingham_2008", _LIPIDS),
    "ascvd_pooled_cohort_2013": ("ascvd_2013", _LIPIDS),
    "hardy_weinberg_chi2": ("hardy_weinberg_chi2", _GENOTYPES),
    "hardy_weinberg_exact_p": ("hardy_weinberg_exact", _GENOTYPES),
    "ld_D": ("linkage_d", {"nAB": "n_ab", "nAb": "n_a", "naB": "n_b", "nab": "n_o"}),
    "haldane_cM": ("haldane_distance", {"r": "recombination"}),
    "kosambi_cM": ("kosambi_distance", {"r": "recombination"}),
    "jukes_cantor": ("jukes_cantor", {}),
    "hill": ("hill", {"Emax": "emax", "c": "concentration", "EC50": "ec50"}),
}


def _columns(rows: list[Case]) -> dict[str, np.ndarray]:
    return {name: np.array([row["inputs"][name] for row in rows]) for name in rows[0]["inputs"]}


def _of_the_library(case: Case) -> None:
    name, renamed = FORMULAS[case["name"]]
    formula, rows = flux.formulas.get(name), case["cases"]
    columns = {renamed.get(k, k): v for k, v in _columns(rows).items()}
    found = formula(columns)
    for i, row in enumerate(rows):
        one = formula({k: float(v[i]) for k, v in columns.items()})
        assert [one, found[i]] == pytest.approx([row["expected"]] * 2, rel=1e-11)
        if row.get("published") is not None:
            scaled = one * row["published_scale"]
            assert abs(scaled - row["published"]) <= row["published_tol"]


def _value(case: Case) -> None:
    text = "\n".join([*(f"{k} = {v}" for k, v in case["lets"].items()), case["expr"]])
    columns = flux.compile(text)(_columns(case["cases"]))
    for row, found in zip(case["cases"], columns, strict=True):
        one = flux.evaluate(text, row["inputs"])
        assert [one, found] == pytest.approx([row["expected"]] * 2, rel=1e-11)
    _of_the_library(case)


def _root(case: Case) -> None:
    start = {**case["params"], case["unknown"]: case["x0"]}
    for method in ("newton", "halley"):
        found = flux.solve(case["equation"], start, unknown=case["unknown"], method=method)
        assert found.converged
        assert found.root == pytest.approx(case["expected_root"], rel=1e-12)


def _maximum(case: Case) -> None:
    found = flux.maximize(case["expr"], {**case["x0"], **case["params"]}, unknowns=[*case["x0"]])
    assert found.converged
    p, q = found["p"], found["q"]
    shares = {"p": p, "q": q, "o": 1 - p - q}
    assert shares == pytest.approx(case["expected"], rel=1e-7)
    assert shares == pytest.approx(case["published"], abs=5e-5)


def _fit(case: Case) -> None:
    data = {"x": case["x"], "y": case["y"]}
    expected = case.get("certified") or case["expected"]
    errors = case.get("certified_sd") or case["se"]
    squares = case.get("certified_rss") or case["rss"]
    for start in [case[key] for key in ("start", "start1", "start2") if key in case]:
        found = flux.fit(f"y = {case['model']}", data, start)
        assert found.converged
        assert found.values == pytest.approx(expected, rel=1e-8)
        assert found.errors == pytest.approx(errors, rel=1e-7)
        assert float(np.sum(found.residuals**2)) == pytest.approx(squares, rel=1e-9)
        for name, value in (case.get("published") or {}).items():
            assert found.values[name] == pytest.approx(value, abs=5.1e-7)
        _effective_doses(case, found.values)


def _effective_doses(case: Case, values: Mapping[str, float]) -> None:
    """The doses of 10, 50 and 90 percent of the effect, by the inverse of the curve."""
    inverse = flux.formulas.get("logistic4_inverse")
    for share in (10, 50, 90) if "ED50" in case else ():
        b, c, d, e = (values[name] for name in "bcde")
        found = inverse(response=d - share / 100 * (d - c), top=d, bottom=c, ec50=e, slope=b)
        assert found == pytest.approx(case[f"ED{share}"], rel=1e-7)


def _scores(case: Case, folder: Path) -> None:
    bed, expected = _cohort(case, folder), case["expected"]

    def scored(weights: list[list[Any]], **options: Any) -> Any:
        (folder / "w").write_text("".join("\t".join(map(str, row)) + "\n" for row in weights))
        return flux.prs(folder / "w", bed, ambiguous=True, **options)

    def close(found: Any, name: str, tolerance: float = 1e-12) -> None:
        np.testing.assert_allclose(found, expected[name], rtol=0, atol=tolerance)

    rows = case["weights"]
    imputed, called = scored(rows), scored(rows, missing="none")
    close(imputed.sums[:, 0], "sum_mean_impute")
    close(imputed.averages[:, 0], "avg_mean_impute_denom8")
    close(imputed.allele_count[:, 0], "allele_ct")
    close(imputed.dosage_sum[:, 0], "named_dosage_sum")
    close(called.sums[:, 0], "sum_no_mean_impute")
    close(called.averages[:, 0], "avg_no_mean_impute", 5e-8)
    close(scored(rows, effect="dominant").sums[:, 0], "sum_dominant")
    close(scored(rows, effect="recessive").sums[:, 0], "sum_recessive")

    f = np.array([case["named_allele_freq"][f"{name}:{allele}"] for name, allele, _ in rows])
    weight = np.array([w for *_, w in rows])
    close((imputed.sums[:, 0] - 2 * weight @ f)[:3], "sum_center_S1_S3", 5e-7)
    scale = weight / np.sqrt(2 * f * (1 - f))
    each = [[name, allele, w] for (name, allele, _), w in zip(rows, scale, strict=True)]
    centred = scored(each).sums[:, 0] - 2 * scale @ f
    close(centred[:3], "sum_variance_standardize_S1_S3", 5e-6)


def _cohort(case: Case, folder: Path) -> Path:
    """The set as files of PLINK 1; its genotypes are those that the row spells out."""
    (folder / "toy.bed").write_bytes(bytes.fromhex(case["bed_hex"]))
    (folder / "toy.bim").write_text("".join("\t".join(row) + "\n" for row in case["bim"]))
    (folder / "toy.fam").write_text("".join(f"0 {i} 0 0 0 -9\n" for i in case["fam_iids"]))
    for _, name, _, _, a1, a2 in case["bim"]:
        count = flux.prs(_weight(folder, name, a1), folder / "toy.bed", ambiguous=True)
        calls = case["genotypes"][name]
        assert all(set(call) <= {a1, a2, "0"} for call in calls)
        wanted = [call.count(a1) for call in calls]
        assert count.dosage_sum[:, 0].tolist() == wanted
        assert count.allele_count[:, 0].tolist() == [0 if c == "00" else 2 for c in calls]
    return folder / "toy.bed"


def _weight(folder: Path, name: str, allele: str) -> Path:
    (folder / "one").write_text(f"{name}\t{allele}\t1\n")
    return folder / "one"


KINDS: Mapping[str, Callable[[Case], None]] = {
    "eval": _value,
    "reference_value": _of_the_library,
    "solve": _root,
    "maximise": _maximum,
    "fit": _fit,
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_row_has_its_known_values(case: Case, tmp_path: Path) -> None:
    if case["kind"] == "prs":
        _scores(case, tmp_path)
    else:
        KINDS[case["kind"]](case)


def test_no_row_and_no_value_is_left_out() -> None:
    assert Counter(case["kind"] for case in CASES) == _COUNTS
    several = [case for case in CASES if "cases" in case]
    assert {case["name"] for case in several} == set(FORMULAS)
    assert sum(len(case["cases"]) for case in several) == _VALUES
    assert all(row.get("agrees", True) for case in several for row in case["cases"])
