"""The Jacobian's triangle: by products where the columns are straight, by reflections elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import flux
from flux.numeric.fitting.factors import factor, products_of
from flux.numeric.fitting.parameters import arrange
from flux.numeric.fitting.problem import Curve, FitProblem


def both_of(seed: int, rows: int, size: int, skew: float, scale: float) -> np.ndarray:
    """Columns of a Jacobian with about that condition, and residuals, a row each."""
    random = np.random.default_rng(seed)
    q = np.linalg.qr(random.normal(size=(rows, size)))[0]
    mixed = np.linalg.qr(random.normal(size=(size, size)))[0]
    j = (q * np.geomspace(1, 1 / skew, size)) @ mixed * np.geomspace(scale, 1 / scale, size)
    return np.ascontiguousarray(np.vstack([j.T, random.normal(size=rows)]))


@pytest.mark.parametrize("rows", [9, 1024, 9000])
@given(
    seed=st.integers(0, 10**6),
    size=st.integers(1, 7),
    exponent=st.floats(0, 7),
    scale=st.sampled_from([1.0, 1e9, 1e-40]),
)
def test_steps_and_errors_are_those_of_the_pseudoinverse(
    rows: int, seed: int, size: int, exponent: float, scale: float
) -> None:
    skew = 10**exponent if size > 1 else 1.0
    both = both_of(seed, rows, size, skew, scale)
    found = factor(both, products_of(both))
    lengths = np.sqrt((both**2).sum(axis=1))
    unit = (both[:-1] / lengths[:-1, None]).T
    inverse = np.linalg.pinv(unit, rcond=1e-15)
    condition = np.linalg.cond(unit)
    tolerance = 1e-14 * condition**2 * np.linalg.norm(inverse)
    assert found.full
    assert found.newton * lengths[:-1] == pytest.approx(
        -inverse @ both[-1], abs=tolerance * lengths[-1]
    )
    errors = np.sqrt((found.half**2).sum(axis=0)) * lengths[:-1]
    assert errors == pytest.approx(np.sqrt((inverse**2).sum(axis=1)), rel=1e-13 * condition**2)
    step = np.random.default_rng(seed).normal(size=size) / lengths[:-1]
    changed = float(np.sum((both[:-1].T @ step) ** 2))
    assert found.change(step) == pytest.approx(changed, rel=1e-9 * condition)


@pytest.mark.parametrize("rows", [12, 5000])
def test_directions_without_effect_are_found(rows: int) -> None:
    both = both_of(1, rows, 4, 3.0, 1.0)
    both[2] = both[0] - both[1]
    found = factor(both, products_of(both))
    assert found.rank == 3
    assert found.undetermined().tolist() == [True, True, True, False]
    both[3] = 0.0
    assert factor(both, products_of(both)).rank == 2


def test_memory_is_used_again_only_when_nobody_looks_at_it() -> None:
    x = np.linspace(0, 1, 20_000)
    parameters = arrange(["a", "b"], {"a": 1.0, "b": 1.0}, {}, frozenset(), ())
    curve = Curve(flux.parse("a*exp(b*x)"), parameters, {})
    objective = FitProblem(curve, {"x": x}, np.ones(x.size), None, None).objective()
    places = [objective.place(np.array([1.0, b])) for b in range(7)]
    for b, place in enumerate(places):
        assert place is not None
        assert (place.both[0] == np.exp(b * x)).all()
    kept = [place.r for place in places if place is not None]  # views alone keep it too
    before = [r.copy() for r in kept]
    del places, place
    again = [objective.place(np.array([2.0, 0.5])) for _ in range(5)]
    assert len({id(p.both) for p in again if p is not None}) == 5
    for r, old in zip(kept, before, strict=True):
        assert (r == old).all()
    del again, kept, r
    assert len({objective.jacobian(np.array([1.0, 1.0])).ctypes.data for _ in range(9)}) == 1


@pytest.mark.parametrize("size", [2, 5, 6, 7, 20])
@pytest.mark.parametrize("rows", [3, 2000])
def test_products_are_all_products(size: int, rows: int) -> None:
    both = np.random.default_rng(size).normal(size=(size, rows))
    assert products_of(both) == pytest.approx(both @ both.T, rel=1e-12, abs=1e-10)
