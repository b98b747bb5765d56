"""Whether two expressions have the same value: by structure, then by numbers, else unknown.

Structure proves: both simplify to one node, or their difference to 0. Numbers refute, with a
counter-example, or agree at many random points, which is evidence but no proof. A point counts
only where both are finite and known well: every operation carries a running error bound, found by
moving its operands by theirs, so neither cancellation nor a steep function decides.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from enum import Enum
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from flux.calculus.folding import ZERO, axis_names, number
from flux.calculus.signs import NEGATIVE, NONNEGATIVE, NONPOSITIVE, SignTable
from flux.calculus.simplify import simplify
from flux.calculus.substitute import as_expression
from flux.errors import FluxError
from flux.expr import Expr, inputs, topological, where
from flux.expr.constants import constant_value
from flux.expr.evaluate import evaluate
from flux.kernels import KERNELS
from flux.ops import Kind, Op

Floats = NDArray[np.float64]

_POINTS = 96
_ENOUGH = 8  # points that must agree
_EPSILON = 8 * np.finfo(np.float64).eps  # an operation's own error: 4 ulp, with room
_CLEAR = 1e3  # how far beyond their error bounds two values are surely different
_KNOWN = 1e-7  # a value counts where its error is below this part of it (or of 1)
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

    Inputs declared with an assumption are drawn accordingly. The points follow from the
    expressions, so the answer is the same in every run.

    Args:
        a: an expression, or a formula as text.
        b: likewise.

    Raises:
        FluxError: a text is not a formula.
    """
    a, b = as_expression(a), as_expression(b)
    if a is b or _same_by_structure(a, b):
        return Equality(Verdict.PROVED)
    if _is_scalar(a) and _is_scalar(b):
        return _by_points(a, b)
    return _by_arrays(a, b)


def _same_by_structure(a: Expr, b: Expr) -> bool:
    return simplify(a) is simplify(b) or simplify(a - b) is ZERO


def _is_scalar(e: Expr) -> bool:
    return not any(
        part.axes or part.op is Op.SIZE or part.op.row.kind not in (Kind.POINTWISE, Kind.LEAF)
        for part in topological((e,))
    )


# Scalars: all points at once, with error bounds.


def _by_points(a: Expr, b: Expr) -> Equality:
    names = _variables(a, b)
    generator = np.random.default_rng([a.hash64 ^ b.hash64])
    points = {name: _draw(generator, leaves, _POINTS) for name, leaves in names.items()}
    with np.errstate(all="ignore"):
        x, x_error = _bounded(a, points)
        y, y_error = _bounded(b, points)
        error, distance = x_error + y_error, np.abs(x - y)
        known = np.isfinite(x) & np.isfinite(y) & np.isfinite(error)
        known &= error <= _KNOWN * np.maximum(np.maximum(np.abs(x), np.abs(y)), 1.0)
    differ = np.flatnonzero(known & (distance > _CLEAR * error))
    if differ.size:
        first = int(differ[0])
        return Equality(Verdict.REFUTED, {n: float(v[first]) for n, v in points.items()})
    agreed = int(np.count_nonzero(known & (distance <= error)))
    return Equality(Verdict.AGREED if agreed >= _ENOUGH else Verdict.UNKNOWN)


def _variables(*roots: Expr) -> dict[str, list[Expr]]:
    found: dict[str, list[Expr]] = {}
    for x in inputs(*roots):
        found.setdefault(x.attributes.name, []).append(x)
    return dict(sorted(found.items()))


def _draw(
    generator: np.random.Generator, leaves: Sequence[Expr], count: int, scale: float = 1.0
) -> Floats:
    """Values in and around the interval where most functions are defined."""
    values = generator.uniform(-2.5, 2.5, count) * scale
    third = count // 3
    values[:third] = generator.uniform(0.05, 0.95, third)
    values[third : 2 * third] = generator.uniform(0.1, 4.0, third)
    if any(leaf.attributes.integer for leaf in leaves):
        values = np.floor(np.abs(values))
    return _as_assumed(values, leaves)


def _as_assumed(values: Floats, leaves: Sequence[Expr]) -> Floats:
    signs = SignTable()
    for leaf in leaves:
        allowed = signs.of(leaf)
        if allowed <= NONNEGATIVE:
            values = np.abs(values)
        elif allowed <= NONPOSITIVE or allowed <= NEGATIVE:
            values = -np.abs(values)
    return values


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


def _operation(op: Op, operands: list[tuple[Floats, Floats]]) -> tuple[Floats, Floats]:
    kernel = KERNELS[op]
    values = [value for value, _ in operands]
    result = np.asarray(kernel(*values), dtype=np.float64)
    error = np.abs(result) * _EPSILON
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
    for name, leaves in _variables(*roots).items():
        shape = [sizes[axis] for axis in leaves[0].attributes.axes]
        flat = _draw(generator, leaves, int(np.prod(shape)))
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
