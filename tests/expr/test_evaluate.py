"""The reference evaluator against NumPy written by hand, and its errors."""

import math
import operator

import numpy as np
import pytest

from flux.errors import (
    ArgumentError,
    AxisError,
    DomainError,
    FluxError,
    LimitError,
    ShapeError,
    UnknownNameError,
)
from flux.expr import (
    apply,
    constant,
    custom,
    index,
    position,
    random,
    reduce,
    rename,
    size,
    variable,
    where,
)
from flux.expr.evaluate import evaluate
from flux.expr.signature import result_axes
from flux.ops import Op
from flux.philox import uniform

x, y, n = variable("x"), variable("y"), variable("n", integer=True)
A = variable("A", ("b", "d"))
W = variable("W", ("d", "h"))
tokens = variable("tokens", ("b", "t"), integer=True)
E = variable("E", ("v", "d"))
RNG = np.random.default_rng(5)
a, w = RNG.normal(size=(3, 4)), RNG.normal(size=(4, 2))
c = RNG.normal(size=(4, 4))
toks = RNG.integers(0, 6, (3, 5))
emb = RNG.normal(size=(6, 4))


def exp(u):
    return apply(Op.EXP, u)


def log(u):
    return apply(Op.LOG, u)


# (expression, values, the same in NumPy)
ROWS = [
    (A * W, {"A": a, "W": w}, a[:, :, None] * w),
    (reduce(Op.SUM, A * W, ["d"]), {"A": a, "W": w}, a @ w),
    (reduce(Op.SUM, A, ["b", "d"]), {"A": a}, a.sum()),
    (reduce(Op.PROD, A, ["d"]), {"A": a}, a.prod(1)),
    (reduce(Op.MAX, A, ["b"]), {"A": a}, a.max(0)),
    (reduce(Op.MIN, A, ["b", "d"]), {"A": a}, a.min()),
    (reduce(Op.ARGMAX, A, ["d"]), {"A": a}, a.argmax(1)),
    (A - reduce(Op.MAX, A, ["d"]), {"A": a}, a - a.max(1)[:, None]),
    (position("d") * A, {"A": a}, a * np.arange(4)),
    (A / size("d"), {"A": a}, a / 4),
    (rename(A, {"d": "e"}) * A, {"A": a}, a[:, None, :] * a[:, :, None]),
    (rename(A * W, {"d": "h", "h": "d"}), {"A": a, "W": c}, (a[:, :, None] * c).transpose(0, 2, 1)),
    (index(E, {"v": tokens}), {"E": emb, "tokens": toks}, emb[toks].transpose(2, 0, 1)),
    (index(A, {"d": constant(2)}), {"A": a}, a[:, 2]),
    (index(A, {"d": position("b")}), {"A": a}, a[np.arange(3), np.arange(3)]),
    (index(A, {"b": n, "d": n + 1}), {"A": a, "n": 1}, a[1, 2]),
    (index(A, {"d": size("d") - 1 - position("d")}), {"A": a}, a[:, ::-1]),
    (where(apply(Op.LE, position("d"), 1), A, 0), {"A": a}, np.where(np.arange(4) <= 1, a, 0)),
    (x + y, {"x": a, "y": a[0]}, a + a[0]),
    (A + x, {"A": RNG.normal(size=(2, 3, 4)) * 0 + a, "x": np.ones((2,))}, a + np.ones((2, 3, 4))),
    (constant(2), {"x": a}, np.full((3, 4), 2.0)),
    (apply(Op.LT, tokens, n), {"tokens": toks, "n": 3}, (toks < 3) * 1.0),
    (exp(x) * 2, {"x": [0.0, 1.0]}, np.exp([0.0, 1.0]) * 2),
]


@pytest.mark.parametrize(("e", "values", "expected"), ROWS, ids=range(len(ROWS)))
def test_arrays_agree_with_numpy(e, values, expected):
    got = evaluate(e, values)
    assert np.shape(got) == np.shape(expected)
    np.testing.assert_allclose(got, expected, rtol=1e-14)


def test_a_gather_keeps_shared_axes_pointwise():
    logits = variable("logits", ("b", "t", "v"))
    values = RNG.normal(size=(3, 5, 6))
    got = evaluate(index(logits, {"v": tokens}), {"logits": values, "tokens": toks})
    expected = np.take_along_axis(values, toks[..., None], 2)[..., 0]
    np.testing.assert_array_equal(got, expected)


def test_the_result_has_axes_in_order_of_first_appearance():
    e = reduce(Op.SUM, variable("Q", ("t", "h", "d")) * rename(A, {"b": "a"}), ["d"])
    assert result_axes(e) == ("t", "h", "a")
    assert evaluate(e, {"Q": np.ones((5, 2, 4)), "A": a}).shape == (5, 2, 3)


@pytest.mark.parametrize(
    ("op", "expected"), [(Op.SUM, 12.0), (Op.PROD, 64.0), (Op.MAX, 4.0), (Op.MIN, 4.0)]
)
def test_a_reduction_over_an_absent_axis(op, expected):
    assert evaluate(reduce(op, x, ["k"]), {"x": 4.0}, sizes={"k": 3}) == expected


def test_argmax_over_an_absent_axis_is_zero():
    assert evaluate(reduce(Op.ARGMAX, x, ["k"]), {"x": 4.0}, sizes={"k": 3}) == 0


def test_a_rename_to_a_bound_axis_is_a_prefix():
    P = variable("P", ("n", "d"))
    e = rename(P, {"n": "b"}) + A
    p = RNG.normal(size=(7, 4))
    np.testing.assert_array_equal(evaluate(e, {"P": p, "A": a}), (p[:3] + a).T)
    with pytest.raises(ShapeError, match="size 2 to b of size 3"):
        evaluate(e, {"P": p[:2], "A": a})


def test_sizes_pass_through_chains_of_renames():
    e = rename(rename(A, {"d": "e"}), {"e": "f"})
    np.testing.assert_array_equal(evaluate(e * position("f"), {"A": a}), a * np.arange(4))


def test_random_numbers_are_philox_in_declared_order():
    e = random("drop", ("t", "b"), 3, n)
    got = evaluate(e, {"n": 7}, sizes={"t": 4, "b": 5})
    expected = uniform(3, "drop", 7, 20).reshape(4, 5)
    np.testing.assert_array_equal(got, expected.T)  # no input orders the axes: by name
    half = evaluate(e * x, {"n": 7, "x": np.float32(1)}, sizes={"t": 4, "b": 5})
    np.testing.assert_array_equal(half, uniform(3, "drop", 7, 20, dtype=np.float32).reshape(4, 5).T)


# (values of x and y, dtype of x + y)
DTYPES = [
    ((np.ones(2, np.float32), np.ones(2, np.float32)), np.float32),
    ((np.ones(2, np.float32), np.ones(2)), np.float64),
    ((np.ones(2, np.float32), 0.5), np.float32),
    ((np.ones(2, np.float32), np.ones(2, int)), np.float32),
    ((np.ones(2, np.float16), np.ones(2, bool)), np.float32),
    ((np.ones(2, int), np.ones(2, np.uint8)), np.float64),
    ((np.ones(2, ">f4"), np.ones(2, "<f4")), np.float32),
]


@pytest.mark.parametrize(("values", "dtype"), DTYPES)
def test_results_are_in_the_widest_float(values, dtype):
    result = evaluate(x + y * 2, dict(zip("xy", values, strict=True)))
    assert result.dtype == dtype
    assert result.dtype.isnative


# (expression, values): the error it raises
DOMAIN = [
    (1 / x, {"x": 0.0}, "1 / 0 has no finite value"),
    (log(x), {"x": 0.0}, r"log\(0\) has no finite value"),
    (apply(Op.SQRT, x), {"x": -1.0}, r"sqrt\(-1\)"),
    (x ** (constant(1) / 3), {"x": -8.0}, r"\(-8\) \^ 0.333333"),
    (exp(x), {"x": 1000.0}, r"exp\(1000\)"),
    (x * x, {"x": 1e200}, r"1e\+200 \* 1e\+200"),
    (x - x, {"x": math.inf}, "inf - inf"),
    (x % 0, {"x": 5.0}, "5 % 0"),
    (apply(Op.SIN, x), {"x": math.inf}, "sin"),
    (apply(Op.GAMMA, x), {"x": -3.0}, "gamma"),
    (x + constant(10**399), {"x": 1.0}, "largest float"),
]


@pytest.mark.parametrize(("e", "values", "message"), DOMAIN)
def test_leaving_the_domain_is_an_error_for_numbers_and_arrays(e, values, message):
    with pytest.raises(DomainError, match=message):
        evaluate(e, values)
    with pytest.raises(DomainError, match=message):
        evaluate(e, {"x": np.array([values["x"], 2.0])})
    assert evaluate(e, {"x": np.array([values["x"]])}, raise_domain=False).shape == (1,)


# Infinities and nan that come in may go on; (expression, value of x, result)
PASSING = [
    (x + 1, math.inf, math.inf),
    (x + 1, math.nan, math.nan),
    (1 / x, math.inf, 0.0),
    (x / 0, math.inf, math.inf),
    (x / -constant(0), math.inf, -math.inf),
    (log(x), math.inf, math.inf),
    (x % 0, math.nan, math.nan),
    (exp(-x), 1000.0, 0.0),
    (constant("inf") * x, 2.0, math.inf),
]


@pytest.mark.parametrize(("e", "value", "expected"), PASSING)
def test_infinite_operands_follow_ieee(e, value, expected):
    np.testing.assert_array_equal(evaluate(e, {"x": value}), expected)
    np.testing.assert_array_equal(evaluate(e, {"x": np.array([value])}), [expected])


CHOICES = [
    (where(x, 1 / x, 7), 0.0, 7),
    (where(apply(Op.NOT, x), 7, 1 / x), 0.0, 7),
    (apply(Op.AND, x, 1 / x), 0.0, 0),
    (apply(Op.OR, apply(Op.NOT, x), log(x)), 0.0, 1),
    (where(x, where(x - 1, 1 / (x * (x - 1)), 5), 6), 1.0, 5),
    (custom(x, {1 / x: log(x)}), 0.0, 0),
    (where(x, exp(1 / x) + log(x), 7), 0.0, 7),
]


@pytest.mark.parametrize(("e", "value", "expected"), CHOICES)
def test_what_is_not_taken_is_not_looked_at(e, value, expected):
    assert evaluate(e, {"x": value}) == expected
    array = np.array([value, 3.0])
    got = evaluate(e, {"x": array})
    assert got[0] == expected
    assert got[1] == evaluate(e, {"x": 3.0})


def test_a_branch_taken_anywhere_counts():
    e = where(variable("c"), 1 / x, 0)
    column = np.array([[0.0], [1.0]])
    with pytest.raises(DomainError, match="1 / 0"):
        evaluate(e, {"c": column, "x": np.array([1.0, 0.0])})
    got = evaluate(e, {"c": np.array([1.0, 0.0]), "x": np.array([2.0, 0.0])})
    assert got.tolist() == [0.5, 0.0]


def test_masks_reach_through_reductions_renames_and_gathers():
    recip = 1 / A
    zeros = np.array([[1.0, 0.0, 2.0], [0.0, 4.0, 0.0]])
    diagonal = apply(Op.EQ, position("b") + 1, reduce(Op.ARGMAX, A, ["d"]) + 0)
    picked = index(recip, {"d": reduce(Op.ARGMAX, A, ["d"])})
    assert evaluate(picked, {"A": zeros}).tolist() == [0.5, 0.25]
    with pytest.raises(DomainError):
        evaluate(reduce(Op.SUM, recip, ["d"]), {"A": zeros})
    good = where(A, recip, 0)
    assert evaluate(reduce(Op.SUM, good, ["d"]), {"A": zeros}).tolist() == [1.5, 0.25]
    renamed = where(rename(A, {"d": "e"}), rename(recip, {"d": "e"}), 0)
    assert evaluate(reduce(Op.SUM, renamed, ["e"]), {"A": zeros}).tolist() == [1.5, 0.25]
    assert evaluate(diagonal, {"A": zeros}).tolist() == [0, 0]


def test_indices_outside_an_axis_are_errors_where_they_are_needed():
    e = index(A, {"d": n})
    for bad in (-1, 4):
        with pytest.raises(DomainError, match=rf"index {bad} is outside axis d, .* 0 to 3"):
            evaluate(e, {"A": a, "n": bad})
        with pytest.raises(DomainError):
            evaluate(e, {"A": a, "n": bad}, raise_domain=False)
    guarded = where(apply(Op.LT, n, 4), e, 0)
    assert evaluate(reduce(Op.SUM, guarded, ["b"]), {"A": a, "n": 9}) == 0


def test_integers_compare_exactly_and_do_not_wrap():
    assert evaluate(apply(Op.EQ, n * n, n * n + 1), {"n": 2**26}) == 0
    with pytest.raises(DomainError):
        evaluate(apply(Op.EQ, n * n * n, 0), {"n": 2**30})
    with pytest.raises(DomainError):
        evaluate(apply(Op.EQ, 5 % n, 0), {"n": 0})


ARGUMENTS = [
    (x, {}, UnknownNameError, "no value for `x`"),
    (variable("alpha"), {"alhpa": 1}, UnknownNameError, "did you mean `alhpa`"),
    (x, {"x": 2**53 + 1}, ArgumentError, "exactly"),
    (x, {"x": 10**1000}, ArgumentError, "exactly"),
    (x, {"x": np.array([2**53 + 1])}, ArgumentError, "exactly"),
    (x, {"x": np.array([2**64 - 1], np.uint64)}, ArgumentError, "exactly"),
    (x + y, {"x": np.ones(1, np.float32), "y": np.array([2**24 + 1])}, ArgumentError, "float32"),
    (x, {"x": "1"}, ArgumentError, "dtype"),
    (x, {"x": None}, ArgumentError, "dtype object"),
    (x, {"x": 1j}, ArgumentError, "complex"),
    (x, {"x": [[1, 2], [3]]}, ArgumentError, "not an array"),
    (x, {"x": np.ones(2, np.longdouble)}, ArgumentError, "dtype"),
    (x, {"x": np.ma.masked_array([1.0], [True])}, ArgumentError, "masked"),
    (x, {"x": np.array(["2020"], "M8[Y]")}, ArgumentError, "dtype"),
    (n, {"n": 1.5}, ArgumentError, "whole"),
    (n, {"n": math.nan}, ArgumentError, "whole"),
    (A, {"A": 1.0}, ShapeError, "needs the axes"),
    (A * W, {"A": a, "W": np.ones((3, 2))}, ShapeError, "axis d has size 3 in `W` and 4"),
    (A, {"A": np.ones((0, 4))}, ShapeError, "size 0"),
    (x + y, {"x": np.ones(2), "y": np.ones(3)}, ShapeError, "do not broadcast"),
    (size("k"), {}, ShapeError, "size of axis k is not known"),
    (A + variable("A"), {"A": a}, AxisError, "declared twice"),
    (index(A, {"d": x}), {"A": a, "x": 1.0}, AxisError, "an index must be an integer"),
    (random("s", (), x, 0), {"x": 0.5}, ArgumentError, "whole number"),
]


@pytest.mark.parametrize(("e", "values", "error", "message"), ARGUMENTS)
def test_wrong_arguments_are_errors(e, values, error, message):
    with pytest.raises(error, match=message):
        evaluate(e, values)


def test_values_that_no_memory_holds_are_refused():
    with pytest.raises(LimitError, match="1000000000000 elements"):
        evaluate(reduce(Op.SUM, position("k"), ["k"]), sizes={"k": 10**12})
    columns = {"x": np.ones((20_000, 1)), "y": np.ones(20_000)}
    with pytest.raises(LimitError, match="400000000 elements"):
        evaluate(x * y, columns)
    with pytest.raises(LimitError, match="400000000 elements"):
        evaluate(constant(1), columns)
    wide = constant(0)
    for i in range(70):
        wide = wide + position(f"axis{i}")
    with pytest.raises(LimitError, match="64 dimensions"):
        evaluate(wide, sizes={f"axis{i}": 1 for i in range(70)})


def test_values_are_a_mapping():
    with pytest.raises(ArgumentError, match="mapping"):
        evaluate(x, [1.0])


_PLAIN = np.arange(12.0).reshape(3, 4)
_PACKED = np.zeros(12, [("byte", "i1"), ("number", "f8")])
_PACKED["number"] = _PLAIN.ravel()

# The numbers of _PLAIN in other layouts.
LAYOUTS = [
    np.asfortranarray(_PLAIN),
    np.repeat(_PLAIN, 2, axis=1)[:, ::2],
    _PLAIN[::-1, ::-1].copy()[::-1, ::-1],
    _PLAIN.astype(">f8"),
    _PACKED["number"].reshape(3, 4),  # not aligned
    np.frombuffer(_PLAIN.tobytes()).reshape(3, 4),  # not writable
    _PLAIN.astype(np.int8),
    _PLAIN.tolist(),
    memoryview(_PLAIN),
]


@pytest.mark.parametrize("values", LAYOUTS, ids=range(len(LAYOUTS)))
def test_arrays_may_have_any_layout(values):
    np.testing.assert_array_equal(evaluate(A * 2, {"A": values}), _PLAIN * 2)


def test_an_array_may_repeat_one_number():
    repeated = np.broadcast_to(np.float64(3), (3, 4))
    np.testing.assert_array_equal(evaluate(A + A, {"A": repeated}), np.full((3, 4), 6.0))


@pytest.mark.parametrize("bad", [0, -1, 2.0, True, "3"])
def test_sizes_are_integers_from_one(bad):
    with pytest.raises(FluxError):
        evaluate(size("k"), {}, sizes={"k": bad})


def test_long_chains_need_no_recursion():
    e = x
    for _ in range(5_000):
        e = apply(Op.SIN, e) + 1 - 1
    assert evaluate(e, {"x": 0.5}) == pytest.approx(evaluate(e, {"x": np.array([0.5])})[0])


def test_a_number_gives_a_float_and_an_array_an_array():
    assert type(evaluate(x + 1, {"x": True})) is float
    assert type(evaluate(reduce(Op.SUM, A, ["b", "d"]), {"A": a})) is float
    assert evaluate(x + 1, {"x": np.ones((2, 1)), "unused": np.ones(3)}).shape == (2, 3)
    assert evaluate(x * 2, {"x": np.ones((0, 2))}).shape == (0, 2)


def test_results_never_alias_arguments():
    values = np.ones(3)
    result = evaluate(x, {"x": values})
    result[:] = 5
    assert values.tolist() == [1, 1, 1]


@pytest.mark.parametrize("op", [operator.add, operator.mul, operator.truediv])
def test_scalars_and_arrays_agree_bit_for_bit(op):
    points = RNG.normal(size=(20, 2)).tolist()
    for u, v in points:
        assert evaluate(op(x, y), {"x": u, "y": v}) == op(u, v)
        assert evaluate(op(x, y), {"x": np.array([u]), "y": v})[0] == op(u, v)
