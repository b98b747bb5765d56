"""Gathers and scatters on both backends: every shape of index, and positions outside an axis."""

import numpy as np
import pytest

from flux.errors import DomainError
from flux.expr import apply, constant, index, position, reduce, variable, where
from flux.ops import Op
from tests.backends.agree import BACKENDS, reference, run
from tests.reliability.bounds import within

RNG = np.random.default_rng(0)
SIZES = {"a": 3, "b": 4, "c": 2, "v": 5, "w": 6, "t": 7, "one": 1}
MATRIX, CUBE = variable("M", ("v", "c")), variable("Q", ("v", "w", "b"))
AT, TO = variable("i", ("t",), integer=True), variable("j", ("t",), integer=True)
IJ = variable("ij", ("t", "b"), integer=True)
SINGLE = variable("S", ("one", "c"))
VALUES = {
    "M": RNG.normal(size=(5, 2)),
    "Q": RNG.normal(size=(5, 6, 4)),
    "i": RNG.integers(0, 5, 7),
    "j": RNG.integers(0, 6, 7),
    "ij": RNG.integers(0, 5, (7, 4)),
    "n": np.array(3),
    "S": RNG.normal(size=(1, 2)),
    "g": RNG.normal(size=(7, 2)),
}
N = variable("n", integer=True)
G = variable("g", ("t", "c"))

GATHERS = {
    "rows": index(MATRIX, {"v": AT}),
    "one number": index(MATRIX, {"v": N}),
    "a constant": index(MATRIX, {"v": constant(2)}),
    "two indices": index(CUBE, {"v": AT, "w": TO}),
    "an index and a constant": index(CUBE, {"v": AT, "w": constant(5)}),
    "a shared axis": index(CUBE, {"v": IJ}),
    "a shared axis, and another index": index(CUBE, {"v": IJ, "w": TO}),
    "a matrix of positions": index(MATRIX, {"v": IJ}),
    "a computed index": index(MATRIX, {"v": (AT + 1) % 5}),
    "a position of another axis": index(MATRIX, {"v": position("b")}),
    "the diagonal": index(CUBE, {"v": position("b")}),
    "argmax": index(MATRIX, {"v": reduce(Op.ARGMAX, CUBE, ["v"])}),
    "an axis of size 1": index(SINGLE, {"one": AT - AT}),
    "a gather of a gather": index(index(CUBE, {"v": AT}), {"w": TO}),
}


def values_of(e):
    from flux.expr import inputs

    return {x.attributes.name: VALUES[x.attributes.name] for x in inputs(e)}


@pytest.mark.parametrize("name", GATHERS)
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_gather(name, backend):
    e = GATHERS[name]
    np.testing.assert_allclose(
        run(e, backend, values_of(e), SIZES), reference(e, values_of(e), SIZES), rtol=1e-14
    )


@pytest.mark.parametrize("name", GATHERS)
@pytest.mark.parametrize("backend", BACKENDS)
def test_the_gradient_of_a_gather(name, backend):
    from flux.calculus import gradient

    e = GATHERS[name]
    x = next(x for x in (MATRIX, CUBE, SINGLE) if x.attributes.name in values_of(e))
    loss = reduce(Op.SUM, e * e, sorted(e.axes)) if e.axes else e * e
    (g,) = gradient(loss, [x])
    np.testing.assert_allclose(
        run(g, backend, values_of(g), SIZES), reference(g, values_of(g), SIZES), rtol=1e-12
    )


@pytest.mark.parametrize("bad", [-1, 5, 2**40, -(2**40)])
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", ["rows", "one number", "two indices", "a matrix of positions"])
def test_a_position_outside_its_axis_is_an_error_and_memory_is_safe(name, backend, bad):
    e = GATHERS[name]
    values = values_of(e)
    first = next(n for n in ("i", "n", "ij") if n in values)
    damaged = np.array(values[first])
    damaged.flat[-1] = bad
    with pytest.raises(DomainError, match=f"index {bad} is outside an axis of size 5"):
        run(e, backend, {**values, first: damaged}, SIZES)


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_axis_of_size_1_is_checked_too(backend):
    e = index(SINGLE, {"one": AT})
    with pytest.raises(DomainError, match="outside an axis of size 1"):
        run(e, backend, values_of(e), SIZES)


def counts(i, g):
    """A sum into bins: what stands outside the axis is in none of them."""
    return reduce(Op.SUM, where(apply(Op.EQ, position("v"), i), g, 0), ["t"])


# (what it is, positions, values)
SCATTERS = [
    ("all inside", [0, 4, 0, 2, 2, 2, 1], np.ones((7, 2))),
    ("some outside", [0, -1, 5, 2, 10**9, 2, -(10**9)], np.ones((7, 2))),
    ("not finite", [0, 4, 0, 2, 2, 2, 1], [[np.inf, 1], [np.nan, 2], [3, -np.inf]] + [[1, 1]] * 4),
    ("both", [0, 9, 0, 2, 2, 2, 1], [[np.inf, 1], [np.nan, 2], [3, -np.inf]] + [[1, 1]] * 4),
]


@pytest.mark.parametrize(("what", "at", "g"), SCATTERS, ids=[row[0] for row in SCATTERS])
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("v", [1, 5])
def test_a_scatter_adds_what_is_inside(what, at, g, backend, v):
    values, sizes = {"i": np.array(at), "g": np.array(g, float)}, {**SIZES, "v": v}
    e = counts(AT, G)
    np.testing.assert_array_equal(run(e, backend, values, sizes), reference(e, values, sizes))
    scalar = counts(AT, constant(1))
    np.testing.assert_array_equal(
        run(scalar, backend, {"i": values["i"]}, sizes),
        np.bincount([i for i in at if 0 <= i < v], minlength=v),
    )


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_large_scatter_agrees_with_addition_in_a_loop(backend):
    count, size, width = 300, 5_000, 8  # too large for a one-hot matrix
    sizes = {"t": count, "v": size, "c": width}
    at, g = RNG.integers(0, size, count), RNG.normal(size=(count, width))
    wanted = np.zeros((size, width))
    for i, row in zip(at, g, strict=True):
        wanted[i] += row
    found = run(counts(AT, G), backend, {"i": at, "g": g}, sizes)
    assert found.shape == (width, size)
    np.testing.assert_allclose(found, wanted.T, rtol=1e-12)


INSIDE = apply(Op.GE, AT, 0)
TABLE = variable("E", ("v",))
GUARDED = [
    where(INSIDE, index(TABLE, {"v": AT}), 0),
    where(apply(Op.LT, AT, 0), -1, index(TABLE, {"v": AT})),
    where(INSIDE, 2 * index(TABLE, {"v": AT}) + apply(Op.EXP, index(TABLE, {"v": AT + 0})), 0),
    where(INSIDE, where(apply(Op.LT, AT, 3), index(TABLE, {"v": AT + 2}), 7), 0),
    where(INSIDE, where(apply(Op.LT, AT, 3), 7, index(TABLE, {"v": AT - 3})), 0),
]


@pytest.mark.parametrize("e", GUARDED, ids=range(len(GUARDED)))
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("relaxed", [False, True])
def test_a_position_that_a_choice_does_not_take_is_not_looked_at(e, backend, relaxed):
    from flux.calculus import gradient

    values = {"E": RNG.normal(size=5), "i": np.array([0, -1, 4, 2, -(10**9), 3, 1])}
    loss = reduce(Op.SUM, e * e, ["t"])
    for wanted in (e, *gradient(loss, [TABLE])):
        np.testing.assert_allclose(
            run(wanted, backend, values, SIZES, relaxed=relaxed),
            reference(wanted, values, SIZES),
            rtol=1e-12,
        )


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_guard_that_lets_a_wrong_position_through_is_an_error(backend):
    e = where(apply(Op.LT, AT, 0), index(TABLE, {"v": AT}), 0)
    with pytest.raises(DomainError, match="index -1 is outside"):
        run(e, backend, {"E": np.ones(5), "i": np.array([0, -1, 4, 2, 1, 3, 1])}, SIZES)


def test_choices_nested_hundreds_deep_are_lowered_in_seconds():
    e = index(TABLE, {"v": N})
    for k in range(300):
        e = where(apply(Op.GT, N, k), e + index(TABLE, {"v": N + k}), k)
    with within():
        found = run(e, "numpy", {"E": np.ones(400), "n": np.array(2)}, {"v": 400})
    assert found == 299
