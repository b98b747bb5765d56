"""Systems of equations: those without a root, bounds, rows, and what is refused."""

from __future__ import annotations

import math
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import flux
from flux.numeric import Reason
from flux.numeric.directions import condition, levenberg

# Systems without a root near: equations, starts, the reason.
NONE = [
    (["x + y = 1", "x + y = 2"], {"x": 2, "y": 0.5}, Reason.LEAST),
    (["x^2 + y^2 = -1", "x = y"], {"x": 2, "y": 0.5}, Reason.LEAST),
    (["abs(x) + 1", "y - x"], {"x": 3, "y": 0}, None),
    (["gamma(x*y) = 1e300", "y = x"], {"x": 3, "y": 1}, Reason.STALLED),
    (["exp(-x) = 0", "x = y"], {"x": 2, "y": 0.5}, Reason.ITERATIONS),
    (["1/x = 0", "x = y"], {"x": 2, "y": 0.5}, Reason.ITERATIONS),
    (["1/(x - 1) = 0", "x = y"], {"x": 1.001, "y": 0.5}, Reason.ITERATIONS),
    (["sqrt(x) = 2", "log(y) = x"], {"x": -1, "y": 0.5}, Reason.NOT_FINITE),
    (["(x - 1)^2 + 1e-8", "y"], {"x": 1000, "y": 0.5}, None),
    (["exp(-x)*y = 0", "y = 1"], {"x": 700, "y": 1}, None),
]


@pytest.mark.parametrize(("equations", "start", "reason"), NONE)
def test_what_has_no_root_is_said_to_have_none(
    equations: list[str], start: dict[str, float], reason: Reason | None
) -> None:
    found = flux.solve_system(equations, start)
    assert not found.converged, found
    assert all(math.isnan(x) for x in found.root.values())
    if reason is not None:
        assert found.status is reason, found


def test_the_local_minimum_of_freudenstein_and_roth_is_no_root() -> None:
    """MGH function 2: 48.9842... at (11.41..., -0.8968...); the root (5, 4) is elsewhere."""
    equations = ["-13 + x + ((5 - y)*y - 2)*y", "-29 + x + ((y + 1)*y - 14)*y"]
    found = flux.solve_system(equations, x=0.5, y=-2, method="dogleg")
    assert found.status is Reason.LEAST
    assert (found.residual**2).sum() == pytest.approx(48.9842, abs=1e-4)
    assert found.nearest["x"] == pytest.approx(11.41, abs=0.01)
    assert found.nearest["y"] == pytest.approx(-0.8968, abs=1e-4)
    assert found.singular
    everything = flux.solve_system(equations, x=0.5, y=-2)
    assert everything.converged
    assert everything.root == pytest.approx({"x": 5, "y": 4})


def test_singular_jacobians_are_named() -> None:
    many = flux.solve_system(["x + y = 1", "2*x + 2*y = 2"], x=2.0, y=0.5)
    assert many.converged
    assert many.singular
    assert many["x"] + many["y"] == pytest.approx(1)
    assert "singular" in repr(many)
    one = flux.solve_system(["x + y = 1", "x - y = 2"], x=2.0, y=0.5)
    assert not one.singular
    assert "singular" not in repr(one)


def test_a_start_where_the_norm_is_greatest_is_left() -> None:
    for method in ("auto", "newton", "dogleg"):
        found = flux.solve_system(["x^2 + y^2 = 4", "x*y = 1"], x=0, y=0, method=method)
        assert found.converged
        assert found["x"] * found["y"] == pytest.approx(1)


def test_a_domain_is_not_left() -> None:
    found = flux.solve_system(["sqrt(x) = 2", "log(y) = x"], x=0.1, y=0.5)
    assert found.root == pytest.approx({"x": 4, "y": math.exp(4)})


def test_units_of_equations_and_unknowns_do_not_matter() -> None:
    plain = flux.solve_system(["x^2 + y^2 = 4", "x*y = 1"], x=2.0, y=0.5)
    scaled = flux.solve_system(
        ["1e150*(x^2 + (y*1e-100)^2 - 4)", "1e-150*(x*y*1e-100 - 1)"], x=2.0, y=0.5e100
    )
    assert scaled.converged
    assert scaled["x"] == pytest.approx(plain["x"], rel=1e-12)
    assert scaled["y"] == pytest.approx(plain["y"] * 1e100, rel=1e-12)


def test_bounds_choose_the_root_and_are_never_left() -> None:
    equations = ["x^2 + y^2 = 4", "x*y = 1"]
    below = flux.solve_system(equations, x=-1, y=-1.5, bounds={"x": (None, 0)})
    assert below.converged
    assert below["x"] < 0
    closed = flux.solve_system(["x^2 = 2", "x*y = 1"], x=1, y=0.5, bounds={"x": (0, 1)})
    assert closed.status is Reason.BOUND
    assert closed.nearest["x"] == 1
    inside = flux.solve_system(["log(x) = y", "x + y = 3"], x=0.1, y=0, bounds={"x": (1e-9, 10)})
    assert inside["x"] == pytest.approx(2.2079400315693)


def test_rows_have_roots_of_their_own() -> None:
    total = np.linspace(2.1, 9, 1000)
    rows = flux.solve_system(
        ["x^2 + y^2 = r", "x*y = 1"], x=2.0, y=0.5, r=total, unknowns=["x", "y"]
    )
    assert rows.converged.all()
    assert rows.residual.shape == (1000, 2)
    np.testing.assert_allclose(rows["x"] ** 2 + rows["y"] ** 2, total, rtol=1e-13)
    for at in (0, 500, 999):
        one = flux.solve_system(
            ["x^2 + y^2 = r", "x*y = 1"], x=2.0, y=0.5, r=total[at], unknowns=["x", "y"]
        )
        assert one["x"] == pytest.approx(rows["x"][at], rel=1e-12)


def test_rows_without_a_root_disturb_none() -> None:
    r = np.array([[4.0, -1.0, np.nan], [np.inf, 3.0, 1.0]])
    rows = flux.solve_system(
        ["x^2 + y^2 = r", "x*y = 1"], {"r": r}, x=2.0, y=0.5, unknowns=["x", "y"]
    )
    assert rows.converged.tolist() == [[True, False, False], [False, True, False]]
    assert np.isnan(rows["x"][~rows.converged]).all()
    assert rows.status[0, 2] == rows.status[1, 0] == Reason.NOT_FINITE
    assert "not finite" in rows.reason[0, 2]
    assert "2 of 6" in repr(rows)


def test_no_rows_have_no_roots() -> None:
    rows = flux.solve_system(["x + y = a", "x = y"], x=1, y=1, a=np.empty(0), unknowns=["x", "y"])
    assert rows["x"].shape == (0,)
    assert rows.converged.shape == (0,)
    assert repr(rows)


@settings(max_examples=60)
@given(
    st.lists(st.floats(-3, 3), min_size=2, max_size=2),
    st.lists(st.floats(-3, 3), min_size=4, max_size=4),
    st.lists(st.floats(-4, 4), min_size=2, max_size=2),
)
def test_what_is_claimed_satisfies_the_equations(
    root: list[float], c: list[float], start: list[float]
) -> None:
    texts = [
        "a*(x - p) + b*(y - q)*(x - p) + sin(y - q)",
        "c*(y - q) + d*(x - p)^2 + exp(x - p) - 1",
    ]
    values = dict(zip("pqabcd", [*root, *c], strict=True))
    found = flux.solve_system(texts, {**values, "x": start[0], "y": start[1]}, unknowns=["x", "y"])
    place = {**values, **found.root}
    if found.converged:
        assert all(abs(flux.evaluate(text, place)) < 1e-8 for text in texts)
    else:
        assert all(math.isnan(x) for x in found.root.values())
        assert found.status > Reason.ROUNDING


@settings(max_examples=60)
@given(st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_linear_systems_take_two_evaluations(n: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    matrix, root = draw.normal(size=(n, n)) + 3 * np.eye(n), draw.normal(size=n)
    right = matrix @ root
    names = [f"u{j}" for j in range(n)]
    texts = [
        " + ".join(f"({float(a)!r})*{name}" for a, name in zip(row, names, strict=True))
        + f" = {float(b)!r}"
        for row, b in zip(matrix, right, strict=True)
    ]
    found = flux.solve_system(texts, dict.fromkeys(names, 1.0))
    expected = np.linalg.solve(matrix, right)
    assert found.converged
    assert found.iterations <= 4
    size = np.abs(expected).max() * np.linalg.cond(matrix) * 1e-14
    assert np.abs([found[n] for n in names] - expected).max() <= size


def test_options_give_way_to_names() -> None:
    found = flux.solve_system(["method + bounds = 3", "method = 2*bounds"], method=1.0, bounds=1.0)
    assert found.root == pytest.approx({"method": 2, "bounds": 1})


def test_expressions_are_equations() -> None:
    first, second = flux.parse("x + y - 3"), flux.parse("x - y - 1")
    assert flux.solve_system([first, second], x=0, y=0).root == pytest.approx({"x": 2, "y": 1})


def test_a_solution_pickles_and_has_its_unknowns_by_name() -> None:
    found = flux.solve_system(["x + y = 3", "x - y = 1"], x=0, y=0)
    again = pickle.loads(pickle.dumps(found))
    assert again.root == found.root
    assert "<table>" in found._repr_html_()
    with pytest.raises(flux.FluxError, match="no unknown `z`"):
        found["z"]


# Call, part of the message.
REFUSED = [
    (lambda: flux.solve_system("x = 1", x=1), "list of equations"),
    (lambda: flux.solve_system([], x=1), "no equations"),
    (lambda: flux.solve_system(["x + y = 1"], x=1, y=2), "not clear what is solved for"),
    (lambda: flux.solve_system(["x = 1", "x = 2"], x=1), "2 equations for 1 unknown"),
    (lambda: flux.solve_system(["x = 1", "y = 2"], x=1), "no value for `y`"),
    (lambda: flux.solve_system(["x = 1", "y = 2"], x=1, y=1, z=1), "no `z`"),
    (lambda: flux.solve_system(["x = 1", "y = 2"], x=1, y=np.inf), "`y` starts at inf"),
    (lambda: flux.solve_system(["x = 1", "y = 2"], x=1, y="2"), "y"),
    (lambda: flux.solve_system(["x = 1", "y = 2"], x=[1, 2], y=[1, 2, 3]), "broadcast"),
    (lambda: flux.solve_system(["x = 1", "y = 2"], x=(0, 1), y=1), "bracket"),
    (lambda: flux.solve_system(["x = 1", "y = 2"], x=1, y=1, method="newt"), "no method"),
    (lambda: flux.solve_system(["x = 1", "y = 2"], x=1, y=1, tolerance=0), "tolerance"),
    (lambda: flux.solve_system(["x = 1", "y = 2"], x=1, y=1, max_iterations=0), "max_iterations"),
    (lambda: flux.solve_system(["x = 1", "y = 2"], x=1, y=1, unknowns=["x", "x"]), "twice"),
    (lambda: flux.solve_system(["x = 1", "y = 2"], x=1, y=1, unknowns=[1]), "list of names"),
    (lambda: flux.solve_system(["x = 1", "y = 2"], x=1, y=1, unknowns=["x", "q"]), "no `q`"),
    (lambda: flux.solve_system(["x = 1", "y = 2"], x=1, y=1, bounds=3), "mapping"),
    (lambda: flux.solve_system(["x = 1", "y = 2"], x=1, y=1, bounds={"q": (0, 1)}), "`q`"),
    (lambda: flux.solve_system(["x = 1", "y = 2"], x=1, y=1, bounds={"x": (0,)}), "two bounds"),
    (lambda: flux.solve_system(["x = 1", "y = 2"], x=1, y=1, bounds={"x": (2, 0)}), "no room"),
    (lambda: flux.solve_system(["x = 1", "y = 2"], x=5, y=1, bounds={"x": (0, 2)}), "outside"),
    (lambda: flux.solve_system(["x = 1", "y < 2"], x=1, y=1), "compares"),
    (lambda: flux.solve_system(["x[d] = 1", "y = 2"], x=1, y=1), ""),
    (lambda: flux.solve_system([1, 2], x=1, y=1), "a text or an expression"),
    (lambda: flux.solve_system(["x = "] * 2, x=1, y=1), ""),
]


@pytest.mark.parametrize(("call", "message"), REFUSED)
def test_mistakes_are_flux_errors(call: Any, message: str) -> None:
    with pytest.raises(flux.FluxError) as error:
        call()
    assert message in str(error.value)


@pytest.mark.parametrize("entry", [math.inf, -math.inf, math.nan])
def test_a_jacobian_beyond_the_floats_counts_as_singular(entry: float) -> None:
    ones, jacobian = np.ones((2, 2)), np.array([[[entry, 1.0], [0.0, 1.0]], np.eye(2)])
    with np.errstate(all="ignore"):
        assert condition(jacobian, ones, ones).tolist() == [math.inf, 1.0]
        steps = levenberg(jacobian, ones, ones, np.full(2, 10.0))
    assert steps[0].tolist() == [0.0, 0.0]
    assert steps[1] == pytest.approx([-1.0, -1.0])
