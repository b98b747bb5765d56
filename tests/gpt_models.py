"""The library's GPT and the reference's, side by side: the same sizes, names and values."""

from __future__ import annotations

import numpy as np

from flux.nn import Model
from flux.training.library import graph
from tests import reference_gpt as reference

SHAPE = reference.Shape(vocabulary=11, context=6, width=8, heads=2, layers=2, feed_forward=12)
BATCH = 3


def gpt(
    shape: reference.Shape = SHAPE, dtype: str = "float64", seed: int = 0, name: str = "gpt"
) -> Model:
    """The library's model of these sizes."""
    sizes = {
        "n": shape.context,
        "d": shape.width,
        "h": shape.heads,
        "k": shape.width // shape.heads,
        "f": shape.feed_forward,
        "v": shape.vocabulary,
    }
    return Model(graph(name, layers=shape.layers), sizes, dtype=dtype, seed=seed)


def reference_path(path: str) -> str:
    """The reference's name of one of the library's parameters."""
    if not path.startswith("block."):
        return path.replace("layer_norm", "norm")
    return path.replace("layer_norm_1", "norm2").replace("layer_norm", "norm1")


def parameters(shape: reference.Shape = SHAPE, seed: int = 0) -> reference.Parameters:
    """Values for the reference."""
    return reference.initial(shape, seed)


def assign(model: Model, values: reference.Parameters) -> None:
    """Give the library's model the reference's values."""
    model.load_state_dict({path: values[reference_path(path)] for path in model.parameters})


def batch(
    shape: reference.Shape = SHAPE, seed: int = 1
) -> tuple[reference.Tokens, reference.Tokens]:
    """Random tokens and targets, of the full context."""
    drawn = np.random.default_rng(seed)
    shapes = (2, BATCH, shape.context)
    tokens, targets = drawn.integers(0, shape.vocabulary, shapes)
    return tokens, targets
