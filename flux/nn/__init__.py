"""Models: graphs of the language with sizes and parameters."""

from flux.nn.batch import Batch, conform, sizes_of
from flux.nn.model import Model
from flux.nn.parameters import GROUPS, OTHERS, WEIGHTS, Entry, Parameters

__all__ = [
    "GROUPS",
    "OTHERS",
    "WEIGHTS",
    "Batch",
    "Entry",
    "Model",
    "Parameters",
    "conform",
    "sizes_of",
]
