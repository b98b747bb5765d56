"""The model of a fit: a response, a curve, and the curve's derivatives by its parameters.

The text goes through the language's own parser. The left side is what was measured, and has
columns only; the right side is the curve.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from flux import compiler
from flux.compiled import CompiledFunction
from flux.errors import ArgumentError, AxisError, UnknownNameError, did_you_mean
from flux.expr import Expr, count_nodes, inputs
from flux.numeric.fitting.zeros import constant_powers_of_zero, unmarked
from flux.ops import COMPARISONS
from flux.settings import Settings, current
from flux.source import Source, Span
from flux.syntax import parse, parse_equation

_KEPT = 128  # compiled models
_SIMPLIFIED_NODES = 400  # of a derivative that is simplified to see whether a parameter is in it


@dataclass(frozen=True)
class Model:
    """A response and a curve.

    Attributes:
        response: of columns.
        curve: of columns and parameters.
        text: as it was written.
    """

    response: Expr
    curve: Expr
    text: str

    @property
    def names(self) -> list[str]:
        """All names, in order of first appearance on the right, then on the left."""
        return list(dict.fromkeys(_names(self.curve) + _names(self.response)))

    def place(self, name: str) -> tuple[Span, ...]:
        """Where a name stands in the text."""
        found = re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", self.text)
        return (Span(Source(self.text, "<model>"), *found.span()),) if found else ()


def _names(e: Expr) -> list[str]:
    return [x.attributes.name for x in inputs(e)]


def read_model(model: Any, response: Any, given: Iterable[str]) -> Model:
    """The model that a text or an expression is.

    Args:
        model: `y = curve`, or a curve alone with a response.
        response: a name or formula of columns; None where the text says it.
        given: names that values are given for: they shadow constants.

    Raises:
        FluxError: the text is no model.
    """
    if not isinstance(model, str | Expr):
        raise ArgumentError(f"a model is a text or an expression, not {type(model).__name__}")
    given = tuple(given)
    if isinstance(model, str) and response is None:
        found = _equation(model, given, current())
        return _checked(Model(*found, model))
    if response is None:
        raise ArgumentError("the model does not say what was measured", hint='give response="y"')
    left = read_side(response, given)
    right = read_side(model, given)
    return _checked(Model(left, right, f"{left} = {right}"))


def read_side(side: Any, given: tuple[str, ...]) -> Expr:
    """A formula of columns or parameters."""
    if isinstance(side, Expr):
        return side
    if not isinstance(side, str):
        raise ArgumentError(f"a formula is a text or an expression, not {type(side).__name__}")
    return parse(side, "<model>", given=given)


@lru_cache(maxsize=_KEPT)
def _equation(text: str, given: tuple[str, ...], settings: Settings) -> tuple[Expr, Expr]:
    sides = parse_equation(text, "<model>", given=given)
    plain = "=" not in text or (sides.left.op in COMPARISONS)
    if plain:
        raise ArgumentError(
            "the model does not say what was measured", hint="write it as y = a + b*x"
        )
    return sides.left, sides.right


def _checked(model: Model) -> Model:
    for side in (model.response, model.curve):
        if side.op in COMPARISONS:
            raise ArgumentError("this compares two values", hint="write a model with one `=`")
        for x in (side, *inputs(side)):
            if x.axes:
                raise AxisError("a model has no axes", hint="columns have one value a row")
    return model


@dataclass(frozen=True)
class Roles:
    """What the names of a model are.

    Attributes:
        parameters: free ones, in order.
        fixed: numbers by name.
        columns: of the curve and the response.
    """

    parameters: tuple[str, ...]
    fixed: Mapping[str, float]
    columns: tuple[str, ...]


def assign_roles(
    model: Model,
    columns: Sequence[str],
    starts: Mapping[str, Any],
    fixed: Mapping[str, float],
    unstarted: Sequence[str],
) -> Roles:
    """Sort a model's names into parameters, fixed numbers and columns.

    Raises:
        UnknownNameError: a name is none of these, or something is given that the model lacks.
        ArgumentError: a name is two of these, or the response has a parameter.
    """
    names = model.names
    known = [*starts, *fixed, *unstarted]
    for name in known:
        if name not in names:
            hint = did_you_mean(name, names) or f"it has {', '.join(f'`{n}`' for n in names[:8])}"
            raise UnknownNameError(f"the model has no `{name}`", hint=hint)
        if name in columns:
            hint = "leave out one of the two"
            raise ArgumentError(f"`{name}` is a column, and has a value too", hint=hint)
    for name in names:
        if name not in known and name not in columns:
            raise _unknown(model, name, columns)
    moving = [name for name in names if name in known and name not in fixed]
    measured = _names(model.response)
    for name in moving:
        if name in measured:
            text = f"`{name}` is a parameter, and stands on the side of what was measured"
            raise ArgumentError(text, model.place(name), "move it to the right side")
    if not moving:
        hint = "give a start for each parameter, as in a=1.0"
        raise ArgumentError("the model has no parameter to fit", hint=hint)
    return Roles(tuple(moving), fixed, tuple(n for n in names if n in columns))


def _unknown(model: Model, name: str, columns: Sequence[str]) -> UnknownNameError:
    near = did_you_mean(name, list(columns))
    shown = ", ".join(columns[:8]) or "no columns"
    hint = near or f"give a parameter its start, as in {name}=1.0; the data has {shown}"
    text = f"`{name}` is neither a column nor a parameter with a start"
    return UnknownNameError(text, model.place(name), hint)


# Derivatives.


@lru_cache(maxsize=_KEPT)
def compiled_curve(curve: Expr) -> CompiledFunction:
    """The curve."""
    return compiler.compile(curve, dtype="float64")


@lru_cache(maxsize=_KEPT)
def compiled_jacobian(curve: Expr, parameters: tuple[str, ...]) -> CompiledFunction:
    """The curve and its derivatives by parameters, which share their work."""
    smooth = constant_powers_of_zero(curve, parameters)
    derivatives = {f"d{i}": unmarked(smooth.diff(p)) for i, p in enumerate(parameters)}
    outputs = {"": curve, **derivatives}
    return compiler.compile({f"c{k}": e for k, e in outputs.items()}, dtype="float64")


@lru_cache(maxsize=_KEPT)
def is_linear(curve: Expr, parameters: tuple[str, ...]) -> bool:
    """Whether the derivatives by all parameters are free of all of them."""
    names = frozenset(parameters)
    return all(_is_free(curve.diff(p), names) for p in parameters)


def _is_free(e: Expr, names: frozenset[str]) -> bool:
    if names.isdisjoint(_names(e)):
        return True
    if count_nodes(e) > _SIMPLIFIED_NODES:
        return False
    return names.isdisjoint(_names(e.simplify()))
