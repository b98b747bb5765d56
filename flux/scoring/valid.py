"""What cards say of columns: valid ranges and units.

The inputs on the card of a line `name = ...` are columns, and so are those of definitions where a
text has nothing else. Elsewhere a column is what a call gives for an input; the formulas that are
called may be the text's own or published ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from flux.errors import ArgumentError
from flux.formulas import Card, Conversion, conversion, read_cards
from flux.scoring.spelling import meant
from flux.syntax.definitions import Definition, define
from flux.syntax.module import LIBRARY, as_definition
from flux.syntax.tree import Call, Keyword, Name, Text, Tree, walk

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

    @property
    def is_flag(self) -> bool:
        """Whether only 0 and 1 are valid."""
        quantity = self.card.input(self.name)
        return quantity is not None and quantity.is_flag


def stated_inputs(tree: Text) -> list[Stated]:
    """The columns of a text that cards say something of."""
    definitions = [made for line in tree.statements if (made := as_definition(line)) is not None]
    own = {one.name: one for one in (define(tree, made, LIBRARY) for made in definitions)}
    cards = read_cards(tree)
    called = set(own) if len(definitions) < len(tree.statements) else set()
    direct = [
        part for name, card in cards.items() if name not in called for part in inputs_of(card)
    ]
    return [*direct, *_of_calls(tree, own, cards)]


def inputs_of(card: Card) -> list[Stated]:
    """The inputs of a card as columns of the same names."""
    return [Stated(quantity.name, card, quantity.name) for quantity in card.inputs]


def _of_calls(
    tree: Text, own: Mapping[str, Definition], cards: Mapping[str, Card]
) -> Iterator[Stated]:
    """Columns that stand as arguments of formulas with cards, through definitions without one."""
    lines = tuple(line for line in tree.statements if as_definition(line) is None)
    pending: list[tuple[tuple[Tree, ...], Mapping[str, str] | None]] = [(lines, None)]
    seen: set[tuple[str, tuple[tuple[str, str], ...]]] = set()
    while pending:
        trees, columns = pending.pop()
        for call in walk(*trees):
            if not isinstance(call, Call) or not isinstance(call.function, Name):
                continue
            name = call.function.name
            card = cards.get(name) if name in own else _published(name)
            if card is not None:
                names = [quantity.name for quantity in card.inputs]
                given = _columns_of(call, names, columns)
                yield from (Stated(column, card, formal) for formal, column in given.items())
            elif name in own:
                given = _columns_of(call, [part.name for part in own[name].formals], columns)
                key = (name, tuple(given.items()))
                if given and key not in seen:
                    seen.add(key)
                    pending.append((own[name].body, given))


def _columns_of(
    call: Call, formals: Sequence[str], columns: Mapping[str, str] | None
) -> dict[str, str]:
    """The columns that a call gives as they are, by place and by name, for formals.

    `columns` are those of the names around it; None where names are columns themselves.
    """
    parts = (*call.arguments, *call.options)
    given = dict(zip(formals, (p for p in parts if not isinstance(p, Keyword)), strict=False))
    for part in parts:
        if isinstance(part, Keyword) and isinstance(part.name, Name) and part.name.name in formals:
            given[part.name.name] = part.value
    named = {formal: part.name for formal, part in given.items() if isinstance(part, Name)}
    if columns is None:
        return {formal: meant(name) for formal, name in named.items()}
    return {formal: columns[name] for formal, name in named.items() if name in columns}


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


def flags_of(inputs: Iterable[Stated]) -> frozenset[str]:
    """The columns of which only 0 and 1 are valid."""
    return frozenset(part.column for part in inputs if part.is_flag)


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
