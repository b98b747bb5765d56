"""Published formulas, each with its source, units, valid range and worked examples."""

from __future__ import annotations

from flux.formulas.card import Card, Example, Quantity, read_cards

__all__ = ["Card", "Example", "Quantity", "read_cards"]
