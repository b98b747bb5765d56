"""A formula with its card: called with numbers, arrays and quantities, shown and printed.

Values are converted to the units of the card, compared with its valid ranges and computed by the
compiled definition. An input that is nan gives nan, also where the definition would not look at it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.compiled import CompiledFunction
from flux.compiled.arguments import bind, broadcast
from flux.compiler import compile as compile_formula
from flux.errors import ArgumentError, DataError, UnknownNameError, did_you_mean
from flux.expr import Expr, variable
from flux.expr.arguments import as_array, is_number
from flux.formulas.card import Card, Example, Quantity
from flux.formulas.show import latex, page
from flux.formulas.units import conversion, split_unit
from flux.syntax import Definition

Array = NDArray[Any]
_OUTSIDE = ("raise", "nan", "keep")
_OPTIONS: Mapping[str, Any] = {"units": None, "unit": None, "outside": "raise"}


class Formula:
    """A formula of the library, or of a text with cards.

    Args:
        card: what it is.
        definition: how it is computed.
        topic: the file that it stands in.
        numeric: what computes it from arrays where the definition alone would take too long.

    Attributes:
        card, definition, topic: as given.
        name: by which it is called.
    """

    def __init__(
        self,
        card: Card,
        definition: Definition,
        topic: str = "",
        numeric: Callable[..., Array] | None = None,
    ) -> None:
        self.card = card
        self.definition = definition
        self.topic = topic
        self.name = card.name
        self._numeric = numeric

    def __repr__(self) -> str:
        return f"<formula {self.name}({', '.join(q.name for q in self.card.inputs)})>"

    def __reduce__(self) -> tuple[Any, ...]:
        from flux.formulas.shelf import again  # the shelf stands above what stands on it

        return again, (self.definition.text.source, self.name, self.topic)

    @cached_property
    def expr(self) -> Expr:
        """The formula as an expression of its inputs."""
        return self.definition(*[variable(quantity.name) for quantity in self.card.inputs])

    def to_latex(self) -> str:
        """The formula as LaTeX, line by line as its definition is written."""
        return latex(self.card, self.definition)

    def __str__(self) -> str:
        return page(self.card, self.definition)

    @cached_property
    def _compiled(self) -> CompiledFunction:
        return compile_formula(self.expr)

    def __call__(self, *args: Any, **named: Any) -> Any:
        """The value for these inputs, in the unit of the card's result.

        Args:
            args: values in the order of the card, or one mapping or table of columns. A value is a
                number, an array or a quantity of pint.
            named: values by name, and options, which yield to inputs of their names: `units` of
                values that carry none and are not in the card's, `{"glucose": "mmol/L"}`; `unit`
                that the result is wanted in; `outside`, what a value outside its valid range is:
                an error ("raise", the default), a result that is nan ("nan"), or a value as any
                other ("keep").

        Raises:
            DataError: a value outside its valid range; the message has its place.
            ArgumentError, UnknownNameError, ShapeError: the arguments do not fit; a unit measures
                something else.
        """
        options = {**_OPTIONS, **{k: named.pop(k) for k in _OPTIONS if self._is_option(k, named)}}
        outside = _checked_outside(options["outside"])
        values = self._in_units(self._bound(args, named), options["units"])
        arrays = {name: as_array(name, value) for name, value in values.items()}
        left_out = self._left_out(arrays, outside)
        result = np.where(left_out, np.nan, self._compute(arrays, left_out))
        if options["unit"] is not None:
            to = conversion(self.card, self.card.result.name, options["unit"])
            result = to.inverse(result)
        plain = result.ndim == 0 and all(is_number(v) or np.ndim(v) == 0 for v in values.values())
        return float(result) if plain else result

    def _is_option(self, name: str, named: Mapping[str, Any]) -> bool:
        return name in named and name not in self._names

    @property
    def _names(self) -> list[str]:
        return [quantity.name for quantity in self.card.inputs]

    def check(self) -> list[tuple[Example, float]]:
        """The worked examples that do not come out, each with the value found instead."""
        found = [(example, float(self(dict(example.values)))) for example in self.card.examples]
        return [(e, value) for e, value in found if not abs(value - e.expected) <= e.tolerance]

    def _bound(self, args: Sequence[Any], named: Mapping[str, Any]) -> dict[str, Any]:
        for name in named:
            if name not in self._names:
                raise self._unknown(name)
        return bind(self._names, args, named)

    def _unknown(self, name: str) -> UnknownNameError:
        hint = did_you_mean(name, self._names) or f"its inputs are {', '.join(self._names)}"
        return UnknownNameError(f"`{self.name}` has no input `{name}`", hint=hint)

    def _in_units(self, given: Mapping[str, Any], units: Any) -> dict[str, Any]:
        units = {} if units is None else units
        if not isinstance(units, Mapping):
            text = "units are a mapping of names to units"
            raise ArgumentError(text, hint='such as units={"glucose": "mmol/L"}')
        for name in units:
            if name not in given:
                raise self._unknown(str(name))
        found: dict[str, Any] = {}
        for name, value in given.items():
            magnitude, own = split_unit(value)
            if own and name in units:
                raise ArgumentError(f"`{name}` carries a unit, {own}; `units` gives it another")
            if own or name in units:
                magnitude = self._converted(name, magnitude, own or units[name])
            found[name] = magnitude
        return found

    def _converted(self, name: str, value: Any, unit: object) -> Any:
        found = conversion(self.card, name, unit)
        return value if found.is_identity else found(as_array(name, value).astype(float))

    def _left_out(self, arrays: Mapping[str, Array], outside: str) -> Array:
        """Where there is no result: an input is missing, or outside its range and not kept."""
        parts = []
        for quantity in self.card.inputs:
            array = arrays[quantity.name]
            wrong = is_outside(quantity, array)
            if outside == "raise" and wrong.any():
                raise _outside(self.card, quantity, array, wrong)
            parts.append(np.isnan(array) | (wrong if outside == "nan" else False))
        broadcast({name: array.shape for name, array in arrays.items()})
        return np.asarray(np.logical_or.reduce(np.broadcast_arrays(*parts)))

    def _compute(self, arrays: Mapping[str, Array], left_out: Array) -> Array:
        if self._numeric is not None:  # which refuses what is no count
            return self._numeric(**{k: np.where(left_out, np.nan, v) for k, v in arrays.items()})
        return np.asarray(self._compiled(dict(arrays)))


def _checked_outside(outside: Any) -> str:
    if outside not in _OUTSIDE:
        hint = did_you_mean(str(outside), _OUTSIDE) or f"one of {', '.join(_OUTSIDE)}"
        raise ArgumentError(f"no way {outside!r} to treat values outside a range", hint=hint)
    return str(outside)


def is_outside(quantity: Quantity, values: Array) -> Array:
    """Where values are outside the valid range; one that is nan is not.

    A yes or no is 0 or 1.
    """
    with np.errstate(invalid="ignore"):
        wrong = (values < quantity.low) | (values > quantity.high)
        if quantity.is_flag:
            wrong |= ~np.isnan(values) & (values != 0) & (values != 1)
    return np.asarray(wrong)


def _outside(card: Card, quantity: Quantity, values: Array, wrong: Array) -> DataError:
    place = np.argwhere(wrong)[0].tolist()
    value = float(values[tuple(place)])
    where = f" at {place[0] if len(place) == 1 else place}" if place else ""
    wanted = "0 or 1" if quantity.is_flag else f"{quantity.valid} {_unit(quantity)}".rstrip()
    text = f"`{quantity.name}` is {value:g}{where}, outside the range of `{card.name}`: {wanted}"
    unit = "" if quantity.unit in ("1", "0 or 1") else "`units` says which unit it is in; "
    hint = f'{unit}`outside` "nan" leaves it out, "keep" computes it'
    return DataError(text, hint=hint)


def _unit(quantity: Quantity) -> str:
    return "" if quantity.unit == "1" else quantity.unit
