"""Batches: windows of a token array, as a pure function of seed and step.

Nothing is iterated and nothing is remembered between steps, so that a resumed run sees what an
uninterrupted one would have seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from flux.errors import DataError
from flux.philox import uniform
from flux.training.tokenizer import Tokens

Batch = Mapping[str, NDArray[np.int64]]

_DRAWN_TOGETHER = 256  # steps whose windows are drawn by one call: a call for each is too slow


class Windows:
    """Windows of `context` tokens, each with the tokens that follow its own.

    The windows of step n come from numbers n*batch .. n*batch + batch - 1 of a stream of uniform
    numbers: u chooses starts[floor(u * len(starts))].

    Shapes:
        tokens, targets: (batch, context); targets[b, t] = tokens[b, t + 1].

    Args:
        tokens: all tokens of the text.
        starts: the positions at which a window may start; default: every one.
        site: the name of the stream of random numbers.
        mine: which windows of each batch are given.

    Raises:
        DataError: no window fits.
    """

    def __init__(
        self,
        tokens: Tokens,
        context: int,
        batch: int,
        seed: int,
        *,
        starts: Tokens | None = None,
        site: str = "batches",
        mine: slice = slice(None),
    ) -> None:
        places = max(0, len(tokens) - context)
        # Where every place is a start, no list of them is made: it would be as long as the text.
        self._starts = None if starts is None else starts[starts < places]
        self._count = places if self._starts is None else len(self._starts)
        if not self._count:
            raise DataError(f"no window of {context} fits into {len(tokens)} tokens")
        self._tokens = tokens
        self._offsets = np.arange(context + 1)
        self._batch = batch
        self._seed = seed
        self._site = site
        self._mine = mine
        self._drawn = lru_cache(maxsize=4)(self._draw)

    def __call__(self, step: int) -> Batch:
        """The batch of a step, counted from 0."""
        block, row = divmod(step, _DRAWN_TOGETHER)
        windows = self._tokens[self._drawn(block)[row, self._mine, None] + self._offsets]
        return {"tokens": windows[:, :-1], "targets": windows[:, 1:]}

    def _draw(self, block: int) -> Tokens:
        count = _DRAWN_TOGETHER * self._batch
        u = uniform(self._seed, self._site, 0, count, start=block * count)
        chosen = (u * self._count).astype(np.int64)
        if self._starts is not None:
            chosen = self._starts[chosen]
        return chosen.reshape(_DRAWN_TOGETHER, self._batch)


def line_starts(text: str) -> Tokens:
    """The positions in a text at which its lines start."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    ends = np.flatnonzero(codes == ord("\n"))
    return np.concatenate([[0], ends[ends < len(codes) - 1] + 1]).astype(np.int64)


class Repeated:
    """The same arrays at every step: training on the whole of a small set of data."""

    def __init__(self, arrays: Mapping[str, NDArray[np.int64]]) -> None:
        self._arrays = arrays

    def __call__(self, step: int) -> Batch:
        """The arrays."""
        return self._arrays
