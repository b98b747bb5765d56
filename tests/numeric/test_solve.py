"""Roots of equations: known ones, hard ones, and those that are none."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import flux
from flux.numeric import Reason

METHODS = ["newton", "halley", "bisection", "brent"]

# Equation, start, root: cases with known answers.
KNOWN = [
    ("ln(x)-1 = 0", 1.0, math.e),
    ("ln(x)-2 = 0", 5.0, 7.38905609893065),
    ("cos(x)-x = 0", 1.0, 0.7390851332151607),
    ("tan(x)-1 = 0", 0.7, 0.7853981633974483),
    ("x^4+x^2-1 = 0", 1.0, 0.7861513777574233),
    ("sqrt(x)-cos(x) = 0", 0.5, 0.6417143708728826),
    ("x^2-5 = 0", 2.0, 2.23606797749979),
    ("x^3-2*x-5 = 0", 2.0, 2.0945514815423265),
    ("x^3 - 2*x = 5", 2.0, 2.0945514815423265),
    ("x*exp(x) = 1", 0.5, 0.567143290409784),
    ("sin(x) = 0", 3.0, math.pi),
    ("tan(x) = 1", 0.7, math.pi / 4),
    ("1e-200*(x - 3)", 1.0, 3.0),
    ("1e200*(x^2 - 3)", 1.0, math.sqrt(3)),
    ("x = 1e-30", 1.0, 1e-30),
    ("k = 4\nx^2 = k", 1.0, 2.0),
]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("equation", "start", "root"), KNOWN)
def test_known_roots(equation: str, start: float, root: float, method: str) -> None:
    found = flux.solve(equation, x=start, method=method)
    assert found.converged, found
    assert float(found) == pytest.approx(root, rel=2e-12)
    assert found.iterations <= 120


# Where plain Newton goes wrong: equation, start or bracket, root.
HARD = [
    ("x^3 - 2*x + 2", 0.0, -1.7692923542386314),  # a cycle: 0, 1, 0, 1
    ("atan(x)", 3.0, 0.0),  # diverges beyond 1.39
    ("cbrt(x)", 1.0, 0.0),  # every step doubles the distance
    ("x^2 = 2", 0.0, -math.sqrt(2)),  # starts where it is flat
    ("abs(x) - 1", 0.0, -1.0),
    ("x^20 - 1", 0.5, 1.0),  # the first step goes to 26,214
    ("log(x) = 2", 100.0, math.e**2),  # the first step leaves the domain
    ("log(x)", -1.0, 1.0),  # starts outside the domain
    ("1/(x - 1) = 0.5", -5.0, 3.0),  # a pole lies between
    ("tan(x) = 1", 1.5, math.pi / 4),
    ("cos(x) = x", 100.0, 0.7390851332151607),
    ("exp(x) - 1", (-1, 100), 0.0),
    ("exp(x) = 2", (-1e300, 1e300), math.log(2)),
    ("x^21 = 0", (-1, 3), 0.0),
    ("x^2 = 4", (2, 5), 2.0),  # at an end
    ("x^2 = 1", (-3, 3), 1.0),  # the same sign at both ends
    ("x*log(x) = 0", (0, 3), 1.0),  # not finite at an end
]


@pytest.mark.parametrize(("equation", "where", "root"), HARD)
def test_hard_roots(equation: str, where: object, root: float) -> None:
    found = flux.solve(equation, x=where)
    assert found.converged, found
    assert found.root == pytest.approx(root, rel=1e-12, abs=1e-12)


# Equation, start or bracket, the root, how near rounding lets anyone come.
MULTIPLE = [
    ("(x - 1)^2", 3.0, 1e-12),
    ("(x - 1)^5", 3.0, 1e-12),
    ("(x - 1)^9*(x + 2)", 4.0, 1e-12),
    ("(x - 1)^2", (0, 3.5), 1e-12),
    ("x^2 - 2*x + 1", 3.0, 1e-7),
    ("x^3 - 3*x^2 + 3*x - 1", 3.0, 1e-4),
    ("x^3 - 3*x^2 + 3*x - 1", (0, 3.5), 1e-4),
]


@pytest.mark.parametrize(("equation", "where", "near"), MULTIPLE)
def test_multiple_roots_are_found_quickly(equation: str, where: object, near: float) -> None:
    found = flux.solve(equation, x=where)
    assert found.converged, found
    assert found.root == pytest.approx(1, abs=near)
    assert found.iterations < 50


# There is no root: equation, start or bracket, the reason.
NONE = [
    ("x^2 + 1", 1.0, Reason.LEAST),
    ("x^2 + 1e-17", 1.0, Reason.LEAST),
    ("exp(-x)", 0.0, Reason.ITERATIONS),
    ("exp(-x)", 700.0, Reason.LEAST),  # it becomes 0 by underflow only
    ("1/x", 1.0, Reason.POLE),
    ("1/x", (-1, 2), Reason.POLE),
    ("1/x", (-1e-3, 2e5), Reason.POLE),
    ("tan(x)", (1, 2), Reason.POLE),
    ("1/(x - 3)^3", (1, 4), Reason.POLE),
    ("sign(x)", (-1, 2), Reason.POLE),
    ("where(x > 1, 1e-3, -1)", (0, 3), Reason.POLE),
    ("x^2 = 2", (3, 4), None),
    ("sqrt(-1 - x^2)", 1.0, Reason.NOT_FINITE),
    ("1/x = 0", (1, 100), None),
]


@pytest.mark.parametrize(("equation", "where", "reason"), NONE)
def test_what_is_no_root_is_not_claimed(equation: str, where: object, reason: object) -> None:
    found = flux.solve(equation, x=where)
    assert not found.converged
    assert math.isnan(found.root)
    assert found.reason
    assert reason is None or found.status is reason
    with pytest.raises(flux.FluxError, match="no root was found"):
        float(found)


@pytest.mark.parametrize("method", ["bisection", "brent", "halley"])
@pytest.mark.parametrize("equation", ["1/x", "tan(x + pi/2)", "sign(x)"])
def test_no_method_takes_a_pole_for_a_root(equation: str, method: str) -> None:
    found = flux.solve(equation, x=(-1, 1.3), method=method)
    assert not found.converged
    assert found.status is Reason.POLE


def test_a_tolerance_is_kept_and_its_default_is_tight() -> None:
    loose = flux.solve("exp(x) = 5", x=0.0, tolerance=1e-3)
    tight = flux.solve("exp(x) = 5", x=0.0)
    assert loose.iterations < tight.iterations
    assert loose.root == pytest.approx(math.log(5), rel=1e-3)
    assert tight.root == pytest.approx(math.log(5), rel=1e-12)


def test_halley_takes_fewer_evaluations_than_newton_from_far_away() -> None:
    far = {"x": 400.0, "a": 7.0, "unknown": "x"}
    newton, halley = (flux.solve("x^3 = a", method=m, **far) for m in ("newton", "halley"))
    assert halley.root == pytest.approx(newton.root)
    assert halley.iterations < newton.iterations


def test_the_most_iterations_are_kept() -> None:
    found = flux.solve("x^3 = 7", x=(0, 1e9), method="bisection", max_iterations=5)
    assert not found.converged
    assert found.status is Reason.ITERATIONS


# The unknown.


def test_the_unknown_is_what_has_a_bracket_or_the_only_name_or_what_is_said() -> None:
    assert flux.solve("E - e*sin(E) = M", E=(0, 7), e=0.0, M=2).root == pytest.approx(2)
    assert flux.solve("E - e*sin(E) = M", E=0.1, e=0.0, M=2, unknown="E").unknown == "E"
    assert flux.solve("t^2 = 9", t=1.0).unknown == "t"
    assert flux.solve("x^2 = a", {"x": 1.0, "a": 9.0}, unknown="x").root == pytest.approx(3)
    assert flux.solve(flux.parse("x^2 - 9"), x=1.0).root == pytest.approx(3)


def test_options_give_way_to_names_of_the_equation() -> None:
    found = flux.solve("tolerance*x = unknown", x=(0, 9), tolerance=2.0, unknown=8.0)
    assert found.root == pytest.approx(4)
    assert flux.solve("method^2 = 4", method=1.0).root == pytest.approx(2)


MISTAKES = [
    ("x^2 = a", {"x": 1.0}, "no value for `a`", "give it"),
    ("x^2 = a", {"x": 1.0, "a": 2.0}, "the unknown may be `x` or `a`", 'unknown="x"'),
    ("x^2 = a", {"x": (0, 1), "a": (0, 1)}, "the unknown may be `x` or `a`", ""),
    ("x^2 = a", {"x": 1.0, "a": (0, 1), "unknown": "x"}, "`a` has a bracket", ""),
    ("x^2 = 2", {}, "`x` has no start", "x=1.0"),
    ("x^2 = 2", {"y": 1.0}, "the equation has no `y`", "known: `x`"),
    ("x^2 = 2", {"x": 1.0, "tolerence": 1e-3}, "no `tolerence`", "`tolerance`"),
    ("x^2 = 2", {"x": 1.0, "unknown": "y"}, "the equation has no `y`", ""),
    ("2 = 2", {}, "the equation has no unknown", ""),
    ("x^2 = 2", {"x": math.nan}, "`x` starts at nan", "finite"),
    ("x^2 = 2", {"x": math.inf}, "`x` starts at inf", "finite"),
    ("x^2 = 2", {"x": (1, 1)}, "the bracket (1.0, 1.0) is empty", "lower one first"),
    ("x^2 = 2", {"x": (3, 1)}, "is empty", ""),
    ("x^2 = 2", {"x": (0, math.nan)}, "is empty", ""),
    ("x^2 = 2", {"x": (0, math.inf)}, "is empty", "finite ends"),
    ("x^2 = 2", {"x": ([0, 5], [1, 4])}, "the bracket (5.0, 4.0) in row 1 is empty", ""),
    ("x^2 = 2", {"x": (1, 2, 3)}, "`x` has 3 ends", "a list or an array"),
    ("x^2 = 2", {"x": "1"}, "`x` has dtype", ""),
    ("x^2 = 2", {"x": 1j}, "`x` has dtype", ""),
    ("x^2 == 2", {"x": 1.0}, "this compares two values", "one `=`"),
    ("x^2 = = 2", {"x": 1.0}, "", ""),
    ("", {"x": 1.0}, "not an equation", ""),
    (3, {"x": 1.0}, "an equation is a text or an expression, not int", ""),
    ("sinn(x) = 2", {"x": 1.0}, "`sinn`", "`sin`"),
    ("input p[d]\nsum[d](p)*x = 2", {"x": 1.0, "p": [1, 2]}, "`p` has axes", ""),
    ("input x: int\nx^2 = 2", {"x": 1.0}, "declared as an integer", ""),
    ("x^2 = 2", {"x": 1.0, "method": "newtn"}, "no method 'newtn'", "newton"),
    ("x^2 = 2", {"x": 1.0, "tolerance": 0}, "tolerance 0 cannot be used", ""),
    ("x^2 = 2", {"x": 1.0, "tolerance": "1"}, "tolerance '1' cannot be used", ""),
    ("x^2 = 2", {"x": 1.0, "max_iterations": 0}, "max_iterations must be", ""),
    ("x^2 = a", {"x": ([0, 1], 3), "a": [1, 2, 3]}, "do not broadcast", ""),
]


@pytest.mark.parametrize(("equation", "values", "message", "hint"), MISTAKES)
def test_mistakes_are_explained(
    equation: object, values: dict[str, object], message: str, hint: str
) -> None:
    with pytest.raises(flux.FluxError) as found:
        flux.solve(equation, **values)  # type: ignore[arg-type]
    assert message in str(found.value)
    assert hint in found.value.hint


# Rows.


def test_arrays_give_one_root_a_row() -> None:
    a = np.array([[1.0, 4.0], [9.0, np.nan]])
    found = flux.solve("x^2 = a", x=(0, 10), a=a)
    assert found.root.shape == found.status.shape == (2, 2)
    assert found.root[~np.isnan(a)] == pytest.approx([1, 2, 3])
    assert found.converged.tolist() == [[True, True], [True, False]]
    assert np.isnan(found.root[1, 1])
    assert found.reason[0, 0] != found.reason[1, 1]
    assert "3 of 4" in repr(found)
    with pytest.raises(flux.FluxError, match="not one number"):
        float(found)


def test_rows_have_their_own_starts_brackets_and_reasons() -> None:
    found = flux.solve("x^2 = a", x=[1.0, -1.0, 1.0, np.nan], a=[4.0, 4.0, -1.0, 4.0], unknown="x")
    assert found.root[:2] == pytest.approx([2, -2])
    assert found.status.tolist()[2:] == [Reason.LEAST, Reason.NOT_FINITE]
    low = np.array([-3.0, 0.0])
    assert flux.solve("x^2 = 4", x=(low, low + 3)).root == pytest.approx([-2, 2])


def test_infinity_is_no_root_of_a_row() -> None:
    found = flux.solve("(z - 1e300)^2", z=np.array([3.0, 1e300, 1e150]))
    assert found.converged.tolist() == [False, True, False]
    found = flux.solve("exp(-x) + 0*y", {"x": np.array([1e308, 700.0]), "y": 1.0}, unknown="x")
    assert not (found.converged & ~np.isfinite(found.root)).any()


def test_a_row_has_the_root_that_it_has_alone() -> None:
    random = np.random.default_rng(2)
    e, mean = random.uniform(0, 0.99, 200), random.uniform(-4, 10, 200)
    rows = flux.solve("E - e*sin(E) = M", E=mean, e=e, M=mean, unknown="E")
    assert rows.converged.all()
    for n in range(0, 200, 10):
        one = flux.solve("E - e*sin(E) = M", E=mean[n], e=e[n], M=mean[n], unknown="E")
        assert one.root == pytest.approx(rows.root[n], rel=1e-11)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_solves_rows(method: str) -> None:
    random = np.random.default_rng(3)
    a = random.uniform(0.1, 50, 40_000)
    found = flux.solve("x^3 + x = a", x=(0.0, 9.0), a=a, method=method)
    assert found.converged.all()
    assert np.abs(found.root**3 + found.root - a).max() < 1e-9


def test_a_table_may_have_other_columns() -> None:
    table = {"a": np.array([1.0, 4.0]), "name": ["one", "two"]}
    assert flux.solve("x^2 = a", table, x=(0, 9)).root == pytest.approx([1, 2])


def test_no_rows_give_no_roots() -> None:
    found = flux.solve("x^2 = a", x=(0, 9), a=np.empty(0))
    assert found.root.shape == (0,)
    assert repr(found)


def test_solutions_are_shown_and_pickle() -> None:
    found = flux.solve("x^2 = 2", x=1.0)
    assert repr(found).startswith("x: 1.414213562373095")
    assert "<th>x</th>" in found._repr_html_()
    assert pickle.loads(pickle.dumps(found)).root == found.root
    lost = flux.solve("x^2 = -2", x=1.0)
    assert "nearest" in repr(lost)


# Laws.

coefficients = st.lists(
    st.integers(-40, 40).map(lambda n: n / 4), min_size=1, max_size=4, unique=True
)


eighths = st.integers(-80, 80).map(lambda n: n / 8)


@settings(max_examples=60)
@given(roots=coefficients, start=st.floats(-20, 20))
def test_a_polynomial_has_one_of_its_roots(roots: list[float], start: float) -> None:
    text = "*".join(f"(x - ({root}))" for root in roots)
    found = flux.solve(text, x=start)
    if found.converged:
        assert min(abs(found.root - root) for root in roots) < 1e-8
    assert found.converged or len(roots) % 2 == 0


@settings(max_examples=60)
@given(
    a=st.floats(0.01, 100),
    b=st.floats(0.01, 5),
    root=st.floats(-60, 61),
    method=st.sampled_from(METHODS),
)
def test_a_monotone_function_always_converges_from_a_bracket(
    a: float, b: float, root: float, method: str
) -> None:
    c = a * root + math.exp(b * root) - math.exp(-b * root)
    found = flux.solve(
        "a*x + exp(b*x) - exp(-b*x) = c", x=(-70.0, 71.0), a=a, b=b, c=c, method=method
    )
    assert found.converged, found
    x = found.root
    terms = abs(a * x) + math.exp(b * x) + math.exp(-b * x) + abs(c)
    assert abs(a * x + math.exp(b * x) - math.exp(-b * x) - c) < 1e-9 * terms


@settings(max_examples=60)
@given(start=st.floats(-1e6, 1e6), p=eighths, q=eighths)
def test_what_is_claimed_satisfies_the_equation(start: float, p: float, q: float) -> None:
    found = flux.solve("x^3 + p*x = q*cos(x)", x=start, p=p, q=q, unknown="x")
    assert found.converged  # a cubic crosses any bounded function
    x = found.root
    terms = abs(x**3) + abs(p * x) + abs(q)
    assert abs(x**3 + p * x - q * math.cos(x)) <= 1e-9 * terms + 1e-30


# Roots near zero, where a step that is small beside the way from the start is not beside the root.

PROGRESS = "S + Km*log(S/S0) = S0 - Vmax*t"


def progress(seed: int, rows: int) -> dict[str, np.ndarray]:
    """Rows of an enzyme's progress curve whose roots go down to 1e-40."""
    random = np.random.default_rng(seed)
    low, high = np.array([1, 0.5, 0.05, 0]), np.array([10, 5, 5, 20])
    columns = (low + (high - low) * random.uniform(size=(rows, 4))).T
    return dict(zip(("S0", "Km", "Vmax", "t"), columns, strict=True))


@pytest.mark.parametrize("method", ["newton", "halley", "bisection", "brent"])
def test_tiny_roots_are_found_in_a_bracket_from_zero(method: str) -> None:
    from scipy.special import lambertw

    table = progress(0, 2000)
    found = flux.solve(PROGRESS, table, S=(0.0, table["S0"]), method=method)
    s0, km, v, t = table.values()
    exact = km * lambertw(s0 / km * np.exp((s0 - v * t) / km)).real
    assert found.converged.mean() > 0.995
    assert not (found.status == Reason.POLE).any()
    assert exact.min() < 1e-30
    assert np.abs(found.root - exact)[found.converged].max() < 1e-12


def test_no_tiny_root_is_called_a_pole() -> None:
    table = progress(1, 5000)
    for start in (table["S0"], table["S0"] / 2, 1e-3):
        found = flux.solve(PROGRESS, table, S=start, unknown="S")
        assert found.converged.mean() > 0.9
        assert not (found.status == Reason.POLE).any()


@pytest.mark.parametrize("rows", [1, 3000])
def test_roots_are_as_near_as_rounding_allows(rows: int) -> None:
    random = np.random.default_rng(4)
    mean = random.uniform(0.1, 6, rows)
    e = random.uniform(0, 0.9, rows)
    table = {"M": mean, "e": e} if rows > 1 else {"M": float(mean[0]), "e": float(e[0])}
    found = flux.solve("E - e*sin(E) = M", table, E=mean if rows > 1 else 2.0, unknown="E")
    root = np.atleast_1d(found.root)
    x, m, k = (column.astype(np.longdouble) for column in (root, mean, e))
    for _ in range(3):
        x = x - (x - k * np.sin(x) - m) / (1 - k * np.cos(x))
    assert float(np.abs(root / x - 1).max()) < 1e-13
