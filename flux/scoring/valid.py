"""What cards say of columns: valid ranges and units.

The inputs on the card of a line `name = ...` are columns, and so are those of definitions where a
text has nothing else. Elsewhere a column is what a call gives for an input; the formulas that are
called may be the text's own or published ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from flux.errors import ArgumentError
from flux.formulas import Card, Conversion, conversion, read_cards
from flux.scoring.spelling import meant
from flux.syntax.definitions import Definition, define
from flux.syntax.module import LIBRARY, as_definition
from flux.syntax.tree import Call, Name, Text, walk

Range = tuple[float, float]


@dataclass(frozen=True)
class Stated:
    """A column that stands for an input of a card."""

    column: str
    card: Card
    name: str

    @property
    def range(self) -> Range:
        """What is valid."""
        quantity = self.card.input(self.name)
        assert quantity is not None
        return quantity.low, quantity.high


def stated_inputs(tree: Text) -> list[Stated]:
    """The columns of a text that cards say something of."""
    definitions = [made for line in tree.statements if (made := as_definition(line)) is not None]
    own = {define(tree, made, LIBRARY).name for made in definitions}
    cards = read_cards(tree)
    called = own if len(definitions) < len(tree.statements) else set()
    direct = [
        part for name, card in cards.items() if name not in called for part in inputs_of(card)
    ]
    return [*direct, *_of_calls(tree, own, cards)]


def inputs_of(card: Card) -> list[Stated]:
    """The inputs of a card as columns of the same names."""
    return [Stated(quantity.name, card, quantity.name) for quantity in card.inputs]


def _of_calls(tree: Text, own: set[str], cards: Mapping[str, Card]) -> Iterator[Stated]:
    """Columns that stand as arguments of formulas with cards."""
    for call in walk(*(line for line in tree.statements if as_definition(line) is None)):
        if not isinstance(call, Call) or not isinstance(call.function, Name):
            continue
        name = call.function.name
        card = cards.get(name) if name in own else _published(name)
        for quantity, part in zip(card.inputs if card else (), call.arguments, strict=False):
            if card is not None and isinstance(part, Name):
                yield Stated(meant(part.name), card, quantity.name)


def _published(name: str) -> Card | None:
    definition = LIBRARY.find(name)
    return None if definition is None else card_of(definition)


def card_of(definition: Definition) -> Card | None:
    """The card above a definition of the library; None where it has none."""
    return _cards(definition.text).get(definition.name)


@lru_cache(maxsize=64)
def _cards(text: Text) -> dict[str, Card]:
    return read_cards(text)


def ranges_of(inputs: Iterable[Stated]) -> dict[str, Range]:
    """The range of each column; where two are stated, a value must be within both."""
    found: dict[str, Range] = {}
    for part in inputs:
        low, high = found.get(part.column, part.range)
        found[part.column] = (max(low, part.range[0]), min(high, part.range[1]))
    return {name: ends for name, ends in found.items() if ends[0] <= ends[1]}


def conversion_of(column: str, unit: str, inputs: Iterable[Stated]) -> Conversion:
    """How a column with a unit becomes one in the unit that its formulas need.

    Raises:
        ArgumentError: no formula says which unit it needs, or they need different ones; the unit
            measures something else; pint is not installed.
    """
    found = {conversion(p.card, p.name, unit) for p in inputs if p.column == column}
    if len(found) == 1:
        return found.pop()
    why = "its formulas need different units" if found else "no formula says which unit it needs"
    text = f"column `{column}` is in {unit}, and {why}"
    raise ArgumentError(text, hint="convert it, and hand in plain numbers")
