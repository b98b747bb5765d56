"""The systems of Moré, Garbow and Hillstrom: roots, published values, a count beside SciPy's."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import optimize

import flux
from flux.numeric.equation import residual_of
from flux.numeric.equations import prepare
from tests.numeric import more_garbow_hillstrom as mgh

CASES = list(mgh.cases())
# Systems of the set that `solve_system` does not solve; the first has no root.
UNSOLVED = {
    "chebyquad-8-1",
    "chebyquad-6-10",
    "chebyquad-6-100",
    "chebyquad-7-10",
    "chebyquad-7-100",
    "trigonometric-10-10",
}


def solved(case: mgh.Case, **options: Any) -> flux.SystemSolution:
    names = [f"x{j}" for j in range(1, len(case.start) + 1)]
    return flux.solve_system(case.equations, dict(zip(names, case.start, strict=True)), **options)


def values_at(case: mgh.Case, roots: dict[str, Any]) -> list[float]:
    """The residuals by the reference evaluator, which shares no code with the search."""
    sides = (text.partition("=") for text in case.equations)
    return [flux.evaluate(f"({left}) - ({right or '0'})", roots) for left, _, right in sides]


@pytest.fixture(scope="module")
def found() -> dict[str, flux.SystemSolution]:
    return {case.name: solved(case) for case in CASES}


def test_the_set_is_that_of_minpack() -> None:
    assert len(CASES) == 55


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_published_systems_are_solved(
    case: mgh.Case, found: dict[str, flux.SystemSolution]
) -> None:
    solution = found[case.name]
    if case.name in UNSOLVED:
        assert not solution.converged
        assert all(math.isnan(x) for x in solution.root.values())
        return
    assert solution.converged, solution
    if len(case.start) < 30:
        assert max(map(abs, values_at(case, dict(solution.root)))) < 1e-12


ROOTS = {
    "rosenbrock-2": [1, 1],
    "powell_singular-4": [0, 0, 0, 0],
    "helical_valley-3": [1, 0, 0],
    "variably_dimensioned-10": [1] * 10,
}


@pytest.mark.parametrize("name", ROOTS)
def test_roots_are_the_published_ones(name: str, found: dict[str, flux.SystemSolution]) -> None:
    for factor in (1, 10, 100):
        roots = list(found[f"{name}-{factor}"].root.values())
        assert roots == pytest.approx(ROOTS[name], rel=1e-11, abs=1e-14)


def test_woods_roots(found: dict[str, flux.SystemSolution]) -> None:
    """The gradient vanishes at the minimum, and at the saddle point that the start leads to."""
    minimum, saddle = [1.0] * 4, [-0.9679740, 0.9471391, -0.9695163, 0.9512477]
    for factor in (1, 10, 100):
        roots = list(found[f"wood-4-{factor}"].root.values())
        assert roots in (pytest.approx(minimum), pytest.approx(saddle, abs=1e-7))


def test_powells_badly_scaled_root(found: dict[str, flux.SystemSolution]) -> None:
    for factor in (1, 10):
        root = found[f"powell_badly_scaled-2-{factor}"]
        assert root["x1"] == pytest.approx(1.098159e-5, rel=1e-6)
        assert root["x2"] == pytest.approx(9.106146, rel=1e-6)


@pytest.mark.parametrize(("n", "least"), [(6, 2.28767e-3), (9, 1.39976e-6)])
def test_watsons_sum_of_squares(
    n: int, least: float, found: dict[str, flux.SystemSolution]
) -> None:
    """At the root of the gradient the sum of squares is the paper's."""
    x = np.array(list(found[f"watson-{n}-1"].root.values()))
    t = np.arange(1, 30)[:, None] / 29
    j = np.arange(n)
    slope = (j[1:] * x[1:] * t ** (j[1:] - 1)).sum(axis=1)
    f = slope - (x * t**j).sum(axis=1) ** 2 - 1
    total = (f**2).sum() + x[0] ** 2 + (x[1] - x[0] ** 2 - 1) ** 2
    assert total == pytest.approx(least, rel=5e-6)


def test_more_are_solved_than_by_scipy(
    found: dict[str, flux.SystemSolution], capsys: pytest.CaptureFixture[str]
) -> None:
    """The same texts and the same exact Jacobian for both."""
    rows = {"flux": len(CASES) - len(UNSOLVED), "hybr": 0, "lm": 0}
    for case in CASES:
        for method in ("hybr", "lm"):
            rows[method] += _scipy_solves(case, method)
    with capsys.disabled():
        print(f"\nsolved of {len(CASES)}:", rows)
    assert sum(s.converged for s in found.values()) == rows["flux"] > max(rows["hybr"], rows["lm"])


def _scipy_solves(case: mgh.Case, method: str) -> bool:
    names = [f"x{j}" for j in range(1, len(case.start) + 1)]
    residuals = tuple(residual_of(text, {}) for text in case.equations)
    start = dict(zip(names, case.start, strict=True))
    evaluate = prepare(residuals, start, names, None).evaluate()

    def both(x: Any) -> tuple[Any, Any]:
        f, jacobian = evaluate(np.asarray(x)[None], np.zeros(1, int))
        return f[0], jacobian[0]

    with np.errstate(all="ignore"):
        result = optimize.root(both, case.start, jac=True, method=method, options={"xtol": 1e-12})
    return bool(np.abs(result.fun).max() < 1e-8)
