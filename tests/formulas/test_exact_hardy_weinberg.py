"""The exact test of Hardy-Weinberg equilibrium: against exact fractions and its own definition."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import flux
from flux.errors import DataError, ShapeError
from tests.formulas.reference import exact_hardy_weinberg

EXACT = flux.formulas.get("hardy_weinberg_exact")
COUNTS = st.integers(0, 60)


@settings(max_examples=300)
@given(COUNTS, COUNTS, COUNTS)
def test_it_is_the_sum_in_exact_fractions(n_aa: int, n_ab: int, n_bb: int) -> None:
    wanted = float(exact_hardy_weinberg(n_aa, n_ab, n_bb))
    assert EXACT(n_aa, n_ab, n_bb) == pytest.approx(wanted, rel=1e-12, abs=1e-300)


@settings(max_examples=60)
@given(COUNTS, COUNTS, COUNTS)
def test_it_is_its_definition_in_the_language(n_aa: int, n_ab: int, n_bb: int) -> None:
    size = 2 * min(n_aa, n_bb) + n_ab + 1
    written = flux.compile(EXACT.expr, sizes={"h": size})(n_aa=n_aa, n_ab=n_ab, n_bb=n_bb)
    assert EXACT(n_aa, n_ab, n_bb) == pytest.approx(written, rel=1e-10)


@given(COUNTS, COUNTS, COUNTS)
def test_the_two_alleles_are_alike(n_aa: int, n_ab: int, n_bb: int) -> None:
    assert EXACT(n_aa, n_ab, n_bb) == pytest.approx(EXACT(n_bb, n_ab, n_aa), rel=1e-12)


@pytest.mark.parametrize(
    "counts",
    [(0, 0, 0), (5, 0, 0), (0, 1, 0), (0, 0, 7), (3, 1, 0), (0, 2, 0), (1, 0, 1), (0, 400, 0)],
)
def test_few_people_and_one_allele(counts: tuple[int, int, int]) -> None:
    assert EXACT(*counts) == pytest.approx(float(exact_hardy_weinberg(*counts)), rel=1e-12)


def test_many_people() -> None:
    """Half a million: near equilibrium it is near the chi-square test, far from it, 0."""
    found = EXACT(125_100, 249_800, 125_100)
    chi2 = flux.formulas.get("hardy_weinberg_p_value")(125_100, 249_800, 125_100)
    assert found == pytest.approx(chi2, rel=5e-3)
    assert EXACT(250_000, 0, 250_000) == 0
    assert EXACT(0, 500_000, 0) == 0


def test_it_agrees_in_the_far_tail() -> None:
    wanted = float(exact_hardy_weinberg(300, 20, 300))
    assert wanted < 1e-100
    assert EXACT(300, 20, 300) == pytest.approx(wanted, rel=1e-10)


def test_rows_and_missing_values() -> None:
    found = EXACT(n_aa=[[10, 3]], n_ab=[[5], [math.nan]], n_bb=2)
    assert found.shape == (2, 2)
    assert found[0, 1] == EXACT(3, 5, 2)
    assert np.isnan(found[1]).all()
    assert EXACT(np.zeros((0, 3)), 1, 1).shape == (0, 3)


def test_counts_are_whole_numbers() -> None:
    with pytest.raises(DataError, match=r"`n_ab` is 2.5 at 1"):
        EXACT(3, [1, 2.5], 4)
    with pytest.raises(DataError, match="`n_aa` is -1"):
        EXACT(-1, 2, 3, outside="keep")
    with pytest.raises(ShapeError):
        EXACT([1, 2], [1, 2, 3], 4)
