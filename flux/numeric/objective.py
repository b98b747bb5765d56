"""A formula as a function of a vector: value, exact gradient, exact products with its Hessian.

The unknowns, numbers or arrays, lie one after the other in one flat vector; the parameters stay as
they are. A Hessian is made of its products with unit vectors, all in one call over rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from flux import compiler
from flux.calculus import gradient
from flux.compiled import CompiledFunction
from flux.expr import Expr, apply, constant, inputs, reduce, variable
from flux.ops import Op

Array = NDArray[Any]
_KEPT = 64  # compiled formulas
_MOST_TERMS = 10_000
_DIRECTION = "\ndirection of "  # no name of a text has a line break


class Point(NamedTuple):
    """A place of a search.

    Args:
        x: the unknowns, flat.
        value: of what is minimised.
        gradient: the same shape as x.
    """

    x: Array
    value: float
    gradient: Array

    @property
    def is_finite(self) -> bool:
        """Whether value and gradient are."""
        return bool(np.isfinite(self.value) and np.isfinite(self.gradient).all())


@dataclass(frozen=True)
class Unknowns:
    """The unknowns and the places that they have in a flat vector.

    Attributes:
        leaves: the inputs.
        shapes: of their values.
    """

    leaves: tuple[Expr, ...]
    shapes: tuple[tuple[int, ...], ...]

    @property
    def names(self) -> list[str]:
        """The names of the unknowns."""
        return [leaf.attributes.name for leaf in self.leaves]

    @property
    def count(self) -> int:
        """The length of the flat vector."""
        return sum(map(prod, self.shapes))

    @property
    def is_plain(self) -> bool:
        """Whether all are numbers."""
        return not any(self.shapes)

    def slices(self) -> Iterator[tuple[str, tuple[int, ...], slice]]:
        """Name, shape and place of each."""
        begin = 0
        for name, shape in zip(self.names, self.shapes, strict=True):
            yield name, shape, slice(begin, begin + prod(shape))
            begin += prod(shape)

    def split(self, x: Array) -> dict[str, Any]:
        """The values by name; a number where the unknown is one."""
        if self.is_plain:
            return dict(zip(self.names, x.tolist(), strict=True))
        return {
            name: x[at].reshape(shape) if shape else float(x[at][0])
            for name, shape, at in self.slices()
        }

    def rows(self, vectors: Array, prefix: str) -> dict[str, Array]:
        """The parts of several vectors by prefixed name, a leading dimension for the vectors."""
        return {
            prefix + name: np.ascontiguousarray(vectors[:, at]).reshape(len(vectors), *shape)
            for name, shape, at in self.slices()
        }


@dataclass
class Function:
    """A scalar formula of the unknowns.

    Attributes:
        expr: the formula.
        unknowns: of which it is a function.
        parameters: the values of its other names.
        weights: inputs that stand for numbers given with each call of a Hessian.
        evaluations: of value and gradient, so far.
    """

    expr: Expr
    unknowns: Unknowns
    parameters: Mapping[str, Any]
    weights: tuple[str, ...] = ()
    evaluations: int = field(default=0, init=False)

    def __call__(self, x: Array) -> Point:
        """Value and gradient."""
        self.evaluations += 1
        compiled = _with_gradient(self.expr, self.unknowns.leaves)
        found = self._called(compiled, x)
        value, *parts = found.values()
        if self.unknowns.is_plain:
            return Point(x, float(value), np.array([float(part) for part in parts]))
        flat = [np.ravel(part) for part in parts]
        return Point(x, float(value), np.concatenate(flat))

    def value(self, x: Array) -> float:
        """The value alone."""
        return float(self._called(_alone(self.expr), x)["value"])

    def _called(self, compiled: CompiledFunction, x: Array) -> dict[str, Any]:
        values = {**self.parameters, **self.unknowns.split(x)}
        # By position there is a way of plain numbers, which is several times as quick.
        found: dict[str, Any] = compiled(*(values[name] for name in compiled.inputs))
        return found

    def products(self, x: Array, directions: Array, weights: Sequence[float] = ()) -> Array:
        """The Hessian times each row of directions, (k, n)."""
        compiled = _hessian_product(self.expr, self.unknowns.leaves)
        values = {
            **self.parameters,
            **self.unknowns.split(x),
            **self.unknowns.rows(directions, _DIRECTION),
            **dict(zip(self.weights, weights, strict=True)),
        }
        count = len(directions)
        found = compiled({name: values[name] for name in compiled.inputs})
        parts = [
            np.broadcast_to(part, (count, *shape)).reshape(count, -1)
            for part, shape in zip(found.values(), self.unknowns.shapes, strict=True)
        ]
        return np.concatenate(parts, axis=1)

    def hessian(self, x: Array, weights: Sequence[float] = ()) -> Array:
        """The Hessian, (n, n), exactly symmetric."""
        products = self.products(x, np.eye(len(x)), weights)
        with np.errstate(all="ignore"):
            symmetric: Array = products / 2 + products.T / 2
        return symmetric


@lru_cache(maxsize=_KEPT)
def _alone(e: Expr) -> CompiledFunction:
    return compiler.compile({"value": e}, dtype="float64")


@lru_cache(maxsize=_KEPT)
def gradients(e: Expr, leaves: tuple[Expr, ...]) -> tuple[Expr, ...]:
    """The derivatives of a scalar by each unknown."""
    return tuple(gradient(e, leaves))


@lru_cache(maxsize=_KEPT)
def _with_gradient(e: Expr, leaves: tuple[Expr, ...]) -> CompiledFunction:
    parts = {str(n): _spread(g, leaf) for n, (g, leaf) in enumerate(_paired(e, leaves))}
    return compiler.compile({"value": e, **parts}, dtype="float64")


@lru_cache(maxsize=_KEPT)
def _hessian_product(e: Expr, leaves: tuple[Expr, ...]) -> CompiledFunction:
    """H v = grad (grad f . v), for v that does not depend on the unknowns."""
    slope: Expr = constant(0)
    for g, leaf in _paired(e, leaves):
        axes = leaf.attributes.axes
        term = g * variable(_DIRECTION + leaf.attributes.name, axes)
        slope = slope + (reduce(Op.SUM, term, axes) if axes else term)
    parts = {str(n): _spread(g, leaf) for n, (g, leaf) in enumerate(_paired(slope, leaves))}
    return compiler.compile(parts, dtype="float64")


def _paired(e: Expr, leaves: tuple[Expr, ...]) -> Iterator[tuple[Expr, Expr]]:
    return zip(gradients(e, leaves), leaves, strict=True)


def _spread(g: Expr, leaf: Expr) -> Expr:
    """A derivative with all axes of its unknown, also where it is constant along one."""
    return g if g.axes == leaf.axes else g + 0 * leaf


def terms(e: Expr) -> Expr:
    """The sum of the sizes of the terms that e is a sum of, signs aside."""
    total = constant(0)
    for part in parts_of_sum(e):
        total = apply(Op.ADD, total, apply(Op.ABS, part))
    return total


def parts_of_sum(e: Expr) -> Iterator[Expr]:
    """The terms that e is a sum of, signs aside."""
    waiting, seen = [e], 0
    while waiting:
        part = waiting.pop()
        if part.op in (Op.ADD, Op.SUB, Op.NEG) and seen + len(waiting) < _MOST_TERMS:
            waiting.extend(part.args)
        else:
            seen += 1
            yield part


def is_constant(e: Expr, unknowns: Unknowns) -> bool:
    """Whether no unknown occurs in it."""
    return not set(inputs(e)) & set(unknowns.leaves)
