"""How printed texts spell names, axes and numbers.

A name that would mean something else stands in backticks; docs/language.md lists which.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from flux.expr.node import Expr
from flux.ops import Kind, Op

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_WORDS = frozenset(("and", "or", "not", "inf", "nan", "true", "false", "size", "position"))
_CONSTANTS = {"e": ("e", "E"), "pi": ("pi", "PI", "Pi", "pI")}


def reserved(name: str) -> bool:
    """Whether a bare name cannot be a value, or is no name at all."""
    return name in _WORDS or name.lower() in _CONSTANTS or _PLAIN.match(name) is None


def axis_names(order: Iterable[Expr]) -> list[str]:
    """Every axis that expressions mention, in order of appearance."""
    found: dict[str, None] = {}
    for e in order:
        found.update(dict.fromkeys(_mentioned(e)))
    return list(found)


def _mentioned(e: Expr) -> Iterable[str]:
    if e.op in (Op.INPUT, Op.RANDOM):
        return tuple(e.attributes.axes)
    if e.op in (Op.POSITION, Op.SIZE):
        return (e.attributes,)
    if e.op is Op.RENAME:
        return (axis for pair in e.attributes for axis in pair)
    return e.attributes or () if e.op.row.kind in (Kind.REDUCTION, Kind.ACCESS) else ()


@dataclass(frozen=True)
class Spelling:
    """The names of one text.

    Attributes:
        axes: every axis that the text mentions.
        values: the names of its inputs.
    """

    axes: frozenset[str]
    values: frozenset[str]

    @classmethod
    def of(cls, order: Sequence[Expr]) -> Spelling:
        """The names that the nodes of a topological order need."""
        values = frozenset(e.attributes.name for e in order if e.op is Op.INPUT)
        return cls(frozenset(axis_names(order)), values)

    def value(self, name: str) -> str:
        """An input's name."""
        return f"`{name}`" if reserved(name) or name in self.axes else name

    def axis(self, name: str) -> str:
        """An axis between brackets."""
        return f"`{name}`" if reserved(name) else name

    def position(self, axis: str) -> str:
        """An axis's position as a value."""
        return f"position[`{axis}`]" if reserved(axis) else axis

    def constant(self, e: Expr) -> str:
        """A constant; pi and e in a case that no axis or input of the text has."""
        kind, value = e.attributes
        if kind == "decimal":
            return show_decimal(value)
        if kind != "named":
            return str(value).lower()
        taken = self.axes | self.values
        return next((name for name in _CONSTANTS.get(value, ()) if name not in taken), str(value))

    def temporaries(self) -> Iterator[str]:
        """`_1`, `_2`, ..., without those that the text has already."""
        number = 0
        while True:
            number += 1
            name = f"_{number}"
            if name not in self.axes and name not in self.values:
                yield name


_MANY_DIGITS = 40  # of a number that is near its limit of digits, which zeros would break


def show_decimal(value: Decimal) -> str:
    """An exact decimal, always with a point or an exponent: `1.0`, `0.05`, `1e-07`, `2.5e+30`."""
    sign, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    assert not sign
    shown = "".join(map(str, digits))
    leading = exponent + len(shown)  # digits before the point
    if leading < -3 or leading > 16 or (leading <= 0 and len(shown) > _MANY_DIGITS):
        rest = f".{shown[1:]}" if len(shown) > 1 else ""
        return f"{shown[0]}{rest}e{leading - 1:+03d}"
    if exponent >= 0:
        return f"{shown}{'0' * exponent}.0"
    if leading <= 0:
        return f"0.{'0' * -leading}{shown}"
    return f"{shown[:leading]}.{shown[leading:]}"
