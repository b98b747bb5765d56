"""What is propagated: formulas, the values of their names, and how uncertain some of them are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.compiled import CompiledFunction
from flux.compiled.arguments import broadcast
from flux.errors import ArgumentError, AxisError
from flux.expr import Expr, inputs
from flux.expr.arguments import as_array, as_float
from flux.expr.signature import check_inputs
from flux.numeric.covariance import Covariance
from flux.numeric.covariance import read as read_covariance
from flux.numeric.given import check_complete, check_known, columns, divide
from flux.syntax import parse

Array = NDArray[Any]
Outputs = tuple[tuple[str, Expr], ...]

_DEFAULTS = {"sd": None, "correlation": None, "covariance": None}
_MOST_NAMES = 200


@dataclass(frozen=True)
class Setting:
    """A question, ready.

    Attributes:
        outputs: formulas by name; a single one has the name "".
        values: of all their names.
        covariance: of those that are uncertain.
        shape: of the rows; () where there are none.
    """

    outputs: Outputs
    values: Mapping[str, Any]
    covariance: Covariance
    shape: tuple[int, ...]

    @property
    def single(self) -> bool:
        """Whether there is one formula, without a name."""
        return self.outputs[0][0] == ""

    def named(self, columns: Array) -> Any:
        """The last dimension by output; the only one alone."""
        parts = [columns[..., n] for n in range(len(self.outputs))]
        shown = [float(part) if part.ndim == 0 else part for part in parts]
        if self.single:
            return shown[0]
        return dict(zip((name for name, _ in self.outputs), shown, strict=True))


def read(formula: Any, table: Any, options: Mapping[str, Any], named: Mapping[str, Any]) -> Setting:
    """The question that a call asks.

    Raises:
        FluxError: a text is no formula, a name has no value, or the covariance fits no
            distribution.
    """
    given = {**columns(table, 'propagate("x*y", x=1.0, y=2.0, sd={"x": 0.1})'), **named}
    outputs = _outputs(formula, tuple(given))
    leaves = check_inputs(inputs(*(e for _, e in outputs)))
    names = [leaf.attributes.name for leaf in leaves]
    taken, rest = divide([n for n in names if n not in given], options, _DEFAULTS)
    check_known(named, names, list(_DEFAULTS))
    known = {name: value for name, value in {**given, **taken}.items() if name in names}
    check_complete(names, known)
    uncertain = read_covariance(rest["sd"], rest["correlation"], rest["covariance"], names)
    if len(uncertain.names) > _MOST_NAMES:
        raise ArgumentError(f"more than {_MOST_NAMES} names are uncertain")
    values = {leaf.attributes.name: _value(leaf, known, uncertain) for leaf in leaves}
    shapes = {leaf.attributes.name: _leading(leaf, values[leaf.attributes.name]) for leaf in leaves}
    return Setting(outputs, values, uncertain, broadcast({**shapes, "covariance": uncertain.rows}))


def _outputs(formula: Any, given: tuple[str, ...]) -> tuple[tuple[str, Expr], ...]:
    several = formula if isinstance(formula, Mapping) else {"": formula}
    if not several or (isinstance(formula, Mapping) and not all(_is_name(n) for n in several)):
        raise ArgumentError("formulas are by name", hint='such as {"area": "a*b"}')
    found = []
    for name, e in several.items():
        if not isinstance(e, str | Expr):
            text = f"a formula is a text or an expression, not {type(e).__name__}"
            raise ArgumentError(text)
        found.append((name, parse(e, given=given) if isinstance(e, str) else e))
        if found[-1][1].axes:
            raise AxisError("the formula has named axes", hint="rows are arrays without names")
    return tuple(found)


def _is_name(name: Any) -> bool:
    return isinstance(name, str) and name != ""


def _value(leaf: Expr, known: Mapping[str, Any], uncertain: Covariance) -> Array:
    name = leaf.attributes.name
    if name in uncertain.names and (leaf.attributes.integer or leaf.attributes.axes):
        raise ArgumentError(f"`{name}` is no plain number and cannot be uncertain")
    array = as_array(name, known[name])
    if leaf.attributes.integer:
        return array
    found: Array = as_float(name, array, np.dtype(np.float64))
    return found


def _leading(leaf: Expr, value: Array) -> tuple[int, ...]:
    count = value.ndim - len(leaf.attributes.axes)
    shape: tuple[int, ...] = value.shape[: max(count, 0)]
    return shape


def called(compiled: CompiledFunction, values: Mapping[str, Any], shape: tuple[int, ...]) -> Array:
    """The values of a compiled function, its parts as the last dimension."""
    found = compiled({name: values[name] for name in compiled.inputs})
    wide = [np.broadcast_to(part, shape) for part in found.values()]
    return np.stack(wide, axis=-1)
