"""Whether two expressions have the same value: by structure, then by numbers, else unknown.

Structure proves: both simplify to one node, or their difference to 0. Numbers refute, with a
counter-example, or agree at many random points, which is evidence but no proof. A point counts
only where both are finite and known well: every operation carries a running error bound, found by
moving its operands by theirs, so neither cancellation nor a steep function decides. What floats
cannot tell apart, and points where functions turn, are asked for a proved digit of the difference.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from fractions import Fraction
from time import thread_time
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from flux.calculus.folding import ZERO, axis_names, number
from flux.calculus.points import Floats, far, near, turning, variables
from flux.calculus.simplify import simplify
from flux.calculus.substitute import as_expression
from flux.errors import FluxError
from flux.expr import Expr, count_nodes, topological, where
from flux.expr.constants import constant_value
from flux.expr.evaluate import evaluate
from flux.expr.node import service
from flux.kernels import KERNELS
from flux.ops import Kind, Op
from flux.settings import override

Asked = tuple[Mapping[str, Floats], int]

_POINTS = 96
_FAR_POINTS = 32
_ENOUGH = 8  # points that must agree
_EPSILON = 8 * np.finfo(np.float64).eps  # an operation's own error: 4 ulp, with room
_CLEAR = 1e3  # how far beyond their error bounds two values are surely different
_KNOWN = 1e-7  # a value counts where its error is below this part of it (or of 1)
_LARGE = 10_000  # nodes of two forms whose difference is not simplified as well
_ASKED = 3  # points that agree in float64 and are asked for digits
_MOST_NODES = 300  # of expressions that are looked at so closely, times points
_SECONDS = 1.0  # for what takes long even so
_AXIS_SIZES = (2, 3)
_TENSOR_POINTS = 12
_TENSOR_TOLERANCE = 1e-7
_TENSOR_NOISE = 1e-12


class Verdict(Enum):
    """How sure it is."""

    PROVED = "proved"
    AGREED = "agreed"  # at every random point that counts
    REFUTED = "refuted"
    UNKNOWN = "unknown"


class Equality(NamedTuple):
    """The answer of `equal`; true in a condition where it is proved or agreed.

    Args:
        verdict: how sure it is.
        counterexample: values of the inputs at which both sides differ, when refuted.
    """

    verdict: Verdict
    counterexample: Mapping[str, Any] | None = None

    def __bool__(self) -> bool:
        return self.verdict in (Verdict.PROVED, Verdict.AGREED)


def equal(a: Expr | str, b: Expr | str) -> Equality:
    """Whether a and b have the same value wherever both are finite.

    Literals are what they spell, so 1/3 and 0.3333333333333333 differ. Inputs declared with an
    assumption are drawn accordingly. The points follow from the expressions, so the answer is the
    same in every run.

    Args:
        a: an expression, or a formula as text.
        b: likewise.

    Raises:
        FluxError: a text is not a formula.
    """
    return _equal(as_expression(a), as_expression(b), everywhere=True)


def equal_almost_everywhere(a: Expr, b: Expr) -> Equality:
    """`equal`, without a look at single points where functions turn: what integrals depend on."""
    return _equal(a, b, everywhere=False)


def _equal(a: Expr, b: Expr, everywhere: bool) -> Equality:
    if a is b or _same_by_structure(a, b):
        return Equality(Verdict.PROVED)
    if _is_scalar(a) and _is_scalar(b):
        return _by_points(a, b, everywhere)
    return _by_arrays(a, b)


def _same_by_structure(a: Expr, b: Expr) -> bool:
    a, b = simplify(a), simplify(b)
    return a is b or (count_nodes(a, b) <= _LARGE and simplify(a - b) is ZERO)


def _is_scalar(e: Expr) -> bool:
    return not any(
        part.axes or part.op is Op.SIZE or part.op.row.kind not in (Kind.POINTWISE, Kind.LEAF)
        for part in topological((e,))
    )


# Scalars: all points at once, with error bounds.


def _by_points(a: Expr, b: Expr, everywhere: bool) -> Equality:
    names = variables(a, b)
    generator = np.random.default_rng([a.hash64 ^ b.hash64])
    points = {name: _drawn(generator, leaves) for name, leaves in names.items()}
    random = _compared(a, b, points)
    if random.differ.size:
        return _refuted(points, int(random.differ[0]))
    unsure = [(points, i) for i in (random.agree if random.agree.size else random.finite)[:_ASKED]]
    if everywhere and names and count_nodes(a, b) <= _MOST_NODES:
        turns = turning(generator, names, a, b)
        found = _compared(a, b, turns)
        unsure += [(turns, i) for i in np.setdiff1d(found.finite, found.agree)]
    for among, i in _while_quick(unsure, a, b):
        if _differs(a - b, _point(among, i)):
            return _refuted(among, i)
    return Equality(Verdict.AGREED if random.agree.size >= _ENOUGH else Verdict.UNKNOWN)


def _drawn(generator: np.random.Generator, leaves: Sequence[Expr]) -> Floats:
    return np.concatenate([near(generator, leaves, _POINTS), far(generator, leaves, _FAR_POINTS)])


class _Compared(NamedTuple):
    """Places of points: where both values are finite, surely differ, or agree within their errors.

    Where both are known well they differ or agree, or are too near to one another to tell.
    """

    finite: NDArray[np.intp]
    differ: NDArray[np.intp]
    agree: NDArray[np.intp]


def _compared(a: Expr, b: Expr, points: Mapping[str, Floats]) -> _Compared:
    with np.errstate(all="ignore"):
        x, x_error = _bounded(a, points)
        y, y_error = _bounded(b, points)
        error, distance = x_error + y_error, np.abs(x - y)
        finite = np.isfinite(x) & np.isfinite(y)
        known = finite & (error <= _KNOWN * np.maximum(np.maximum(np.abs(x), np.abs(y)), 1.0))
        differ, agree = distance > _CLEAR * error, distance <= error
    return _Compared(*map(np.flatnonzero, (finite, known & differ, known & agree)))


def _point(points: Mapping[str, Floats], place: int) -> dict[str, float]:
    return {name: float(values[place]) for name, values in points.items()}


def _refuted(points: Mapping[str, Floats], place: int) -> Equality:
    return Equality(Verdict.REFUTED, _point(points, place))


def _while_quick(unsure: Sequence[Asked], a: Expr, b: Expr) -> Iterator[Asked]:
    """The points to ask for digits: fewer of larger expressions."""
    start = thread_time()
    for asked in unsure[: _MOST_NODES // count_nodes(a, b)]:
        if thread_time() - start < _SECONDS:
            yield asked


def _differs(difference: Expr, values: Mapping[str, float]) -> bool:
    """Whether a digit of the difference that is not 0 can be proved."""
    try:
        with override(max_seconds=1):
            return bool(service("digits")(difference, 1, values).decimal)
    except FluxError:
        return False


def error_bound(e: Expr, values: Mapping[str, float]) -> tuple[float, float]:
    """The value of a scalar expression, and a running bound on its rounding error.

    Source:
        Higham, Accuracy and Stability of Numerical Algorithms (2002), section 3.3.
    """
    with np.errstate(all="ignore"):
        value, bound = _bounded(e, {name: np.full(1, x) for name, x in values.items()})
    return float(value[0]), float(bound[0])


def values_and_bounds(e: Expr, points: Mapping[str, Floats]) -> tuple[Floats, Floats]:
    """Values of a scalar expression at many points, and a running bound on each one's error."""
    with np.errstate(all="ignore"):
        return _bounded(e, points)


def _bounded(e: Expr, points: Mapping[str, Floats]) -> tuple[Floats, Floats]:
    """Values at every point, and a bound on the error of each."""
    count = max((len(values) for values in points.values()), default=_POINTS)
    known: dict[Expr, tuple[Floats, Floats]] = {}
    for part in topological((e,)):
        if part.op is Op.INPUT:
            values = points[part.attributes.name]
            known[part] = (values, np.zeros_like(values))
        elif part.op is Op.CONSTANT:
            value = constant_value(part)
            error = 0.0 if _is_exact(part, value) else abs(value) * _EPSILON
            known[part] = (np.full(count, value), np.full(count, error))
        else:
            known[part] = _operation(part.op, [known[arg] for arg in part.args])
    return known[e]


def _is_exact(e: Expr, value: float) -> bool:
    exact = number(e)
    return exact is not None and math.isfinite(value) and exact == Fraction(value)


# What may be 0 or lose bits below the normal floats though no operand is 0.
_UNDERFLOWS = frozenset((Op.MUL, Op.DIV, Op.POW, Op.EXP, Op.ERFC, Op.GAMMA))
_NORMAL, _TINY = np.finfo(np.float64).tiny, np.finfo(np.float64).smallest_subnormal


def _operation(op: Op, operands: list[tuple[Floats, Floats]]) -> tuple[Floats, Floats]:
    kernel = KERNELS[op]
    values = [value for value, _ in operands]
    result = np.asarray(kernel(*values), dtype=np.float64)
    error = np.abs(result) * _EPSILON
    if op in _UNDERFLOWS:
        error[(np.abs(result) < _NORMAL) & np.logical_and.reduce([v != 0 for v in values])] += _TINY
    for i, (value, bound) in enumerate(operands):
        if bound.any():
            for moved in (value + bound, value - bound):
                shifted = np.asarray(kernel(*values[:i], moved, *values[i + 1 :]))
                error = error + np.abs(shifted - result)
    return result, error


# Tensors: a few points, by the reference evaluator.


def _by_arrays(a: Expr, b: Expr) -> Equality:
    agreed = 0
    for attempt in range(_TENSOR_POINTS):
        generator = np.random.default_rng([a.hash64 ^ b.hash64, attempt])
        sizes = _sizes(generator, attempt, a, b)
        arrays = _arrays(generator, sizes, a, b)
        pair = _both(a, b, arrays, sizes)
        if pair is None:
            continue
        x, y = pair
        finite = np.isfinite(x) & np.isfinite(y)
        scale = np.max(np.maximum(np.abs(x), np.abs(y)), where=finite, initial=0.0)
        if np.any(finite & (np.abs(x - y) > _TENSOR_TOLERANCE * scale + _TENSOR_NOISE)):
            return Equality(Verdict.REFUTED, arrays)
        agreed += bool(finite.any())
    return Equality(Verdict.AGREED if agreed >= _TENSOR_POINTS // 2 else Verdict.UNKNOWN)


def _sizes(generator: np.random.Generator, attempt: int, *roots: Expr) -> dict[str, int]:
    """One size for all axes every other time, since a rename may ask for equal ones."""
    names = sorted(axis_names(*roots))
    if attempt % 2:
        return dict.fromkeys(names, _AXIS_SIZES[attempt // 2 % len(_AXIS_SIZES)])
    return {axis: int(generator.choice(_AXIS_SIZES)) for axis in names}


def _arrays(
    generator: np.random.Generator, sizes: Mapping[str, int], *roots: Expr
) -> dict[str, Floats]:
    arrays: dict[str, Floats] = {}
    for name, leaves in variables(*roots).items():
        shape = [sizes[axis] for axis in leaves[0].attributes.axes]
        flat = near(generator, leaves, int(np.prod(shape)))
        generator.shuffle(flat)
        if leaves[0].attributes.integer:
            flat = np.minimum(flat, min(_AXIS_SIZES) - 1)
        arrays[name] = flat.reshape(shape)
    return arrays


def _both(
    a: Expr, b: Expr, arrays: Mapping[str, Floats], sizes: Mapping[str, int]
) -> tuple[Floats, Floats] | None:
    """Values of both sides over the axes of either; None where the sizes do not fit."""
    try:
        return (
            np.asarray(evaluate(where(True, a, b), arrays, sizes=sizes, raise_domain=False)),
            np.asarray(evaluate(where(False, a, b), arrays, sizes=sizes, raise_domain=False)),
        )
    except FluxError:
        return None
