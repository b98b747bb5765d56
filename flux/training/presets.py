"""The presets of `flux train`, one row each."""

from __future__ import annotations

from dataclasses import dataclass


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
