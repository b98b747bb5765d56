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
from flux.compiler import compile as compile_formula
from flux.errors import ArgumentError, DataError, UnknownNameError, did_you_mean
from flux.expr import Expr, variable
from flux.expr.arguments import as_array, is_number
from flux.formulas.card import Card, Quantity
from flux.formulas.show import latex, page
from flux.formulas.units import conversion, split_unit
from flux.syntax import Definition

Array = NDArray[Any]
OUTSIDE = ("raise", "nan", "keep")


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

    def __call__(
        self,
        *args: Any,
        units: Mapping[str, object] | None = None,
        unit: object = None,
        outside: str = "raise",
        **named: Any,
    ) -> Any:
        """The value for these inputs, in the unit of the card's result.

        Args:
            args: values in the order of the card: numbers, arrays, quantities of pint.
            units: of values that carry none and are not in the card's: `{"glucose": "mmol/L"}`.
            unit: that the result is wanted in, instead of the card's.
            outside: what a value outside its valid range is: an error ("raise"), a result that is
                nan ("nan"), or a value as any other ("keep").
            named: values by name.

        Raises:
            DataError: a value outside its valid range; the message has its place.
            ArgumentError, UnknownNameError, ShapeError: the arguments do not fit; a unit measures
                something else.
        """
        if outside not in OUTSIDE:
            hint = did_you_mean(str(outside), OUTSIDE) or f"one of {', '.join(OUTSIDE)}"
            raise ArgumentError(f"no way {outside!r} to treat values outside a range", hint=hint)
        given = self._bound(args, named)
        values = self._in_units(given, units or {})
        arrays = {name: as_array(name, value) for name, value in values.items()}
        left_out = self._left_out(arrays, outside)
        result = self._compute(arrays)
        result = np.where(left_out, np.nan, result)
        if unit is not None:
            result = conversion(self.card, self.card.result.name, unit).inverse(result)
        plain = result.ndim == 0 and all(is_number(v) or np.ndim(v) == 0 for v in values.values())
        return float(result) if plain else result

    def _bound(self, args: Sequence[Any], named: Mapping[str, Any]) -> dict[str, Any]:
        names = [quantity.name for quantity in self.card.inputs]
        if len(args) > len(names):
            text = f"{len(args)} values for {len(names)} inputs of `{self.name}`"
            raise ArgumentError(text, hint=f"they are {', '.join(names)}")
        given = dict(zip(names, args, strict=False))
        for name, value in named.items():
            if name not in names:
                hint = did_you_mean(name, names) or f"its inputs are {', '.join(names)}"
                raise UnknownNameError(f"`{self.name}` has no input `{name}`", hint=hint)
            if name in given:
                raise ArgumentError(f"`{name}` is given twice")
            given[name] = value
        for name in names:
            if name not in given:
                raise UnknownNameError(f"`{self.name}` needs a value for `{name}`")
        return given

    def _in_units(self, given: Mapping[str, Any], units: Mapping[str, object]) -> dict[str, Any]:
        if not isinstance(units, Mapping):
            text = "units are a mapping of names to units"
            raise ArgumentError(text, hint='such as units={"glucose": "mmol/L"}')
        for name in units:
            conversion(self.card, str(name), "1") if name not in given else None
        found: dict[str, Any] = {}
        for name, value in given.items():
            magnitude, own = split_unit(value)
            if own and name in units:
                raise ArgumentError(f"`{name}` carries a unit, {own}; `units` gives it another")
            stated = own or units.get(name)
            found[name] = magnitude if stated is None else self._converted(name, magnitude, stated)
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
        try:
            return np.asarray(np.logical_or.reduce(np.broadcast_arrays(*parts)))
        except ValueError:
            return np.asarray(
                False
            )  # their shapes do not fit, which the call says with their names

    def _compute(self, arrays: Mapping[str, Array]) -> Array:
        if self._numeric is not None:
            return self._numeric(**arrays)
        return np.asarray(self._compiled(dict(arrays)))


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
    hint = (
        f"in another unit? say units={{{quantity.name!r}: ...}}; "
        if quantity.unit not in ("1", "0 or 1")
        else ""
    )
    return DataError(text, hint=hint + "outside='nan' leaves such rows out, 'keep' computes them")


def _unit(quantity: Quantity) -> str:
    return "" if quantity.unit == "1" else quantity.unit
