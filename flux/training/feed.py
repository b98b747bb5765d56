"""What a trainer may be fed with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flux.errors import ArgumentError, DataError
from flux.nn import Batch

Feed = Callable[[int], Batch]


def feed(source: Feed | Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> Feed:
    """A function from the step's number to its batch.

    Args:
        source: such a function; or one batch, used at every step; or several, used in turn.

    Raises:
        DataError: no batch at all.
        ArgumentError: something else.
    """
    if callable(source):
        return source
    if isinstance(source, Mapping):
        source = [source]
    if not isinstance(source, Sequence) or not all(isinstance(b, Mapping) for b in source):
        raise ArgumentError(
            "data is a batch (name to array), a list of batches, or a function of the step"
        )
    if not source:
        raise DataError("the data has no batch")
    batches = list(source)
    return lambda step: batches[step % len(batches)]
