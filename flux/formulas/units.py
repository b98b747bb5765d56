"""Units of values: converted to those of a card, or refused with the reason.

A card states the unit of every input. A value that carries another unit of the same dimension is
converted; amount and mass are converted where the card gives the molar mass of the analyte
(`[mg/dL; 113.12 g/mol]`), and likewise other equivalents (`[uIU/mL; 6 nmol/IU]`). Anything else is
refused, so that mg/dL never passes for umol/L. The units themselves are those of `pint`, the extra
`units`; it is imported when a unit differs from the card's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import product
from typing import Any

from flux.errors import ArgumentError, UnknownNameError, did_you_mean
from flux.formulas.card import Card, Quantity
from flux.formulas.unit_text import UnitText, read_unit


@dataclass(frozen=True)
class Conversion:
    """From the unit of a value to that of a card: `value*factor + offset`."""

    factor: float
    offset: float = 0.0

    @property
    def is_identity(self) -> bool:
        """Whether it changes nothing."""
        return self.factor == 1 and self.offset == 0

    def __call__(self, value: Any) -> Any:
        """The value in the card's unit."""
        return value if self.is_identity else value * self.factor + self.offset

    @property
    def inverse(self) -> Conversion:
        """From the card's unit to that of the value."""
        return Conversion(1 / self.factor, -self.offset / self.factor)


IDENTITY = Conversion(1.0)


def conversion(card: Card, name: str, unit: object) -> Conversion:
    """How a value in a unit becomes one in the unit of an input, or of the result.

    Args:
        card: of the formula.
        name: of an input, or of the result.
        unit: a text such as `umol/L`, or a unit of pint.

    Raises:
        UnknownNameError: the card has no such name, or pint no such unit.
        ParseError: the text is no unit.
        ArgumentError: the unit measures something else; or pint is not installed.
    """
    quantity = card.result if name == card.result.name else card.input(name)
    if quantity is None:
        known = [quantity.name for quantity in card.inputs]
        hint = did_you_mean(name, known) or f"its inputs are {', '.join(known)}"
        raise UnknownNameError(f"`{card.name}` has no input `{name}`", hint=hint)
    return unit_conversion(quantity, str(unit))


def split_unit(value: Any) -> tuple[Any, str]:
    """The magnitude of a value and its unit, "" where it carries none.

    Raises:
        ArgumentError: a list of values with different units.
    """
    if _carries_unit(value):
        return value.magnitude, str(value.units)
    if not isinstance(value, list | tuple) or not any(map(_carries_unit, value)):
        return value, ""
    parts = [split_unit(part) for part in value]
    units = sorted({unit for _, unit in parts})
    if len(units) > 1:
        shown = ", ".join(unit or "none" for unit in units[:4])
        text = f"the values of a list carry different units: {shown}"
        raise ArgumentError(text, hint="convert them to one, as value.to('mg/dL') does")
    return [magnitude for magnitude, _ in parts], units[0]


def _carries_unit(value: Any) -> bool:
    return hasattr(value, "magnitude") and hasattr(value, "units")


@lru_cache(maxsize=512)
def unit_conversion(quantity: Quantity, unit: str) -> Conversion:
    """How a value in a unit becomes one in the unit of a quantity."""
    wanted = "1" if quantity.is_flag else quantity.unit
    if unit.strip() in (quantity.unit, wanted):
        return IDENTITY
    there = _pint(read_unit(unit), quantity)
    here = _pint(read_unit(wanted), quantity)
    if there.dimensionality == here.dimensionality:
        return _conversion(quantity, there, here)
    for ratio in _ratios(quantity) if _is_ratio(there.units) else ():
        if (there * ratio).dimensionality == here.dimensionality:
            return _conversion(quantity, there * ratio, here)
    raise ArgumentError(
        f"`{quantity.name}` is in {quantity.unit}; a value in {unit} is no such quantity",
        hint=_reason(quantity, there, here),
    )


def _reason(quantity: Quantity, there: Any, here: Any) -> str:
    shown = f"{_dimension(there)} is not {_dimension(here)}"
    both = {"[mass]", "[substance]"} <= {*there.dimensionality, *here.dimensionality}
    if both and not quantity.equivalents:
        return f"{shown}, and the card of the formula gives no molar mass"
    return shown


def _dimension(quantity: Any) -> str:
    """Such as `[mass]*[length]^-3`."""
    powers = [(name, int(power)) for name, power in quantity.dimensionality.items()]
    return "*".join(n if p == 1 else f"{n}^{p}" for n, p in powers) or "a plain number"


def _conversion(quantity: Quantity, there: Any, here: Any) -> Conversion:
    """Exact in fractions; rounded once."""
    from pint.errors import PintError

    try:
        zero = type(there)(Fraction(0), there.units).to(here.units).magnitude
        one = type(there)(Fraction(1), there.units).to(here.units).magnitude
    except (PintError, TypeError, ValueError, ArithmeticError):
        text = f"a value of `{quantity.name}` in {there.units} is no multiple of {quantity.unit}"
        raise ArgumentError(text) from None
    factor = (one - zero) * there.magnitude / here.magnitude
    return Conversion(float(factor), float(zero / here.magnitude))


def _ratios(quantity: Quantity) -> list[Any]:
    """Every product of the equivalents of a card and their reciprocals."""
    known = [_pint(read_unit(text), quantity) for text in quantity.equivalents]
    found = []
    for exponents in product((1, -1, 0), repeat=len(known)):
        ratio = _registry().Quantity(Fraction(1))
        for one, exponent in zip(known, exponents, strict=True):
            ratio = ratio * one**exponent
        found.append(ratio)
    return found


def _pint(unit: UnitText, quantity: Quantity) -> Any:
    """A unit as a quantity of pint."""
    registry = _registry()
    powers = [(_named(name, quantity), exponent) for name, exponent in unit.powers]
    if len(powers) == 1 and powers[0][1] == 1:  # it may have a zero of its own, as degC
        return registry.Quantity(unit.scale, powers[0][0])
    found = registry.Quantity(unit.scale)
    for one, exponent in powers:
        if not _is_ratio(one):
            raise ArgumentError(f"{one} has a zero of its own: it stands alone, not within a unit")
        found = found * registry.Quantity(Fraction(1), one) ** exponent
    return found


def _is_ratio(unit: Any) -> bool:
    """Whether twice the number is twice as much, unlike with degrees Celsius and decibels."""
    from pint.errors import PintError

    try:
        return not _registry().Quantity(Fraction(0), unit).to_base_units().magnitude
    except (PintError, TypeError, ValueError, ArithmeticError):
        return False


# The unit of activity of hormones is written U, which is pint's unit of catalytic activity.
_INTERNATIONAL = re.compile(r"(n|u|m|k|M)?U")


def _named(name: str, quantity: Quantity) -> Any:
    from pint.errors import UndefinedUnitError

    known = _INTERNATIONAL.fullmatch(name)
    try:
        return _registry().parse_units(f"{known[1] or ''}IU" if known else name)
    except UndefinedUnitError:
        hint = did_you_mean(name, _COMMON) or f"`{quantity.name}` is in {quantity.unit}"
        raise UnknownNameError(f"no unit `{name}`", hint=hint) from None


_COMMON = (
    *("g", "mg", "ug", "ng", "pg", "kg", "L", "dL", "mL", "uL", "mol", "mmol", "umol", "nmol"),
    *("pmol", "m", "cm", "mm", "mmHg", "kPa", "Torr", "degC", "year", "day", "hour", "minute"),
    *("second", "IU", "mIU", "uIU", "Eq", "mEq", "percent"),
)


@lru_cache(maxsize=1)
def _registry() -> Any:
    """A registry of pint of our own, with fractions, so that conversions are exact."""
    try:
        import pint
    except ImportError:
        text = "units are converted by pint, which is not installed"
        raise ArgumentError(text, hint='pip install "fluxparser[units]"') from None
    registry: Any = pint.UnitRegistry(non_int_type=Fraction)
    registry.define("international_unit = [international_unit] = IU")
    registry.define("equivalent = [charge_amount] = Eq")
    return registry
