"""Whether a choice by position may run as a product or a sum with a mask.

`where(mask, x, 0)` is x times the mask only if x is finite wherever the mask takes it away: 0 * inf
is nan. So x is followed back to the inputs, and every operation that can leave the finite numbers
at one position alone (a quotient, a logarithm, an exponential) forbids it. Inputs count as finite:
a model whose inputs are not has no finite loss either.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.lower.ir import Value, order, pointwise_kernel
from flux.program.opcodes import OPCODES

_MOST_ELEMENTS = 1 << 22  # of a mask that is worth computing here


class Kind(Enum):
    """What a value is at the positions that the mask takes away."""

    FINITE = "finite"
    REMOVED = "minus infinity"
    UNKNOWN = "unknown"


# Finite wherever their operands are, overflow apart, which no scale of a sound model comes near.
_TOTAL = frozenset(OPCODES) - {
    *("where", "exp", "div"),  # by rules of their own
    *("pow", "mod", "fmod", "expm1", "log", "log1p", "log2", "log10", "sqrt", "reciprocal"),
    *("tan", "asin", "acos", "sinh", "cosh", "acosh", "atanh", "gamma", "lgamma", "polygamma"),
    *("prod", "gather", "scatter"),
}


def finite_where_masked(value: Value, condition: Value, sizes: Mapping[str, int]) -> bool:
    """Whether a value is finite wherever a condition on positions does not hold."""
    mask = _mask(condition, sizes)
    if mask is None:
        return False
    return _Walk(condition, mask).kind(value) is Kind.FINITE


class _Walk:
    def __init__(self, condition: Value, mask: NDArray[np.bool_]) -> None:
        self._condition = condition
        self._mask = mask  # over the condition's axes by name
        self._kinds: dict[Value, Kind] = {}
        self._seen: dict[frozenset[str], bool] = {}

    def kind(self, root: Value) -> Kind:
        stack = [root]
        while stack:
            value = stack[-1]
            if value in self._kinds:
                stack.pop()
                continue
            waiting = (
                [] if self._is_seen(value) else [a for a in value.args if a not in self._kinds]
            )
            if waiting:
                stack.extend(waiting)
            else:
                self._kinds[value] = Kind.FINITE if self._is_seen(value) else self._rule(value)
                stack.pop()
        return self._kinds[root]

    def _is_seen(self, value: Value) -> bool:
        """Whether every element also stands at a position that the mask keeps.

        Such a value is as finite as the result that is asked for, whatever it is made of.
        """
        axes = value.axes & self._condition.axes
        if axes == self._condition.axes or value.constant is not None:
            return False
        if axes not in self._seen:
            names = sorted(self._condition.axes)
            others = tuple(n for n, axis in enumerate(names) if axis not in axes)
            self._seen[axes] = bool(self._mask.any(axis=others).all())
        return self._seen[axes]

    def _rule(self, value: Value) -> Kind:
        kinds = [self._kinds[arg] for arg in value.args]
        finite = all(kind is Kind.FINITE for kind in kinds)
        if value.opcode == "constant":
            return _constant_kind(value)
        if value.opcode == "where":
            return self._choice(value, kinds)
        if value.opcode in ("add", "sub") and kinds[0] is Kind.REMOVED:
            return Kind.REMOVED if kinds[1] is Kind.FINITE else Kind.UNKNOWN
        if value.opcode == "add" and kinds[1] is Kind.REMOVED:
            return Kind.REMOVED if kinds[0] is Kind.FINITE else Kind.UNKNOWN
        if value.opcode == "exp":
            return Kind.FINITE if kinds[0] is Kind.REMOVED else Kind.UNKNOWN
        if value.opcode == "div":
            safe = finite and self._is_seen(value.args[1])
            return Kind.FINITE if safe else Kind.UNKNOWN
        moved = value.opcode in ("rename", "select", "gather") and value.args[0].opcode == "input"
        total = value.opcode == "input" or moved or (value.opcode in _TOTAL and finite)
        return Kind.FINITE if total else Kind.UNKNOWN

    def _choice(self, value: Value, kinds: list[Kind]) -> Kind:
        test = value.args[0]
        if test is self._condition:
            return kinds[2]
        if test.opcode == "not" and test.args[0] is self._condition:
            return kinds[1]
        both = kinds[1] is kinds[2] is Kind.FINITE
        return Kind.FINITE if both else Kind.UNKNOWN


def _constant_kind(value: Value) -> Kind:
    known = value.constant
    assert known is not None
    if known == -math.inf:
        return Kind.REMOVED
    return Kind.FINITE if math.isfinite(known) else Kind.UNKNOWN


def _mask(condition: Value, sizes: Mapping[str, int]) -> NDArray[np.bool_] | None:
    """The condition's value over its axes by name; None where it is not of positions alone."""
    found: dict[Value, Any] = {}
    shape = tuple(sizes[axis] for axis in sorted(condition.axes))
    if math.prod(shape) > _MOST_ELEMENTS:
        return None
    with np.errstate(all="ignore"):
        for value in order([condition]):
            result = _numbers(value, found, condition, sizes)
            if result is None:
                return None
            found[value] = result
    return np.broadcast_to(found[condition], shape)


def _numbers(
    value: Value, found: Mapping[Value, Any], condition: Value, sizes: Mapping[str, int]
) -> Any:
    if value.constant is not None:
        return np.asarray(value.constant)
    names = sorted(condition.axes)
    if value.opcode == "iota" and value.attributes[0] in names:
        shape = [-1 if axis == value.attributes[0] else 1 for axis in names]
        return np.arange(sizes[value.attributes[0]]).reshape(shape)
    kernel = pointwise_kernel(value.opcode)
    return kernel(*(found[arg] for arg in value.args)) if kernel is not None else None
