"""The presets of `flux train`, one row each."""

from __future__ import annotations

from dataclasses import dataclass, fields
from math import isfinite

from flux.errors import ArgumentError


@dataclass(frozen=True)
class Preset:
    """A model and how to train it.

    Attributes:
        width, heads, layers, feed_forward: d, h, number of blocks, and f.
        context: tokens of a window, T.
        batch: windows of a step, B.
        steps: steps of a whole run.
        learning_rate: its highest value, after the warm-up.
        warm_up: steps of linear growth.
        weight_decay: per step, times the learning rate.
        trees: drawn for the embedded corpus.
    """

    width: int
    heads: int
    layers: int
    feed_forward: int
    context: int
    batch: int
    steps: int
    learning_rate: float
    warm_up: int = 100
    weight_decay: float = 0.1
    trees: int = 16_000

    def __post_init__(self) -> None:
        for field in fields(self):
            _check(field.name, str(field.type), getattr(self, field.name))

    def count(self, vocabulary: int) -> int:
        """The number of the model's parameters.

        d (2 v + n + 2) + layers (4 d^2 + 2 d f + 9 d + f)
        """
        d, f = self.width, self.feed_forward
        around = d * (2 * vocabulary + self.context + 2)
        return around + self.layers * (4 * d * d + 2 * d * f + 9 * d + f)


_FROM_ZERO = ("warm_up", "weight_decay")
_MOST = {"trees": 1_000_000}  # half a millisecond each


def _check(name: str, kind: str, value: object) -> None:
    kinds = (int,) if kind == "int" else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds):
        raise ArgumentError(f"{name} is {value!r}; it must be a {kind}")
    low = 0 if name in _FROM_ZERO else 1 if kind == "int" else 1e-12
    if not (isfinite(value) and value >= low):
        raise ArgumentError(f"{name} is {value}; it must be {low} or more")
    if value > _MOST.get(name, value):
        raise ArgumentError(f"{name} is {value}; it must be {_MOST[name]} or less")


PRESETS: dict[str, Preset] = {
    "calculus": Preset(
        width=64,
        heads=4,
        layers=2,
        feed_forward=256,
        context=48,
        batch=4,
        steps=12_000,
        learning_rate=2e-3,
    ),
    "tiny": Preset(
        width=64,
        heads=2,
        layers=1,
        feed_forward=128,
        context=32,
        batch=1,
        steps=10_000,
        learning_rate=1e-3,
    ),
    "small": Preset(
        width=128,
        heads=4,
        layers=2,
        feed_forward=512,
        context=64,
        batch=1,
        steps=10_000,
        learning_rate=1e-3,
    ),
}
