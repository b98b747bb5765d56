"""The simplifier: its table by value, its normal forms by spelling, its laws by random input."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import flux
from flux.calculus import simplify
from flux.calculus.equal import error_bound
from flux.calculus.rules import PLACEHOLDERS, RULES, match
from flux.calculus.signs import SignTable
from flux.errors import FluxError
from flux.expr import (
    Expr,
    apply,
    count_nodes,
    index,
    position,
    reduce,
    rename,
    size,
    stop,
    topological,
    variable,
    where,
)
from flux.ops import Op
from flux.settings import override
from tests.calculus.oracle import Oracle, random_arrays
from tests.reliability.bounds import within
from tests.strategies import formulas

ORACLE = Oracle()
GRID = np.array([-3.0, -1.5, -1.0, -0.4, -0.0, 0.0, 0.3, 1.0, 1.7, 4.0, np.inf, -np.inf, np.nan])


# The table.


def assignments(rule, signs) -> list[dict[Expr, float]]:
    """Values of the placeholders that satisfy the rule's condition."""
    generator = np.random.default_rng(len(rule.name))
    drawn = [dict(zip(PLACEHOLDERS, generator.choice(GRID, 4), strict=True)) for _ in range(300)]
    return [values for values in drawn if signs(values)]


def holds(rule, values) -> bool:
    """Whether the condition holds of inputs that are declared to have the signs of the values."""
    if rule.when is None:
        return True
    bound = {p: stand_in(p.attributes.name, value) for p, value in values.items()}
    return rule.when(bound, SignTable())


def stand_in(name: str, value: float) -> Expr:
    """An expression that has all that conditions ask for, and such a value."""
    if value in (0.0, 1.0) and not np.signbit(value):
        return apply(Op.GT, variable(name), 0)
    return variable(name, assumption="> 0" if value > 0 else "< 0" if value < 0 else "")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_both_sides_of_a_rule_agree(rule):
    checked = 0
    for values in assignments(rule, lambda values: holds(rule, values)):
        named = {p.attributes.name: v for p, v in values.items()}
        left = float(ORACLE.value(rule.pattern, named))
        right = float(ORACLE.value(rule.replacement, named))
        if rule.exact and not (np.isnan(left) and np.isnan(right)):
            checked += 1
            assert (left, np.signbit(left)) == (right, np.signbit(right)), (values, left, right)
        elif all(np.isfinite(float(ORACLE.value(e, named))) for e in topological((rule.pattern,))):
            checked += 1
            assert right == pytest.approx(left, rel=1e-12, abs=1e-15), values
    assert checked


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_makes_nothing_larger(rule):
    def operations(e):
        return sum(1 for node in topological((e,)) if node.args)

    grows = {"log-of-pow", "log-of-sqrt", "sqrt-exp"}  # what they make is cheaper, not shorter
    assert operations(rule.replacement) <= operations(rule.pattern) or rule.name in grows


def test_rule_names_are_unique():
    names = [rule.name for rule in RULES]
    assert len(set(names)) == len(names)


def test_a_placeholder_stands_for_one_expression():
    a, b = PLACEHOLDERS[:2]
    x, y = variable("x"), variable("y")
    assert match(a - a, x - y) is None
    assert match(a - b, x - y) == {a: x, b: y}


# Spelling.

SPELLINGS = [
    ("sin(x)^2 + cos(x)^2", "1"),
    ("3*y*sin(x)^2 + z + cos(x)^2*y*3", "3*y + z"),
    ("cosh(x)^2 - sinh(x)^2", "1"),
    ("1/3", "1/3"),
    ("x + x", "2*x"),
    ("-(-x)", "x"),
    ("x + 0", "x"),
    ("x*1", "x"),
    ("0*x", "0"),
    ("x - x", "0"),
    ("x/x", "1"),
    ("x^2 + x^2", "2*x^2"),
    ("x^2*x^3", "x^5"),
    ("pi*2", "2*pi"),
    ("1^x", "1"),
    ("x^1", "x"),
    ("x^0", "1"),
    ("y*x + x*y", "2*x*y"),
    ("b + a", "a + b"),
    ("1 + x", "x + 1"),
    ("-x + 1", "1 - x"),
    ("-x - y", "-(x + y)"),
    ("(2*x)^2", "4*x^2"),
    ("(-x)^3", "-x^3"),
    ("x/2/3", "x/6"),
    ("0.1*(3*x^2)", "0.3*x^2"),
    ("x*0.5 + x/2", "x"),
    ("1/(1/x)", "x"),
    ("x/(x*y)", "1/y"),
    ("x^0.5", "sqrt(x)"),
    ("x^-1", "1/x"),
    ("sqrt(x)*sqrt(x)", "x"),
    ("sqrt(x^2)", "abs(x)"),
    ("x*x^(x - 1)", "x^x"),
    ("exp(x)*exp(-x)", "1"),
    ("e^x", "exp(x)"),
    ("log(exp(x))", "x"),
    ("2*x + 2*y", "2*(x + y)"),
    ("x*z/7 + y*z/7", "z*(x + y)/7"),
    ("(x + y)*z - (y + x)*z", "0"),
    ("2^10", "1024"),
    ("(2/3)^2", "4/9"),
    ("2*3 + x*0.25*4", "x + 6"),
    ("where(x > 0, y, y)", "y"),
    ("where(not (x > 0), y, z)", "where(x > 0, z, y)"),
    ("abs(-x)", "abs(x)"),
    ("abs(exp(x))", "exp(x)"),
    ("9007199254740992 + 1 - x", "9007199254740992 + 1 - x"),
]


@pytest.mark.parametrize(("text", "expected"), SPELLINGS)
def test_simplified_spelling(text, expected):
    assert str(simplify(flux.parse(text))) == expected


def test_an_assumption_is_taken_at_its_word():
    x, y = variable("x", assumption="> 0"), variable("y", assumption="<= 0")
    assert simplify(apply(Op.ABS, x)) is x
    assert simplify(apply(Op.ABS, y)) is -y
    assert simplify(apply(Op.SQRT, x**2)) is x
    assert simplify((x**y) ** 3) is x ** (3 * y)
    assert simplify(apply(Op.LOG, x**y)) is simplify(y * apply(Op.LOG, x))


def test_exact_rules_leave_what_rounds_differently():
    x, y, z = map(variable, "xyz")
    kept = (x + y) + z - x + apply(Op.LOG, apply(Op.EXP, x)) + x / 3 * 3 + 0 * y
    assert simplify(kept, exact=True) is kept
    assert simplify(apply(Op.NEG, -((x * 1) / 1)), exact=True) is x


def test_shared_parts_stay_shared():
    x, y = variable("x"), variable("y")
    shared = apply(Op.EXP, x) + y
    e = apply(Op.SIN, shared) * shared + shared * 3 + apply(Op.COS, shared)
    assert count_nodes(simplify(e)) <= count_nodes(e)
    assert shared in topological((simplify(e),)) or (y + apply(Op.EXP, x)) in topological(
        (simplify(e),)
    )


# Axes.

X = variable("X", ["b", "d"])
W = variable("W", ["d", "e"])
k = variable("k")
TENSORS = {
    "factor out of a sum": (reduce(Op.SUM, k * X * 2, ["d"]), 2 * k * reduce(Op.SUM, X, ["d"])),
    "absent axis of a sum": (reduce(Op.SUM, X, ["d", "e"]), reduce(Op.SUM, X, ["d"]) * size("e")),
    "nested sums": (
        reduce(Op.SUM, reduce(Op.SUM, X * W, ["d"]), ["b"]),
        reduce(Op.SUM, W * X, ["b", "d"]),
    ),
    "absent axis of a maximum": (reduce(Op.MAX, X, ["e"]), X),
    "constant along the axis": (reduce(Op.SUM, 0 * X + 1, ["d"]), size("d") * 1),
    "rename of what became constant": (rename(X - X + k, {"d": "s"}), k),
}


@pytest.mark.parametrize("name", TENSORS)
def test_simplified_reductions(name):
    before, after = TENSORS[name]
    sizes = {"b": 2, "d": 3, "e": 4, "s": 3}
    arrays = random_arrays(before, sizes, 1)
    oracle = Oracle(sizes)
    got = simplify(before)
    assert got is simplify(after)
    np.testing.assert_allclose(
        oracle.full(got, oracle.value(got, arrays), before.axes), oracle.value(before, arrays)
    )


def test_gradient_of_softmax_cross_entropy_is_probability_minus_indicator():
    logits = variable("logits", ["b", "t", "v"])
    targets = variable("targets", ["b", "t"], integer=True)
    top = stop(reduce(Op.MAX, logits, ["v"]))
    exponential = apply(Op.EXP, logits - top)
    total = reduce(Op.SUM, exponential, ["v"])
    loss = apply(Op.LOG, total) + top - index(logits, {"v": targets})
    mean = reduce(Op.SUM, loss, ["b", "t"]) / (size("b") * size("t"))
    (slope,) = mean.gradient(["logits"])
    indicator = where(apply(Op.EQ, position("v"), targets), 1, 0)
    assert simplify(slope) is (exponential / total - indicator) / (size("b") * size("t"))


# Laws.

POINTS = np.random.default_rng(7)
VALUES = {
    name: np.concatenate([POINTS.normal(size=20) * 2, POINTS.uniform(0, 1, 10), [0, 1, -1, 2]])
    for name in ("x", "y", "z", "rate", "k1")
}
LAWS = settings(max_examples=150, derandomize=True, suppress_health_check=list(HealthCheck))


def finite_value(e: Expr, values: dict[str, float]) -> float | None:
    """The value where every operation on the path taken is finite, else None."""
    try:
        return e.evaluate(values)
    except FluxError:
        return None


@LAWS
@given(formulas(10), st.integers(0, 33))
def test_simplify_keeps_the_value_and_is_idempotent(e, place):
    simplified = simplify(e)
    assert simplify(simplified) is simplified
    values = {name: float(points[place]) for name, points in VALUES.items()}
    expected = finite_value(e, values)
    if expected is not None and well_conditioned(e, values):
        got = float(ORACLE.value(simplified, values))
        assert got == pytest.approx(expected, rel=1e-6, abs=1e-9)


def well_conditioned(e: Expr, values: dict[str, float]) -> bool:
    """Whether rounding every operation differently hardly changes the value."""
    value, bound = error_bound(e, values)
    return bound <= 1e-9 * max(abs(value), 1.0)


@LAWS
@given(formulas(10), st.integers(0, 33))
def test_exact_simplification_keeps_every_bit(e, place):
    simplified = simplify(e, exact=True)
    assert simplify(simplified, exact=True) is simplified
    values = {name: float(points[place]) for name, points in VALUES.items()}
    left, right = (float(ORACLE.value(each, values)) for each in (e, simplified))
    assert (np.isnan(left) and np.isnan(right)) or left == right


# Budgets.


def test_a_pass_that_runs_out_of_steps_returns_its_input():
    x = variable("x")
    e = x + x
    with override(max_steps=1):
        assert simplify(e) is e
    assert simplify(e) is 2 * x


def chain(step, count: int) -> Expr:
    e = variable("x")
    for i in range(count):
        e = step(e, variable("x"), i)
    return e


CHAINS = {
    "different terms": (lambda e, x, i: e + apply(Op.SIN, x * i), 3_000),
    "like terms": (lambda e, x, i: e + x * i, 10_000),
    "deep": (lambda e, x, i: apply(Op.SIN, e), 5_000),
    "continued fraction": (lambda e, x, i: 1 / (1 + e), 1_500),
    "Horner": (lambda e, x, i: x * e + 1, 1_500),
    "alternating signs": (lambda e, x, i: -(x * e), 3_000),
    "squares": (lambda e, x, i: e * e, 60),
    "powers": (lambda e, x, i: (e * e * x + e) ** 2, 300),
}


@pytest.mark.parametrize("name", CHAINS)
def test_long_and_deep_expressions_end_in_time(name):
    step, count = CHAINS[name]
    e = chain(step, count)
    with within():
        simplified = simplify(e)
    assert count_nodes(simplified) <= count_nodes(e) + 2
