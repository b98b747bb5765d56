"""Units as they are written: `mg/dL`, `mL/min/1.73 m^2`, `113.12 g/mol`.

A unit is a product of powers of names, with a number. What stands side by side is one factor, so
that `mL/min/1.73 m^2` is per 1.73 square metres; `^` and `**` raise to a whole power, and `m2` is
`m^2`. Only names are ever looked up, so that no text of a card or of a caller is evaluated.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from flux.errors import ParseError
from flux.source import Source, Span

_LONGEST = 100
_MOST_POWER, _MOST_SCALE = 9, Fraction(10) ** 99
_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+\.?\d*(?:[eE][-+]?\d{1,2})?)|(?P<area>[A-Za-z]*m)(?P<power>[23])(?!\w)"
    r"|(?P<name>[A-Za-z_]\w*|%)|(?P<sign>\*\*|[*/^()-]))"
)


@dataclass(frozen=True)
class UnitText:
    """A number times powers of named units.

    Attributes:
        scale: the number.
        powers: names with their exponents, in order of appearance.
    """

    scale: Fraction
    powers: tuple[tuple[str, int], ...] = ()

    def times(self, other: UnitText, sign: int = 1) -> UnitText:
        """The product with another one, or with its reciprocal."""
        powers = dict(self.powers)
        for name, exponent in other.powers:
            powers[name] = powers.get(name, 0) + sign * exponent
        kept = tuple((name, exponent) for name, exponent in powers.items() if exponent)
        return UnitText(self.scale * other.scale**sign, kept)

    def to(self, exponent: int) -> UnitText:
        """A whole power."""
        powers = tuple((name, n * exponent) for name, n in self.powers)
        return UnitText(self.scale**exponent, powers)


def read_unit(text: str) -> UnitText:
    """The unit that a text spells.

    Raises:
        ParseError: the text is no unit, or too long.
    """
    return _Reader(text).unit()


class _Reader:
    """Reads tokens from the left; the nesting is bounded by the length of the text."""

    def __init__(self, text: str) -> None:
        self.source = Source(text, "<unit>")
        if not text.strip() or len(text) > _LONGEST:
            raise self.error("no unit" if not text.strip() else "a unit of too many characters", 0)
        self.tokens: list[tuple[str, str, int]] = []
        place = 0
        while text[place:].strip():
            found = _TOKEN.match(text, place)
            if found is None:
                raise self.error("no unit", place)
            self._add(found)
            place = found.end()
        self.at = 0

    def _add(self, found: re.Match[str]) -> None:
        if found["area"]:
            tokens = [("name", found["area"]), ("sign", "^"), ("number", found["power"])]
        else:
            kind = str(found.lastgroup)
            tokens = [(kind, found[kind])]
        self.tokens.extend((kind, word, found.start()) for kind, word in tokens)

    def error(self, text: str, place: int) -> ParseError:
        span = Span(self.source, place, place + 1)
        return ParseError(text, (span,), "such as mg/dL, kg/m^2 or mL/min/1.73 m^2")

    def next(self, *words: str) -> str:
        """Take the next token if it is one of these."""
        if self.at < len(self.tokens) and self.tokens[self.at][1] in words:
            self.at += 1
            return self.tokens[self.at - 1][1]
        return ""

    def unit(self) -> UnitText:
        found = self.product()
        if self.at < len(self.tokens):
            raise self.error("no unit", self.tokens[self.at][2])
        return found

    def product(self) -> UnitText:
        found = self.factor()
        while sign := self.next("*", "/"):
            found = self.bounded(found.times(self.factor(), 1 if sign == "*" else -1))
        return found

    def bounded(self, unit: UnitText) -> UnitText:
        """The unit, if it is of a size that units have."""
        powers = all(abs(exponent) <= _MOST_POWER for _, exponent in unit.powers)
        if not powers or not 1 / _MOST_SCALE < unit.scale < _MOST_SCALE:
            raise self.error("a unit of too high a power, or too large or small", 0)
        return unit

    def factor(self) -> UnitText:
        """What stands side by side."""
        found = self.power()
        while self.at < len(self.tokens) and self._begins():
            found = self.bounded(found.times(self.power()))
        return found

    def _begins(self) -> bool:
        kind, word, _ = self.tokens[self.at]
        return kind != "sign" or word == "("

    def power(self) -> UnitText:
        base = self.base()
        if not self.next("^", "**"):
            return base
        sign = -1 if self.next("-") else 1
        kind, word, place = self._take()
        if kind != "number" or word not in "123456789":
            raise self.error("the power of a unit is a whole number from -9 to 9", place)
        return self.bounded(base.to(sign * int(word)))

    def base(self) -> UnitText:
        kind, word, place = self._take()
        if kind == "number":
            if not Fraction(word):
                raise self.error("a unit of size 0", place)
            return self.bounded(UnitText(Fraction(word)))
        if kind == "name":
            return UnitText(Fraction(1), ((word, 1),))
        if word != "(":
            raise self.error("no unit", place)
        inside = self.product()
        if not self.next(")"):
            raise self.error("a bracket that is not closed", place)
        return inside

    def _take(self) -> tuple[str, str, int]:
        if self.at == len(self.tokens):
            raise self.error("a unit that ends too early", len(self.source.text) - 1)
        self.at += 1
        return self.tokens[self.at - 1]
