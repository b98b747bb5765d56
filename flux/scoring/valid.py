"""Valid ranges of columns: from a text's cards, and from those of published formulas it calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

from flux.formulas import Card, read_cards
from flux.scoring.spelling import meant
from flux.syntax.definitions import Definition, define
from flux.syntax.module import LIBRARY, as_definition
from flux.syntax.tree import Call, Name, Text, walk

Range = tuple[float, float]


def stated_ranges(tree: Text) -> dict[str, Range]:
    """The range of each column that a text states.

    The inputs on the card of a line `name = ...` are columns, and so are those of definitions where
    a text has nothing else. Elsewhere a column is what a call gives for an input. Where two state a
    range for one column, a value must be within both.
    """
    definitions = [made for line in tree.statements if (made := as_definition(line)) is not None]
    own = {define(tree, made, LIBRARY).name for made in definitions}
    cards = read_cards(tree)
    called = own if len(definitions) < len(tree.statements) else set()
    found: dict[str, Range] = {}
    direct = (card for name, card in cards.items() if name not in called)
    stated = [pair for card in direct for pair in ranges_of(card).items()]
    for name, ends in (*stated, *_of_calls(tree, own, cards)):
        low, high = found.get(name, ends)
        found[name] = (max(low, ends[0]), min(high, ends[1]))
    return {name: ends for name, ends in found.items() if ends[0] <= ends[1]}


def ranges_of(card: Card) -> dict[str, Range]:
    """The ranges of a formula's inputs."""
    return {quantity.name: (quantity.low, quantity.high) for quantity in card.inputs}


def _of_calls(tree: Text, own: set[str], cards: Mapping[str, Card]) -> Iterator[tuple[str, Range]]:
    """The ranges of columns that stand as arguments of formulas with cards."""
    for call in walk(*(line for line in tree.statements if as_definition(line) is None)):
        if not isinstance(call, Call) or not isinstance(call.function, Name):
            continue
        name = call.function.name
        card = cards.get(name) if name in own else _published(name)
        for quantity, part in zip(card.inputs if card else (), call.arguments, strict=False):
            if isinstance(part, Name):
                yield meant(part.name), (quantity.low, quantity.high)


def _published(name: str) -> Card | None:
    definition = LIBRARY.find(name)
    return None if definition is None else card_of(definition)


def card_of(definition: Definition) -> Card | None:
    """The card above a definition of the library; None where it has none."""
    return _cards(definition.text).get(definition.name)


@lru_cache(maxsize=64)
def _cards(text: Text) -> dict[str, Card]:
    return read_cards(text)
