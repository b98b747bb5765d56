"""Published formulas, each with its source, units, valid range and worked examples."""

from __future__ import annotations

from flux.formulas.card import Card, Example, Quantity, read_cards
from flux.formulas.units import Conversion, conversion, split_unit

__all__ = [
    "Card",
    "Conversion",
    "Example",
    "Quantity",
    "conversion",
    "read_cards",
    "split_unit",
]
